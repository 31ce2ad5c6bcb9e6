"""Prints of one series."""

import math

import numpy as np
from PIL import Image, ImageDraw

from . import copies, draw, shoot


def pattern(r, style, tones):
    """A print: one motif repeated on a lattice, with its own motif, spacing, turn and colours."""
    width, height = 760, 760
    page = Image.new("RGB", (width, height), tones[0])
    pen = ImageDraw.Draw(page)
    step, turn, stagger = r.randint(70, 170), r.uniform(0, 0.5), r.random() < 0.6
    sides, inner, layers = r.randint(3, 9), r.uniform(0.35, 0.9), r.randint(2, 3)
    stripes = r.choice([0, 0, r.randint(24, 90)])
    if stripes and style != "poster":
        for k in range(0, width, stripes * 2):
            pen.rectangle((k, 0, k + stripes, height), fill=draw.mixed(tones[0], tones[1], 0.35))
    if style == "poster":
        for _ in range(r.randint(4, 9)):
            x, y, size = (
                r.uniform(0.1, 0.9) * width,
                r.uniform(0.1, 0.9) * height,
                r.uniform(60, 220),
            )
            shape, tone = r.randrange(4), r.choice(tones[1:])
            if shape == 0:
                pen.ellipse((x - size, y - size, x + size, y + size), fill=tone)
            elif shape == 1:
                pen.polygon(draw.ring(sides, x, y, size, r.uniform(0, 6), size * inner), fill=tone)
            elif shape == 2:
                pen.rectangle((x - size, y - size / 4, x + size, y + size / 4), fill=tone)
            else:
                pen.arc(
                    (x - size, y - size, x + size, y + size),
                    r.randint(0, 180),
                    r.randint(200, 400),
                    fill=tone,
                    width=r.randint(14, 50),
                )
        return page
    for row in range(-1, height // step + 2):
        for column in range(-1, width // step + 2):
            x = (column + (0.5 if stagger and row % 2 else 0)) * step
            y = row * step * (0.87 if stagger else 1.0)
            lean = turn + (row + column) % 2 * (1.6 if style == "fabric" else 0)
            radius = step * 0.42
            if style == "flower":
                for k in range(sides):
                    u, v = x + radius * 0.6 * math.cos(
                        lean + 6.283 * k / sides
                    ), y + radius * 0.6 * math.sin(lean + 6.283 * k / sides)
                    size = radius * inner * 0.55
                    pen.ellipse(
                        (u - size, v - size, u + size, v + size), fill=tones[1 + (row + column) % 2]
                    )
                pen.ellipse(
                    (x - radius * 0.3, y - radius * 0.3, x + radius * 0.3, y + radius * 0.3),
                    fill=tones[3],
                )
            elif style == "tile":
                half = step / 2
                pen.rectangle((x - half, y - half, x + half, y + half), outline=tones[3], width=3)
                for k in range(layers):
                    pen.polygon(
                        draw.ring(
                            sides,
                            x,
                            y,
                            radius * (1 - k * 0.33),
                            turn + k,
                            radius * inner * (1 - k * 0.33),
                        ),
                        fill=tones[1 + k % 3],
                    )
            else:
                drop = [
                    (
                        x + radius * math.cos(a) * (0.5 + 0.5 * math.sin(a / 2 + lean) ** 2),
                        y + radius * math.sin(a) * inner,
                    )
                    for a in np.linspace(0, 6.283, 30)
                ]
                pen.polygon(drop, fill=tones[1 + (row * 2 + column) % 2], outline=tones[3])
                size = radius * 0.28
                pen.ellipse((x - size, y - size * inner, x + size, y + size * inner), fill=tones[3])
    return page


def saturated(photo):
    """The hue of a garment and where it is: None unless much of the middle has one strong colour."""
    hsv = np.asarray(photo.convert("HSV"), np.int32)
    height, width = hsv.shape[:2]
    middle = hsv[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4].reshape(-1, 3)
    strong = middle[(middle[:, 1] > 90) & (middle[:, 2] > 60)]
    if len(strong) < 0.6 * len(middle):
        return None
    counts = np.bincount(strong[:, 0] // 8, minlength=32)
    hue = int(counts.argmax()) * 8 + 4
    apart = np.abs((hsv[:, :, 0] - hue + 128) % 256 - 128)
    if (apart[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] < 20).mean() < 0.6:
        return None
    return np.clip((36 - apart) / 12.0, 0, 1) * np.clip((hsv[:, :, 1] - 30) / 40.0, 0, 1)


def recoloured(photo, where, degrees):
    hsv = np.asarray(photo.convert("HSV")).copy()
    hsv[:, :, 0] = (hsv[:, :, 0].astype(np.int32) + round(degrees * 256 / 360)) % 256
    turned = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"), np.float32)
    soft = where[:, :, None]
    return Image.fromarray(
        (turned * soft + np.asarray(photo, np.float32) * (1 - soft)).astype(np.uint8)
    )


def series(name, things, bank, rng):
    """Prints of one series, and garments in several colours; a colour of a garment is a thing."""
    t = rng(name)
    style, palette = t.choice(["flower", "tile", "fabric", "poster"]), [
        draw.vivid(t) for _ in range(3)
    ] + [(245, 240, 230), (35, 35, 45)]
    garments = bank.garments(t, sorted(bank.clothing))
    tables = [shoot.desk(t, bank.scenes(t).draw()) for _ in range(3)]
    fresh = []
    for thing in range(things):
        r = rng(name, thing)
        if thing % 2 == 0:
            tones = r.sample(palette, 3) + [draw.vivid(r)]
            image = pattern(r, style, tones)
        else:
            if not fresh:
                while True:
                    photo = garments.draw()
                    where = saturated(photo)
                    if where is not None:
                        break
                photo = photo.resize((photo.width * 3 // 2, photo.height * 3 // 2), Image.BICUBIC)
                where = np.asarray(
                    Image.fromarray(where.astype(np.float32)).resize(photo.size, Image.BILINEAR)
                )
                start = r.uniform(65, 110)
                fresh = [
                    (photo, where, degrees) for degrees in (0, start, start + r.uniform(65, 120))
                ]
            photo, where, degrees = fresh.pop()
            image = recoloured(photo, where, degrees)
        yield copies.copies(
            rng(name, thing, "copies"),
            image,
            tables,
            bank.ways(("save colour", "scan colour", "photo", "photo")),
        )
