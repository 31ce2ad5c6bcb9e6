"""Wall calendars: one art or one grid, other months."""

import calendar as dates

from PIL import Image, ImageDraw

from . import draw
from .draw import text
from .variants import another

DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()


def calendar(t, photos):
    """Months of one calendar; the year too in some, and the art in some."""
    width, height = t.choice([(620, 800), (800, 620), (640, 640)])
    paper, tone = draw.mixed((255, 255, 255), draw.vivid(t), t.choice([0, 0, 0.12])), draw.vivid(t, t.uniform(0.3, 0.7))
    ink, art = (30, 30, 35), t.choice(["photo", "photo", "figure", "none", "another"])
    split = 0 if art == "none" else int(height * t.uniform(0.3, 0.5))
    years = [t.randint(1995, 2035)] if t.random() < 0.6 else list(range(2018, 2030))
    first, ruled, bold, weeks = t.choice([0, 6]), t.random() < 0.6, t.choice([0, 1]), t.random() < 0.3
    band, upper = t.random() < 0.5, t.random() < 0.4
    shape, tones = t.getrandbits(30), [draw.vivid(t) for _ in range(4)]
    picture = photos.draw() if art == "photo" else None
    firm, used = draw.title(t, 2), set()

    def fill(r):
        page = Image.new("RGB", (width, height), paper)
        pen = ImageDraw.Draw(page)
        year, month = another(r, lambda r: (r.choice(years), r.randint(1, 12)), used)
        if art in ("photo", "another"):
            page.paste(draw.fill_box(picture or photos.draw(), width, split), (0, 0))
        elif art == "figure":
            pen.rectangle((0, 0, width, split), fill=draw.mixed(paper, tone, 0.3))
            draw.figure(draw.again(shape), page, (20, 20, width - 20, split - 20), tones)
        room = height - split
        head, size = split + int(0.03 * room), int(min(0.13 * room, 62))
        if band:
            pen.rectangle((0, split, width, head + int(1.35 * size)), fill=tone)
        name = dates.month_name[month]
        shade = draw.readable(tone) if band else tone
        text(page, (30, head), name.upper() if upper else name, size, shade, bold=bold)
        text(page, (width - 30, head), str(year), size, shade, bold=bold, anchor="ra")
        top, foot = head + int(1.6 * size), height - 34
        left = 64 if weeks else 24
        wide, tall = (width - left - 24) / 7, (foot - top) / 7
        digit = min(tall * 0.62, wide * 0.5)
        order = [DAYS[(first + k) % 7] for k in range(7)]
        for k, day in enumerate(order):
            text(page, (left + (k + 0.5) * wide, top + tall / 2), day, digit * 0.7, tone, anchor="mm")
        for row, week in enumerate(dates.Calendar(first).monthdayscalendar(year, month)):
            for k, day in enumerate(week):
                x, y = left + k * wide, top + (row + 1) * tall
                if ruled:
                    pen.rectangle((x, y, x + wide, y + tall), outline=draw.mixed(paper, ink, 0.4))
                if day:
                    shade = tone if order[k] == "Sun" else ink
                    text(page, (x + wide / 2, y + tall / 2), str(day), digit, shade, bold=bold, anchor="mm")
        text(page, (width // 2, height - 28), firm, 18, draw.mixed(paper, ink, 0.6), anchor="ma")
        return page

    return fill
