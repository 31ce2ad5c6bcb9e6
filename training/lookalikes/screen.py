"""Screenshots of one application: window, menu and sidebar stay, the content differs."""

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def screenshot(t, bank):
    width, height = t.choice([(1000, 640), (1000, 700), (960, 600)])
    night = t.random() < 0.35
    ground = (30, 32, 38) if night else (252, 252, 252)
    panel = (42, 45, 54) if night else draw.mixed((255, 255, 255), draw.vivid(t), 0.1)
    ink = (225, 225, 225) if night else (35, 35, 40)
    faint, tone = draw.mixed(ground, ink, 0.45), draw.vivid(t, 0.75)
    app = t.choice(["mail", "code", "sheet", "chat", "viewer", "text"])
    blank = Image.new("RGB", (width, height), ground)
    pen = ImageDraw.Draw(blank)
    bar = draw.mixed(panel, ink, 0.12)
    pen.rectangle((0, 0, width, 34), fill=bar)
    text(blank, (width // 2, 17), f"{draw.title(t, 1)} {app.title()}", 17, ink, anchor="mm")
    if t.random() < 0.5:
        for k, shade in enumerate([(240, 90, 80), (245, 190, 60), (90, 200, 90)]):
            pen.ellipse((14 + 24 * k, 10, 28 + 24 * k, 24), fill=shade)
    else:
        for k, sign in enumerate("x+-"):
            text(blank, (width - 24 - 32 * k, 16), sign, 20, ink, anchor="mm")
    x = 12
    for word in ["File", "Edit", "View"] + [draw.title(t, 1) for _ in range(t.randint(1, 3))]:
        x += 18 + text(blank, (x, 42), word, 15, ink)
    pen.rectangle((0, 66, width, 104), fill=panel)
    for k in range(t.randint(6, 12)):
        draw.logo(t, blank, 14 + 40 * k, 74, 22, faint)
    side = t.randint(170, 230)
    pen.rectangle((0, 104, side, height), fill=panel)
    y = 122
    entries = []
    for _ in range(t.randint(8, 14)):
        draw.logo(t, blank, 14, y, 16, tone)
        text(blank, (40, y - 2), draw.title(t, 1, 2)[:20], 16, ink)
        entries.append(y)
        y += 34
    pen.rectangle((0, height - 26, width, height), fill=tone)
    text(blank, (10, height - 23), draw.words(t, 2), 14, draw.readable(tone))
    left, top, bottom = side + 20, 118, height - 36
    photos, people = bank.mixed(t, 400), [draw.person(t) for _ in range(8)]

    def fill(r):
        page = blank.copy()
        pen = ImageDraw.Draw(page)
        if r.random() < 0.7:
            chosen = r.choice(entries)
            pen.rectangle((0, chosen - 7, 4, chosen + 23), fill=tone)
        text(
            page,
            (width - 10, height - 23),
            f"{r.randint(1, 400)} {r.choice(['items', 'lines', 'words'])}",
            14,
            draw.readable(tone),
            anchor="ra",
        )
        y = top
        if app == "mail":
            while y < bottom - 40:
                pen.ellipse((left, y + 4, left + 34, y + 38), fill=draw.vivid(r, 0.7))
                who = r.choice(people) if r.random() < 0.5 else draw.person(r)
                text(page, (left + 17, y + 21), who[0], 20, (255, 255, 255), anchor="mm")
                text(page, (left + 48, y), who, 17, ink, bold=r.choice([0, 0, 1]))
                text(
                    page,
                    (width - 20, y),
                    f"{r.randint(0, 23)}:{r.randint(0, 59):02d}",
                    15,
                    faint,
                    anchor="ra",
                )
                text(page, (left + 48, y + 22), draw.words(r, 3, 8).capitalize(), 16, faint)
                y += 52
                pen.line((left, y - 4, width - 12, y - 4), fill=draw.mixed(ground, ink, 0.12))
        elif app == "code":
            indent, line = 0, r.randint(1, 300)
            shades = [ink, tone, (220, 140, 60), (90, 170, 90), (120, 150, 230)]
            while y < bottom - 16:
                draw.mono(page, (left, y), f"{line:3d}", 14, faint)
                x, line = left + 40 + indent * 26, line + 1
                for _ in range(r.choice([0, 2, 3, 4, 6])):
                    word = r.choice(draw.WORDS) + r.choice(["", "(", ":", ",", " =", "_x"])
                    if x + len(word) * 9 > width - 20:
                        break
                    draw.mono(page, (x, y), word, 15, r.choice(shades), pitch=0.6)
                    x += (len(word) + 1) * 9
                indent = max(0, min(5, indent + r.choice([-1, 0, 0, 1])))
                y += 20
        elif app == "sheet":
            columns, room = 7, (width - left - 10) // 7
            kinds = [r.choice("nnw") for _ in range(columns)]
            filled = r.randint(8, 18)
            row = 0
            while y < bottom - 24:
                for column in range(columns):
                    area = (left + column * room, y, left + (column + 1) * room, y + 26)
                    shade = (
                        draw.mixed(ground, tone, 0.4)
                        if row == 0
                        else draw.mixed(ground, tone, 0.2) if r.random() < 0.04 else None
                    )
                    pen.rectangle(area, outline=draw.mixed(ground, ink, 0.2), fill=shade)
                    if row == 0:
                        text(page, (area[0] + 6, y + 4), draw.words(r, 1).title(), 15, ink)
                    elif row < filled and r.random() < 0.9:
                        entry = (
                            r.choice(draw.WORDS)
                            if kinds[column] == "w"
                            else f"{r.uniform(0, 5000):.1f}"
                        )
                        text(
                            page,
                            (area[0] + 6, y + 4) if kinds[column] == "w" else (area[2] - 6, y + 4),
                            entry,
                            15,
                            ink,
                            anchor="la" if kinds[column] == "w" else "ra",
                        )
                y, row = y + 26, row + 1
        elif app == "chat":
            while y < bottom - 60:
                mine, line = r.random() < 0.45, draw.words(r, 2, 8).capitalize()
                room = min(int(draw.font(17).getlength(line)) + 30, width - left - 100)
                x = width - 20 - room if mine else left + 40
                tall = 60 if r.random() < 0.12 else 36
                pen.rounded_rectangle(
                    (x, y, x + room, y + tall),
                    14,
                    fill=tone if mine else draw.mixed(ground, ink, 0.15),
                )
                text(page, (x + 14, y + 8), line, 17, draw.readable(tone) if mine else ink)
                if not mine:
                    pen.ellipse((left, y, left + 30, y + 30), fill=draw.vivid(r, 0.6))
                y += tall + r.randint(8, 20)
        elif app == "viewer":
            photo = draw.fit_box(photos.draw(), width - left - 20, bottom - top - 40)
            page.paste(photo, ((left + width - photo.width) // 2, top))
            text(
                page,
                ((left + width) // 2, bottom - 14),
                f"{draw.words(r, 1)}_{draw.number(r, 4)}.jpg",
                16,
                ink,
                anchor="mm",
            )
        else:
            text(page, (left + 30, y), draw.title(r, 2, 5), 32, ink, bold=1)
            y += 56
            while y < bottom - 40:
                if r.random() < 0.15 and y < bottom - 170:
                    wide = r.randint(180, 320)
                    page.paste(draw.fill_box(photos.any(r), wide, 130), (left + 30, int(y)))
                    y += 144
                y += (
                    draw.paragraph(
                        page,
                        (left + 30, y, width - 50, bottom - 10),
                        draw.words(r, 15, 50).capitalize() + ".",
                        17,
                        ink,
                    )
                    + 16
                )
        return page

    return fill
