"""Pages of one grid."""

from PIL import Image, ImageDraw

from . import draw
from .draw import font, text


def grid(t, bank):
    """Crosswords, sudokus, bingo cards or timetables on one grid."""
    kind = t.choice(["crossword", "sudoku", "bingo", "timetable"])
    cells = {"crossword": t.choice([9, 11, 13]), "sudoku": 9, "bingo": 5, "timetable": 6}[kind]
    edge = {"crossword": 660 // cells, "sudoku": 72, "bingo": 128, "timetable": 118}[kind]
    rows = cells if kind != "timetable" else t.randint(6, 9)
    tall = edge if kind != "timetable" else 78
    side, top = cells * edge, 130
    width, height = side + 100, top + rows * tall + t.choice([60, 160])
    tone = draw.vivid(t, 0.5)
    blank = Image.new(
        "RGB", (width, height), t.choice([(255, 255, 255), (250, 247, 238), (236, 236, 230)])
    )
    pen = ImageDraw.Draw(blank)
    text(
        blank,
        (50, 26),
        {"crossword": "Crossword", "sudoku": "Sudoku", "bingo": "BINGO", "timetable": "Timetable"}[
            kind
        ]
        + " "
        + draw.title(t, 1),
        46,
        tone,
        bold=1,
    )
    text(blank, (50, 86), draw.words(t, 5, 7), 19, (100, 100, 100))
    black = (
        {(x, y) for x in range(cells) for y in range(rows) if t.random() < 0.2}
        if kind == "crossword"
        else set()
    )
    black |= {(cells - 1 - x, rows - 1 - y) for x, y in black}
    count = 0
    for y in range(rows):
        for x in range(cells):
            area = (50 + x * edge, top + y * tall, 50 + (x + 1) * edge, top + (y + 1) * tall)
            shade = (15, 15, 15) if (x, y) in black else None
            if kind == "sudoku" and (x // 3 + y // 3) % 2:
                shade = draw.mixed((255, 255, 255), tone, 0.12)
            if kind == "timetable" and (x == 0 or y == 0):
                shade = draw.mixed((255, 255, 255), tone, 0.3)
            pen.rectangle(area, fill=shade, outline=(30, 30, 30), width=2)
            starts = (x, y) not in black and (
                (x - 1, y) in black or x == 0 or (x, y - 1) in black or y == 0
            )
            if kind == "crossword" and starts:
                count += 1
                text(
                    blank, (area[0] + 4, area[1] + 3), str(count), max(10, edge // 5), (60, 60, 60)
                )
            if kind == "timetable" and y == 0 and x:
                text(
                    blank,
                    (area[0] + edge // 2, area[1] + tall // 2),
                    ["Mon", "Tue", "Wed", "Thu", "Fri"][x - 1],
                    26,
                    (30, 30, 30),
                    anchor="mm",
                )
            if kind == "timetable" and x == 0 and y:
                text(
                    blank,
                    (area[0] + edge // 2, area[1] + tall // 2),
                    f"{7 + y}:30",
                    24,
                    (30, 30, 30),
                    anchor="mm",
                )
    if kind == "sudoku":
        for k in range(0, 10, 3):
            pen.line((50 + k * edge, top, 50 + k * edge, top + 9 * edge), fill=(0, 0, 0), width=5)
            pen.line((50, top + k * edge, 50 + 9 * edge, top + k * edge), fill=(0, 0, 0), width=5)
    by_hand = t.random() < 0.5
    subjects = [draw.words(t, 1) for _ in range(14)]

    def fill(r):
        page = blank.copy()
        ink = r.choice(draw.INKS) if by_hand else (25, 25, 30)
        shift, digits = r.sample(range(9), 9), r.sample(range(1, 10), 9)
        columns = [r.sample(range(15 * x + 1, 15 * x + 16), 5) for x in range(5)]
        for y in range(rows):
            for x in range(cells):
                middle = (50 + (x + 0.5) * edge, top + (y + 0.5) * tall)
                if (x, y) in black:
                    continue
                entry, size = "", tall * 0.55
                if kind == "crossword" and r.random() < 0.92:
                    entry = r.choice("EEEEAAAAIIOOUNNRRSSTTLLDDGBCMPFHVWYKJXQZ")
                elif kind == "sudoku" and r.random() < 0.45:
                    entry = str(digits[(x + 3 * (y % 3) + y // 3 + shift[0]) % 9])
                elif kind == "bingo":
                    entry = "*" if x == y == 2 else str(columns[x][y])
                elif kind == "timetable" and x and y and r.random() < 0.7:
                    entry, size = r.choice(subjects), 22
                if not entry:
                    continue
                if by_hand:
                    wide = font(size).getlength(entry) * 0.9
                    draw.hand(
                        r, page, (middle[0] - wide / 2, middle[1] - size * 0.6), entry, size, ink
                    )
                else:
                    text(page, middle, entry, size, ink, anchor="mm")
        if kind == "bingo":
            pen = ImageDraw.Draw(page)
            shade = r.choice([(200, 30, 40), (30, 90, 180)])
            for _ in range(r.randint(0, 8)):
                x, y = 50 + (r.randrange(5) + 0.5) * edge, top + (r.randrange(5) + 0.5) * edge
                pen.ellipse((x - 42, y - 42, x + 42, y + 42), outline=shade, width=8)
        return page

    return fill
