"""Forms of one layout."""

from PIL import Image, ImageDraw

from . import draw
from .draw import text


LABELS = {
    "Name": draw.person,
    "Contact person": draw.person,
    "Street": draw.street,
    "Town": lambda r: f"{draw.number(r, 5)} {r.choice(draw.TOWNS)}",
    "Date": draw.date,
    "Date of birth": draw.date,
    "Customer no.": lambda r: draw.number(r, 8),
    "Order no.": lambda r: f"{draw.number(r, 4)}-{draw.number(r, 3)}",
    "Telephone": lambda r: f"0{draw.number(r, 3)} {draw.number(r, 6)}",
    "Amount": lambda r: f"{r.randint(3, 4999)},{draw.number(r, 2)}",
    "Occupation": lambda r: draw.words(r, 1).title(),
    "Reason": lambda r: draw.words(r, 2, 3),
    "Remarks": lambda r: draw.words(r, 3, 4),
    "Registration": lambda r: f"{r.choice('ABCDEFGH')}{r.choice('KLMNP')} {draw.number(r, 4)}",
    "Account": lambda r: " ".join(draw.number(r, 4) for _ in range(3)),
    "Department": lambda r: draw.words(r, 1).title(),
}


def form(t, bank):
    """One printed form: labels, boxes, a table, ticks and a signature line."""
    width, height = t.choice([(840, 1180), (840, 1180), (1000, 720)])
    tone, paper = draw.vivid(t, t.uniform(0.2, 0.6)), t.choice(
        [(255, 255, 255), (252, 250, 240), (240, 246, 240), (246, 240, 246)]
    )
    columns, box = t.choice([1, 2, 2]), t.choice(["line", "frame", "tint", "comb"])
    wide = width > height
    labels = t.sample(sorted(LABELS), t.randint(5, 7) * columns if not wide else 3 * columns)
    ticks = [draw.words(t, 1, 2) for _ in range(t.randint(3, 6))]
    heads, lines = [draw.words(t, 1).title() for _ in range(t.randint(3, 5))], (
        t.randint(3, 6) if not wide else 2
    )
    blank = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(blank)
    draw.logo(t, blank, 60, 44, 70, tone)
    text(blank, (150, 48), draw.title(t, 2, 3), 40, tone, bold=1)
    text(
        blank,
        (150, 94),
        f"{draw.title(t, 2)}, {draw.street(t)}, {t.choice(draw.TOWNS)}",
        17,
        (90, 90, 90),
    )
    pen.rectangle((60, 132, width - 60, 135), fill=tone)
    field_rows, tick_rows = -(-len(labels) // columns), -(-len(ticks) // 3)
    free = height - 156 - 12 - 30 * tick_rows - 40 - 34 * (lines + 1) - (240 if not wide else 110)
    step = max(50, min(82, free // field_rows))
    fields, y = [], 156
    for place, label in enumerate(labels):
        x = 60 + (place % columns) * (width - 120) // columns
        room = (width - 120) // columns - 14
        text(blank, (x, y), label, 14, tone)
        area = (x, y + 17, x + room, y + step - 8)
        if box == "line":
            pen.line((area[0], area[3], area[2], area[3]), fill=(60, 60, 60), width=2)
        elif box == "tint":
            pen.rectangle(area, fill=draw.mixed(paper, tone, 0.12))
        else:
            pen.rectangle(area, outline=tone, width=1)
            if box == "comb":
                for mark in range(area[0] + 24, area[2], 24):
                    pen.line((mark, area[3] - 7, mark, area[3]), fill=tone)
        fields.append((label, area))
        y += step if place % columns == columns - 1 else 0
    y += 12
    boxes = []
    for place, tick in enumerate(ticks):
        x = 60 + (place % 3) * (width - 120) // 3
        pen.rectangle((x, y, x + 17, y + 17), outline=(40, 40, 40), width=2)
        text(blank, (x + 26, y), tick, 15, (40, 40, 40))
        boxes.append((x, y))
        y += 30 if place % 3 == 2 else 0
    y += 40
    cells, row = [], 34
    pen.rectangle((60, y, width - 60, y + row), fill=draw.mixed(paper, tone, 0.25))
    for place, head in enumerate(heads):
        text(
            blank, (68 + place * (width - 120) // len(heads), y + 8), head, 15, (30, 30, 30), bold=0
        )
    for line in range(lines + 1):
        pen.line((60, y + row * (line + 1), width - 60, y + row * (line + 1)), fill=(120, 120, 120))
        if line < lines:
            cells += [
                (68 + place * (width - 120) // len(heads), y + row * (line + 1) + 7)
                for place in range(len(heads))
            ]
    y += row * (lines + 1) + 24
    if height - y > 140:
        draw.paragraph(
            blank, (60, y, width - 60, height - 110), draw.words(t, 50, 90), 13, (70, 70, 70)
        )
    pen.line((width - 340, height - 62, width - 70, height - 62), fill=(40, 40, 40), width=2)
    text(blank, (width - 340, height - 56), "Signature", 13, tone)
    text(blank, (60, height - 56), f"Form {draw.number(t, 3)}/{t.choice('ABC')}", 13, tone)
    typed_share = t.choice([0, 0.5, 1])

    def fill(r):
        page = blank.copy()
        pen, ink = ImageDraw.Draw(page), r.choice(draw.INKS)
        typed = r.random() < typed_share
        if typed:
            ink = (25, 25, 30)
        size = r.randint(20, 24) + (4 if step > 66 else 0)

        def write(xy, words, room):
            if typed:
                draw.mono(page, xy, words[: int(room / (size * 0.62))], size, ink)
            else:
                tall = draw.fitted(words, size + 5, room * 0.92)
                draw.hand(r, page, (xy[0], xy[1] - 3), words, tall, ink)

        for label, area in fields:
            if r.random() < 0.9:
                write(
                    (area[0] + r.randint(4, 24), area[3] - size - 6),
                    LABELS[label](r),
                    area[2] - area[0] - 30,
                )
        for x, y in boxes:
            if r.random() < 0.45:
                pen.line((x - 2, y + 1, x + 19, y + 18), fill=ink, width=3)
                pen.line((x + 19, y - 1, x - 1, y + 18), fill=ink, width=3)
        filled = r.randint(1, lines) * len(heads)
        for place, xy in enumerate(cells[:filled]):
            entry = draw.words(r, 1) if place % len(heads) == 0 else draw.number(r, r.randint(1, 5))
            write(xy, entry, (width - 120) / len(heads) - 20)
        draw.scribble(
            r, pen, (width - 320, height - 116, width - 130, height - 56), ink, r.choice([2, 3])
        )
        if r.random() < 0.25:
            x, y, shade = (
                r.randint(140, width - 300),
                r.randint(height // 2, height - 160),
                draw.vivid(r, 0.6),
            )
            pen.ellipse((x, y, x + 120, y + 120), outline=shade, width=4)
            draw.text(page, (x + 60, y + 60), draw.date(r), 18, shade, anchor="mm")
        return page

    return fill
