"""What solid things and rooms are made of: patterns, wood, tiles, prints."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import draw, shoot, solids


def image_of(area):
    return Image.fromarray(np.clip(area, 0, 255).astype(np.uint8))


def tiled_noise(r, size, cells, strength):
    """Smooth noise that goes on at its other side."""
    coarse = shoot.generator(r).uniform(-strength, strength, (cells, cells)).astype(np.float32)
    coarse = np.pad(coarse, 3, mode="wrap")
    big = Image.fromarray(coarse).resize((size * (cells + 6) // cells,) * 2, Image.BICUBIC)
    edge = size * 3 // cells
    return np.asarray(big)[edge : edge + size, edge : edge + size][:, :, None]


def grain(r, size, strength):
    return shoot.generator(r).standard_normal((size, size, 1)).astype(np.float32) * strength


def plain(r, tone, size=256):
    """One colour, a bit worn: grain, stains, scratches."""
    area = (
        np.array(tone, np.float32)
        + tiled_noise(r, size, 4, r.uniform(3, 16))
        + grain(r, size, r.uniform(1, 7))
    )
    image = image_of(area + tiled_noise(r, size, 40, r.uniform(0, 8)))
    pen = ImageDraw.Draw(image)
    for _ in range(r.choice([0, 0, 2, 6])):
        x, y = r.randrange(size), r.randrange(size)
        end = (x + r.randint(-40, 40), y + r.randint(-40, 40))
        pen.line((x, y, *end), fill=draw.mixed(tone, r.choice([(0, 0, 0), (255, 255, 255)]), 0.25))
    return image


def stripes(r, tones, size=256):
    count, wave = r.choice([4, 6, 8, 12, 16]), r.choice([0, 0, 0, 6, 14])
    x = (
        np.arange(size)[None]
        + wave * np.sin(np.arange(size) * 2 * np.pi / size * r.choice([1, 2, 4]))[:, None]
    )
    inks = np.array([r.choice(tones) for _ in range(count)], np.float32)
    area = inks[(np.floor(x * count / size) % count).astype(int)]
    image = image_of(area + grain(r, size, 5) + tiled_noise(r, size, 5, 8))
    return image.transpose(Image.ROTATE_90) if r.random() < 0.5 else image


def checks(r, tones, size=256):
    """A plaid: stripes of two directions over each other."""
    one, other = (np.asarray(stripes(r, tones, size), np.float32) for _ in range(2))
    other = other.transpose(1, 0, 2)
    return image_of(one * 0.5 + other * 0.5 + grain(r, size, 4))


def motifs(r, tones, size=256, cells=None):
    """One to three small figures in rows on a ground."""
    cells = cells or r.choice([2, 3, 4, 6])
    image = Image.new("RGB", (size, size), tones[0])
    edge = size // cells
    stamps = []
    for _ in range(r.randint(1, 3)):
        stamp = Image.new("RGB", (edge, edge), tones[0])
        inset = edge * r.uniform(0.05, 0.2)
        draw.figure(r, stamp, (inset, inset, edge - inset, edge - inset), list(tones[1:]))
        stamps.append(stamp)
    for row in range(cells):
        for column in range(cells):
            image.paste(
                stamps[(row * r.choice([1, 1, 2]) + column) % len(stamps)], (column * edge, row * edge)
            )
    return image_of(np.asarray(image, np.float32) + grain(r, size, 5) + tiled_noise(r, size, 6, 8))


def weave(r, tones, size=256):
    """Knitted or woven: threads over and under, with blocks of other colours."""
    threads = r.choice([24, 32, 48])
    cells = np.array([[r.random() < 0.35 for _ in range(threads // 4)] for _ in range(threads // 4)])
    if r.random() < 0.7:
        cells = cells | cells[:, ::-1]
    tone = np.where(np.kron(cells, np.ones((4, 4)))[:, :, None], tones[1], tones[0]).astype(np.float32)
    area = np.asarray(image_of(tone).resize((size, size), Image.NEAREST), np.float32)
    x = np.arange(size) * threads * np.pi / size
    relief = np.abs(np.sin(x + 0.8 * np.sin(2 * x)[:, None])) * np.abs(np.sin(x))[:, None]
    return image_of(area * (0.6 + 0.45 * relief[:, :, None]) + grain(r, size, 5) + tiled_noise(r, size, 5, 8))


def carpet(r, tones, size=512):
    """A rug with borders round a field of figures."""
    image = motifs(r, tones, size, r.choice([4, 6, 8]))
    for k, share in enumerate(sorted((r.uniform(0.02, 0.2) for _ in range(r.randint(2, 4))), reverse=True)):
        band = motifs(r, [tones[(k + 1) % len(tones)], *tones[::-1]], size, r.choice([8, 12, 16]))
        edge = int(share * size)
        hole = Image.new("L", (size, size), 255)
        ImageDraw.Draw(hole).rectangle((edge, edge, size - edge, size - edge), fill=0)
        image.paste(band, (0, 0), hole)
    tuft = grain(r, size, 14) + tiled_noise(r, size, 8, 12)
    return image_of(np.asarray(image.filter(ImageFilter.GaussianBlur(1)), np.float32) + tuft)


def tiles(r, tones, size=256, cells=None, bricks=None):
    """Tiles or bricks with joints, each of a slightly other shade."""
    cells, bricks = cells or r.choice([2, 4, 6]), r.random() < 0.4 if bricks is None else bricks
    rows = cells * 2 if bricks else cells
    image = Image.new(
        "RGB", (size, size), draw.mixed(tones[0], (60, 60, 60) if r.random() < 0.5 else (230,) * 3, 0.6)
    )
    pen = ImageDraw.Draw(image)
    wide, tall, joint = size / cells, size / rows, max(2, size // (cells * 24))
    for row in range(rows):
        for column in range(cells + 1):
            x = (column - (0.5 if bricks and row % 2 else 0)) * wide
            tone = tones[(row + column) % 2] if len(tones) > 1 and not bricks else tones[0]
            bright = r.uniform(0.82, 1.12)
            tone = tuple(int(value * bright * r.uniform(0.97, 1.03)) for value in tone)
            pen.rectangle(
                (x + joint / 2, row * tall + joint / 2, x + wide - joint / 2, (row + 1) * tall - joint / 2),
                fill=tone,
            )
    return image_of(np.asarray(image, np.float32) + grain(r, size, 6) + tiled_noise(r, size, 12, 12))


def boards(r, size=512):
    """A wooden floor or table top."""
    tone = np.array(
        r.choice([(150, 105, 65), (95, 62, 40), (190, 155, 110), (120, 95, 75), (70, 50, 42)]), np.float32
    )
    count = r.choice([1, 3, 5, 8])
    area = np.zeros((size, size, 3), np.float32)
    edges = np.linspace(0, size, count + 1).astype(int)
    for low, high in zip(edges, edges[1:]):
        lines = Image.fromarray(shoot.generator(r).standard_normal((high - low, 10)).astype(np.float32))
        lines = np.asarray(lines.resize((size, high - low), Image.BICUBIC))
        area[low:high] = tone * r.uniform(0.85, 1.12) + (lines * r.uniform(6, 14))[:, :, None]
        if count > 1:
            area[low : low + 2] *= 0.5
    area += tiled_noise(r, size, 6, 12)
    knots = Image.new("L", (size, size))
    for _ in range(r.randint(0, 6)):
        x, y, edge = r.randrange(size), r.randrange(size), r.randint(4, 14)
        ImageDraw.Draw(knots).ellipse((x - edge * 2, y - edge, x + edge * 2, y + edge), fill=110)
    knots = np.asarray(knots.filter(ImageFilter.GaussianBlur(3)), np.float32)[:, :, None] / 255
    return image_of(area * (1 - knots) + grain(r, size, 3))


def stone(r, size=256):
    tone = np.array(draw.mixed(draw.vivid(r), (r.randint(90, 220),) * 3, r.uniform(0.7, 0.95)), np.float32)
    area = tone + grain(r, size, r.uniform(4, 18))
    for cells, most in ((5, 9), (16, 14), (60, 22)):
        area = area + tiled_noise(r, size, cells, r.uniform(3, most))
    return image_of(area)


# Colours that made things often have.
COMMON = [
    *[
        (236, 232, 222),
        (250, 250, 248),
        (38, 38, 40),
        (120, 122, 125),
        (196, 184, 160),
        (142, 100, 66),
        (92, 62, 44),
    ],
    *[
        (34, 48, 92),
        (60, 98, 158),
        (132, 170, 200),
        (164, 38, 40),
        (200, 72, 52),
        (206, 160, 60),
        (232, 204, 96),
    ],
    *[
        (48, 88, 58),
        (110, 138, 84),
        (48, 118, 118),
        (214, 160, 158),
        (190, 104, 72),
        (112, 74, 110),
        (222, 130, 50),
    ],
]


def palette(r, count=4, soft=None):
    """A few colours: common ones, or neighbours and opposites of a hue; soft mixes them with a grey."""
    soft, hue = r.uniform(0, 0.6) if soft is None else soft, r.random()
    grey, common = (r.randint(60, 220),) * 3, r.random() < 0.65
    out = []
    for tone in r.sample(COMMON, count):
        if common:
            out.append(
                draw.mixed(
                    tuple(min(255, max(0, part + r.randint(-18, 18))) for part in tone), grey, soft * 0.5
                )
            )
        else:
            turn = r.choice([0, 0.05, 0.33, 0.5]) + r.uniform(-0.05, 0.05)
            out.append(draw.mixed(draw.vivid(r, r.uniform(0.2, 0.95), hue + turn), grey, soft))
    return out


def pattern(r, tones):
    return r.choice([stripes, checks, motifs, weave])(r, tones)


def spines(r, count):
    """The backs of a row of books."""
    tones, image = palette(r, 6), Image.new("RGB", (16 * count, 128))
    pen = ImageDraw.Draw(image)
    for k in range(count):
        tone, top = draw.mixed(r.choice(tones), (40, 40, 40), r.uniform(0, 0.4)), r.choice([0, 0, 8, 18])
        pen.rectangle((16 * k, 0, 16 * k + 15, 127), fill=(25, 22, 20))
        pen.rectangle((16 * k, top, 16 * k + 14, 127), fill=tone)
        for y in (r.randint(20, 60), r.randint(70, 115)):
            pen.rectangle((16 * k + 3, y, 16 * k + 11, y + r.choice([2, 4, 20])), fill=draw.readable(tone))
    return image


def floor(r):
    """Something to stand on, and how large one texture of it is in table widths."""
    kind = r.randrange(6)
    tones = palette(r, 4, r.uniform(0.2, 0.7))
    if kind == 0:
        return carpet(r, tones)
    if kind == 1:
        return boards(r)
    if kind == 2:
        return tiles(r, tones[:2], 512)
    if kind == 3:
        return stone(r, 512)
    if kind == 4:
        return pattern(r, tones)
    return weave(r, [draw.mixed(tone, tones[0], 0.7) for tone in tones], 512)


def wall(r):
    """Plaster, wallpaper, tiles or bricks."""
    kind = r.randrange(5)
    tone = draw.mixed(draw.vivid(r, 0.9), (r.randint(190, 250),) * 3, r.uniform(0.5, 0.95))
    if kind <= 1:
        return plain(r, tone)
    if kind == 2:
        return motifs(r, [tone] + [draw.mixed(tone, other, 0.35) for other in palette(r, 3)])
    if kind == 3:
        return stripes(r, [tone, draw.mixed(tone, draw.vivid(r), 0.2), tone])
    return tiles(r, [tone, draw.mixed(tone, (0, 0, 0), 0.08)], bricks=r.random() < 0.5)


def sticker(r, image, photo=None, words=None, share=None):
    """Something stuck onto a surface: a small picture, a mark or words."""
    edge = int(min(image.size) * (share or r.uniform(0.25, 0.5)))
    small = Image.new("RGB", (edge, edge), r.choice([(240, 240, 235), draw.vivid(r)]))
    if photo is not None:
        small = draw.fill_box(photo, edge, edge, r)
    elif words:
        small = small.crop((0, 0, edge, max(12, edge // 2)))
        tone = small.getpixel((0, 0))
        middle = (small.width // 2, small.height // 2)
        draw.text(
            small,
            middle,
            words,
            draw.fitted(words, small.height * 0.7, edge * 0.9),
            draw.readable(tone),
            1,
            anchor="mm",
        )
    else:
        draw.logo(r, small, edge // 10, edge // 10, edge * 8 // 10, draw.vivid(r))
    mask = Image.new("L", small.size, 255)
    if r.random() < 0.4:
        mask = Image.new("L", small.size, 0)
        ImageDraw.Draw(mask).ellipse((0, 0, *small.size), fill=255)
    turn = r.uniform(-25, 25)
    small, mask = small.rotate(turn, Image.BICUBIC, expand=True), mask.rotate(
        turn, Image.BILINEAR, expand=True
    )
    image.paste(
        small,
        (int((image.width - small.width) * r.random()), int((image.height - small.height) * r.random())),
        mask,
    )
    return image


def printed(r, photo, width, height, words):
    """A face of a package: a picture or figure, words, sometimes small print and a bar code."""
    face = solids.label(r, photo, width, height, words)
    pen = ImageDraw.Draw(face)
    if r.random() < 0.5:
        tone = draw.vivid(r, 0.5)
        low = int(height * r.uniform(0.7, 0.85))
        pen.rectangle((0, low, width, height), fill=tone)
        small = draw.words(r, 8)
        draw.paragraph(
            face,
            (width * 0.08, low + 4, width * 0.92, height),
            small,
            max(9, height * 0.05),
            draw.readable(tone),
        )
    if r.random() < 0.3 and width > 80 and height > 80:
        x, y = int(width * r.uniform(0.05, 0.6)), int(height * r.uniform(0.6, 0.8))
        pen.rectangle((x, y, x + width * 0.3, y + height * 0.16), fill=(250, 250, 250))
        draw.barcode(r, pen, (x + 4, y + 3, x + width * 0.3 - 4, y + height * 0.15))
    return face
