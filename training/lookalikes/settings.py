"""Where things stand: a table, a desk or a carpet in a room, other things further back, the light there."""

import math

from . import draw, surfaces
from .raycast import Light, Pose, spin
from .shapes import Box, Ellipsoid, Frustum, Plane
from .looks import Look


def room(r, photos, low, size):
    """A room as a box whose floor is at z = low; its walls have a wallpaper or photos of real places."""
    if r.random() < 0.5:
        walls = [draw.fill_box(photos.any(r), 512, 400, r) for _ in range(2)]
        sides, tile = [walls[0], walls[1], walls[0], walls[1]], None
    else:
        paper = surfaces.wall(r)
        sides, tile = [paper] * 4, (r.uniform(0.8, 3),) * 2
    below, above = surfaces.floor(r), surfaces.plain(r, (225, 222, 215))
    parts = [(Box(Look(*sides, below, above), size, tile, room=True), Pose((0, 0, low + size[2] / 2)))]
    for k in range(r.randint(1, 4)):
        wide, tall = r.uniform(0.8, 2.2), r.uniform(0.8, 1.8)
        picture = Box(Look(draw.fill_box(photos.any(r), 256, int(256 * tall / wide), r)), (wide, 0.06, tall))
        parts.append(
            (
                picture,
                Pose((r.uniform(-0.4, 0.4) * size[0], size[1] / 2, low + r.uniform(0.45, 0.75) * size[2])),
            )
        )
    return parts


def clutter(r, photos, low, reach):
    """A few other things further back."""
    parts = []
    for k in range(r.randint(0, 4)):
        tones = surfaces.palette(r)
        x, y, turn = r.uniform(-1.4, 1.4) * reach, r.uniform(0.85, 1.6) * reach, spin(r.uniform(-40, 40))
        wide, tall = r.uniform(0.2, 0.8), r.uniform(0.2, 0.9)
        skin = Look(
            r.choice(
                [
                    surfaces.pattern(r, tones),
                    draw.fill_box(photos.any(r), 200, 200, r),
                    surfaces.plain(r, tones[0]),
                ]
            )
        )
        kind = r.randrange(3)
        if kind == 0:
            parts.append((Box(skin, (wide, r.uniform(0.1, 0.6), tall)), Pose((x, y, low + tall / 2), turn)))
        elif kind == 1:
            parts.append(
                (
                    Frustum(skin, wide / 2, wide * r.uniform(0.3, 0.5), tall),
                    Pose((x, y, low + tall / 2), turn),
                )
            )
        else:
            parts.append(
                (Ellipsoid(skin, (wide / 2, wide / 2, tall / 2)), Pose((x, y, low + tall / 2), turn))
            )
    return parts


def setting(r, photos):
    """Parts around a place of about one unit at the origin, whose surface is z = 0."""
    kind = r.choice(["table", "table", "desk", "carpet", "floor"])
    tile = r.uniform(0.8, 3)
    surface = surfaces.floor(r)
    if kind in ("table", "desk"):
        wide, deep = r.uniform(2.6, 5), r.uniform(1.8, 3)
        edge = surfaces.boards(r)
        top = Box(Look(edge, edge, edge, edge, edge, surface), (wide, deep, 0.12), (tile, tile))
        parts = [(top, Pose((0, 0.1 * deep, -0.06), spin(r.uniform(-25, 25))))]
        back = 1.2 if kind == "desk" else r.uniform(2.5, 6)
        parts += room(r, photos, -2.5, (r.uniform(9, 14), 2 * (back + 0.1 * deep + 1), r.uniform(5, 7)))
        parts += clutter(r, photos, 0, 0.8 if kind == "desk" else 1)
    else:
        parts = room(r, photos, -0.01, (r.uniform(7, 12), r.uniform(6, 12), r.uniform(4, 7)))
        if kind == "carpet":
            half = (r.uniform(1.2, 2.5), r.uniform(1, 2))
            parts.append(
                (
                    Plane(Look(surface), half, None if r.random() < 0.5 else (tile, tile)),
                    Pose((0, 0, -0.004), spin(r.uniform(-40, 40))),
                )
            )
        parts += clutter(r, photos, 0, r.uniform(1.2, 2))
    return parts


def lamp(r, near=3.0):
    """One light: from a window or a lamp, warm or cold, hard or soft."""
    around, up, far = (
        r.uniform(-math.pi, math.pi),
        math.radians(r.uniform(30, 80)),
        near * r.uniform(0.8, 1.6),
    )
    place = (
        far * math.cos(up) * math.sin(around),
        -far * math.cos(up) * math.cos(around),
        far * math.sin(up),
    )
    warm, dim = r.uniform(-1, 1), r.uniform(0.3, 1.0)
    colour = (1 + 0.15 * warm, 1.0, 1 - 0.2 * warm)
    other = r.uniform(-0.6, 0.6)
    sky = (dim * (1 + 0.1 * other), dim, dim * (1 - 0.12 * other))
    return Light(place, far * r.uniform(0.05, 0.35), colour, sky, r.random() < 0.6)
