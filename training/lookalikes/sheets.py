"""Printed matter of one layout: forms, slides, receipts, charts, tickets, grids. Each template(t, bank) returns draw(r)."""

import math
import random

from PIL import Image, ImageDraw

from . import draw
from .draw import font, text

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


def bars(r, image, box, tones, count=None):
    left, top, right, bottom = box
    pen = ImageDraw.Draw(image)
    count = count or r.randint(4, 8)
    pen.line((left, top, left, bottom, right, bottom), fill=(90, 90, 90), width=2)
    for k in range(count):
        tall = (bottom - top) * r.uniform(0.15, 0.95)
        x = left + (right - left) * (k + 0.2) / count
        pen.rectangle(
            (x, bottom - tall, x + (right - left) * 0.6 / count, bottom), fill=tones[k % len(tones)]
        )


def diagram(r, image, box, tones, photos):
    """A small diagram for a slide: bars, boxes with arrows, a pie, a table, a photo or a curve."""
    left, top, right, bottom = (int(value) for value in box)
    pen, kind = ImageDraw.Draw(image), r.randrange(6)
    wide, tall = right - left, bottom - top
    if kind == 0:
        bars(r, image, box, tones)
    elif kind == 1:
        spots = [
            (left + wide * u, top + tall * v)
            for u, v in r.sample(
                [(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8), (0.5, 0.5)], r.randint(3, 5)
            )
        ]
        for one, other in zip(spots, spots[1:] + ([spots[0]] if r.random() < 0.5 else [])):
            pen.line((*one, *other), fill=(90, 90, 90), width=3)
        for x, y in spots:
            shape = r.choice([pen.ellipse, pen.rectangle])
            shape(
                (x - wide * 0.17, y - tall * 0.12, x + wide * 0.17, y + tall * 0.12),
                fill=r.choice(tones),
                outline=(60, 60, 60),
            )
            tone = (255, 255, 255)
            text(image, (x, y), r.choice(draw.WORDS), 17, tone, anchor="mm", bold=0)
    elif kind == 2:
        edge, start = min(wide, tall), r.uniform(0, 360)
        shares = [r.uniform(0.3, 1.5) for _ in range(r.randint(3, 6))]
        for k, share in enumerate(shares):
            end = start + 360 * share / sum(shares)
            pen.pieslice(
                (left, top, left + edge, top + edge),
                start,
                end,
                fill=tones[k % len(tones)],
                outline=(255, 255, 255),
            )
            start = end
    elif kind == 3:
        rows, columns = r.randint(3, 6), r.randint(2, 4)
        for row in range(rows):
            for column in range(columns):
                area = (
                    left + wide * column // columns,
                    top + tall * row // rows,
                    left + wide * (column + 1) // columns,
                    top + tall * (row + 1) // rows,
                )
                pen.rectangle(
                    area, fill=tones[0] if row == 0 else (246, 246, 246), outline=(150, 150, 150)
                )
                text(
                    image,
                    (area[0] + 6, area[1] + 8),
                    r.choice(draw.WORDS) if row == 0 or column == 0 else draw.number(r, 3),
                    15,
                    (255, 255, 255) if row == 0 else (40, 40, 40),
                )
    elif kind == 4:
        image.paste(draw.fill_box(photos.any(r), wide, tall), (left, top))
    else:
        pen.line((left, top, left, bottom, right, bottom), fill=(90, 90, 90), width=2)
        for tone in tones[: r.randint(1, 3)]:
            level, points = r.uniform(0.2, 0.8), []
            for k in range(9):
                level = min(0.95, max(0.05, level + r.uniform(-0.25, 0.25)))
                points.append((left + wide * k / 8, bottom - tall * level))
            pen.line(points, fill=tone, width=4)


def slide(t, bank):
    """One slide template: banner, logo, footer; title, bullets and a diagram differ."""
    width, height = t.choice([(960, 540), (960, 540), (960, 720)])
    tone = draw.vivid(t, t.uniform(0.3, 0.7))
    night = t.random() < 0.25
    ground = (
        draw.mixed((20, 22, 30), tone, 0.15)
        if night
        else draw.mixed((255, 255, 255), tone, t.choice([0, 0, 0.07]))
    )
    ink, banner = draw.readable(ground), t.choice(["top", "left", "corner", "line"])
    tones = [tone] + [draw.vivid(t, 0.6) for _ in range(3)]
    photos = bank.mixed(t)
    blank = Image.new("RGB", (width, height), ground)
    pen = ImageDraw.Draw(blank)
    left = 60
    if banner == "top":
        pen.rectangle((0, 0, width, 92), fill=tone)
    elif banner == "left":
        pen.rectangle((0, 0, 70, height), fill=tone)
        left = 110
    elif banner == "corner":
        pen.polygon([(width - 240, 0), (width, 0), (width, 190)], fill=tone)
        pen.polygon(
            [(0, height - 70), (0, height), (200, height)], fill=draw.mixed(tone, ground, 0.4)
        )
    else:
        pen.rectangle((left, 96, width - 60, 100), fill=tone)
    draw.logo(
        t, blank, width - 84, 14, 62, (250, 250, 250) if banner in ("top", "corner") else tone
    )
    pen.line((left, height - 44, width - 60, height - 44), fill=draw.mixed(ground, ink, 0.3))
    text(
        blank,
        (left, height - 34),
        f"{draw.title(t, 2)} | {draw.title(t, 2)} {t.randint(2015, 2025)}",
        15,
        draw.mixed(ground, ink, 0.6),
    )
    head = (250, 250, 250) if banner == "top" else tone if not night else (240, 240, 240)
    bold, side = t.choice([0, 1]), t.choice(["right", "right", "below"])

    def fill(r):
        page = blank.copy()
        line = draw.title(r, 2, 5)
        text(page, (left, 28), line, draw.fitted(line, 42, width - left - 270), head, bold=bold)
        text(
            page,
            (width - 70, height - 34),
            str(r.randint(2, 60)),
            15,
            draw.mixed(ground, ink, 0.6),
            anchor="ra",
        )
        pen, y = ImageDraw.Draw(page), 130
        bullets = r.randint(2, 5)
        room = (width * 0.5 if side == "right" else width - 90) - left
        for _ in range(bullets):
            pen.ellipse((left, y + 9, left + 10, y + 19), fill=tone)
            y += (
                draw.paragraph(
                    page,
                    (left + 24, y, left + room, height - 60),
                    draw.words(r, 3, 9).capitalize(),
                    24,
                    ink,
                )
                + 12
            )
            if y > height - (120 if side == "right" else 260):
                break
        box = (
            (width * 0.56, 140, width - 70, height - 80)
            if side == "right"
            else (left + r.randint(0, 200), max(y + 10, height - 250), width - 90, height - 60)
        )
        diagram(r, page, box, r.sample(tones, len(tones)), photos)
        return page

    return fill


def receipt(t, bank):
    """One shop's receipts: header, layout and footer stay, items, sums and dates differ."""
    width, size = t.choice([380, 430, 480]), t.choice([20, 22, 24])
    shop, columns = draw.title(t, 1, 2), int(430 / (22 * 0.62))
    tone = t.choice([(20, 20, 25), (30, 30, 60), (50, 40, 40)])
    head = [
        draw.street(t),
        f"{draw.number(t, 5)} {t.choice(draw.TOWNS)}",
        f"Tel {draw.number(t, 4)} {draw.number(t, 5)}",
        f"VAT {draw.number(t, 9)}",
    ]
    foot = [
        draw.words(t, 3, 4),
        "thank you for your visit",
        f"www.{t.choice(draw.WORDS)}-{t.choice(draw.WORDS)}.com",
    ]
    rule, stars, code = (
        t.choice(["-", "=", "*"]),
        t.random() < 0.5,
        t.choice(["bar", "square", "none"]),
    )
    stock = [draw.words(t, 1, 2) for _ in range(40)]
    mark = t.getrandbits(32)
    columns = int((width - 40) / (size * 0.62))

    def fill(r):
        count = r.randint(4, 14)
        rows = [
            (r.choice(stock)[: columns - 9], r.choice([0.49, 0.99, 0.29, 0.5]) + r.randint(0, 39))
            for _ in range(count)
        ]
        page = Image.new("RGB", (width, int(size * 1.25) * (count + 15) + 330), (252, 252, 248))
        pen, y = ImageDraw.Draw(page), 24
        draw.logo(random.Random(mark), page, width // 2 - 30, y, 60, tone)
        text(
            page,
            (width // 2, y + 70),
            shop.upper(),
            draw.fitted(shop.upper(), 40, width - 60),
            tone,
            bold=1,
            anchor="ma",
        )
        y += 126
        step = int(size * 1.25)

        def line(words, right="", bold=0):
            nonlocal y
            draw.mono(
                page,
                (20, y),
                words + " " * (columns - len(words) - len(right)) + right,
                size,
                tone,
                bold=bold,
            )
            y += step

        for words in head:
            line(words[:columns].center(columns))
        line(rule * columns)
        for name, price in rows:
            line(name, f"{price:.2f}")
        line(rule * columns)
        total = sum(price for _, price in rows)
        line("TOTAL", f"{total:.2f}", bold=1)
        line(r.choice(["CASH", "CARD"]), f"{total:.2f}")
        line("VAT 19%", f"{total * 0.19 / 1.19:.2f}")
        line(
            f"{draw.date(r)} {r.randint(7, 21):02d}:{r.randint(0, 59):02d}", f"#{draw.number(r, 5)}"
        )
        line("")
        for words in foot:
            line((f"* {words} *" if stars else words)[:columns].center(columns))
        if code == "bar":
            draw.barcode(r, pen, (60, y + 8, width - 60, y + 70))
            y += 90
        elif code == "square":
            draw.square_code(r, page, width // 2 - 63, y + 8, 126)
            y += 150
        return page.crop((0, 0, width, y + 26))

    return fill


def chart(t, bank):
    """One style of chart: frame, grid, legend and colours stay, data and title differ."""
    width, height = t.choice([(880, 560), (800, 600), (960, 540)])
    kind, count = t.choice(["line", "bar", "area", "points", "across", "stack"]), t.randint(2, 4)
    tones = [draw.vivid(t, 0.75, (t.random() + k / count) % 1) for k in range(count)]
    names = [draw.words(t, 1).title() for _ in range(count)]
    ground = t.choice([(255, 255, 255), (255, 255, 255), (234, 234, 242), (28, 30, 38)])
    ink = draw.readable(ground)
    grid, box = draw.mixed(ground, ink, 0.15), (90, 80, width - 50, height - 80)
    steps, ticks = t.randint(4, 8), t.randint(6, 12)
    labels = t.choice(
        [
            [str(2000 + k) for k in range(ticks)],
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[:ticks],
            [str(k * 10) for k in range(ticks)],
        ]
    )
    legend, places = t.choice(["top", "bottom"]), 40 if kind in ("line", "area") else ticks
    unit = draw.words(t, 1)
    same_title = draw.title(t, 2)

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(page)
        left, top, right, bottom = box
        high = r.choice([10, 20, 50, 80, 100, 200, 500, 1000])
        for k in range(steps + 1):
            y = bottom - (bottom - top) * k / steps
            x = left + (right - left) * k / steps
            pen.line((x, top, x, bottom) if kind == "across" else (left, y, right, y), fill=grid)
            mark = f"{high * k / steps:g}"[:5]
            text(
                page,
                (x, bottom + 8) if kind == "across" else (left - 8, y),
                mark,
                15,
                ink,
                anchor="ma" if kind == "across" else "rm",
            )
        for k, label in enumerate(labels):
            share = (k + 0.5) / ticks
            spot = (
                (left - 8, top + (bottom - top) * share)
                if kind == "across"
                else (left + (right - left) * share, bottom + 8)
            )
            text(page, spot, label, 15, ink, anchor="rm" if kind == "across" else "ma")
        start, reach = [r.uniform(0.15, 0.85) for _ in tones], r.uniform(0.05, 0.2)
        trend = [r.uniform(-0.5, 0.5) / places for _ in tones]
        values = []
        for k in range(places):
            start = [
                min(0.97, max(0.03, value + slope + r.gauss(0, reach)))
                for value, slope in zip(start, trend)
            ]
            values.append(
                [max(0.03, min(0.97, value)) for value in start]
                if kind in ("line", "area")
                else [r.uniform(0.05, 0.95) for _ in tones]
            )
        at = lambda k, value: (
            left + (right - left) * (k + 0.5) / places,
            bottom - (bottom - top) * value,
        )
        if kind in ("line", "area"):
            for series, tone in enumerate(tones):
                points = [
                    at(k, values[k][series] / (1 if kind == "line" else 1 + series * 0.7))
                    for k in range(places)
                ]
                if kind == "area":
                    pen.polygon(
                        points + [(points[-1][0], bottom), (points[0][0], bottom)], fill=tone
                    )
                else:
                    pen.line(points, fill=tone, width=3, joint="curve")
        elif kind == "points":
            for series, tone in enumerate(tones):
                u, v, slope, spread = (
                    r.uniform(0.3, 0.7),
                    r.uniform(0.3, 0.7),
                    r.uniform(-1, 1),
                    r.uniform(0.04, 0.15),
                )
                for _ in range(r.randint(15, 60)):
                    x = min(0.98, max(0.02, r.gauss(u, 0.16)))
                    y = min(0.98, max(0.02, v + slope * (x - u) + r.gauss(0, spread)))
                    spot = (left + (right - left) * x, bottom - (bottom - top) * y)
                    pen.ellipse((spot[0] - 5, spot[1] - 5, spot[0] + 5, spot[1] + 5), fill=tone)
        else:
            for k in range(places):
                base = 0.0
                for series, tone in enumerate(tones):
                    if kind == "stack":
                        value = values[k][series] / count
                        pen.rectangle(
                            (
                                at(k - 0.3, 0)[0],
                                at(k, base + value)[1],
                                at(k + 0.3, 0)[0],
                                at(k, base)[1],
                            ),
                            fill=tone,
                        )
                        base += value
                        continue
                    share = 0.76 / count
                    one, other = k - 0.38 + share * series, k - 0.38 + share * (series + 0.9)
                    if kind == "bar":
                        pen.rectangle(
                            (at(one, 0)[0], at(k, values[k][series])[1], at(other, 0)[0], bottom),
                            fill=tone,
                        )
                    else:
                        y = lambda place: top + (bottom - top) * (place + 0.5) / places
                        pen.rectangle(
                            (left, y(one), left + (right - left) * values[k][series], y(other)),
                            fill=tone,
                        )
        pen.line((left, top, left, bottom, right, bottom), fill=ink, width=2)
        line = draw.title(r, 2, 4) if r.random() < 0.7 else same_title
        text(page, (width // 2, 18), line, 26, ink, anchor="ma")
        text(page, (14, 56), unit, 15, ink)
        y, x = (58 if legend == "top" else height - 36), left + 40
        for name, tone in zip(names, tones):
            pen.rectangle((x, y, x + 18, y + 12), fill=tone)
            x += 34 + text(page, (x + 26, y - 3), name, 16, ink)
        return page

    return fill


def avatar(r, width, height):
    """A drawn head with hair and shoulders."""
    ground, skin = draw.mixed(draw.vivid(r), (230, 230, 230), 0.5), r.choice(
        [(240, 200, 170), (220, 170, 130), (160, 110, 80), (110, 75, 55), (250, 220, 200)]
    )
    hair, cloth = r.choice(
        [(40, 30, 25), (110, 70, 40), (200, 170, 90), (130, 130, 130), (150, 60, 30)]
    ), draw.vivid(r, 0.5)
    image = Image.new("RGB", (200, 250), ground)
    pen = ImageDraw.Draw(image)
    wide, tall = r.randint(38, 50), r.randint(50, 62)
    if r.random() < 0.5:
        pen.rounded_rectangle(
            (100 - wide - 12, 60, 100 + wide + 12, r.randint(150, 205)), 30, fill=hair
        )
    pen.rounded_rectangle((30 - r.randint(0, 15), 185, 170 + r.randint(0, 15), 300), 45, fill=cloth)
    pen.rectangle((84, 150, 116, 200), fill=draw.mixed(skin, (0, 0, 0), 0.12))
    pen.ellipse((100 - wide, 115 - tall, 100 + wide, 115 + tall), fill=skin)
    pen.pieslice(
        (100 - wide - 4, 110 - tall, 100 + wide + 4, 110 + tall),
        180 + r.randint(0, 20),
        360 - r.randint(0, 20),
        fill=hair,
    )
    pen.ellipse((100 - wide + 6, 92, 100 + wide - 6, 180), fill=skin)
    for x in (82, 118):
        pen.ellipse((x - 5, 112, x + 5, 121), fill=(30, 30, 40))
    if r.random() < 0.4:
        for x in (82, 118):
            pen.ellipse((x - 14, 104, x + 14, 130), outline=(20, 20, 20), width=3)
    pen.arc((84, 135, 116, 158), 20, 160, fill=(150, 50, 50), width=3)
    return image.resize((width, height), Image.BICUBIC)


def ticket(t, bank):
    """Tickets, passes or business cards of one design with other names, numbers and portraits."""
    kind = t.choice(["ticket", "pass", "business"])
    width, height = {"ticket": (960, 400), "pass": (860, 540), "business": (850, 500)}[kind]
    tone, other = draw.vivid(t, 0.55), draw.vivid(t, 0.8)
    ground = draw.mixed((255, 255, 255), tone, t.choice([0, 0.08, 0.15]))
    if t.random() < 0.25:
        ground = draw.mixed((10, 10, 20), tone, 0.35)
    ink = draw.readable(ground)
    blank = Image.new("RGB", (width, height), ground)
    pen, firm = ImageDraw.Draw(blank), draw.title(t, 2)
    if kind != "business" and t.random() < 0.6:
        for k in range(14):
            y = height * k / 14
            pen.line(
                [(x, y + 24 * math.sin(x / 70 + k)) for x in range(0, width, 12)],
                fill=draw.mixed(ground, other, 0.35),
                width=2,
            )
    faces = bank.faces(t)
    drawn = t.random() < 0.4
    portrait = lambda r, w, h: avatar(r, w, h) if drawn else draw.fill_box(faces.draw(), w, h)
    roles = [
        draw.words(t, 1).title() + " " + t.choice(["Manager", "Engineer", "Assistant", "Designer"])
        for _ in range(4)
    ]
    events = [draw.title(t, 2, 3) for _ in range(3)]
    upper = t.random() < 0.5
    if kind == "ticket":
        pen.rectangle((0, 0, width, 70), fill=tone)
        draw.logo(t, blank, 24, 8, 54, (250, 250, 250))
        text(blank, (96, 16), firm.upper() if upper else firm, 36, (250, 250, 250), bold=1)
        for y in range(4, height, 16):
            pen.line(
                (width - 230, y, width - 230, y + 8), fill=draw.mixed(ground, ink, 0.5), width=3
            )
        for place, label in enumerate(["Date", "Row", "Seat", "Price"]):
            text(
                blank,
                ((50, 250, 370, 520)[place], height - 120),
                label,
                17,
                tone if ink[0] < 100 else other,
            )
    elif kind == "pass":
        pen.rectangle((0, 0, width, 86), fill=tone)
        draw.logo(t, blank, width - 84, 12, 62, (250, 250, 250))
        text(
            blank,
            (34, 22),
            f"{firm} {t.choice(['Library', 'University', 'Transport', 'Club'])}",
            38,
            (250, 250, 250),
        )
        for place, label in enumerate(["Name", "Born", "Number", "Valid until"]):
            text(blank, (290, 120 + 84 * place), label, 17, draw.mixed(ground, ink, 0.6))
        pen.rectangle((0, height - 30, width, height), fill=other)
    else:
        draw.logo(t, blank, 60, 60, 110, tone)
        text(blank, (60, 190), firm, 34, tone if ink[0] < 100 else other, bold=1)
        pen.rectangle((width // 2 - 30, 60, width // 2 - 26, height - 60), fill=tone)
        pen.rectangle((0, height - 22, width, height), fill=tone)
    with_face = kind == "business" and t.random() < 0.3

    def fill(r):
        page = blank.copy()
        pen = ImageDraw.Draw(page)
        if kind == "ticket":
            event, star = r.choice(events), draw.person(r)
            text(page, (50, 96), event, draw.fitted(event, 54, width - 300), ink, bold=1)
            text(page, (50, 172), star, 36, draw.mixed(ground, ink, 0.8), slant=0.2)
            for place, entry in enumerate(
                [
                    draw.date(r),
                    str(r.randint(1, 40)),
                    str(r.randint(1, 300)),
                    f"{r.randint(9, 99)},00",
                ]
            ):
                text(page, ((50, 250, 370, 520)[place], height - 96), entry, 30, ink)
            draw.square_code(r, page, width - 190, 90, 147)
            draw.barcode(r, pen, (width - 205, 270, width - 30, 330), ink)
            text(page, (width - 117, 340), draw.number(r, 10), 20, ink, anchor="ma")
        elif kind == "pass":
            page.paste(portrait(r, 210, 280), (40, 120))
            name = draw.person(r)
            for place, entry in enumerate([name, draw.date(r), draw.number(r, 9), draw.date(r)]):
                text(page, (290, 140 + 84 * place), entry, 36, ink, bold=1 if place == 0 else 0)
            draw.scribble(r, pen, (50, 410, 240, 490), ink, 2)
            draw.barcode(r, pen, (width - 240, height - 120, width - 40, height - 50), ink)
        else:
            name, x = draw.person(r), width // 2 + 10
            if with_face:
                page.paste(portrait(r, 130, 160), (width - 180, 50))
            text(
                page,
                (x, 90),
                name,
                draw.fitted(name, 42, width - x - (200 if with_face else 30)),
                ink,
                bold=1,
            )
            text(page, (x, 146), r.choice(roles), 22, draw.mixed(ground, ink, 0.7), slant=0.2)
            last = name.split()[-1].lower()
            for place, entry in enumerate(
                [
                    f"Tel 0{draw.number(r, 3)} {draw.number(r, 6)}",
                    f"Mob 01{draw.number(r, 2)} {draw.number(r, 7)}",
                    f"{last}@{firm.split()[0].lower()}.com",
                ]
            ):
                text(page, (x, 250 + 46 * place), entry, 26, ink)
        return page

    return fill


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
