"""Slides of one master."""

from PIL import Image, ImageDraw

from . import draw
from .draw import text


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
