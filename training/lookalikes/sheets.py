"""Sheet music, tables of numbers, and pages of plain text."""

from PIL import Image, ImageDraw

from . import draw
from .draw import text


def changed(t, r, count, changes):
    """Which of `count` parts are another in a variant, for "all", "half" or "some"."""
    if changes == "all":
        return set(range(count))
    return set(range(count // 2, count)) if changes == "half" else set(t)


def music(t, photos):
    """Staves of notes engraved alike: another piece, another second half, or two other staves."""
    width, height = t.choice([(640, 840), (820, 620)])
    paper, ink = t.choice([(255, 255, 255), (248, 242, 226)]), (25, 25, 30)
    staves, changes = t.randint(4, 7), t.choice(["all", "all", "half", "some"])
    title, same_title, by = draw.title(t, 2), t.random() < 0.5, draw.person(t)
    gap = (height - 150) / staves
    step, bars, dense = min(gap / 9.5, 11), t.randint(3, 5), t.randint(3, 6)
    some, seeds, clef = t.sample(range(staves), 2), [t.getrandbits(30) for _ in range(staves)], t.choice("GC")

    def stave(r, page, y):
        pen = ImageDraw.Draw(page)
        for k in range(5):
            pen.line((36, y + 2 * k * step, width - 36, y + 2 * k * step), fill=ink, width=1)
        text(page, (42, y - step), clef, step * 8, ink, slant=0.25)
        room, pitch = (width - 130) / bars, r.randint(0, 8)
        for bar in range(bars):
            start = 90 + bar * room
            count = r.randint(max(1, dense - 2), dense)
            for k in range(count):
                pitch = max(-2, min(10, pitch + r.randint(-4, 4)))
                x, v = start + (k + 0.6) * room / count, y + (8 - pitch) * step
                open_note, up = r.random() < 0.25, pitch < 4
                head = (x - 1.3 * step, v - step, x + 1.3 * step, v + step)
                pen.ellipse(head, fill=None if open_note else ink, outline=ink, width=2)
                stem = x + (1.2 if up else -1.2) * step
                pen.line((stem, v, stem, v - (7 if up else -7) * step), fill=ink, width=2)
                if r.random() < 0.3 and not open_note:
                    end = v - (7 if up else -7) * step
                    pen.line((stem, end, stem + 2 * step, end + (2.5 if up else -2.5) * step), fill=ink, width=3)
            pen.line((start + room, y, start + room, y + 8 * step), fill=ink, width=2)

    def fill(r):
        page = Image.new("RGB", (width, height), paper)
        name = title if same_title or changes != "all" else draw.title(r, 2)
        text(page, (width / 2, 30), name, 44, ink, anchor="ma")
        text(page, (width - 40, 84), by, 20, (80, 80, 85), anchor="ra")
        new = changed(some, r, staves, changes)
        for k in range(staves):
            stave(r if k in new else draw.again(seeds[k]), page, 130 + k * gap + step)
        return page

    return fill


def table(t, photos):
    """Tables and price lists: headings stay; all numbers, a half of the rows, two rows or one column are others."""
    width, height = t.choice([(800, 600), (640, 800), (760, 520)])
    rows, columns = t.randint(5, 12), t.randint(3, 5)
    tone, ink = draw.vivid(t, t.uniform(0.3, 0.8)), (30, 30, 35)
    title, changes = draw.title(t, 2, 3), t.choice(["all", "all", "half", "some", "column"])
    heads, names = [draw.title(t, 1) for _ in range(columns)], [draw.title(t, 1) for _ in range(rows)]
    own_names, striped, ruled = t.random() < 0.25, t.random() < 0.5, t.random() < 0.6
    digits, cents, which = t.randint(2, 4), t.random() < 0.4, t.randrange(1, columns)
    some, seeds = t.sample(range(rows), 2), [t.getrandbits(30) for _ in range(rows)]
    top, left = 150, 24
    wide, tall = (width - 2 * left) / columns, (height - top - 20) / rows

    def fill(r):
        page = Image.new("RGB", (width, height), (255, 255, 255))
        pen = ImageDraw.Draw(page)
        text(page, (left, 20), title, draw.fitted(title, 46, width - 60), tone, bold=1)
        pen.rectangle((left, top - 54, width - left, top), fill=tone)
        new, size = changed(some, r, rows, "all" if changes == "column" else changes), min(tall * 0.62, wide * 0.24)
        for k, head in enumerate(heads):
            fits = draw.fitted(head, 28, wide - 14)
            text(page, (left + k * wide + 10, top - 27), head, fits, draw.readable(tone), anchor="lm")
        for row in range(rows):
            y = top + row * tall
            if striped and row % 2:
                pen.rectangle((left, y, width - left, y + tall), fill=draw.mixed((255, 255, 255), tone, 0.13))
            kept = draw.again(seeds[row])
            name = draw.title(r, 1) if own_names and row in new else names[row]
            text(page, (left + 10, y + tall / 2), name, draw.fitted(name, size, wide - 14), ink, anchor="lm")
            for k in range(1, columns):
                old = draw.number(kept, digits), draw.number(kept, 2)
                fresh = draw.number(r, digits), draw.number(r, 2)
                whole, part = fresh if row in new and (changes != "column" or k == which) else old
                entry = f"{int(whole)}.{part}" if cents else str(int(whole))
                text(page, (left + (k + 1) * wide - 12, y + tall / 2), entry, size, ink, anchor="rm")
        if ruled:
            for row in range(rows + 1):
                pen.line((left, top + row * tall, width - left, top + row * tall), fill=(150, 150, 150))
            for k in range(columns + 1):
                pen.line((left + k * wide, top, left + k * wide, height - 20), fill=(150, 150, 150))
        return page

    return fill


def prose(t, photos):
    """Pages of one letterhead or book: all words, the second half or the heading with a half are others."""
    width, height = t.choice([(620, 860), (560, 800), (700, 700)])
    paper, ink = t.choice([(255, 255, 255), (247, 240, 222), (240, 240, 236)]), t.choice([(25, 25, 28), (60, 50, 45)])
    size, margin, changes = t.randint(19, 27), t.randint(44, 80), t.choice(["all", "all", "half", "half"])
    head, letter, heading = draw.title(t, 2), t.random() < 0.5, t.random() < 0.6
    salt, tone, mark = t.getrandbits(30), draw.vivid(t, 0.5), t.getrandbits(30)
    bold = t.choice([0, 0, 1])

    def fill(r):
        page = Image.new("RGB", (width, height), paper)
        kept, y = draw.again(salt), 40
        if letter:
            draw.logo(draw.again(mark), page, margin, 30, 70, tone)
            text(page, (margin + 90, 44), head, draw.fitted(head, 38, width - margin - 150), tone, bold=1)
            y = 130
        else:
            text(page, (width / 2, 30), head.upper(), 18, draw.mixed(paper, ink, 0.6), anchor="ma")
            y = 74
        if heading:
            line = draw.title(kept, 2, 3) if changes == "half" else draw.title(r, 2, 3)
            text(page, (margin, y), line, draw.fitted(line, 40, width - 2 * margin), ink, bold=1)
            y += 64
        while y < height - 110:
            own = changes == "all" or y > height * 0.5
            words = draw.words(r if own else kept, 14, 45).capitalize() + "."
            box = (margin, y, width - margin, height - 70)
            y += draw.paragraph(page, box, words, size, ink, bold=bold) + size * 0.7
        foot = str(r.randint(2, 400)) if not letter else head
        text(page, (width / 2, height - 50), foot, 20, draw.mixed(paper, ink, 0.7), anchor="ma")
        return page

    return fill
