"""Labels of one brand, and signs, plates and stickers of one house."""

import math

from PIL import Image, ImageDraw

from . import draw
from .draw import text
from .variants import another

SORTS = (
    "Lemon Cherry Ginger Almond Pepper Vanilla Mint Honey Apple Plum Tomato Cocoa Rose Lavender Olive Garlic".split()
)


def label(t, photos):
    """Labels of one brand: the word, the word and the colour, the small picture or all of it is another."""
    width, height = t.choice([(560, 760), (760, 560), (640, 640), (860, 430)])
    tone = draw.vivid(t, t.uniform(0.25, 0.8))
    paper = draw.mixed((255, 255, 255), draw.vivid(t), t.choice([0, 0.1, 0.25]))
    brand, line, small = draw.title(t, 1), draw.words(t, 2, 3), draw.words(t, 24, 40)
    changes, used = t.choice(["word", "word and colour", "picture", "all"]), set()
    shape, salt, drawn = t.choice(["round", "band", "frame", "arch"]), t.getrandbits(30), t.random() < 0.5
    kept, wide = photos.draw(), width > 1.4 * height
    edge = int(min(width, height) * t.uniform(0.3, 0.42))
    amount, sort = f"{t.choice([50, 100, 250, 400, 500, 750])} g", t.choice(SORTS)
    tones, bold = [draw.vivid(t) for _ in range(4)], t.choice([1, 2])
    hues = t.sample(range(12), 12)

    def fill(r):
        own = draw.vivid(t, 0.6, hues.pop() / 12) if "colour" in changes or changes == "all" else tone
        word = another(r, lambda r: r.choice(SORTS), used) if "word" in changes or changes == "all" else sort
        page = Image.new("RGB", (width, height), paper)
        pen = ImageDraw.Draw(page)
        if shape == "round":
            pen.ellipse((-0.2 * width, -0.35 * height, 1.2 * width, 0.42 * height), fill=own)
        elif shape == "arch":
            pen.pieslice((0, 0.3 * height, width, 1.7 * height), 180, 360, fill=draw.mixed(paper, own, 0.35))
            pen.rectangle((0, 0, width, 0.3 * height), fill=own)
        elif shape == "frame":
            pen.rectangle((10, 10, width - 10, height - 10), outline=own, width=22)
            pen.rectangle((10, 10, width - 10, 0.3 * height), fill=own)
        else:
            pen.rectangle((0, 0, width, 0.28 * height), fill=own)
            pen.rectangle((0, 0.86 * height, width, height), fill=own)
        middle = width / 2
        size = draw.fitted(brand, 0.15 * height, width * 0.7)
        text(page, (middle, 0.14 * height), brand, size, draw.readable(own), bold=bold, anchor="mm")
        x, y = (40, int(0.38 * height)) if wide else (int(middle - edge / 2), int(0.45 * height))
        if drawn:
            salted = r if changes in ("picture", "all") else draw.again(salt)
            draw.figure(salted, page, (x, y, x + edge, y + edge), tones)
        else:
            shown = photos.draw() if changes in ("picture", "all") else kept
            page.paste(draw.fill_box(shown, edge, edge), (x, y))
        at = ((x + edge + width) / 2, 0.5 * height) if wide else (middle, 0.365 * height)
        size = draw.fitted(word, 0.11 * height, width * 0.5)
        text(page, at, word, size, draw.mixed(own, (0, 0, 0), 0.3), bold=bold, anchor="mm")
        text(page, (at[0], at[1] + 0.065 * height), line, 0.035 * height, (80, 80, 80), anchor="ma" if wide else "mm")
        shade = draw.readable(own) if shape == "band" else (60, 60, 60)
        draw.paragraph(page, (34, 0.885 * height, width * 0.7, height - 20), small, 0.022 * height + 3, shade)
        text(page, (width - 40, 0.93 * height), amount, 0.05 * height, shade, bold=1, anchor="rm")
        return page

    return fill


def arrow(pen, x, y, size, turn, tone):
    at = lambda a, d: (x + d * size * math.cos(turn + a), y + d * size * math.sin(turn + a))
    pen.line([at(0, -0.5), at(0, 0.3)], fill=tone, width=int(size * 0.16))
    pen.polygon([at(0, 0.55), at(1.9, 0.32), at(-1.9, 0.32)], fill=tone)


def board(t, photos):
    """Door plates and road signs: another number, name, or way and distance."""
    width, height = t.choice([(640, 420), (560, 560), (720, 340), (460, 640)])
    ground = draw.vivid(t, t.uniform(0.3, 0.7))
    ground = t.choice([ground, (250, 250, 250), (35, 80, 150), (30, 110, 70), (240, 205, 60)])
    ink, rim, used = draw.readable(ground), t.randint(0, 14), set()
    changes, with_mark, salt = t.choice(["number", "name", "way", "all"]), t.random() < 0.5, t.getrandbits(30)
    kept = [t.randint(1, 999), t.choice([draw.person, lambda r: r.choice(draw.TOWNS), draw.street])]
    name, turn, firm = kept[1](t), t.randrange(8), draw.title(t, 2)
    tall, centred = height > width, t.random() < 0.5

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(page)
        pen.rounded_rectangle((10, 10, width - 10, height - 10), 24, outline=ink, width=rim)
        number, other, way = another(
            r,
            lambda r: (
                r.randint(1, 999) if changes in ("number", "way", "all") else kept[0],
                kept[1](r) if changes in ("name", "all") else name,
                r.randrange(8) if changes in ("way", "all") else turn,
            ),
            used,
        )
        x, anchor = (width / 2, "mm") if centred else (44, "lm")
        small = draw.fitted(firm, height * 0.08, width - 90)
        text(page, (x, height * 0.2), firm, small, draw.mixed(ground, ink, 0.7), anchor=anchor)
        text(page, (x, height * 0.45), str(number), min(height * 0.32, width * 0.3), ink, bold=3, anchor=anchor)
        text(page, (x, height * 0.72), other, draw.fitted(other, height * 0.13, width - 90), ink, bold=1, anchor=anchor)
        size = min(width, height) * 0.24
        if changes == "way" or not with_mark:
            arrow(pen, width - size * 0.8, height * (0.88 if tall else 0.45), size, way * math.pi / 4, ink)
        else:
            y = height * 0.86 - size / 2 if tall else height * 0.3
            draw.logo(draw.again(salt), page, int(width - size * 1.3), int(y), int(size), ink)
        return page

    return fill


def sticker(t, photos):
    """Stickers with a square code or bars: another code and number on one layout."""
    width, height = t.choice([(620, 420), (520, 640), (560, 560)])
    ground, tone = t.choice([(255, 255, 255), (250, 240, 200), (228, 236, 246)]), draw.vivid(t, 0.5)
    firm, line, square = draw.title(t, 2), draw.words(t, 3, 5), t.random() < 0.6
    edge, cells, also = int(min(width, height) * t.uniform(0.45, 0.6)), t.choice([21, 25]), draw.words(t, 2, 3)

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(page)
        pen.rectangle((0, 0, width, 78), fill=tone)
        text(page, (26, 14), firm, draw.fitted(firm, 44, width - 60), draw.readable(tone), bold=1)
        if square:
            draw.square_code(r, page, 36, 108, edge, cells)
        else:
            draw.barcode(r, pen, (36, 108, width - 36, 108 + edge * 0.7), (15, 15, 15))
        number = f"{r.choice('ABCDEFGH')}{draw.number(r, 2)}-{draw.number(r, 4)}"
        y = 108 + edge + 14
        if square and width > edge + 260:
            for k, string in enumerate([number, line, also]):
                text(page, (edge + 66, 120 + 60 * k), string, draw.fitted(string, 42, width - edge - 90), (30, 30, 30))
        else:
            text(page, (36, y), number, 52, (30, 30, 30), bold=1)
            text(page, (36, y + 62), line, 24, (90, 90, 90))
        return page

    return fill


def sign(t, photos):
    return t.choice([board, board, sticker])(t, photos)
