"""Screens of a telephone: conversations and lists of one application."""

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def chat(t, photos):
    """A conversation: other messages, another end of it, or other words in the same bubbles; or lists of entries."""
    width, height = t.choice([(420, 760), (440, 800), (480, 760)])
    night, tone = t.random() < 0.3, draw.vivid(t, t.uniform(0.35, 0.8))
    ground = (24, 28, 34) if night else draw.mixed((250, 250, 250), draw.vivid(t), t.choice([0, 0.08, 0.2]))
    panel = draw.mixed(ground, tone, 0.55)
    ours, theirs = draw.mixed(ground, tone, 0.4), (52, 56, 64) if night else (255, 255, 255)
    person, face, size = draw.person(t), photos.draw(), t.randint(24, 30)
    kind, changes = t.choice(["chat", "chat", "list"]), t.choice(["all", "all", "end", "words"])
    round_faces, salt, hint = t.random() < 0.5, t.getrandbits(30), draw.title(t, 1)
    lines = [(t.randint(1, 3), t.random() < 0.5, t.uniform(0.45, 0.7)) for _ in range(30)]
    backdrop = draw.fill_box(photos.draw(), width, height) if kind == "chat" and t.random() < 0.3 else None

    def bubble(r, page, y, shape):
        rows, own, share = shape
        pen, wide = ImageDraw.Draw(page), int(width * share)
        x, tall = width - wide - 14 if own else 14, int(rows * size * 1.3 + 22)
        pen.rounded_rectangle((x, y, x + wide, y + tall), 18, fill=ours if own else theirs)
        ink = draw.readable(ours if own else theirs)
        box = (x + 14, y + 8, x + wide - 10, y + tall - 2)
        draw.paragraph(page, box, draw.words(r, 14).capitalize(), size, ink, 1.3)
        return y + tall + 12

    def entry(r, page, y):
        pen, edge = ImageDraw.Draw(page), 72
        draw.figure(r, page, (16, int(y), 16 + edge, int(y) + edge), [draw.vivid(r) for _ in range(3)])
        name = draw.person(r)
        text(page, (104, y + 4), name, draw.fitted(name, size, width - 120), draw.readable(ground), bold=1)
        text(page, (104, y + 40), draw.words(r, 2, 3), size * 0.8, draw.mixed(ground, draw.readable(ground), 0.6))
        pen.line((104, y + 84, width, y + 84), fill=draw.mixed(ground, tone, 0.3))
        return y + 92

    def fill(r):
        page = Image.new("RGB", (width, height), ground)
        if backdrop:
            page.paste(Image.blend(page, backdrop, 0.4))
        kept, y, place = draw.again(salt), 104, 0
        while y < height - 150:
            own = changes != "end" or y > height * 0.45
            source = r if own else kept
            if kind == "list":
                y = entry(source, page, y)
            else:
                new = (source.randint(1, 3), source.random() < 0.5, source.uniform(0.45, 0.7))
                y = bubble(source, page, y, lines[place] if changes == "words" else new)
            place += 1
        pen = ImageDraw.Draw(page)
        pen.rectangle((0, 0, width, 88), fill=panel)
        page.paste(draw.fill_box(face, 60, 60), (14, 14))
        text(page, (90, 26), person, draw.fitted(person, 32, width - 120), draw.readable(panel), bold=1)
        pen.rectangle((0, height - 62, width, height), fill=panel)
        pen.rounded_rectangle((16, height - 52, width - 80, height - 12), 18, fill=theirs)
        text(page, (34, height - 46), hint, 22, (140, 140, 140))
        pen.ellipse((width - 62, height - 54, width - 18, height - 10), fill=tone)
        return page

    return fill
