"""Flat things small among others: shown alone in some photos, tilted, turned and partly hidden in the rest."""

from PIL import Image, ImageFilter

from . import cards, copies, covers, draw, held, revised, series, shoot, tickets

# Things of one pile that differ all over, as prints of one series do. Where two things differ in a few words alone,
# what parts them may be hidden or too small in the scene: there is one of such a pile.
VARIANTS = 3


def template(t, bank, photos):
    """A function that draws one thing of the pile, and how many things are in it."""
    kind = t.choice(["cover", "print", "photo", "card", "ticket", "poster", "sheet"])
    if kind == "cover":
        return covers.cover(t, bank), VARIANTS
    if kind == "print":
        tones = [draw.vivid(t, t.uniform(0.3, 0.9)) for _ in range(5)]
        style = t.choice(["poster", "flower", "tile", "fabric"])
        return lambda r: series.pattern(r, style, tones), VARIANTS
    if kind == "photo":
        sizes = [(640, 480), (480, 640), (560, 560)]
        return lambda r: draw.fill_box(photos.draw(), *r.choice(sizes)), VARIANTS
    if kind == "card":
        return cards.card(t, bank), 1
    if kind == "ticket":
        return tickets.ticket(t, bank), 1
    return (revised.poster if kind == "poster" else revised.sheet)(t, photos), 1


def other(r, photos):
    """Something else that lies there, in this photo alone: a print or an object, with its mask."""
    photo = photos.draw()
    if r.random() < 0.4:
        return held.cut_out(r, photo)
    wide, tall = r.choice([(300, 220), (220, 300), (260, 260), (340, 150)])
    return draw.fill_box(photo, wide, tall), None


def scene(r, item, photos, tables):
    """The thing on a table or before a photo, with other things around and partly over it."""
    width, height = r.choice([(720, 540), (540, 720), (720, 480)])
    if r.random() < 0.5:
        canvas = draw.fill_box(photos.draw(), width, height)
    else:
        canvas = shoot.part_of(r, r.choice(tables), (width, height))
    share = r.uniform(0.16, 0.42)
    # The thing's width and height before it is tilted, from the share of the photo that it covers.
    scale = (share * width * height / (item.width * item.height)) ** 0.5
    wide, tall = item.width * scale * r.uniform(0.7, 1), item.height * scale * r.uniform(0.7, 1)
    x, y = width * r.uniform(0.32, 0.68), height * r.uniform(0.32, 0.68)
    for _ in range(r.randint(2, 6)):
        place(r, canvas, *other(r, photos), r.uniform(0, width), r.uniform(0, height), r.uniform(0.4, 1))
    turn = r.choice([r.uniform(-25, 25), r.uniform(-60, 60), r.uniform(-180, 180)])
    box = shoot.turned_box(r, x, y, wide, tall, turn, r.uniform(0.02, 0.14))
    # Sampled at the scene's size, or fine print would turn to noise.
    small = item.resize((max(24, round(wide)), max(24, round(tall))), Image.LANCZOS)
    shoot.lay(canvas, small, box, shadow=r.randint(2, 10))
    for _ in range(r.choice([0, 1, 1, 2])):
        # Over an edge or a corner of the thing: the middle of the other lies near its border.
        (x1, y1), (x2, y2) = r.sample(box, 2)
        along = r.random()
        place(r, canvas, *other(r, photos), x1 + along * (x2 - x1), y1 + along * (y2 - y1), r.uniform(0.25, 0.55))
    if r.random() < 0.7:
        canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.2, 0.9)))
    return shoot.light(r, canvas)


def place(r, canvas, item, mask, x, y, scale):
    box = shoot.turned_box(r, x, y, item.width * scale, item.height * scale, r.uniform(-40, 40), 0.05)
    shoot.lay(canvas, item, box, shadow=r.randint(2, 8), mask=mask)


def clutter(name, things, bank, rng):
    """Things of several piles; of each a picture of its own and two or three photos in which it lies among others."""
    tables = [shoot.desk(rng(name, "desk", k), bank.scenes(rng(name, "desks", k)).draw()) for k in range(4)]
    # What else lies there is in one photo alone, or two photos of two things would show one thing.
    photos, others = bank.mixed(rng(name, "photos")), bank.scenes(rng(name, "others"))
    left = 0
    for thing in range(things):
        if left == 0:
            fill, left = template(rng(name, "pile", thing), bank, photos)
        left -= 1
        r = rng(name, thing)
        item = fill(r)
        out = [copies.again(r, item, tables, r.choice(["save", "save", "scan", "photo"]))]
        yield out + [scene(rng(name, thing, copy), item, others, tables) for copy in range(r.randint(2, 3))]
