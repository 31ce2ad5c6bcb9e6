"""Rooms and halls: furniture, and places composed of it. One unit is a metre."""

from . import draw, outdoors, settings, surfaces, wares
from .outdoors import put
from .raycast import Pose, spin
from .shapes import Box, Ellipsoid, Frustum, Lathe, Plane, RoundBox
from .looks import Look, Texture
from .things import Art


def posts(look, wide, deep, high):
    shape = Box(look, (0.06, 0.06, high))
    return [(shape, Pose((x * wide / 2, y * deep / 2, high / 2))) for x in (-1, 1) for y in (-1, 1)]


def sofa(g, cloth, wood):
    """A sofa or an armchair; the back of furniture is at +y."""
    wide, deep, high = g.choice([0.8, 1.4, 1.9]), g.uniform(0.7, 0.9), g.uniform(0.36, 0.46)
    parts = [
        (RoundBox(cloth, (wide, deep, high), 0.08), Pose((0, 0, high / 2))),
        (RoundBox(cloth, (wide, 0.25, 0.5), 0.08), Pose((0, deep / 2, high + 0.2))),
    ]
    for side in (-1, 1):
        arm = RoundBox(cloth, (0.2, deep, high + 0.25), 0.07)
        parts.append((arm, Pose((side * wide / 2, 0, (high + 0.25) / 2))))
    for _ in range(g.randint(0, 3)):
        cushion = RoundBox(Look(surfaces.pattern(g, surfaces.palette(g))), (0.4, 0.16, 0.4), 0.08)
        parts.append(
            (
                cushion,
                Pose((g.uniform(-0.35, 0.35) * wide, 0.15, high + 0.2), spin(0, -20, g.uniform(-30, 30))),
            )
        )
    return parts


def chair(g, cloth, wood):
    high = g.uniform(0.42, 0.48)
    parts = [(Box(cloth, (0.45, 0.45, 0.06)), Pose((0, 0, high)))]
    parts.append(
        (Box(g.choice([cloth, wood]), (0.45, 0.05, g.uniform(0.3, 0.55))), Pose((0, 0.21, high + 0.35)))
    )
    return parts + posts(wood, 0.4, 0.4, high)


def table(g, cloth, wood):
    wide, deep, high = g.uniform(0.7, 1.6), g.uniform(0.5, 0.9), g.uniform(0.45, 0.78)
    return [(Box(wood, (wide, deep, 0.05)), Pose((0, 0, high)))] + posts(wood, wide - 0.1, deep - 0.1, high)


def cupboard(g, cloth, wood):
    """With one to three doors or rows of drawers."""
    size = (g.uniform(0.6, 1.5), g.uniform(0.4, 0.6), g.uniform(0.7, 2.0))
    parts = [(Box(wood, size), Pose((0, 0, size[2] / 2)))]
    knob = Ellipsoid(Look(surfaces.plain(g, (200, 180, 120)), gloss=0.6), (0.025,) * 3)
    across, up = g.choice([(1, 1), (2, 1), (3, 1), (1, 3), (2, 4)])
    leaf = Look(
        Texture(g.choice([surfaces.boards, lambda g: surfaces.plain(g, surfaces.palette(g, 1)[0])])(g))
    )
    for k in range(across):
        for row in range(up):
            x, z = ((k + 0.5) / across - 0.5) * size[0], (row + 0.5) / up * size[2]
            front = Box(leaf, (size[0] / across * 0.9, 0.03, size[2] / up * 0.88))
            parts.append((front, Pose((x, -size[1] / 2, z))))
            parts.append((knob, Pose((x + 0.3 * size[0] / across * (up == 1), -size[1] / 2 - 0.03, z))))
    return parts


def shelf(g, cloth, wood):
    """Boards with rows of books, some of them short."""
    wide, high, rows = g.uniform(0.7, 1.3), g.uniform(1.0, 2.0), g.randint(3, 5)
    parts = [(Box(wood, (0.04, 0.3, high)), Pose((side * wide / 2, 0, high / 2))) for side in (-1, 1)]
    parts.append((Box(wood, (wide, 0.03, high)), Pose((0, 0.14, high / 2))))
    for k in range(rows + 1):
        level = 0.02 + k * (high - 0.04) / rows
        parts.append((Box(wood, (wide, 0.3, 0.04)), Pose((0, 0, level))))
        if k < rows and g.random() < 0.8:
            long, tall = wide * g.uniform(0.3, 0.9), high / rows * g.uniform(0.55, 0.8)
            backs = surfaces.spines(g, round(long / 0.04))
            row = Box(Look(backs, backs, backs, backs, surfaces.plain(g, (220, 212, 195))), (long, 0.2, tall))
            parts.append((row, Pose(((wide - long) * g.uniform(-0.45, 0.45), 0, level + 0.02 + tall / 2))))
    return parts


def bed(g, cloth, wood):
    quilt = Look(surfaces.pattern(g, surfaces.palette(g)))
    parts = [(Box(wood, (1.2, 1.9, 0.3)), Pose((0, -0.4, 0.2)))]
    parts.append((RoundBox(quilt, (1.22, 1.6, 0.25), 0.1), Pose((0, -0.55, 0.42))))
    parts.append((Box(wood, (1.25, 0.06, 0.9)), Pose((0, 0.55, 0.45))))
    for side in (-0.3, 0.3):
        parts.append((RoundBox(cloth, (0.5, 0.3, 0.15), 0.07), Pose((side, 0.3, 0.5))))
    return parts


def plant(r):
    pot = Frustum(Look(surfaces.pattern(r, surfaces.palette(r))), 0.13, 0.18, 0.3)
    return [(pot, Pose((0, 0, 0.15)))] + put(outdoors.tree(r, 0.9), 0, 0, 0.1, 0, 0.8)


def standing_lamp(r):
    pole = Look(surfaces.plain(r, (60, 58, 55)), gloss=0.4)
    return [
        (Frustum(pole, 0.16, 0.14, 0.04), Pose((0, 0, 0.02))),
        (Frustum(pole, 0.02, 0.02, 1.5), Pose((0, 0, 0.75))),
        (Frustum(Look(surfaces.plain(r, (240, 225, 180))), 0.22, 0.13, 0.3, top=False), Pose((0, 0, 1.55))),
    ]


def picture(r, photo, wide, tall):
    """Something framed that hangs on a wall at -y of it."""
    frame = Look(surfaces.plain(r, r.choice([(30, 28, 26), (190, 160, 90), (235, 235, 230), (110, 75, 45)])))
    shown = Look(draw.fill_box(photo, 256, int(256 * tall / wide), r))
    return [(Box(frame, (wide + 0.1, 0.04, tall + 0.1)), Pose()), (Box(shown, (wide, 0.06, tall)), Pose())]


def window(r, photo, cloth):
    """A bright view with bars, and curtains."""
    wide, tall = r.uniform(0.9, 1.6), r.uniform(1.0, 1.4)
    bright = Look(
        draw.fill_box(photo, 256, int(256 * tall / wide), r).point(lambda v: min(255, v * 3 // 2 + 30))
    )
    frame = Look(surfaces.plain(r, (238, 236, 230)))
    parts = [
        (Box(frame, (wide + 0.12, 0.05, tall + 0.12)), Pose()),
        (Box(bright, (wide, 0.07, tall)), Pose()),
    ]
    for k in range(r.randint(1, 3)):
        parts.append((Box(frame, (0.05, 0.1, tall)), Pose((wide * ((k + 1) / 4 - 0.5), 0, 0))))
    if r.random() < 0.6:
        for side in (-1, 1):
            for fold in range(3):
                x = side * (wide / 2 + 0.12 * fold - 0.1)
                parts.append((Frustum(cloth, 0.08, 0.06, tall + 0.5), Pose((x, -0.08, -0.15))))
    return parts


def door(r, look):
    parts = [(Box(look, (0.95, 0.08, 2.05)), Pose((0, 0, 1.02)))]
    panel = Look(surfaces.plain(r, surfaces.palette(r, 1)[0]))
    for z in (0.55, 1.5):
        parts.append((Box(panel, (0.6, 0.1, 0.7)), Pose((0, 0, z))))
    knob = Ellipsoid(Look(surfaces.plain(r, (200, 190, 160)), gloss=0.8), (0.04,) * 3)
    return parts + [(knob, Pose((0.38, -0.07, 1.02)))]


def thing(r, photos):
    """One of the hand-sized things."""
    art = Art(str(r.random()), [photos.any(r) for _ in range(2)])
    return r.choice(wares.BUILDERS)(r, art)


class Room:
    """What the rooms of one seed have in common, and a room of it."""

    reach, walls, person = 2.9, True, 3.7

    def __init__(self, t, bank):
        self.photos = bank.mixed(t)
        self.papers = [Texture(surfaces.wall(t)) for _ in range(2)]
        self.floors, self.ceiling = [Texture(surfaces.floor(t)) for _ in range(2)], surfaces.plain(
            t, (228, 225, 220)
        )
        self.tile, self.tall = t.uniform(0.8, 2.2), t.uniform(2.5, 3.3)
        self.cloths = [Look(Texture(surfaces.pattern(t, surfaces.palette(t)))) for _ in range(2)]
        woods = [Look(Texture(surfaces.boards(t))) for _ in range(2)]
        woods.append(Look(surfaces.plain(t, surfaces.palette(t, 1)[0])))
        makers = [
            sofa,
            chair,
            table,
            cupboard,
            shelf,
            t.choice([bed, sofa, cupboard]),
            t.choice([chair, table, shelf]),
        ]
        self.pool = [maker(t, t.choice(self.cloths), t.choice(woods)) for maker in makers]
        self.wood, self.pair = woods[0], t.random() < 0.7

    def parts(self, layout, r):
        """layout places the furniture; r fills in pictures and small things.

        Also gives the middle of what is seen.
        """
        wide, back = layout.uniform(4.2, 6.5), layout.uniform(1.6, 2.4)
        deep, paper = 6 + back, layout.choice(self.papers)
        look = Look(paper, paper, paper, paper, layout.choice(self.floors), self.ceiling)
        parts = [
            (
                Box(look, (wide, deep, self.tall), (self.tile,) * 2, room=True),
                Pose((0, back - deep / 2, self.tall / 2)),
            )
        ]
        x, last = -wide / 2 + layout.uniform(0.2, 0.6), None
        while x < wide / 2 - 0.5:
            piece = layout.choice([piece for piece in self.pool if piece is not last])
            half = max(float(abs(pose.shift[0]) + shape.half[0]) for shape, pose in piece)
            if x + 2 * half > wide / 2:
                break
            parts += put(piece, x + half, back - 0.5, 0, layout.uniform(-6, 6))
            tall = max(float(pose.shift[2] + shape.half[2]) for shape, pose in piece)
            if tall < 1.5 and r.random() < 0.8:
                parts += put(
                    thing(r, self.photos),
                    x + half,
                    back - 0.5,
                    tall,
                    r.uniform(-40, 40),
                    r.uniform(0.3, 0.55),
                )
            x, last = x + 2 * half + layout.uniform(0.05, 0.4), piece
        for _ in range(layout.randint(1, 3)):
            side, y = layout.choice([-1, 1]), layout.uniform(-1.2, back - 1.2)
            parts += put(layout.choice(self.pool), side * (wide / 2 - 0.45), y, 0, -90 * side)
        if layout.random() < 0.7:
            parts += put(
                layout.choice(self.pool[1:3]),
                layout.uniform(-1, 1),
                layout.uniform(-0.5, 0.5),
                0,
                layout.uniform(-40, 40),
            )
        for maker in (plant, standing_lamp):
            if layout.random() < 0.5:
                parts += put(
                    maker(r), layout.choice([-1, 1]) * (wide / 2 - 0.5), back - layout.uniform(0.4, 1.5)
                )
        if layout.random() < 0.6:
            half = (layout.uniform(0.8, 1.6), layout.uniform(0.6, 1.1))
            rug = Plane(Look(surfaces.carpet(r, surfaces.palette(r))), half)
            parts.append(
                (
                    rug,
                    Pose(
                        (layout.uniform(-0.8, 0.8), layout.uniform(-1, 0.5), 0.01),
                        spin(layout.uniform(-30, 30)),
                    ),
                )
            )
        return (
            parts + self.hung(layout, r, wide, back),
            (layout.uniform(-0.6, 0.6), back - 1.2, layout.uniform(0.8, 1.2)),
            (wide / 2 - 0.3, back - 5.7),
        )

    def hung(self, layout, r, wide, back):
        """Pictures, windows and a door on the walls, beside each other."""
        parts = []
        for side in (0, 0, -1, 1):
            for place in layout.sample([-0.33, 0, 0.33], layout.randint(1, 2)):
                kind, size = layout.random(), (layout.uniform(0.5, 1.2), layout.uniform(0.5, 1.0))
                z, photo = layout.uniform(1.4, self.tall - 0.7), self.photos.any(r)
                if kind < 0.65:
                    one = picture(r, photo, *size)
                elif kind < 0.9:
                    one = window(r, photo, self.cloths[0])
                else:
                    one, z = door(r, self.wood), 0.0
                at = (
                    (place * wide, back - 0.02)
                    if side == 0
                    else (side * (wide / 2 - 0.02), place * 4 + back - 2)
                )
                parts += put(one, *at, z, -90 * side)
        return parts

    def weather(self, r):
        return settings.lamp(r, 2.2), None


class Hall:
    """Rows of pillars, steps, statues and large pictures."""

    reach, walls, person = 4.2, True, 3.7

    def __init__(self, t, bank):
        self.photos = bank.mixed(t)
        stones = [Texture(surfaces.stone(t)) for _ in range(2)]
        self.wall, self.stones = Texture(surfaces.wall(t)), [Look(stone) for stone in stones]
        self.floor = Texture(surfaces.tiles(t, surfaces.palette(t, 2, 0.7), 512))
        self.above, self.tile, self.tall = surfaces.stone(t), t.uniform(1.2, 3), t.uniform(4, 5.5)
        radii = [0.3, *[t.uniform(0.15, 0.3) for _ in range(t.choice([1, 2, 4]))], 0.3]
        self.pillars = [
            Lathe(self.stones[0], radii, self.tall - 0.4),
            Box(Look(surfaces.pattern(t, surfaces.palette(t))), (0.4, 0.4, self.tall), (0.8, 0.8)),
            Frustum(Look(surfaces.stripes(t, surfaces.palette(t))), 0.22, 0.18, self.tall),
        ]
        self.pair = t.random() < 0.7

    def parts(self, layout, r):
        wide, back = layout.uniform(7, 10), layout.uniform(2.5, 4)
        deep = 7.5 + back
        look = Look(self.wall, self.wall, self.wall, self.wall, self.floor, self.above)
        parts = [
            (
                Box(look, (wide, deep, self.tall), (self.tile,) * 2, room=True),
                Pose((0, back - deep / 2, self.tall / 2)),
            )
        ]
        pillar, count = layout.choice(self.pillars), layout.randint(2, 4)
        for side in (-1, 1):
            for k in range(count):
                at = (side * wide * layout.choice([0.3, 0.34]), back - 0.8 - k * layout.uniform(1.2, 1.6))
                parts.append((pillar, Pose((*at, self.tall / 2))))
                parts.append((Box(self.stones[1], (0.7, 0.7, 0.2)), Pose((*at, 0.1))))
        steps = layout.choice([0, 3, 5])
        for k in range(steps):
            size = (wide * layout.choice([0.4, 0.6]), 1.6 - 0.3 * k, 0.16)
            parts.append((Box(self.stones[1], size, (1, 1)), Pose((0, back - size[1] / 2, 0.08 + 0.16 * k))))
        for _ in range(layout.randint(1, 4)):
            x, y = layout.uniform(-0.25, 0.25) * wide, layout.uniform(-0.8, back - 1.5)
            parts.append((Box(self.stones[1], (0.5, 0.5, 0.9)), Pose((x, y, 0.45))))
            parts += put(thing(r, self.photos), x, y, 0.9, r.uniform(-60, 60), r.uniform(0.7, 1.0))
        if layout.random() < 0.5:
            parts += put(
                table(layout, self.stones[0], self.stones[0]),
                layout.uniform(-1.5, 1.5),
                layout.uniform(-1, 0.5),
            )
        for side in (0, 0, 0, -1, -1, 1, 1):
            size = (layout.uniform(0.8, 1.8), layout.uniform(0.8, 1.8))
            one = picture(r, self.photos.any(r), *size)
            at = (
                (layout.uniform(-0.4, 0.4) * wide, back - 0.02)
                if side == 0
                else (side * (wide / 2 - 0.02), back - layout.uniform(1, 5))
            )
            parts += put(one, *at, layout.uniform(1.5, 2.6), -90 * side)
        return (
            parts,
            (layout.uniform(-0.6, 0.6), back - 2.0, layout.uniform(1.0, 1.6)),
            (wide / 2 - 0.4, back - 7),
        )

    def weather(self, r):
        return settings.lamp(r, 3.5), None
