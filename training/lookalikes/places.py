"""Rooms, streets and squares from several places: the kind `places`. Two of a kind share what they are built of."""

import math

import numpy as np

from . import draw, outdoors, settings, surfaces
from . import things as catalogue
from .raycast import Camera, Pose, render, spin
from .shapes import Box, Ellipsoid, Frustum, Lathe, Plane, RoundBox
from .sides import SIZES, bearings, developed
from .surfaces import Look


def put(parts, x, y, z=0.0, turn=0.0, scale=1.0):
    outer = Pose((x, y, z), spin(turn), scale)
    return [(shape, outer.of(pose)) for shape, pose in parts]


def seat(g, look, legs):
    """A sofa, an armchair or a chair, its back to +y."""
    wide, deep, high = g.choice([0.5, 0.9, 1.7, 2.1]), g.uniform(0.5, 0.9), g.uniform(0.38, 0.48)
    if wide < 0.6:
        parts = [(Box(look, (wide, 0.45, 0.06)), Pose((0, 0, high))), (Box(look, (wide, 0.05, 0.5)), Pose((0, 0.22, high + 0.3)))]
        return parts + posts(legs, wide - 0.05, 0.4, high)
    parts = [
        (RoundBox(look, (wide, deep, high), 0.08), Pose((0, 0, high / 2))),
        (RoundBox(look, (wide, 0.25, 0.5), 0.08), Pose((0, deep / 2, high + 0.2))),
    ]
    for side in (-1, 1):
        parts.append((RoundBox(look, (0.2, deep, high + 0.25), 0.07), Pose((side * wide / 2, 0, (high + 0.25) / 2))))
    return parts


def posts(look, wide, deep, high):
    shape = Box(look, (0.06, 0.06, high))
    return [(shape, Pose((x * wide / 2, y * deep / 2, high / 2))) for x in (-1, 1) for y in (-1, 1)]


def table(g, look, legs):
    wide, deep, high = g.uniform(0.7, 1.8), g.uniform(0.5, 0.9), g.uniform(0.45, 0.78)
    return [(Box(look, (wide, deep, 0.05)), Pose((0, 0, high)))] + posts(legs, wide - 0.1, deep - 0.1, high)


def cupboard(g, look, legs):
    size = (g.uniform(0.6, 1.6), g.uniform(0.4, 0.6), g.uniform(0.7, 2.0))
    parts = [(Box(look, size), Pose((0, 0, size[2] / 2)))]
    doors = g.choice([1, 2, 3])
    for k in range(doors):
        x = (k + 0.5) / doors - 0.5
        parts.append((Box(legs, (size[0] / doors * 0.9, 0.03, size[2] * 0.9)), Pose((x * size[0], -size[1] / 2, size[2] / 2))))
        knob = Ellipsoid(Look(surfaces.plain(g, (200, 180, 120)), gloss=0.6), (0.025,) * 3)
        parts.append((knob, Pose((x * size[0] + 0.3 * size[0] / doors, -size[1] / 2 - 0.03, size[2] / 2))))
    return parts


def shelf(g, look, legs):
    wide, high, rows = g.uniform(0.7, 1.4), g.uniform(1.0, 2.0), g.randint(3, 5)
    parts = [(Box(look, (0.04, 0.32, high)), Pose((side * wide / 2, 0, high / 2))) for side in (-1, 1)]
    parts.append((Box(legs, (wide, 0.03, high)), Pose((0, 0.15, high / 2))))
    for k in range(rows + 1):
        parts.append((Box(look, (wide, 0.32, 0.04)), Pose((0, 0, 0.02 + k * (high - 0.04) / rows))))
    return parts


def books(g, r):
    """A row of books as one box, to stand in a shelf or on a cupboard."""
    image = surfaces.stripes(r, surfaces.palette(r, 6, 0.3)).resize((256, 128))
    if image.getpixel((5, 10)) == image.getpixel((5, 100)):
        image = image.rotate(0)
    return [(Box(Look(image), (r.uniform(0.3, 0.6), 0.2, 0.24)), Pose((0, 0, 0.12)))]


def plant(g, r):
    pot = Frustum(Look(surfaces.pattern(r, surfaces.palette(r))), 0.13, 0.18, 0.3)
    return [(pot, Pose((0, 0, 0.15)))] + put(outdoors.tree(r, 0.9), 0, 0, 0.1, 0, 0.8)


def standing_lamp(g, r):
    cloth = surfaces.plain(r, (240, 225, 180))
    pole = Look(surfaces.plain(r, (60, 58, 55)), gloss=0.4)
    return [
        (Frustum(pole, 0.16, 0.14, 0.04), Pose((0, 0, 0.02))),
        (Frustum(pole, 0.02, 0.02, 1.5), Pose((0, 0, 0.75))),
        (Frustum(Look(cloth), 0.22, 0.13, 0.3, top=False), Pose((0, 0, 1.55))),
    ]


class Indoors:
    """What the rooms of one seed have in common, and a room of it."""

    def __init__(self, t, bank):
        self.photos = bank.mixed(t)
        self.paper = [surfaces.Texture(surfaces.wall(t)) for _ in range(2)]
        self.floors, self.ceiling = [surfaces.Texture(surfaces.floor(t)) for _ in range(2)], surfaces.plain(t, (228, 225, 220))
        self.tile, self.tall = t.uniform(0.8, 2.2), t.uniform(2.5, 3.4)
        cloth, wood = surfaces.pattern(t, surfaces.palette(t)), surfaces.boards(t)
        looks = [Look(surfaces.Texture(image)) for image in (cloth, wood, surfaces.plain(t, draw.vivid(t)), surfaces.boards(t))]
        makers = [seat, table, cupboard, shelf, seat, cupboard]
        self.pool = [maker(t, t.choice(looks[:3]), looks[3]) for maker in makers]
        self.pair = t.random() < 0.7

    def parts(self, layout, r):
        """layout places the furniture; r fills in pictures and small things."""
        wide, back = layout.uniform(4.5, 7), layout.uniform(1.6, 2.6)
        deep = 6 + back
        paper = layout.choice(self.paper)
        room = Box(Look(paper, paper, paper, paper, layout.choice(self.floors), self.ceiling), (wide, deep, self.tall), (self.tile,) * 2, room=True)
        parts = [(room, Pose((0, back - deep / 2, self.tall / 2)))]
        x = -wide / 2 + layout.uniform(0.3, 0.8)
        while x < wide / 2 - 0.4:
            piece = layout.choice(self.pool)
            half = max(float(abs(pose.shift[0]) + shape.half[0]) for shape, pose in piece)
            x += half
            if x + half < wide / 2:
                parts += put(piece, x, back - 0.45, 0, layout.uniform(-6, 6))
                tall = max(float(pose.shift[2] + shape.half[2]) for shape, pose in piece)
                if r.random() < 0.7 and tall < 1.6:
                    small = r.choice(catalogue.BUILDERS)(r, catalogue.Art(str(r.random()), [self.photos.any(r) for _ in range(2)]))
                    parts += put(small, x, back - 0.5, tall, r.uniform(-40, 40), r.uniform(0.25, 0.5))
            x += half + layout.uniform(0.05, 0.6)
        for k in range(layout.randint(1, 3)):
            where, y = layout.choice([-1, 1]), layout.uniform(-1.5, back - 1)
            parts += put(layout.choice(self.pool), where * (wide / 2 - 0.45), y, 0, -90 * where)
        if layout.random() < 0.6:
            parts += put(layout.choice(self.pool[:2]), layout.uniform(-1, 1), layout.uniform(-0.6, 0.6), 0, layout.uniform(-40, 40))
        for maker in (plant, standing_lamp):
            if layout.random() < 0.5:
                parts += put(maker(layout, r), layout.choice([-1, 1]) * (wide / 2 - 0.5), back - layout.uniform(0.4, 1.5))
        if layout.random() < 0.6:
            rug = Plane(Look(surfaces.carpet(r, surfaces.palette(r, 4, 0.4))), (layout.uniform(0.8, 1.6), layout.uniform(0.6, 1.1)))
            parts.append((rug, Pose((layout.uniform(-0.8, 0.8), layout.uniform(-1, 0.5), 0.01), spin(layout.uniform(-30, 30)))))
        for k in range(layout.randint(2, 5)):
            size = (layout.uniform(0.5, 1.3), layout.uniform(0.5, 1.1))
            picture = draw.fill_box(self.photos.any(r), 256, int(256 * size[1] / size[0]), r)
            frame = Look(surfaces.plain(r, r.choice([(30, 28, 26), (190, 160, 90), (235, 235, 230)])))
            side = layout.choice([0, 0, -1, 1])
            z = layout.uniform(1.3, max(1.4, self.tall - 0.8))
            at = (layout.uniform(-0.4, 0.4) * wide, back - 0.02, z) if not side else (side * (wide / 2 - 0.02), layout.uniform(-1, back - 0.8), z)
            turn = spin(-90 * side)
            parts.append((Box(frame, (size[0] + 0.1, 0.04, size[1] + 0.1)), Pose(at, turn)))
            parts.append((Box(Look(picture), (size[0], 0.06, size[1])), Pose(at, turn)))
        return parts, (layout.uniform(-0.6, 0.6), back - 1.2, layout.uniform(0.8, 1.2)), (2.9, (wide / 2 - 0.3, back - 5.7))

    def weather(self, r, focus):
        return settings.lamp(r, 2.2), None


class Street:
    """Houses of one seed in rows and corners, with shops, trees and cars."""

    def __init__(self, t, bank):
        self.photos = bank.mixed(t)
        self.designs = [t.getrandbits(40) for _ in range(3)]
        self.ground = surfaces.Texture(surfaces.tiles(t, surfaces.palette(t, 2, 0.9), bricks=t.random() < 0.5))
        self.kerb = Look(surfaces.Texture(surfaces.stone(t)))
        self.tile = t.uniform(0.6, 1.6)
        self.pair = t.random() < 0.7

    def parts(self, layout, r):
        from random import Random

        ground = Plane(Look(self.ground), tile=(self.tile,) * 2)
        parts = [(ground, Pose())]
        parts.append((Box(self.kerb, (24, 3, 0.05), (1, 1)), Pose((0, 1.9, 0.0))))
        x, gap = layout.uniform(-4.5, -3.5), layout.uniform(-0.8, 0.8)
        while x < 3.5:
            size = (layout.uniform(1.2, 2.4), layout.uniform(1.2, 2), layout.uniform(1.1, 2.8))
            if x < gap < x + size[0] + 0.3 and layout.random() < 0.6:
                x = gap + 0.9
            design = Random(layout.choice(self.designs))
            parts += put(outdoors.house(design, r, self.photos, size, r.random() < 0.6), x + size[0] / 2, 1.1 + size[1] / 2 + layout.choice([0, 0, 0.2]))
            x += size[0] + layout.choice([0, 0, 0.15])
        for side in (-1, 1):
            if layout.random() < 0.5:
                size = (layout.uniform(1.5, 3), 1.6, layout.uniform(1.2, 2.6))
                design = Random(layout.choice(self.designs))
                parts += put(outdoors.house(design, r, self.photos, size, r.random() < 0.6), side * layout.uniform(3.6, 4.4), -0.6, 0, -90 * side)
        far = Random(self.designs[0])
        parts += put(outdoors.house(far, r, self.photos, (6, 1.5, layout.uniform(1.5, 3.2)), False), layout.uniform(-3, 3), 7)
        if layout.random() < 0.5:
            parts += monument(layout, r, self.kerb)
        for k in range(layout.randint(1, 3)):
            parts += put(outdoors.tree(r, layout.uniform(0.9, 1.5)), layout.uniform(-3, 3), layout.uniform(0.3, 0.8), 0, 0, layout.uniform(0.6, 0.9))
        for k in range(layout.randint(0, 2)):
            art = catalogue.Art(str(r.random()), [self.photos.any(r) for _ in range(2)])
            parts += put(catalogue.car(r, art), layout.uniform(-2.5, 2.5), layout.uniform(-0.4, 0.3), 0, layout.choice([0, 180, 90]), 0.95)
        for k in range(layout.randint(0, 2)):
            post = Frustum(Look(surfaces.plain(r, (70, 72, 70))), 0.03, 0.025, 1.2)
            sign = Box(Look(draw.fill_box(self.photos.any(r), 128, 128, r)), (0.4, 0.04, 0.4))
            parts += put([(post, Pose((0, 0, 0.6))), (sign, Pose((0, -0.03, 1.1)))], layout.uniform(-2.5, 2.5), 0.6)
        return parts, (layout.uniform(-0.6, 0.6), 1.0, layout.uniform(0.5, 0.9)), (3.0, None)

    def weather(self, r, focus):
        kind = r.choice(["day", "day", "grey", "dusk"])
        return outdoors.daylight(r, kind), outdoors.sky(r, kind)


def monument(layout, r, stone):
    """Steps, a plinth and a column or figure on it."""
    parts, z = [], 0.0
    for k in range(layout.randint(2, 4)):
        wide = 1.2 - 0.22 * k
        parts.append((Box(stone, (wide, wide, 0.08), (1, 1)), Pose((0, 0, z + 0.04))))
        z += 0.08
    plate = surfaces.printed(r, None, 160, 120, draw.title(r, 1))
    parts.append((Box(Look(surfaces.stone(r), surfaces.stone(r), plate, surfaces.stone(r)), (0.4, 0.4, 0.45)), Pose((0, 0, z + 0.22))))
    radii = [layout.uniform(0.08, 0.22) for _ in range(layout.randint(4, 7))]
    parts.append((Lathe(Look(surfaces.stone(r)), radii, layout.uniform(0.6, 1.1)), Pose((0, 0, z + 0.45 + 0.4))))
    return put(parts, layout.uniform(-1.2, 1.2), layout.uniform(-0.6, 0.2))


def place_shots(name, things, bank, rng):
    """For each place its views."""
    t = rng(name)
    kinds = [maker(rng(name, maker.__name__), bank) for maker in t.sample([Indoors, Street], 2)]
    for thing in range(things):
        kind = kinds[thing * len(kinds) // max(2, things)]
        twin = kind.pair and thing % 4 == 1
        layout = rng(name, "layout", thing - 1 if twin else thing)
        parts, focus, (reach, walls) = kind.parts(layout, rng(name, "contents", thing))
        r = rng(name, thing, "session")
        front, far = r.uniform(-25, 25), reach * r.uniform(1.0, 1.4)
        shots = []
        for copy, bearing in enumerate(bearings(r, 4, 45)):
            v = rng(name, thing, "view", copy)
            shots.append(snapshot(v, kind, parts, focus, front + bearing, far * v.uniform(0.8, 1.4), reach, walls))
        yield shots


def snapshot(r, kind, parts, focus, yaw, far, reach, walls):
    """One view from a direction and distance; in some someone stands in front."""
    a = math.radians(yaw)
    eye = np.array([focus[0] + far * math.sin(a), focus[1] - far * math.cos(a), focus[2] * r.uniform(0.9, 1.5)])
    if walls:
        eye = np.clip(eye, (-walls[0], walls[1], 0.4), (walls[0], 9, 2.2))
    scene = list(parts)
    for _ in range(r.choice([0, 0, 0, 1]) if walls else r.choice([0, 1, 2, 3])):
        share, across = r.uniform(0.6, 0.9), r.choice([-1, 1]) * r.uniform(0.05, 0.3) * far
        spot = eye + share * (np.array(focus) - eye) + across * np.array([math.cos(a), math.sin(a), 0])
        scene += put(outdoors.person(r, kind.photos), spot[0], spot[1], 0, 0, 1.0 if walls is None else 3.7)
    target = np.array(focus) + [r.uniform(-0.12, 0.12) * far for _ in range(3)]
    roll = max(-12, min(12, r.gauss(0, 3)))
    camera = Camera(eye, target, r.uniform(48, 74), roll, *r.choice(SIZES))
    light, sky = kind.weather(r, focus)
    return render(camera, scene, light, sky, seed=r.getrandbits(30))


def places(name, things, bank, rng):
    """Rooms, then streets, each from four standpoints."""
    for thing, shots in enumerate(place_shots(name, things, bank, rng)):
        yield [developed(rng(name, thing, "developed", copy), view) for copy, view in enumerate(shots)]
