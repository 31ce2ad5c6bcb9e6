"""Streets and squares: houses, shops, trees, and what stands between them. One unit is about four metres."""

import random

from . import draw, surfaces, wares
from .outdoors import daylight, house, put, sky, tree
from .raycast import Pose
from .shapes import Box, Frustum, Lathe, Plane
from .looks import Look, Texture
from .things import Art


class Street:
    """Houses of one seed in rows and corners, with shops, trees and cars."""

    reach, walls, person = 3.0, False, 1.0

    def __init__(self, t, bank):
        self.photos = bank.mixed(t)
        self.designs = [t.getrandbits(40) for _ in range(3)]
        self.ground = Texture(
            surfaces.tiles(
                t,
                [draw.mixed(tone, (t.randint(90, 170),) * 3, 0.75) for tone in surfaces.palette(t, 2)],
                bricks=t.random() < 0.5,
            )
        )
        self.kerb = Look(Texture(surfaces.stone(t)))
        self.tile = t.uniform(0.6, 1.6)
        self.pair = t.random() < 0.7

    def parts(self, layout, r):
        ground = Plane(Look(self.ground), tile=(self.tile,) * 2)
        parts = [(ground, Pose())]
        parts.append((Box(self.kerb, (24, 3, 0.05), (1, 1)), Pose((0, 1.9, 0.0))))
        x, gap = layout.uniform(-4.5, -3.5), layout.uniform(-0.8, 0.8)
        while x < 3.5:
            size = (layout.uniform(1.2, 2.4), layout.uniform(1.2, 2), layout.uniform(1.1, 2.8))
            if x < gap < x + size[0] + 0.3 and layout.random() < 0.6:
                x = gap + 0.9
            design = random.Random(layout.choice(self.designs))
            parts += put(
                house(design, r, self.photos, size, r.random() < 0.6),
                x + size[0] / 2,
                1.1 + size[1] / 2 + layout.choice([0, 0, 0.2]),
            )
            x += size[0] + layout.choice([0, 0, 0.15])
        for side in (-1, 1):
            if layout.random() < 0.5:
                size = (layout.uniform(1.5, 3), 1.6, layout.uniform(1.2, 2.6))
                design = random.Random(layout.choice(self.designs))
                parts += put(
                    house(design, r, self.photos, size, r.random() < 0.6),
                    side * layout.uniform(3.6, 4.4),
                    -0.6,
                    0,
                    -90 * side,
                )
        far = random.Random(self.designs[0])
        parts += put(
            house(far, r, self.photos, (6, 1.5, layout.uniform(1.5, 3.2)), False), layout.uniform(-3, 3), 7
        )
        if layout.random() < 0.5:
            parts += monument(layout, r, self.kerb)
        for k in range(layout.randint(1, 3)):
            parts += put(
                tree(r, layout.uniform(0.9, 1.5)),
                layout.uniform(-3, 3),
                layout.uniform(0.3, 0.8),
                0,
                0,
                layout.uniform(0.6, 0.9),
            )
        for k in range(layout.randint(0, 2)):
            art = Art(str(r.random()), [self.photos.any(r) for _ in range(2)])
            parts += put(
                wares.car(r, art),
                layout.uniform(-2.5, 2.5),
                layout.uniform(-0.4, 0.3),
                0,
                layout.choice([0, 180, 90]),
                0.95,
            )
        for k in range(layout.randint(0, 2)):
            post = Frustum(Look(surfaces.plain(r, (70, 72, 70))), 0.03, 0.025, 1.2)
            sign = Box(Look(draw.fill_box(self.photos.any(r), 128, 128, r)), (0.4, 0.04, 0.4))
            parts += put(
                [(post, Pose((0, 0, 0.6))), (sign, Pose((0, -0.03, 1.1)))], layout.uniform(-2.5, 2.5), 0.6
            )
        return parts, (layout.uniform(-0.6, 0.6), 1.0, layout.uniform(0.8, 1.2)), None

    def weather(self, r):
        kind = r.choice(["day", "day", "grey", "dusk"])
        return daylight(r, kind), sky(r, kind)


def monument(layout, r, stone):
    """Steps, a plinth and a column or figure on it."""
    parts, z = [], 0.0
    for k in range(layout.randint(2, 4)):
        wide = 1.2 - 0.22 * k
        parts.append((Box(stone, (wide, wide, 0.08), (1, 1)), Pose((0, 0, z + 0.04))))
        z += 0.08
    plate = surfaces.printed(r, None, 160, 120, draw.title(r, 1))
    parts.append(
        (
            Box(Look(surfaces.stone(r), surfaces.stone(r), plate, surfaces.stone(r)), (0.4, 0.4, 0.45)),
            Pose((0, 0, z + 0.22)),
        )
    )
    tall = layout.uniform(0.6, 1.1)
    radii = [layout.uniform(0.08, 0.22) for _ in range(layout.randint(4, 7))]
    parts.append((Lathe(Look(surfaces.stone(r)), radii, tall), Pose((0, 0, z + 0.45 + tall / 2))))
    return put(parts, layout.uniform(-1.2, 1.2), layout.uniform(-0.6, 0.2))
