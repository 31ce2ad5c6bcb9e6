"""Maps and floor plans of one style."""

import math

from PIL import Image, ImageDraw

from . import draw
from .draw import text
from .variants import another


def roads(r, pen, size, tones, count):
    """Blocks, a river, and main and side streets."""
    width, height = size
    phase, slope, level = r.uniform(0, 6), r.uniform(-0.5, 0.5), r.uniform(0.2, 0.8)
    for _ in range(r.randint(2, 5)):
        x, y, reach = r.uniform(0, width), r.uniform(0, height), r.uniform(50, 140)
        pen.polygon(draw.ring(r.randint(4, 7), x, y, reach, r.uniform(0, 6)), fill=tones[1])
    at = lambda x: height * (level + slope * (x / width - 0.5) + 0.06 * math.sin(phase + x / 90))
    river = [(x, at(x)) for x in range(-10, width + 20, 10)]
    pen.line(river, fill=tones[0], width=r.randint(14, 40), joint="curve")
    for k in range(count):
        x, y = r.uniform(0, width), r.uniform(0, height)
        turn = r.choice([0.1, 1.6, r.uniform(0, 3.1)]) + r.uniform(-0.2, 0.2)
        reach = width if k < count // 3 else r.uniform(80, 400)
        ends = [(x + s * reach * math.cos(turn), y + s * reach * math.sin(turn)) for s in (-1, 1)]
        thick = r.randint(9, 14) if k < count // 3 else r.randint(4, 7)
        pen.line(ends, fill=tones[3], width=thick + 3)
        pen.line(ends, fill=tones[2], width=thick)


def rooms(r, pen, box, depth, ink, spots):
    """Walls that halve a box again and again; the middles of the rooms go to `spots`."""
    left, top, right, bottom = box
    if depth == 0 or max(right - left, bottom - top) < 150:
        spots.append(((left + right) / 2, (top + bottom) / 2, right - left))
        return
    cut, gap = r.uniform(0.35, 0.65), r.uniform(0.15, 0.7)
    if right - left > bottom - top:
        x = left + cut * (right - left)
        pen.line((x, top, x, top + gap * (bottom - top)), fill=ink, width=7)
        pen.line((x, top + gap * (bottom - top) + 36, x, bottom), fill=ink, width=7)
        halves = (left, top, x, bottom), (x, top, right, bottom)
    else:
        y = top + cut * (bottom - top)
        pen.line((left, y, left + gap * (right - left), y), fill=ink, width=7)
        pen.line((left + gap * (right - left) + 36, y, right, y), fill=ink, width=7)
        halves = (left, top, right, y), (left, y, right, bottom)
    for half in halves:
        rooms(r, pen, half, depth - 1, ink, spots)


def pin(pen, x, y, size, tone):
    pen.polygon([(x - size * 0.45, y - size), (x + size * 0.45, y - size), (x, y)], fill=tone)
    pen.ellipse((x - size / 2, y - 1.6 * size, x + size / 2, y - 0.6 * size), fill=tone)
    pen.ellipse((x - size / 6, y - 1.25 * size, x + size / 6, y - 0.92 * size), fill=(255, 255, 255))


def plan(t, photos):
    """Street maps or floors; another region, other walls in one half, other places marked, or another route."""
    width, height = t.choice([(760, 600), (640, 720), (700, 700)])
    ground = t.choice([(240, 236, 224), (250, 250, 248), (226, 232, 228), (40, 48, 60)])
    others = ((90, 170, 90), 0.45), ((255, 240, 190), 0.7), ((90, 90, 90), 0.5)
    tones = [(150, 190, 225)] + [draw.mixed(ground, tone, share) for tone, share in others]
    kind, changes = t.choice(["streets", "floor"]), t.choice(["all", "half", "marks", "marks", "route"])
    title, tone, count, used = draw.title(t, 2), draw.vivid(t, 0.7), t.randint(14, 26), set()
    ink, top, names = draw.readable(ground), 74, [draw.title(t, 1) for _ in range(30)]
    foot, start = t.choice([0, 60]), t.getstate()

    def drawn(r, size):
        page = Image.new("RGB", size, ground)
        pen = ImageDraw.Draw(page)
        if kind == "streets":
            roads(r, pen, size, tones, count)
            for _ in range(7):
                text(page, (r.uniform(0, size[0] - 120), r.uniform(0, size[1] - 20)), r.choice(names), 18, ink)
            return page
        spots = []
        rooms(r, pen, (30, 20, size[0] - 30, size[1] - 20), 4, ink, spots)
        pen.rectangle((30, 20, size[0] - 30, size[1] - 20), outline=ink, width=9)
        for x, y, wide in spots:
            name = r.choice(names)
            text(page, (x, y), name, draw.fitted(name, 24, wide - 24), ink, anchor="mm")
        return page

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen, size = ImageDraw.Draw(page), (width, height - top - foot)
        t.setstate(start)
        base = drawn(r if changes == "all" else t, size)
        if changes == "half":
            base.paste(drawn(r, size).crop((size[0] // 2, 0, *size)), (size[0] // 2, 0))
        over = ImageDraw.Draw(base)
        spot = lambda r: (r.randint(40, size[0] - 40), r.randint(70, size[1] - 20))
        if changes == "marks":
            for x, y in another(r, lambda r: tuple(spot(r) for _ in range(r.randint(1, 4))), used):
                pin(over, x, y, 34, tone)
        elif changes == "route":
            line = [spot(r) for _ in range(r.randint(4, 6))]
            over.line(line, fill=tone, width=11, joint="curve")
            pin(over, *line[-1], 34, tone)
        page.paste(base, (0, top))
        pen.rectangle((0, 0, width, top), fill=tone)
        text(page, (24, 16), title, draw.fitted(title, 40, width - 60), draw.readable(tone), bold=1)
        if foot:
            for k in range(3):
                pen.rectangle((24 + 210 * k, height - 40, 54 + 210 * k, height - 22), fill=tones[k])
                text(page, (64 + 210 * k, height - 42), names[k], 20, ink)
        return page

    return fill
