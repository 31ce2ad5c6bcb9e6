"""Playing and trading cards of one deck; banknotes, stamps and coupons of one series."""

import math

from PIL import Image, ImageDraw

from . import draw
from .draw import text
from .variants import another

RANKS = "A 2 3 4 5 6 7 8 9 10 J Q K".split()
# Columns of pips on a card by its rank: heights of the left and right column, heights of the middle one.
PIPS = {
    1: ([], [0.5]), 2: ([], [0, 1]), 3: ([], [0, 0.5, 1]), 4: ([0, 1], []), 5: ([0, 1], [0.5]), 6: ([0, 0.5, 1], []),
    7: ([0, 0.5, 1], [0.25]), 8: ([0, 0.5, 1], [0.25, 0.75]), 9: ([0, 1 / 3, 2 / 3, 1], [0.5]),
    10: ([0, 1 / 3, 2 / 3, 1], [1 / 6, 5 / 6]),
}


def suit(pen, kind, x, y, size, tone):
    """A heart, diamond, spade, club, star or coin round (x, y)."""
    s = size / 2
    ball = lambda u, v, radius: pen.ellipse((u - radius, v - radius, u + radius, v + radius), fill=tone)
    if kind == 0:
        ball(x - s * 0.45, y - s * 0.35, s * 0.5)
        ball(x + s * 0.45, y - s * 0.35, s * 0.5)
        pen.polygon([(x - s * 0.92, y - s * 0.15), (x + s * 0.92, y - s * 0.15), (x, y + s)], fill=tone)
    elif kind == 1:
        pen.polygon([(x, y - s), (x + s * 0.75, y), (x, y + s), (x - s * 0.75, y)], fill=tone)
    elif kind in (2, 3):
        pen.polygon([(x, y), (x + s * 0.4, y + s), (x - s * 0.4, y + s)], fill=tone)
        ball(x - s * 0.48, y + s * 0.2, s * 0.46)
        ball(x + s * 0.48, y + s * 0.2, s * 0.46)
        if kind == 2:
            pen.polygon([(x - s * 0.9, y + s * 0.05), (x + s * 0.9, y + s * 0.05), (x, y - s)], fill=tone)
        else:
            ball(x, y - s * 0.5, s * 0.46)
    elif kind == 4:
        pen.polygon(draw.ring(5, x, y, s, -math.pi / 2, s * 0.42), fill=tone)
    else:
        ball(x, y, s * 0.9)


def playing(t, photos):
    """A deck: pips by rank and suit; court cards have a figure of their own."""
    width, height = t.choice([(460, 700), (500, 700), (420, 720)])
    paper, edge = t.choice([(255, 255, 255), (250, 246, 232)]), t.uniform(0.13, 0.19)
    suits = t.sample(range(6), 4)
    red, black = draw.vivid(t, 0.8, t.choice([0.0, 0.97, 0.05])), t.choice([(20, 20, 25), (20, 40, 110), (20, 90, 50)])
    corner, frame, big, salt = int(width * t.uniform(0.13, 0.2)), t.random() < 0.5, t.random() < 0.2, t.getrandbits(20)
    same_suit, used = t.random() < 0.4, set()

    def fill(r):
        rank, which = another(r, lambda r: (r.randrange(13), 0 if same_suit else r.randrange(4)), used)
        page, tone = Image.new("RGB", (width, height), paper), red if which % 2 == 0 else black
        pen, kind = ImageDraw.Draw(page), suits[which]
        left, top, right, bottom = edge * width * 1.4, edge * height, width * (1 - edge * 1.4), height * (1 - edge)
        if frame:
            inside = (left - 12, top - 24, right + 12, bottom + 24)
            pen.rectangle(inside, outline=draw.mixed(paper, black, 0.6), width=2)
        if big:
            suit(pen, kind, width / 2, height / 2, width * 0.5, tone)
            text(page, (width / 2, height * 0.47), RANKS[rank], width * 0.2, paper, bold=2, anchor="mm")
        elif rank < 10:
            sides, middle = PIPS[rank + 1]
            places = [(x, v) for v in sides for x in (0.15, 0.85)] + [(0.5, v) for v in middle]
            for u, v in places:
                size = width * (0.36 if rank == 0 else 0.17)
                suit(pen, kind, left + u * (right - left), top + (0.06 + 0.88 * v) * (bottom - top), size, tone)
        else:
            tones = [red, black, draw.mixed(red, (255, 220, 60), 0.8)]
            half = Image.new("RGB", (int(right - left), int((bottom - top) / 2)), paper)
            draw.figure(draw.again(f"{salt} {rank} {which}"), half, (0, 0, half.width, half.height), tones)
            page.paste(half, (int(left), int(top)))
            page.paste(half.rotate(180), (int(left), int(top) + half.height))
        index = page.crop((0, 0, int(corner * 1.35), int(corner * 2.4)))
        text(index, (corner * 0.62, corner * 0.65), RANKS[rank], corner, tone, bold=1, anchor="mm")
        suit(ImageDraw.Draw(index), kind, corner * 0.62, corner * 1.65, corner * 0.75, tone)
        page.paste(index, (0, 0))
        page.paste(index.rotate(180), (width - index.width, height - index.height))
        return page

    return fill


def trading(t, photos):
    """Cards of a game: frame and layout stay; picture, name or numbers are others."""
    width, height = 500, 700
    tone, paper = draw.vivid(t, t.uniform(0.3, 0.8)), draw.mixed((255, 255, 255), draw.vivid(t), 0.2)
    changes = t.choice(["picture", "numbers", "all", "all"])
    picture, name = photos.draw(), draw.title(t, 2)
    labels, rule = [draw.words(t, 1).title() for _ in range(4)], draw.words(t, 14, 20)
    numbers, used = tuple(t.randint(10, 99) for _ in labels), set()
    mark, tall = t.getrandbits(30), int(height * t.uniform(0.38, 0.5))

    def fill(r):
        page = Image.new("RGB", (width, height), tone)
        pen = ImageDraw.Draw(page)
        pen.rounded_rectangle((20, 20, width - 20, height - 20), 22, fill=paper)
        head = another(r, lambda r: draw.title(r, 2), used) if changes in ("all", "numbers") else name
        text(page, (42, 34), head, draw.fitted(head, 42, width - 160), (25, 25, 30), bold=1)
        draw.logo(draw.again(mark), page, width - 92, 30, 52, tone)
        shown = picture if changes == "numbers" else photos.draw()
        page.paste(draw.fill_box(shown, width - 80, tall), (40, 92))
        y = tall + 108
        values = tuple(r.randint(10, 99) for _ in labels) if changes != "picture" else numbers
        for label, value in zip(labels, values):
            text(page, (44, y), label, 32, (40, 40, 45))
            text(page, (width - 44, y), str(value), 36, tone, bold=1, anchor="ra")
            y += 44
        draw.paragraph(page, (44, y + 4, width - 44, height - 30), rule, 17, (90, 90, 95))
        return page

    return fill


def deck(t, photos):
    return t.choice([playing, playing, trading])(t, photos)


def note(t, photos):
    """Banknotes, stamps or coupons: the ground of fine lines stays; value, tint, picture or all are others."""
    width, height = t.choice([(880, 420), (520, 640), (800, 480), (620, 620)])
    tint, paper = draw.vivid(t, 0.55), t.choice([(246, 244, 232), (255, 255, 255), (236, 242, 240)])
    firm, unit = draw.title(t, 2), t.choice(["MARK", "CENT", "CROWN", "POINTS", "%"])
    changes, used = t.choice(["value", "value", "tint", "picture", "all"]), set()
    waves = [(t.uniform(0.5, 4), t.uniform(0, 6), t.uniform(0.02, 0.3)) for _ in range(18)]
    picture, shape, drawn = photos.draw(), t.getrandbits(30), t.random() < 0.4
    left, edge, pips = t.random() < 0.5, int(min(width, height) * t.uniform(0.42, 0.58)), t.random() < 0.4
    sums = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90, 100, 200, 500]
    value, serial = str(t.choice(sums)), t.random() < 0.5

    def fill(r):
        tone = draw.vivid(r, 0.55) if changes in ("tint", "all") else tint
        page = Image.new("RGB", (width, height), draw.mixed(paper, tone, 0.12))
        pen = ImageDraw.Draw(page)
        for k, (speed, phase, reach) in enumerate(waves):
            line = [
                (x, height * (k / 17 + reach * math.sin(phase + speed * 6.28 * x / width))) for x in range(0, width, 8)
            ]
            pen.line(line, fill=draw.mixed(paper, tone, 0.45), width=2)
        pen.rectangle((12, 12, width - 13, height - 13), outline=tone, width=7)
        x, y = 50 if left else width - edge - 50, (height - edge) // 2 + 14
        inside = (x, y, x + edge, y + edge)
        own = changes in ("picture", "all")
        if drawn:
            pen.ellipse(inside, fill=draw.mixed(paper, tone, 0.3))
            tones = [tone, draw.mixed(tone, (0, 0, 0), 0.5), paper]
            draw.figure(r if own else draw.again(shape), page, inside, tones)
        else:
            shown = draw.fill_box(photos.draw() if own else picture, edge, edge).convert("L")
            ramp = [draw.mixed(draw.mixed(tone, (0, 0, 0), 0.6), paper, k / 255) for k in range(256)]
            page.paste(Image.merge("RGB", [shown.point([c[k] for c in ramp]) for k in range(3)]), (x, y))
        amount = another(r, lambda r: str(r.choice(sums)), used) if changes != "picture" else value
        size = int(min(width - edge - 120, height) * 0.34)
        middle = (x + edge + width - 30) / 2 if left else x / 2 + 10
        text(page, (middle, height * 0.46), amount, size, draw.mixed(tone, (0, 0, 0), 0.35), bold=2, anchor="mm")
        text(page, (middle, height * 0.46 + size * 0.75), unit, size * 0.35, tone, anchor="mm")
        text(page, (width / 2, 26), firm.upper(), draw.fitted(firm.upper(), 34, width - 160), tone, bold=1, anchor="ma")
        for u, v in ((26, height - 56), (width - 26, height - 56)):
            text(page, (u, v), amount, 34, tone, bold=1, anchor="la" if u < 99 else "ra")
        if serial:
            text(page, (width / 2, height - 48), "AB " + draw.number(r, 8), 24, (150, 30, 40), anchor="ma")
        return page

    return fill
