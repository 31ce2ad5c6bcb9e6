"""Hand-sized things composed of a few shapes. Each stands on z = 0, is about one unit large, and turns its
front to -y.

A builder takes g, which fixes the shape, and art, which fixes what is on it; the same g with other art is the
same shape with other pictures, colours and words.
"""

import math
import random

from PIL import Image, ImageDraw

from . import draw, surfaces
from .raycast import Pose, spin
from .shapes import Box, Ellipsoid, Frustum, Lathe, Torus
from .looks import Look


class Art:
    """The pictures, colours and words of one thing, each by a name.

    The last of the photos is kept for what differs from its kin: `changed` has names, or names with " photo"
    or " tone". `seen` collects all names that could be changed.
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
