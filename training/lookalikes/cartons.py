"""Packages of one brand on shelves."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

from . import draw, shoot
from .draw import text


def brand(t, bank):
    """The front of a package: a brand's layout; flavours differ in words, a colour and a small picture."""
    width, height = t.choice([(420, 600), (600, 420), (460, 560), (380, 640), (640, 360)])
    name, base, shape = draw.title(t, 1), draw.vivid(t, 0.75), t.choice(["circle", "box", "wave"])
    band, ground = t.choice(["top", "middle", "slant"]), t.choice(
        [None, (250, 248, 240), draw.vivid(t, 0.4)]
    )
    bold, wide, slant = t.choice([1, 2, 3]), t.choice([0.8, 1.0, 1.2]), t.choice([0, 0, 0.25])
    badge, claims = draw.words(t, 1).upper(), [draw.words(t, 2) for _ in range(2)]
    sort_of, weight = (
        draw.title(t, 1, 2),
        f"{t.choice([125, 200, 250, 400, 500, 750, 1000])} {t.choice(['g', 'ml'])}",
    )
    mark_seed, left = t.getrandbits(30), t.random() < 0.5
    pictures = bank.objects(t)

    def flavour(r):
        tone, words = draw.vivid(r, r.uniform(0.5, 0.95)), draw.title(r, 1, 2)
        page = Image.new("RGB", (width, height), ground or draw.mixed((255, 255, 255), tone, 0.75))
        pen = ImageDraw.Draw(page)
        photo, edge = pictures.draw(), int(min(width, height) * 0.46)
        if shape == "wave":
            swing = [
                (x, height * 0.7 + height * 0.06 * math.sin(x / width * 6))
                for x in range(0, width + 10, 10)
            ]
            pen.polygon(swing + [(width, height), (0, height)], fill=tone)
        elif shape == "box":
            pen.rectangle((0, height * 0.78, width, height), fill=tone)
        else:
            pen.ellipse((-width * 0.3, height * 0.68, width * 1.3, height * 1.5), fill=tone)
        x, y = (int(width * 0.07) if left else int(width * 0.93) - edge), int(height * 0.93) - edge
        window = Image.new("L", (edge, edge), 0)
        outline = ImageDraw.Draw(window)
        (outline.rectangle if shape == "box" else outline.ellipse)(
            (0, 0, edge - 1, edge - 1), fill=255
        )
        page.paste(draw.fill_box(photo, edge, edge), (x, y), window)
        if band == "slant":
            pen.polygon(
                [(0, height * 0.1), (width, 0), (width, height * 0.24), (0, height * 0.34)],
                fill=base,
            )
            spot = (width // 2, int(height * 0.17))
        else:
            start = 0 if band == "top" else 0.1
            pen.rectangle((0, height * start, width, height * (start + 0.22)), fill=base)
            spot = (width // 2, int(height * (start + 0.11)))
        big = draw.fitted(name.upper(), height * 0.16, width * 0.8 / max(1, wide))
        text(
            page,
            spot,
            name.upper(),
            big,
            draw.readable(base),
            bold=bold,
            wide=wide,
            slant=slant,
            anchor="mm",
        )
        below = page.getpixel((width // 2, int(height * 0.4)))
        plain = draw.readable(below)
        text(
            page,
            (width // 2, int(height * 0.37)),
            sort_of,
            draw.fitted(sort_of, height * 0.07, width * 0.8),
            plain,
            anchor="ma",
        )
        line = words.upper() if bold > 1 else words
        text(
            page,
            (width // 2, int(height * 0.45)),
            line,
            draw.fitted(line, height * 0.085, width * 0.86),
            (
                plain
                if ground is None
                else draw.mixed(tone, plain, 0.25 if abs(sum(tone) - sum(below)) > 240 else 0.75)
            ),
            bold=1,
            anchor="ma",
        )
        side = int(width * 0.07) + (edge + int(width * 0.05) if left else 0)
        for k, claim in enumerate(claims):
            text(
                page,
                (side, int(height * (0.66 + 0.05 * k))),
                claim,
                draw.fitted(claim, height * 0.035, width * 0.38),
                draw.readable(page.getpixel((side + 5, int(height * 0.66)))),
            )
        text(page, (side, int(height * 0.9)), weight, height * 0.05, draw.readable(tone), bold=1)
        draw.logo(
            random.Random(mark_seed), page, side, int(height * 0.78), int(height * 0.09), base
        )
        pen.rounded_rectangle(
            (width * 0.04, height * 0.02, width * 0.04 + height * 0.15, height * 0.07),
            8,
            fill=(250, 250, 250),
        )
        text(
            page,
            (int(width * 0.04 + height * 0.075), int(height * 0.045)),
            badge,
            draw.fitted(badge, height * 0.035, height * 0.13),
            (180, 20, 30),
            anchor="mm",
        )
        return page

    return flavour


def shelf(r, scenes, width, height):
    """A cluttered background: rows of photo pieces, a board and price tags, or one blurred photo."""
    canvas = draw.fill_box(scenes.any(r), width, height).filter(
        ImageFilter.GaussianBlur(r.uniform(1, 4))
    )
    if r.random() < 0.25:
        return canvas, height
    canvas = canvas.point(lambda v: v * 6 // 10)
    pen, board = ImageDraw.Draw(canvas), int(height * r.uniform(0.78, 0.92))
    tone = draw.mixed(draw.vivid(r, 0.5), (r.randint(80, 220),) * 3, 0.7)
    for low, tall in (
        (board, height * r.uniform(0.5, 0.75)),
        (int(board - height * 0.85), height * 0.5),
    ):
        x = -r.randint(0, 90)
        while x < width:
            wide = r.randint(70, 190)
            piece = draw.fill_box(scenes.any(r), wide, int(tall * r.uniform(0.6, 1)), r)
            canvas.paste(piece, (x, low - piece.height))
            x += wide + r.choice([0, 2, 6, 16])
        pen.rectangle((0, low, width, low + height // 14), fill=tone)
        for x in range(r.randint(0, 120), width, r.randint(140, 260)):
            pen.rectangle((x, low + 5, x + 66, low + height // 14 - 3), fill=(250, 250, 245))
            text(
                canvas,
                (x + 33, low + height // 28 + 1),
                f"{r.randint(0, 19)}.{draw.number(r, 2)}",
                20,
                (20, 20, 20),
                anchor="mm",
            )
    return canvas, board


def carton(name, things, bank, rng):
    """Packages on shelves; half of them are flavours of one brand, the rest of two or three others."""
    t = rng(name)
    scenes, layouts = bank.mixed(t), [brand(rng(name, "brand", k), bank) for k in range(4)]
    decoys = [layouts[k % 4](rng(name, "decoy", k)) for k in range(8)]
    for thing in range(things):
        front = layouts[0 if thing % 2 == 0 else 1 + thing // 2 % 3](rng(name, thing))
        out = []
        for copy in range(4):
            r = rng(name, thing, copy)
            out.append(on_shelf(r, front, decoys, scenes))
        yield out


def on_shelf(r, front, decoys, scenes):
    width, height = r.choice(
        [(720, 720), (720, 540), (540, 720) if front.width < front.height else (720, 600)]
    )
    canvas, board = shelf(r, scenes, width, height)
    share = r.uniform(0.42, 0.8)
    scale = share * min(width / front.width, height / front.height) * 1.1
    wide, tall = front.width * scale, front.height * scale
    x, low = width * r.uniform(0.38, 0.62), min(board + r.uniform(-2, 8), height * 1.02)
    y = low - tall / 2 if r.random() < 0.7 else height * r.uniform(0.42, 0.58)
    neighbours = []
    for side in (-1, 1):
        if r.random() < 0.7:
            other = r.choice(decoys)
            near = tall * r.uniform(0.85, 1.1) / other.height
            gap = (wide + other.width * near) / 2 * r.uniform(1.0, 1.12)
            neighbours.append((other, x + side * gap, y + tall / 2 - other.height * near / 2, near))
    for other, u, v, near in neighbours:
        shoot.lay(
            canvas,
            other.resize((int(other.width * near), int(other.height * near)), Image.BICUBIC),
            shoot.turned_box(
                r, u, v, other.width * near, other.height * near, r.uniform(-3, 3), 0.03
            ),
            shadow=5,
        )
    turn, tilt = r.uniform(-6, 6) if r.random() < 0.75 else r.uniform(-20, 20), r.uniform(
        0.01, 0.07
    )
    box = shoot.turned_box(r, x, y, wide, tall, turn, tilt)
    if r.random() < 0.5:
        depth, side = wide * r.uniform(0.06, 0.2), r.choice([0, 1])
        a, b = (box[1], box[2]) if side else (box[0], box[3])
        reach = depth if side else -depth
        flank = front.crop(
            (front.width - 20 if side else 0, 0, front.width if side else 20, front.height)
        ).point(lambda v: v * 6 // 10)
        shoot.lay(
            canvas,
            flank,
            [a, (a[0] + reach, a[1] - depth * 0.2), (b[0] + reach, b[1] - depth * 0.25), b],
        )
    small = front.resize((int(wide), int(tall)), Image.LANCZOS) if scale < 1 else front
    shoot.lay(canvas, small, box, shadow=r.randint(3, 9))
    if r.random() < 0.4:
        cut = r.uniform(0.06, 0.2)
        piece, side = scenes.any(r), r.choice(["left", "right", "low"])
        if side == "low":
            piece = draw.fill_box(piece, int(wide * 1.2), int(tall * 0.5))
            spot = (int(x - wide * 0.6), int(y + tall / 2 - tall * cut))
        else:
            piece = draw.fill_box(piece, int(wide * 0.6), int(tall * r.uniform(0.5, 1)))
            spot = (
                (
                    int(x + wide / 2 - wide * cut)
                    if side == "right"
                    else int(x - wide / 2 + wide * cut - piece.width)
                ),
                int(y + tall / 2 - piece.height),
            )
        canvas.paste(piece.filter(ImageFilter.GaussianBlur(1)), spot)
    elif r.random() < 0.3:
        glare = Image.new("L", canvas.size, 0)
        u, v, size = (
            x + r.uniform(-0.3, 0.3) * wide,
            y + r.uniform(-0.3, 0.3) * tall,
            wide * r.uniform(0.1, 0.25),
        )
        ImageDraw.Draw(glare).ellipse(
            (u - size, v - size * 1.6, u + size, v + size * 1.6), fill=170
        )
        canvas.paste((255, 255, 250), (0, 0), glare.filter(ImageFilter.GaussianBlur(size * 0.4)))
    canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.2, 1.2)))
    return shoot.light(r, canvas, 0.35, (1, 7), 0.09)
