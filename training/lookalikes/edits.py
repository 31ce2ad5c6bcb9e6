"""Edits of single photos: crops, strips, overlays, collages, and details scaled up."""

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from . import draw, shoot
from .draw import text


def larger(photo, side):
    scale = side / max(photo.size)
    return (
        photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.BICUBIC)
        if scale > 1
        else photo
    )


def crop(r, photo):
    """Cuts off 20 to 35 % of the width and of the height, anywhere."""
    width, height = photo.size
    wide, tall = int(width * (1 - r.uniform(0.2, 0.35))), int(height * (1 - r.uniform(0.2, 0.35)))
    x, y = r.randint(0, width - wide), r.randint(0, height - tall)
    return photo.crop((x, y, x + wide, y + tall))


def strip(r, photo):
    """Keeps a band of 12 to 25 % of the height or of the width, between 30 and 70 % of it: the most textured of a few."""
    best = None
    for k in range(8):
        share = r.uniform(0.12, 0.25)
        start = r.uniform(0.3, 0.7 - share)
        if k % 2:
            band = photo.crop(
                (0, int(photo.height * start), photo.width, int(photo.height * (start + share)))
            )
        else:
            band = photo.crop(
                (int(photo.width * start), 0, int(photo.width * (start + share)), photo.height)
            )
        best = max(best or (0, 0, None), (texture(band), k, band), key=lambda found: found[:2])
    return best[2]


def texture(image):
    """How much there is to see: steps of brightness, each counted up to a limit so that one hard edge is not enough."""
    grey = np.asarray(image.convert("L"), np.float32)
    return float(
        np.minimum(np.abs(np.diff(grey, axis=0)), 20).mean()
        + np.minimum(np.abs(np.diff(grey, axis=1)), 20).mean()
    )


def border(r, photo):
    tone = r.choice([(255, 255, 255), (0, 0, 0), draw.vivid(r), (235, 225, 205)])
    image = ImageOps.expand(photo, max(6, int(photo.width * r.uniform(0.03, 0.12))), tone)
    return ImageOps.expand(image, 4, draw.readable(tone)) if r.random() < 0.3 else image


def overlay(r, photo):
    """A headline, sometimes on a bar."""
    image, line = photo.copy(), draw.words(r, 2, 4)
    line = line.upper() if r.random() < 0.5 else line.title()
    size = draw.fitted(line, image.height * r.uniform(0.08, 0.18), image.width * 0.9)
    y = int(image.height * r.choice([0.05, 0.42, 0.8]))
    tone = draw.vivid(r)
    if r.random() < 0.5:
        ImageDraw.Draw(image).rectangle((0, y - size * 0.2, image.width, y + size * 1.4), fill=tone)
        text(image, (image.width // 2, y), line, size, draw.readable(tone), bold=1, anchor="ma")
    else:
        ImageDraw.Draw(image).text(
            (image.width // 2, y),
            line,
            font=draw.font(size),
            fill=(255, 255, 255),
            stroke_width=3,
            stroke_fill=(20, 20, 20),
            anchor="ma",
        )
    return image


def watermark(r, photo):
    """Pale words, once in the middle or all over."""
    layer, words = Image.new("L", photo.size, 0), draw.title(r, 1, 2)
    pen, size = ImageDraw.Draw(layer), photo.height // 14
    strength = r.randint(70, 150)
    if r.random() < 0.5:
        for y in range(0, photo.height, size * 3):
            for x in range(
                -(y // size % 2) * 60, photo.width, int(draw.font(size).getlength(words)) + 50
            ):
                pen.text((x, y), words, font=draw.font(size), fill=strength)
        layer = layer.rotate(r.choice([0, 20, 30]), Image.BILINEAR)
    else:
        pen.text(
            (photo.width // 2, photo.height // 2),
            words,
            font=draw.font(size * 3),
            fill=strength,
            anchor="mm",
            stroke_width=1,
        )
    image = photo.copy()
    image.paste((255, 255, 255), (0, 0), layer)
    return image


def relit(r, photo):
    image = ImageEnhance.Brightness(photo).enhance(
        r.choice([r.uniform(0.6, 0.85), r.uniform(1.15, 1.4)])
    )
    image = ImageEnhance.Contrast(image).enhance(r.uniform(0.7, 1.4))
    return ImageEnhance.Color(image).enhance(r.uniform(0.3, 1.7))


def grey(r, photo):
    image = photo.convert("L").convert("RGB")
    return (
        ImageOps.colorize(photo.convert("L"), (30, 15, 0), (255, 240, 215))
        if r.random() < 0.3
        else image
    )


def turned(r, photo):
    angle = r.choice([-1, 1]) * r.uniform(2, 9)
    if r.random() < 0.5:
        return photo.rotate(
            angle, Image.BICUBIC, expand=True, fillcolor=r.choice([(255, 255, 255), (0, 0, 0)])
        )
    cut = 0.09
    image = photo.rotate(angle, Image.BICUBIC)
    return image.crop(
        (
            int(image.width * cut),
            int(image.height * cut),
            int(image.width * (1 - cut)),
            int(image.height * (1 - cut)),
        )
    )


def collage(r, photo, others):
    """Two or four pictures side by side, one of them this photo; the others are shown nowhere else."""
    gap, tone, count = (
        r.choice([0, 6, 14]),
        r.choice([(255, 255, 255), (20, 20, 20)]),
        r.choice([2, 2, 4]),
    )
    shape = (420, 300) if photo.width >= photo.height else (300, 420)
    fitting = draw.fill_box(photo, *shape)
    cells = [draw.fill_box(others.draw(), *shape) for _ in range(count - 1)]
    cells.insert(r.randrange(count), fitting)
    columns = 2 if count == 4 or shape[0] < shape[1] else 1
    rows = count // columns
    page = Image.new(
        "RGB", (columns * shape[0] + gap * (columns + 1), rows * shape[1] + gap * (rows + 1)), tone
    )
    for place, cell in enumerate(cells):
        page.paste(
            cell,
            (gap + place % columns * (shape[0] + gap), gap + place // columns * (shape[1] + gap)),
        )
    return page


WHOLE = [border, overlay, watermark, relit, grey, turned]


def edits(name, things, bank, rng):
    """Four copies of a photo: one hardly changed, the others with one to three edits; at most one strip a photo."""
    t = rng(name)
    photos = bank.mixed(t, 300)
    for thing in range(things):
        photo = larger(photos.draw(), 640)
        # Fillers of collages come from the same deck, so that no photo is in two things.
        r = rng(name, thing)
        hard = r.sample(["crop", "strip", "collage", "whole", "whole"], 3)
        out = [shoot.saved_again(r, photo, 0.02)]
        for copy, way in enumerate(hard):
            r = rng(name, thing, copy)
            if way == "collage":
                image = collage(
                    r, photo if r.random() < 0.6 else r.choice(WHOLE[3:])(r, photo), photos
                )
            elif way == "whole":
                image = photo
                for edit in r.sample(WHOLE, r.randint(1, 3)):
                    image = edit(r, image)
            else:
                image = crop(r, photo) if way == "crop" else strip(r, photo)
                if r.random() < 0.4:
                    image = r.choice([relit, grey] if way == "strip" else WHOLE)(r, image)
            out.append(image)
        yield out


def around(photo, x, y, share):
    """The part of a photo round a point, as wide and as high as this share of it; all as shares."""
    width, height, half = photo.width, photo.height, share / 2
    return photo.crop(
        (
            int((x - half) * width),
            int((y - half) * height),
            int((x + half) * width),
            int((y + half) * height),
        )
    )


def detail(name, things, bank, rng):
    """Photos, and details of a third of their sides from one region, scaled up."""
    t = rng(name)
    photos = bank.mixed(t, 390)
    for thing in range(things):
        photo = photos.draw()
        r = rng(name, thing)
        spots = [(x, y) for x in (0.25, 0.5, 0.75) for y in (0.25, 0.5, 0.75)]
        found = [texture(around(photo, x, y, 0.34)) for x, y in spots]
        u, v = spots[int(np.argmax(found))]
        # The middle when it has something to show.
        if r.random() < 0.5 and found[4] > 0.6 * max(found):
            u, v = 0.5, 0.5
        out = [shoot.saved_again(r, larger(photo, r.randint(420, 760)), 0.02)]
        for copy in range(r.choice([2, 3])):
            r = rng(name, thing, copy)
            share = r.uniform(0.28, 0.4)
            x, y = u + r.uniform(-0.05, 0.05), v + r.uniform(-0.05, 0.05)
            x, y = min(1 - share / 2, max(share / 2, x)), min(1 - share / 2, max(share / 2, y))
            image = around(photo, x, y, share)
            scale = r.uniform(1, 3)
            image = image.resize(
                (int(image.width * scale), int(image.height * scale)),
                r.choice([Image.BICUBIC, Image.LANCZOS, Image.BILINEAR]),
            )
            out.append(shoot.saved_again(r, image, 0.01))
        if r.random() < 0.3:
            out.append(shoot.light(r, larger(photo, 640), 0.2))
        yield out
