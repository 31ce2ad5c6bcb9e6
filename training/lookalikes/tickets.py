"""Tickets and badges of one layout."""

import math

from PIL import Image, ImageDraw

from . import draw
from .draw import text


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
