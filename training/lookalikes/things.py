"""Hand-sized things composed of a few shapes. Each stands on z = 0, is about one unit large, and turns its front to -y.

A builder takes g, which fixes the shape, and art, which fixes what is on it; the same g with other art is the same shape
with other pictures, colours and words.
"""

import math
import random

from PIL import Image, ImageDraw

from . import draw, surfaces
from .raycast import Pose, spin
from .shapes import Blob, Box, Ellipsoid, Frustum, Lathe, RoundBox, Torus
from .surfaces import Look


class Art:
    """The pictures, colours and words of one thing, each by a name.

    The last of the photos is kept for what differs from its kin: `changed` has names, or names with " photo" or " tone".
    `seen` collects all names that could be changed.
    """

    def __init__(self, key, photos, changed=(), salt=""):
        self.key, self.photos, self.changed, self.salt, self.seen = key, photos, changed, salt, []
        self.tones = surfaces.palette(self.rng("palette"), 6, self.rng("soft").choice([0.1, 0.3, 0.5, 0.65]))

    def rng(self, name):
        return random.Random(f"{self.key} {name} {self.salt if name in self.changed else ''}")

    def noted(self, name):
        if name not in self.seen:
            self.seen.append(name)
        return name in self.changed

    def photo(self, name):
        if self.noted(f"{name} photo") or name in self.changed:
            return self.photos[-1]
        return self.photos[self.rng(f"{name} which").randrange(len(self.photos) - 1)]

    def tone(self, name):
        if self.noted(f"{name} tone") or name in self.changed:
            return surfaces.palette(random.Random(f"{self.key} {name} tone {self.salt}"), 1)[0]
        return self.rng(name).choice(self.tones)

    def words(self, name, count=1):
        self.noted(name)
        return draw.title(self.rng(name), count)

    def plain(self, name, tone=None):
        return surfaces.plain(self.rng(name + " plain"), tone or self.tone(name))

    def skin(self, name):
        """What covers a thing: a pattern, a photo, or one colour with something stuck on."""
        self.noted(name)
        r = self.rng(name)
        tones = [self.tone(name), *r.sample(self.tones, 4)]
        kind = r.choice(["pattern", "pattern", "photo", "photo", "sticker", "sticker", "plain"])
        if kind == "pattern":
            return surfaces.pattern(r, tones)
        if kind == "photo":
            return draw.fill_box(self.photo(name), 320, 320, r)
        image = surfaces.plain(r, tones[0], 320)
        for k in range(r.randint(1, 3) if kind == "sticker" else 0):
            photo = self.photo(name) if r.random() < 0.5 else None
            surfaces.sticker(r, image, photo, draw.title(r, 1) if r.random() < 0.5 else None)
        return image

    def face(self, name, wide, tall, photo=True, words=None):
        """A printed face; wide and tall are lengths."""
        self.noted(name)
        r, unit = self.rng(name), 320 / max(wide, tall)
        words = self.words("flavour") if words is None else words
        photo = self.photo(name) if photo else None
        return surfaces.printed(r, photo, max(24, int(wide * unit)), max(24, int(tall * unit)), words)

    def wrap(self, name, radius, tall):
        """A label round a thing: once with a picture at the front, or twice."""
        r = self.rng(name)
        times = r.choice([1, 2, 2, 3])
        one = self.face(name, 2 * math.pi * radius / times, tall, r.random() < 0.75)
        image = Image.new("RGB", (one.width * times, one.height))
        for k in range(times + 1):
            image.paste(one, (int((k - 0.5 * (times % 2 == 0)) * one.width), 0))
        return image


def tin(g, art):
    radius, tall = g.uniform(0.22, 0.5), g.uniform(0.35, 1.0)
    metal = art.plain("metal", (art.rng("metal").randint(130, 200),) * 3)
    parts = [
        (
            Frustum(Look(art.wrap("label", radius, tall), metal, gloss=0.4), radius, radius, tall),
            Pose((0, 0, tall / 2)),
        )
    ]
    if g.random() < 0.6:
        lid = Frustum(
            Look(art.plain("lid"), art.skin("top"), gloss=0.3), radius * 1.03, radius * 1.03, tall * 0.12
        )
        parts.append((lid, Pose((0, 0, tall * 1.0))))
    return parts


def mug(g, art):
    low, high, tall = g.uniform(0.24, 0.4), g.uniform(0.28, 0.4), g.uniform(0.55, 0.85)
    clay = art.plain("clay")
    side = art.skin("side") if art.rng("how").random() < 0.5 else art.wrap("side", high, tall)
    body = Frustum(Look(side, clay, clay, clay, gloss=0.5), low, high, tall, top=False)
    ring = g.uniform(0.4, 0.6) * tall / 2
    handle = Torus(Look(clay, gloss=0.5), ring, 0.05, True, g.uniform(1.0, 1.4))
    turn = g.choice([-60, -30, 0, 180, 210])
    away = spin(turn) @ (((low + high) / 2 - 0.02), 0, 0)
    return [(body, Pose((0, 0, tall / 2))), (handle, Pose((away[0], away[1], tall / 2), spin(turn)))]


def carton(g, art):
    size = (g.uniform(0.4, 0.9), g.uniform(0.2, 0.6), g.uniform(0.45, 1.1))
    side = art.face("side", size[1], size[2], art.rng("side how").random() < 0.5)
    front, back = art.face("front", size[0], size[2]), art.face("back", size[0], size[2], False)
    body = Box(Look(side, side, front, back, back, art.face("top", size[0], size[1], False)), size)
    parts = [(body, Pose((0, 0, size[2] / 2)))]
    if g.random() < 0.3:
        cap = Frustum(Look(art.plain("cap"), gloss=0.3), 0.09, 0.09, 0.1)
        parts.append((cap, Pose((size[0] * 0.2, 0, size[2] + 0.05))))
    return parts


def bottle(g, art):
    wide, tall = g.uniform(0.2, 0.34), g.uniform(0.9, 1.3)
    neck, foot = wide * g.uniform(0.25, 0.5), wide * g.uniform(0.85, 1)
    radii = [foot, wide, wide, wide * g.uniform(0.8, 1), wide * g.uniform(0.6, 1), neck * 1.3, neck, neck]
    glass = art.plain("glass")
    side = glass.resize((480, 480))
    label = art.wrap("label", wide, tall * 0.4)
    high = g.uniform(0.36, 0.44)
    side.paste(label.resize((480, int(480 * high))), (0, int(480 * g.uniform(0.45, 0.52))))
    cap = Frustum(Look(art.plain("cap"), art.skin("cap top")), neck * 1.1, neck * 1.1, 0.1)
    body = Lathe(Look(side, glass, gloss=0.7), radii, tall)
    return [(body, Pose((0, 0, tall / 2))), (cap, Pose((0, 0, tall + 0.04)))]


def vase(g, art):
    tall = g.uniform(0.7, 1.2)
    radii = [g.uniform(0.12, 0.4) for _ in range(g.randint(4, 7))]
    parts = [
        (
            Lathe(Look(art.skin("side"), art.plain("hole", (40, 36, 34)), gloss=0.5), radii, tall),
            Pose((0, 0, tall / 2)),
        )
    ]
    if g.random() < 0.5:
        for k in range(g.randint(2, 4)):
            x, y, z = g.uniform(-0.2, 0.2), g.uniform(-0.2, 0.2), tall + g.uniform(0.1, 0.4)
            parts.append((Ellipsoid(Look(art.skin(f"flower {k}")), (0.14, 0.14, 0.11)), Pose((x, y, z))))
            lean = spin(0, math.degrees(-y / 0.4) * 0.5, math.degrees(x / 0.4) * 0.5)
            parts.append(
                (
                    Frustum(Look(art.plain("stem", (60, 110, 50))), 0.02, 0.02, 0.5),
                    Pose((x * 0.6, y * 0.6, z - 0.22), lean),
                )
            )
    return parts


def lamp(g, art):
    tall = g.uniform(0.35, 0.6)
    radii = [g.uniform(0.1, 0.25), *[g.uniform(0.05, 0.22) for _ in range(g.randint(2, 4))], 0.05]
    low, high, hood = g.uniform(0.3, 0.45), g.uniform(0.15, 0.32), g.uniform(0.35, 0.55)
    foot = Lathe(Look(art.skin("foot"), gloss=0.4), radii, tall)
    light = art.plain("inside", (250, 240, 200))
    shade = Frustum(Look(art.skin("shade"), light, light, light), low, high, hood, top=False)
    return [(foot, Pose((0, 0, tall / 2))), (shade, Pose((0, 0, tall + hood * 0.4)))]


def stack(g, art):
    """Books, cases or boxes on each other, words on their backs."""
    parts, z = [], 0.0
    for k in range(g.randint(2, 5)):
        size = (g.uniform(0.6, 0.95), g.uniform(0.5, 0.75), g.uniform(0.07, 0.22))
        spine = art.face(f"spine {k}", size[0], size[2], False, art.words(f"spine {k}", 2))
        pages = surfaces.stripes(art.rng(f"pages {k}"), [(235, 230, 215), (215, 208, 190)], 128)
        cover = art.face(f"cover {k}", size[0], size[1])
        turn = g.choice([0, 0, g.uniform(-20, 20)])
        parts.append(
            (
                Box(Look(pages, pages, spine, pages, cover), size),
                Pose((g.uniform(-0.05, 0.05), 0, z + size[2] / 2), spin(turn)),
            )
        )
        z += size[2]
    return parts


def animal(g, art):
    skin, other = art.skin("skin"), art.plain("other")
    long, thick, leg = g.uniform(0.35, 0.5), g.uniform(0.18, 0.28), g.uniform(0.15, 0.4)
    body = (Ellipsoid(Look(skin), (long, thick, thick)), Pose((0, 0, leg + thick * 0.7)))
    head = g.uniform(0.14, 0.22)
    x, z = -long * 0.95, leg + thick * g.uniform(1.2, 2.0)
    parts = [body, (Ellipsoid(Look(skin), (head * 1.2, head, head)), Pose((x, 0, z)))]
    ear = g.uniform(0.05, 0.13)
    for side in (-1, 1):
        parts.append(
            (
                Ellipsoid(Look(other), (0.04, ear * 0.7, ear)),
                Pose((x + 0.05, side * head * 0.7, z + head * 0.8)),
            )
        )
        parts.append(
            (
                Ellipsoid(Look(art.plain("eye", (15, 15, 15)), gloss=1), (0.03,) * 3),
                Pose((x - head * 0.9, side * head * 0.5, z + 0.05)),
            )
        )
        for place in (-0.55, 0.55):
            shape = Frustum(Look(skin if g.random() < 0.5 else other), 0.07, 0.09, leg + thick * 0.5)
            parts.append((shape, Pose((place * long, side * thick * 0.55, (leg + thick * 0.5) / 2))))
    turn = Pose(turn=spin(g.choice([0, 20, 40, 60, 180, 150])))
    return [(shape, turn.of(pose)) for shape, pose in parts]


def shoe(g, art):
    high, long = g.uniform(0.1, 0.45), g.uniform(0.3, 0.4)
    balls = [
        (-long, 0, 0, 0.17),
        (-long * 0.4, 0, 0.03, 0.16),
        (0.1, 0, 0.06, 0.17),
        (long, 0, 0.08, 0.17),
        (long, 0, 0.08 + high * 0.5, 0.16),
    ]
    if high > 0.25:
        balls.append((long, 0, 0.1 + high, 0.16))
    upper = Blob(Look(art.skin("leather"), gloss=0.2), balls, g.uniform(0.1, 0.25))
    sole = RoundBox(Look(art.plain("sole")), (2 * long + 0.36, 0.33, 0.1), 0.05)
    parts = [(upper, Pose((0, 0, 0.06 + upper.half[2]))), (sole, Pose((0, 0, 0.05)))]
    for k in range(g.choice([0, 3, 4])):
        lace = Torus(Look(art.plain("lace")), 0.165, 0.018)
        parts.append((lace, Pose((-0.15 + 0.1 * k, 0, 0.2 + 0.02 * k), spin(90))))
    if g.random() < 0.6:
        patch = Box(Look(art.face("mark", 0.3, 0.14, False)), (0.3, 0.36, 0.12))
        parts.append((patch, Pose((0.12, 0, 0.22))))
    one = [(shape, Pose(turn=spin(g.choice([10, 35, -30, 150]))).of(pose)) for shape, pose in parts]
    if g.random() < 0.5:
        return one
    return one + [(shape, Pose((g.uniform(-0.15, 0.2), 0.42, 0)).of(pose)) for shape, pose in one]


def radio(g, art):
    size = (g.uniform(0.8, 1.2), g.uniform(0.25, 0.4), g.uniform(0.45, 0.7))
    case, r = art.skin("case"), art.rng("front")
    front = Image.new("RGB", (400, int(400 * size[2] / size[0])), art.tone("front"))
    pen = ImageDraw.Draw(front)
    step, left, right = g.choice([8, 12, 16]), *((20, 200) if g.random() < 0.5 else (200, 380))
    for x in range(left, right, step):
        pen.line((x, 20, x, front.height - 20), fill=(20, 20, 20), width=step // 2)
    scale = (220, 20, 380, 80) if left < 100 else (20, 20, 180, 80)
    pen.rectangle(scale, fill=(240, 230, 200))
    for k in range(scale[0] + 8, scale[2] - 8, 14):
        pen.line((k, 40, k, 60), fill=r.choice([(20, 20, 20), (180, 30, 30)]), width=2)
    draw.text(front, (scale[0] + 5, 90), art.words("flavour"), 30, draw.readable(art.tone("front")), 1)
    parts = [(Box(Look(case, case, front, case), size), Pose((0, 0, size[2] / 2)))]
    for k in range(g.randint(1, 3)):
        x = (0.12 + 0.14 * k) * size[0] * (1 if left < 100 else -1)
        knob = Frustum(Look(art.plain("knob"), gloss=0.5), 0.07, 0.06, 0.08)
        parts.append((knob, Pose((x, -size[1] / 2 - 0.03, size[2] * 0.25), spin(0, 90))))
    if g.random() < 0.6:
        parts.append((Torus(Look(art.plain("knob")), size[0] * 0.3, 0.03, False, 0.5), Pose((0, 0, size[2]))))
    return parts


def camera(g, art):
    size = (g.uniform(0.7, 1.0), g.uniform(0.25, 0.4), g.uniform(0.45, 0.6))
    body = RoundBox(Look(art.skin("case"), gloss=0.2), size, 0.06)
    x, radius, long = g.uniform(-0.15, 0.15), g.uniform(0.16, 0.22), g.uniform(0.15, 0.4)
    ring, glass = art.plain("ring"), art.plain("glass", (25, 25, 45))
    lens = Frustum(Look(ring, glass, glass, gloss=0.8), radius * 0.9, radius, long)
    parts = [
        (body, Pose((0, 0, size[2] / 2))),
        (lens, Pose((x, -size[1] / 2 - long / 2, size[2] * 0.45), spin(0, 90))),
    ]
    hump = Box(Look(art.face("mark", 0.3, 0.14, False)), (0.3, size[1] * 0.8, 0.14))
    parts.append((hump, Pose((x, 0, size[2] + 0.06))))
    parts.append(
        (Frustum(Look(art.plain("knob")), 0.07, 0.07, 0.07), Pose((-size[0] * 0.38, 0, size[2] + 0.03)))
    )
    return parts


def pot(g, art):
    tall, wide = g.uniform(0.45, 0.7), g.uniform(0.3, 0.42)
    skin = art.skin("skin")
    body = Lathe(Look(skin, gloss=0.6), [wide * 0.7, wide, wide, wide * g.uniform(0.5, 0.8)], tall)
    lid = Ellipsoid(Look(art.plain("lid"), gloss=0.6), (wide * 0.7, wide * 0.7, 0.12), (0, 1))
    spout = Frustum(Look(skin, art.plain("hole", (30, 30, 30)), gloss=0.6), 0.11, 0.05, wide * 1.2)
    return [
        (body, Pose((0, 0, tall / 2))),
        (lid, Pose((0, 0, tall - 0.02))),
        (Ellipsoid(Look(art.plain("lid"), gloss=0.6), (0.07,) * 3), Pose((0, 0, tall + 0.14))),
        (spout, Pose((-wide * 1.25, 0, tall * 0.55), spin(0, 0, -50))),
        (
            Torus(Look(art.plain("lid"), gloss=0.5), tall * 0.33, 0.045, True),
            Pose((wide * 0.9, 0, tall * 0.5)),
        ),
    ]


def clock(g, art):
    radius, r = g.uniform(0.35, 0.5), art.rng("dial")
    dial = Image.new("RGB", (320, 320), draw.mixed(art.tone("dial"), (250, 250, 245), r.choice([0.1, 0.8])))
    if r.random() < 0.5:
        dial.paste(draw.fill_box(art.photo("dial"), 200, 200, r), (60, 60))
    pen, ink = ImageDraw.Draw(dial), draw.readable(dial.getpixel((5, 5)))
    for k in range(12):
        x, y = 160 + 128 * math.sin(k * math.pi / 6), 160 - 128 * math.cos(k * math.pi / 6)
        draw.text(dial, (x, y), str(k or 12), 34, ink, 1, anchor="mm")
    for long, wide in ((70, 9), (105, 5)):
        angle = r.uniform(0, 6.28)
        pen.line(
            (160, 160, 160 + long * math.sin(angle), 160 - long * math.cos(angle)),
            fill=art.tone("hands"),
            width=wide,
        )
    frame = Frustum(
        Look(art.plain("frame"), dial, art.plain("back"), gloss=0.4), radius, radius, g.uniform(0.12, 0.3)
    )
    parts = [(frame, Pose((0, 0, radius + 0.08), spin(0, 90)))]
    for side in (-1, 1):
        parts.append(
            (
                Frustum(Look(art.plain("foot")), 0.03, 0.05, 0.3),
                Pose((side * radius * 0.6, 0, 0.13), spin(0, 0, side * -25)),
            )
        )
        if g.random() < 0.5:
            parts.append(
                (
                    Ellipsoid(Look(art.plain("bell"), gloss=0.8), (0.14, 0.12, 0.1)),
                    Pose((side * radius * 0.6, 0, radius * 1.95)),
                )
            )
    return parts


def car(g, art):
    long, wide, high = g.uniform(0.8, 1.2), g.uniform(0.35, 0.45), g.uniform(0.18, 0.3)
    paint, wheel = art.skin("paint"), g.uniform(0.1, 0.14)
    side = art.face("load", long * 0.5, 0.35)
    parts = [(Box(Look(paint, gloss=0.4), (long, wide, high)), Pose((0, 0, wheel + high / 2)))]
    cab = (long * g.uniform(0.25, 0.5), wide * 0.92, g.uniform(0.15, 0.25))
    x = g.uniform(-0.25, 0.05) * long
    glass = surfaces.tiles(art.rng("glass"), [(70, 90, 110)], 128, 2, False)
    parts.append((Box(Look(glass, glass, glass, glass, paint), cab), Pose((x, 0, wheel + high + cab[2] / 2))))
    if g.random() < 0.5:
        parts.append(
            (Box(Look(side), (long * 0.4, wide * 0.95, 0.3)), Pose((long * 0.28, 0, wheel + high + 0.15)))
        )
    rubber, hub = art.plain("rubber", (30, 30, 32)), art.skin("hub")
    for place in (-0.3, 0.3):
        for y in (-0.5, 0.5):
            parts.append(
                (
                    Frustum(Look(rubber, hub, hub), wheel, wheel, 0.1),
                    Pose((place * long, y * wide, wheel), spin(0, 90)),
                )
            )
    turn = Pose(turn=spin(g.choice([0, 20, 40, -35])))
    return [(shape, turn.of(pose)) for shape, pose in parts]


def bag(g, art):
    size = (g.uniform(0.7, 1.0), g.uniform(0.25, 0.5), g.uniform(0.5, 0.8))
    body = RoundBox(Look(art.skin("cloth")), size, g.uniform(0.08, 0.2))
    handle = Torus(Look(art.plain("handle")), size[0] * 0.28, 0.035, False, g.uniform(0.7, 1.2))
    parts = [(body, Pose((0, 0, size[2] / 2))), (handle, Pose((0, 0, size[2] * 0.95)))]
    if g.random() < 0.7:
        pocket = RoundBox(Look(art.skin("pocket")), (size[0] * 0.6, 0.1, size[2] * 0.5), 0.04)
        parts.append((pocket, Pose((g.uniform(-0.1, 0.1), -size[1] / 2, size[2] * 0.4))))
    return parts


def bowl(g, art):
    wide, deep = g.uniform(0.4, 0.6), g.uniform(0.25, 0.4)
    clay = art.plain("clay")
    parts = [
        (Ellipsoid(Look(art.skin("side"), clay, gloss=0.5), (wide, wide, deep), (-1, 0)), Pose((0, 0, deep)))
    ]
    for k in range(g.randint(3, 6)):
        angle, away, size = k * 2.4, g.uniform(0.1, 0.55) * wide, g.uniform(0.12, 0.2)
        fruit = Ellipsoid(
            Look(art.skin(f"fruit {k % 2}"), gloss=0.3), (size, size, size * g.uniform(0.8, 1.2))
        )
        parts.append(
            (
                fruit,
                Pose(
                    (away * math.cos(angle), away * math.sin(angle), deep * 0.95), spin(g.uniform(0, 360), 30)
                ),
            )
        )
    return parts


def doll(g, art):
    radii = [0.2, 0.3, g.uniform(0.26, 0.34), g.uniform(0.18, 0.24), g.uniform(0.2, 0.26), 0.2, 0.04]
    tall = g.uniform(0.8, 1.1)
    side = art.skin("dress").resize((480, 400))
    face = ImageDraw.Draw(side)
    tone = draw.mixed((225, 180, 150), (90, 60, 40), art.rng("face").random() * 0.7)
    face.ellipse((200, 60, 280, 150), fill=tone)
    for x in (222, 258):
        face.ellipse((x - 6, 92, x + 6, 104), fill=(20, 20, 20))
    face.arc((220, 105, 260, 132), 20, 160, fill=(190, 40, 40), width=5)
    side.paste(art.face("apron", 0.5, 0.4).resize((130, 110)), (175, 220))
    return [(Lathe(Look(side, gloss=0.4), radii, tall), Pose((0, 0, tall / 2)))]


def present(g, art):
    size = (g.uniform(0.6, 0.9), g.uniform(0.5, 0.8), g.uniform(0.35, 0.7))
    ribbon = art.plain("ribbon")
    bow = Torus(Look(ribbon), 0.12, 0.035, False, 0.7)
    return [
        (Box(Look(art.skin("paper")), size), Pose((0, 0, size[2] / 2))),
        (Box(Look(ribbon), (0.09, size[1] + 0.02, size[2] + 0.02)), Pose((0, 0, size[2] / 2))),
        (Box(Look(ribbon), (size[0] + 0.02, 0.09, size[2] + 0.02)), Pose((0, 0, size[2] / 2))),
        (bow, Pose((0.1, 0, size[2] + 0.1), spin(30))),
        (Torus(Look(ribbon), 0.12, 0.035, False, 0.7), Pose((-0.1, 0, size[2] + 0.1), spin(-40))),
        (
            Box(Look(art.face("card", 0.3, 0.2)), (0.3, 0.2, 0.02)),
            Pose((g.uniform(-0.2, 0.2), -0.2, size[2] + 0.02), spin(20)),
        ),
    ]


def toy(g, art):
    """Balls melted together, and some stuck on."""
    balls = [(0, 0, 0, g.uniform(0.2, 0.3))]
    for _ in range(g.randint(2, 5)):
        balls.append((g.uniform(-0.4, 0.4), g.uniform(-0.2, 0.2), g.uniform(-0.1, 0.5), g.uniform(0.09, 0.2)))
    body = Blob(Look(art.skin("skin"), gloss=g.choice([0, 0.5])), balls, g.uniform(0.08, 0.25))
    parts = [(body, Pose((0, 0, float(body.half[2]))))]
    for k, (x, y, z, radius) in enumerate(body.balls[1:4]):
        look = Look(art.skin(f"spot {k % 2}"))
        parts.append(
            (
                Ellipsoid(look, (radius * 0.6,) * 3),
                Pose((x, y - radius * 0.7, z + float(body.half[2]) + radius * 0.3)),
            )
        )
    return parts


def totem(g, art):
    """Two to five plain shapes on each other or leaning together."""
    parts, z = [], 0.0
    for k in range(g.randint(2, 5)):
        look, wide, tall = (
            Look(art.skin(f"piece {k}"), gloss=g.choice([0, 0.4])),
            g.uniform(0.15, 0.4),
            g.uniform(0.12, 0.4),
        )
        kind = g.randrange(5)
        if kind == 0:
            shape = Box(look, (2 * wide, g.uniform(0.3, 0.8), tall))
        elif kind == 1:
            shape = Frustum(look, wide, wide * g.uniform(0.4, 1.1), tall)
        elif kind == 2:
            shape = Ellipsoid(look, (wide, wide * g.uniform(0.6, 1), tall / 2))
        elif kind == 3:
            shape = RoundBox(look, (2 * wide, wide * 1.4, tall), 0.07)
        else:
            shape = Lathe(look, [wide * g.uniform(0.4, 1) for _ in range(4)], tall)
        parts.append(
            (
                shape,
                Pose(
                    (g.uniform(-0.08, 0.08), g.uniform(-0.05, 0.05), z + tall / 2), spin(g.uniform(-40, 40))
                ),
            )
        )
        z += tall * 0.97
    return parts


def collection(g, art):
    """Two or three things beside each other."""
    parts, x = [], 0.0
    for k in range(g.randint(2, 3)):
        inner = Art(
            f"{art.key} {k}",
            art.photos,
            [name[2:] for name in art.changed if name.startswith(f"{k} ")],
            art.salt,
        )
        one = g.choice([tin, mug, carton, bottle, vase, toy, stack, doll])(g, inner)
        for name in inner.seen:
            art.noted(f"{k} {name}")
        half = max(float(abs(pose.shift[0]) + shape.half[0]) for shape, pose in one)
        outer = Pose((x + half * 0.6, g.uniform(-0.1, 0.15), 0), scale=0.6)
        parts += [(shape, outer.of(pose)) for shape, pose in one]
        x += half * 1.25
    return [(shape, Pose((-x / 2, 0, 0)).of(pose)) for shape, pose in parts]


BUILDERS = [
    *[
        tin,
        mug,
        carton,
        bottle,
        vase,
        lamp,
        stack,
        animal,
        shoe,
        radio,
        camera,
        pot,
        clock,
        car,
        bag,
        bowl,
        doll,
    ],
    *[present, toy, totem, collection],
]
