"""Pictures that differ in one compact place: other words, another number, another inset or other marks."""

import random

from PIL import Image, ImageDraw

from . import draw
from .draw import text
from .variants import another, variants


# Words or numbers that stand in a prominent place.
LINES = [
    lambda r: draw.title(r, 2, 3),
    draw.person,
    draw.date,
    lambda r: f"{draw.number(r, r.randint(2, 5))} {draw.words(r, 1)}",
    lambda r: draw.words(r, 1, 2).upper(),
    lambda r: f"{r.randint(1, 999)},{draw.number(r, 2)}",
]


def written(image, xy, string, size, fill, width, bold=1):
    text(image, xy, string, draw.fitted(string, size, width), fill, bold=bold)


def poster(t, bank_photos):
    """A page with a photo, a heading and lines under it; the heading, a line or both are others."""
    width, height = t.choice([(560, 760), (600, 800), (660, 660)])
    paper, tone = draw.mixed((250, 245, 235), draw.vivid(t), t.uniform(0, 0.5)), draw.vivid(t, t.uniform(0.2, 0.7))
    ink, bold = draw.readable(paper), t.choice([0, 1, 2])
    page = Image.new("RGB", (width, height), paper)
    size = int(height * t.uniform(0.06, 0.1))
    top, tall = int(height * t.uniform(0.19, 0.24)), int(height * t.uniform(0.28, 0.42))
    margin = t.choice([0, 24, 40])
    page.paste(draw.fill_box(bank_photos.draw(), width - 2 * margin, tall), (margin, top))
    ImageDraw.Draw(page).rectangle((0, 0, width, int(0.17 * height)), fill=tone)
    kept = [(draw.words(t, 3, 5), int(height * t.uniform(0.02, 0.03))) for _ in range(t.randint(2, 4))]
    heading, makes = draw.title(t, 2), t.sample(LINES, 2)
    changes, used, lines = t.choice(["heading", "line", "line", "lines", "all"]), set(), [make(t) for make in makes]

    def fill(r):
        image = page.copy()
        top_line = another(r, lambda r: draw.title(r, 2), used) if changes in ("heading", "all") else heading
        written(image, (40, int(0.08 * height)), top_line, int(0.065 * height), draw.readable(tone), width - 60, bold)
        y = top + tall + 16
        for place, make in enumerate(makes):
            changed = changes in ("lines", "all") or (changes == "line" and place == 0)
            string = another(r, make, used) if changed else lines[place]
            written(image, (40, y), string, size if place == 0 else int(0.7 * size), ink, width - 60, bold)
            y += int(1.35 * size)
        for string, small in kept:
            text(image, (40, y), string, small, ink)
            y += int(1.5 * small)
        return image

    return fill


def sheet(t, bank_photos):
    """A page of lines of several sizes with a mark and an inset; one of them is another."""
    width, height = t.choice([(620, 860), (760, 560), (660, 660)])
    paper, tone = t.choice([(255, 255, 255), (248, 240, 222), (28, 34, 48), (220, 232, 240)]), draw.vivid(t)
    ink = draw.readable(paper)
    page = Image.new("RGB", (width, height), paper)
    ImageDraw.Draw(page).rectangle((0, 0, width, int(0.09 * height)), fill=tone)
    written(page, (24, int(0.015 * height)), draw.title(t, 2), int(0.06 * height), draw.readable(tone), width - 48)
    slots, y = [], int(0.12 * height)
    while y < 0.86 * height:
        size = int(height * t.uniform(0.03, 0.085))
        slots.append((y, size, t.choice(LINES)))
        y += int(size * 1.5) + 6
    edge = int(0.24 * min(width, height))
    corner = (width - edge - 30, t.randint(int(0.12 * height), height - edge - 20))
    inset = draw.fill_box(bank_photos.draw(), edge, edge)
    lines = [make(t) for _, _, make in slots]
    changes = t.choice(["line", "line", "two lines", "inset", "mark"])
    prominent = max(range(len(slots)), key=lambda k: slots[k][1])
    also, used = t.randrange(len(slots)), set()

    def fill(r):
        image = page.copy()
        for place, (y, size, make) in enumerate(slots):
            changed = "line" in changes and (place == prominent or (changes == "two lines" and place == also))
            string = another(r, make, used) if changed else lines[place]
            written(image, (30, y), string, size, tone if place == prominent else ink, width - edge - 90)
        if changes == "mark":
            draw.logo(r, image, *corner, edge, tone)
        else:
            image.paste(draw.fill_box(bank_photos.draw(), edge, edge) if changes == "inset" else inset, corner)
        return image

    return fill


def board(t, bank_photos):
    """Marks in rows; one to three of them are others, missing or elsewhere."""
    columns, rows, edge = t.randint(3, 6), t.randint(3, 6), t.randint(100, 130)
    paper, tones = t.choice([(255, 255, 255), (40, 60, 50), (238, 226, 200)]), [draw.vivid(t) for _ in range(4)]
    page = Image.new("RGB", (columns * edge, rows * edge), paper)
    pen = ImageDraw.Draw(page)
    if t.random() < 0.6:
        for k in range(columns * rows):
            if (k % columns + k // columns) % 2:
                x, y = k % columns * edge, k // columns * edge
                pen.rectangle((x, y, x + edge - 1, y + edge - 1), fill=draw.mixed(paper, tones[0], 0.3))
    places = [(x * edge, y * edge) for x in range(columns) for y in range(rows)]
    t.shuffle(places)
    free, places = places[: len(places) // 5 + 1], places[len(places) // 5 + 1 :]
    count, change = t.randint(1, 3), t.choice(["other", "missing", "elsewhere"])
    seeds, pool, used = [t.getrandbits(30) for _ in places], places[: count + 3], set()

    def arrangement(r):
        """Places and the seeds of their marks."""
        if change == "other":
            return tuple((place, r.getrandbits(30)) for place in places[:count])
        if change == "missing":
            return tuple(sorted(r.sample(list(zip(pool, seeds)), 3)))
        return tuple(sorted(zip(r.sample(free + places[:count], count), seeds)))

    def mark(r, image, place):
        x, y = place
        draw.logo(r, image, x + edge // 8, y + edge // 8, edge * 3 // 4, r.choice(tones))

    for place in places[count + 3 if change == "missing" else count :]:
        mark(t, page, place)

    def fill(r):
        image = page.copy()
        for place, seed in another(r, arrangement, used):
            mark(random.Random(seed), image, place)
        return image

    return fill


# Three variants each of several pictures, all else alike; a variant is a thing.
revised = variants(poster, sheet, board, ways=("save", "save", "scan", "photo"), seed="picture")
