"""Covers, product cards, packages on shelves, objects held before a scene, pictures on paper, prints of one series."""

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import draw, shoot
from .draw import text


def cover(t, bank):
    """Book covers of one series: frame, mark and type stay; title, author and the middle differ."""
    width, height = t.choice([(620, 920), (660, 880), (700, 1000)])
    frame, mark = t.choice(["border", "bands", "double", "split"]), draw.title(t, 1)
    inks = [draw.vivid(t, t.uniform(0.3, 0.85)) for _ in range(3)]
    paper = t.choice([(245, 240, 228), (250, 250, 250), (30, 32, 40), (225, 215, 195)])
    bold, slant, wide = t.choice([0, 1, 2]), t.choice([0, 0, 0.2]), t.choice([1.0, 1.0, 0.8, 1.15])
    upper, above = t.random() < 0.5, t.random() < 0.5
    photo_share, scenes = t.choice([0.4, 0.6]), bank.mixed(t)
    mark_seed = t.getrandbits(30)
    round_window = t.random() < 0.3

    def fill(r):
        page, tone = Image.new("RGB", (width, height), paper), r.choice(inks)
        pen, ink = ImageDraw.Draw(page), draw.readable(paper)
        if frame == "border":
            pen.rectangle((0, 0, width, height), outline=tone, width=34)
        elif frame == "bands":
            pen.rectangle((0, 0, width, 70), fill=tone)
            pen.rectangle((0, height - 120, width, height), fill=tone)
        elif frame == "double":
            pen.rectangle((20, 20, width - 20, height - 20), outline=tone, width=8)
            pen.rectangle((36, 36, width - 36, height - 36), outline=tone, width=2)
        else:
            pen.rectangle((0, 0, width, height * 0.36), fill=tone)
        top = 100 if above else int(height * 0.62)
        head = draw.readable(tone) if frame == "split" and above else ink
        y, lines = top, (draw.title(r, 1, 2), draw.title(r, 1, 2))
        size = min(
            draw.fitted(line.upper() if upper else line, 74, (width - 130) / max(1.0, wide))
            for line in lines
        )
        for line in lines:
            text(
                page,
                (width // 2, y),
                line.upper() if upper else line,
                size,
                head,
                bold=bold,
                slant=slant,
                wide=wide,
                anchor="ma",
            )
            y += int(size * 1.2)
        text(
            page,
            (width // 2, y + 10),
            draw.person(r),
            34,
            draw.mixed(head, paper, 0.2),
            anchor="ma",
        )
        box = (
            (80, int(height * 0.38), width - 80, height - 150)
            if above
            else (80, 110, width - 80, int(height * 0.58))
        )
        if r.random() < photo_share:
            photo = draw.fill_box(scenes.draw(), box[2] - box[0], box[3] - box[1])
            window = Image.new("L", photo.size, 0 if round_window else 255)
            if round_window:
                ImageDraw.Draw(window).ellipse((0, 0, photo.width, photo.height), fill=255)
            page.paste(photo, box[:2], window)
        else:
            draw.figure(r, page, box, [draw.vivid(r) for _ in range(r.randint(2, 4))])
        draw.logo(
            random.Random(mark_seed),
            page,
            60,
            height - 104,
            56,
            ink if frame != "bands" else draw.readable(tone),
        )
        text(
            page,
            (130, height - 94),
            mark.upper(),
            34,
            ink if frame != "bands" else draw.readable(tone),
            bold=1,
        )
        text(
            page,
            (width - 60, height - 94),
            str(r.randint(1, 99)),
            34,
            ink if frame != "bands" else draw.readable(tone),
            anchor="ra",
        )
        return page

    return fill


def card(t, bank):
    """Product cards of one shop: frame, logo and price banner stay, the garment differs."""
    width, height = t.choice([(720, 720), (640, 800), (700, 860)])
    tone, other = draw.vivid(t, 0.7), draw.vivid(t, 0.85)
    shop, banner, frame = (
        draw.title(t, 1, 2),
        t.choice(["bottom", "corner", "round"]),
        t.choice([0, 14, 26]),
    )
    kinds = t.sample(sorted(bank.clothing), 2)
    garments = bank.garments(t, kinds)
    names, prices = [draw.title(t, 2) for _ in range(3)], [
        f"{t.randint(5, 89)}.{t.choice(['90', '99', '00'])}" for _ in range(4)
    ]
    ground, mark_seed, plain = (
        t.choice([(255, 255, 255), (246, 246, 246), draw.mixed((255, 255, 255), tone, 0.15)]),
        t.getrandbits(30),
        t.random() < 0.5,
    )
    words = t.choice(["FREE SHIPPING", "NEW IN", "SALE", "BEST PRICE"])

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(page)
        area = (frame + 20, 100, width - frame - 20, height - (150 if banner == "bottom" else 90))
        wide, tall = area[2] - area[0], area[3] - area[1]
        photo = garments.draw()
        photo = draw.fit_box(photo, wide, tall) if plain else draw.fill_box(photo, wide, tall)
        page.paste(
            photo, (area[0] + (wide - photo.width) // 2, area[1] + (tall - photo.height) // 2)
        )
        draw.logo(random.Random(mark_seed), page, frame + 20, frame + 14, 64, tone)
        text(page, (frame + 100, frame + 22), shop, 40, tone, bold=1)
        price = r.choice(prices) + " EUR"
        if banner == "bottom":
            pen.rectangle((0, height - 130, width, height - 50), fill=tone)
            text(
                page,
                (width - frame - 30, height - 90),
                price,
                50,
                draw.readable(tone),
                bold=1,
                anchor="rm",
            )
            text(page, (frame + 30, height - 90), words, 30, draw.readable(tone), anchor="lm")
        elif banner == "corner":
            pen.polygon([(width - 250, 0), (width, 0), (width, 250)], fill=other)
            text(page, (width - 80, 74), price[:-4], 42, draw.readable(other), bold=1, anchor="mm")
        else:
            pen.ellipse((width - 210, height - 250, width - 30, height - 70), fill=other)
            text(
                page,
                (width - 120, height - 160),
                price[:-4],
                46,
                draw.readable(other),
                bold=1,
                anchor="mm",
            )
        text(page, (frame + 24, height - frame - 42), r.choice(names), 26, (40, 40, 40))
        if frame:
            pen.rectangle((0, 0, width - 1, height - 1), outline=tone, width=frame)
        return page

    return fill


def brand(t, bank):
    """The front of a package: a brand's layout, whose flavours differ in words, one colour and a small picture."""
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
    """Packages on shelves; half of the things are flavours of one brand, the rest of two or three other brands."""
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


def cut_out(r, photo):
    """An object: a shape filled with a photo, shaded towards its edge. Returns the picture and its mask."""
    edge, kind = 360, r.randrange(4)
    wide, tall = (
        (edge, int(edge * r.uniform(0.65, 1)))
        if r.random() < 0.5
        else (int(edge * r.uniform(0.65, 1)), edge)
    )
    mask = Image.new("L", (wide, tall), 0)
    pen = ImageDraw.Draw(mask)
    if kind == 0:
        pen.ellipse((4, 4, wide - 4, tall - 4), fill=255)
    elif kind == 1:
        pen.rounded_rectangle((4, 4, wide - 4, tall - 4), r.randint(5, 60), fill=255)
    elif kind == 2:
        sides, turn = r.randint(5, 8), r.uniform(0, 6)
        pen.polygon(
            [
                (wide / 2 + x * wide * 0.44, tall / 2 + y * tall * 0.44)
                for x, y in draw.ring(sides, 0, 0, 1, turn)
            ],
            fill=255,
        )
        mask = mask.filter(ImageFilter.GaussianBlur(12)).point(lambda v: 255 if v > 110 else 0)
    else:
        neck = wide * r.uniform(0.12, 0.22)
        pen.rounded_rectangle((wide * 0.08, tall * 0.3, wide * 0.92, tall - 4), 50, fill=255)
        pen.rounded_rectangle((wide / 2 - neck, 4, wide / 2 + neck, tall * 0.45), 14, fill=255)
    area = np.asarray(draw.fill_box(photo, wide, tall), np.float32)
    round_shade = np.asarray(mask.filter(ImageFilter.GaussianBlur(26)), np.float32) / 255
    slope = np.linspace(1.12, 0.8, wide, dtype=np.float32)[None]
    area *= (np.clip(round_shade * 1.25, 0.55, 1.0) * slope)[:, :, None]
    return Image.fromarray(np.clip(area, 0, 255).astype(np.uint8)), mask


def held(name, things, bank, rng):
    """Objects held before a few scenes: the label is the object, the scene is shared by many."""
    t = rng(name)
    scenes, photos = bank.scenes(t), bank.objects(t)
    backgrounds = [draw.fill_box(scenes.draw(), 860, 620) for _ in range(max(4, things // 3))]
    skins = [(224, 172, 140), (190, 135, 100), (120, 82, 62), (245, 205, 180)]
    skin = t.choice(skins)
    for thing in range(things):
        r = rng(name, thing)
        item, mask = cut_out(r, photos.draw())
        places = r.sample(backgrounds, r.choice([2, 3]))
        out = []
        for copy in range(r.choice([3, 4])):
            r = rng(name, thing, copy)
            canvas = places[copy % len(places)].copy()
            if r.random() < 0.6:
                canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.5, 2)))
            view = shoot.turned_box(
                r,
                430 + r.uniform(-12, 12),
                310 + r.uniform(-12, 12),
                800,
                570,
                r.uniform(-2, 2),
                0.012,
            )
            canvas = canvas.transform(
                (720, 520),
                Image.PERSPECTIVE,
                shoot.perspective(view, [(0, 0), (720, 0), (720, 520), (0, 520)]),
                Image.BICUBIC,
            )
            covered = float(np.asarray(mask).mean()) / 255 * item.width * item.height
            scale = math.sqrt(r.uniform(0.15, 0.38) * 720 * 520 / covered)
            scale = min(scale, 500 / item.height)
            wide, tall = item.width * scale, item.height * scale
            x, y = 360 + r.uniform(-0.06, 0.06) * 720, 260 + r.uniform(-0.06, 0.06) * 520
            turn = r.uniform(-15, 15)
            box = shoot.turned_box(r, x, y, wide, tall, turn, 0.04)
            if r.random() < 0.75:
                arm(r, canvas, x, y + tall * 0.42, skin, wide)
            shoot.lay(canvas, item, box, shadow=r.randint(2, 8), mask=mask)
            if r.random() < 0.4:
                thumb(r, canvas, x + r.uniform(-0.2, 0.2) * wide, y + tall * 0.5, skin, wide)
            out.append(
                shoot.light(
                    r,
                    canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.2, 0.9))),
                    0.2,
                    (1, 6),
                    0.05,
                )
            )
        yield out


def arm(r, canvas, x, y, skin, wide):
    """A forearm from the lower edge to the object, with finger tips."""
    layer, reach = Image.new("L", canvas.size, 0), wide * 0.16
    pen = ImageDraw.Draw(layer)
    foot = x + r.uniform(-0.5, 0.5) * wide
    pen.polygon(
        [
            (x - reach, y),
            (x + reach, y),
            (foot + reach * 1.3, canvas.height),
            (foot - reach * 1.3, canvas.height),
        ],
        fill=255,
    )
    pen.ellipse((x - reach * 1.7, y - reach * 1.2, x + reach * 1.7, y + reach * 1.6), fill=255)
    layer = layer.filter(ImageFilter.GaussianBlur(1.5))
    canvas.paste(
        draw.gradient(
            canvas.width,
            canvas.height,
            draw.mixed(skin, (255, 255, 255), 0.1),
            draw.mixed(skin, (40, 10, 0), 0.3),
            r.random() < 0.5,
        ),
        (0, 0),
        layer,
    )


def thumb(r, canvas, x, y, skin, wide):
    layer, reach = Image.new("L", canvas.size, 0), wide * 0.06
    ImageDraw.Draw(layer).rounded_rectangle(
        (x - reach, y - wide * 0.16, x + reach, y + wide * 0.12), int(reach), fill=255
    )
    layer = layer.rotate(r.uniform(-30, 30), Image.BILINEAR, center=(x, y)).filter(
        ImageFilter.GaussianBlur(1)
    )
    canvas.paste(draw.mixed(skin, (255, 240, 230), r.uniform(0, 0.2)), (0, 0), layer)


def paper(t, bank):
    """A small picture on pale paper or a wide mat; the surroundings are the same for all."""
    width, height = t.choice([(900, 700), (800, 800), (700, 900)])
    ground, share = t.choice(
        [(252, 252, 250), (245, 240, 228), (238, 240, 242), (250, 244, 238)]
    ), t.uniform(0.24, 0.42)
    frame, rim, shade, tilted = (
        t.choice(["none", "thin", "bevel", "wall"]),
        t.choice([(30, 30, 30), (140, 100, 60), (190, 160, 90)]),
        t.random() < 0.5,
        t.random() < 0.4,
    )
    u, v = t.uniform(0.42, 0.58), t.uniform(0.4, 0.55)
    photos, caption, seed = bank.mixed(t), t.random() < 0.4, t.getrandbits(30)
    tall_share = t.uniform(0.7, 1.1)
    grain = shoot.low_noise(random.Random(seed), width, height, 60, -3, 3) + shoot.low_noise(
        random.Random(seed + 1), width, height, 4, -5, 5
    )
    sheet = Image.fromarray(
        np.clip(np.array(ground, np.float32) + grain[:, :, None], 0, 255).astype(np.uint8)
    )

    def fill(r):
        page = sheet.copy()
        wide = int(width * min(0.45, max(0.2, share * r.uniform(0.9, 1.1))))
        photo = draw.fill_box(photos.draw(), wide, int(wide * tall_share))
        x, y = int(width * u - photo.width / 2), int(height * v - photo.height / 2)
        if tilted:
            x, y = x + r.randint(-20, 20), y + r.randint(-20, 20)
        pen = ImageDraw.Draw(page)
        if shade:
            dim = Image.new("L", page.size, 0)
            ImageDraw.Draw(dim).rectangle(
                (x + 5, y + 7, x + photo.width + 7, y + photo.height + 9), fill=120
            )
            page.paste((60, 55, 50), (0, 0), dim.filter(ImageFilter.GaussianBlur(6)))
        if frame == "thin":
            pen.rectangle(
                (x - 12, y - 12, x + photo.width + 11, y + photo.height + 11),
                fill=(255, 255, 255),
                outline=rim,
                width=3,
            )
        elif frame == "bevel":
            pen.rectangle(
                (x - 6, y - 6, x + photo.width + 5, y + photo.height + 5),
                fill=draw.mixed(ground, (120, 120, 120), 0.3),
            )
        page.paste(photo, (x, y))
        if frame == "wall":
            pen.rectangle((0, 0, width - 1, height - 1), outline=rim, width=24)
        if caption:
            text(
                page,
                (int(width * u), y + photo.height + 30),
                draw.title(r, 2),
                22,
                (110, 105, 100),
                anchor="ma",
            )
        return page

    return fill


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
        yield shoot.copies(
            rng(name, thing, "copies"),
            image,
            tables,
            ("save colour", "scan colour", "photo", "photo"),
        )
