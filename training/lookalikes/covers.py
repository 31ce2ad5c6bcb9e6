"""Covers of one series of books."""

import random

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def cover(t, bank):
    """Book covers of one series: frame, mark and type stay; title, author and the middle differ."""
    width, height = t.choice([(620, 920), (660, 880), (700, 1000)])
    frame, mark = t.choice(["border", "bands", "double", "split"]), draw.title(t, 1)
    inks = [draw.vivid(t, t.uniform(0.3, 0.85)) for _ in range(3)]
    paper = t.choice([(245, 240, 228), (250, 250, 250), (30, 32, 40), (225, 215, 195)])
    bold, slant, wide = t.choice([0, 1, 2]), t.choice([0, 0, 0.2]), t.choice([1.0, 1.0, 0.8, 1.15])
    upper, above = t.random() < 0.5, t.random() < 0.5
    photo_share, scenes = t.choice([0.4, 0.6]), bank.mixed(t)
    mark_seed = t.getrandbits(30)
    round_window = t.random() < 0.3

    def fill(r):
        page, tone = Image.new("RGB", (width, height), paper), r.choice(inks)
        pen, ink = ImageDraw.Draw(page), draw.readable(paper)
        if frame == "border":
            pen.rectangle((0, 0, width, height), outline=tone, width=34)
        elif frame == "bands":
            pen.rectangle((0, 0, width, 70), fill=tone)
            pen.rectangle((0, height - 120, width, height), fill=tone)
        elif frame == "double":
            pen.rectangle((20, 20, width - 20, height - 20), outline=tone, width=8)
            pen.rectangle((36, 36, width - 36, height - 36), outline=tone, width=2)
        else:
            pen.rectangle((0, 0, width, height * 0.36), fill=tone)
        top = 100 if above else int(height * 0.62)
        head = draw.readable(tone) if frame == "split" and above else ink
        y, lines = top, (draw.title(r, 1, 2), draw.title(r, 1, 2))
        size = min(
            draw.fitted(line.upper() if upper else line, 74, (width - 130) / max(1.0, wide))
            for line in lines
        )
        for line in lines:
            text(
                page,
                (width // 2, y),
                line.upper() if upper else line,
                size,
                head,
                bold=bold,
                slant=slant,
                wide=wide,
                anchor="ma",
            )
            y += int(size * 1.2)
        text(
            page,
            (width // 2, y + 10),
            draw.person(r),
            34,
            draw.mixed(head, paper, 0.2),
            anchor="ma",
        )
        box = (
            (80, int(height * 0.38), width - 80, height - 150)
            if above
            else (80, 110, width - 80, int(height * 0.58))
        )
        if r.random() < photo_share:
            photo = draw.fill_box(scenes.draw(), box[2] - box[0], box[3] - box[1])
            window = Image.new("L", photo.size, 0 if round_window else 255)
            if round_window:
                ImageDraw.Draw(window).ellipse((0, 0, photo.width, photo.height), fill=255)
            page.paste(photo, box[:2], window)
        else:
            draw.figure(r, page, box, [draw.vivid(r) for _ in range(r.randint(2, 4))])
        draw.logo(
            random.Random(mark_seed),
            page,
            60,
            height - 104,
            56,
            ink if frame != "bands" else draw.readable(tone),
        )
        text(
            page,
            (130, height - 94),
            mark.upper(),
            34,
            ink if frame != "bands" else draw.readable(tone),
            bold=1,
        )
        text(
            page,
            (width - 60, height - 94),
            str(r.randint(1, 99)),
            34,
            ink if frame != "bands" else draw.readable(tone),
            anchor="ra",
        )
        return page

    return fill
