"""Training pairs with depth: two rendered views of a made object from different standpoints.

The object (a tower, a house front or a group of blocks) is covered with parts of photos and rendered by
lookalikes/raycast.py. The light and the exposure are drawn anew for each view; the ground with the sky, or
the room, changes in a share of the pairs, so that descriptors depend on the object and not on what is behind
it. Correspondences are exact. Cells of the surroundings have none.
"""

import dataclasses
import math

import numpy as np

import pairs
from lookalikes import draw, outdoors, settings
from lookalikes.looks import Look, Texture
from lookalikes.raycast import Light, Pose, correspondences, render, spin
from lookalikes.shapes import Box, Ellipsoid, Frustum, Plane
from lookalikes.sides import aimed, extent


class Skins:
    """Boxes and pillars covered with parts of photos. draw_photo(): a PIL picture."""

    def __init__(self, r, draw_photo):
        self.r, self.draw_photo = r, draw_photo

    def __call__(self, wide, tall, photo=None):
        """A part of a photo in this proportion, one half to all of it."""
        photo, share = photo or self.draw_photo(), self.r.uniform(0.5, 1)
        scale = share * min(photo.width / wide, photo.height / tall)
        size = max(8, int(wide * scale)), max(8, int(tall * scale))
        left = self.r.randint(0, max(0, photo.width - size[0]))
        top = self.r.randint(0, max(0, photo.height - size[1]))
        return photo.crop((left, top, left + size[0], top + size[1]))

    def box(self, size, pose, front=None):
        """A box with another part of a photo on each visible face."""
        side = self.draw_photo()
        faces = [self(size[1], size[2], side), self(size[1], size[2]), front or self(size[0], size[2])]
        faces += [self(size[0], size[2], side), self(size[0], size[1], side), self(size[0], size[1], side)]
        return Box(Look(*faces, gloss=self.r.choice([0, 0, 0.3])), size), pose

    def pillar(self, low, high, tall, pose):
        around = self(2 * math.pi * max(low, high), tall)
        return Frustum(Look(around, self(1, 1)), low, high, tall), pose


def tower(r, skins):
    """Blocks and pillars on top of each other, each smaller, perhaps with a dome or a spire."""
    parts, z, wide = [], 0.0, r.uniform(0.5, 1.0)
    for _ in range(r.randint(1, 4)):
        tall = r.uniform(0.3, 1.0)
        if r.random() < 0.65:
            size = (wide, wide * r.uniform(0.5, 1), tall)
            parts.append(skins.box(size, Pose((0, 0, z + tall / 2))))
        else:
            high = wide * r.uniform(0.7, 1)
            parts.append(skins.pillar(wide / 2, high / 2, tall, Pose((0, 0, z + tall / 2))))
        z, wide = z + tall, wide * r.uniform(0.55, 0.95)
    top = r.random()
    if top < 0.3:
        parts.append((Ellipsoid(Look(skins(2, 1)), (wide / 2, wide / 2, wide * 0.5)), Pose((0, 0, z))))
    elif top < 0.6:
        tall = wide * r.uniform(0.5, 2)
        parts.append(skins.pillar(wide / 2, 0.02, tall, Pose((0, 0, z + tall / 2))))
    for side in (-1, 1) if r.random() < 0.4 else ():
        low, tall = r.uniform(0.06, 0.15), r.uniform(0.5, 1) * z
        high, aside = low * r.uniform(0.6, 1), side * r.uniform(0.7, 1.1)
        parts.append(skins.pillar(low, high, tall, Pose((aside, 0.1, tall / 2))))
    return parts


def front(r, skins):
    """A house front: a wall with bays, pillars and steps before it, perhaps wings at its sides."""
    wide, tall, deep = r.uniform(1.2, 2.4), r.uniform(0.9, 1.6), r.uniform(0.4, 1)
    whole = skins.draw_photo()
    parts = [skins.box((wide, deep, tall), Pose((0, deep / 2, tall / 2)), skins(wide, tall, whole))]
    for _ in range(r.randint(1, 5)):
        size = (r.uniform(0.15, 0.4) * wide, r.uniform(0.1, 0.5), r.uniform(0.2, 0.7) * tall)
        x, z = r.uniform(-0.5, 0.5) * (wide - size[0]), r.uniform(size[2] / 2, tall - size[2] / 2)
        parts.append(skins.box(size, Pose((x, -size[1] / 2, z))))
    before, count = r.uniform(0.2, 0.6), r.choice([0, 2, 3, 4])
    around = Look(skins(1, 1))
    for k in range(count):
        post = Frustum(around if r.random() < 0.5 else Look(skins(1, 1)), 0.06, 0.05, tall * 0.8)
        parts.append((post, Pose((((k + 0.5) / count - 0.5) * wide, -before, tall * 0.4))))
    if count:
        parts.append(skins.box((wide, before, 0.1), Pose((0, -before / 2 - 0.05, tall * 0.85))))
    for k in range(r.choice([0, 2, 3])):
        size = (wide * 0.6, 0.2 + before + 0.15 * k, 0.08)
        parts.append(skins.box(size, Pose((0, -size[1] / 2, 0.2 - 0.08 * k))))
    if r.random() < 0.4:
        size = (r.uniform(0.4, 0.9), r.uniform(0.6, 1.4), tall * r.uniform(0.6, 1.2))
        parts.append(skins.box(size, Pose((r.choice([-1, 1]) * wide * 0.6, -size[1] / 3, size[2] / 2))))
    return parts


def group(r, skins):
    """Boxes and cylinders side by side and behind each other, as houses at a square or things on a table."""
    parts = []
    for k in range(r.randint(2, 5)):
        x, y, turn = 0.55 * (k - 1.5) + r.uniform(-0.2, 0.2), r.uniform(-0.7, 0.7), r.uniform(-40, 40)
        wide, tall = r.uniform(0.35, 0.8), r.uniform(0.3, 1.3)
        if r.random() < 0.65:
            parts.append(skins.box((wide, r.uniform(0.2, 0.8), tall), Pose((x, y, tall / 2), spin(turn))))
        else:
            low = wide / 2
            parts.append(skins.pillar(low, low * r.uniform(0.6, 1.1), tall, Pose((x, y, tall / 2), spin(turn))))
    return parts


KINDS = (tower, front, group)


def photo_sky(r, photo):
    """A photo far behind everything, as linear colours of directions."""
    texture, shift, times = Texture(photo), r.random(), r.uniform(1, 3)

    def colours(d):
        across = np.arctan2(d[0], d[1]) / (2 * np.pi) * times + shift
        up = 0.5 - np.arctan2(d[2], np.hypot(d[0], d[1])) / 2.2
        return texture.at(across, up, np.full(up.shape, 0.004, np.float32))

    return colours


def surroundings(r, skins):
    """What is behind and below: (parts, sky)."""
    kind, tile = r.choice(["photo", "sky", "sky", "room"]), r.uniform(0.6, 3)
    if kind == "room":
        size = (r.uniform(7, 14), r.uniform(7, 14), r.uniform(4, 8))
        look = Look(*[skins(2, 1) for _ in range(6)])
        return [(Box(look, size, room=True), Pose((0, r.uniform(0, 1.5), size[2] / 2 - 0.01)))], None
    ground = [(Plane(Look(skins(1, 1)), tile=(tile, tile)), Pose())]
    if kind == "photo":
        return ground, photo_sky(r, skins.draw_photo())
    return ground, outdoors.sky(r, r.choice(["day", "day", "grey", "dusk"]))


def weather(r):
    """A light and a mean level of the picture; 15 % of the views are at night."""
    if r.random() < 0.5:
        light = outdoors.daylight(r, r.choice(["day", "day", "grey", "dusk"]))
        return light, r.uniform(0.12, 0.36)
    if r.random() < 0.7:
        return settings.lamp(r), r.uniform(0.12, 0.36)
    warm = r.uniform(0.3, 1)
    place = (r.uniform(-3, 3), r.uniform(-3, -0.5), r.uniform(-0.5, 3))
    light = Light(place, 0.3, (1.0, 1 - 0.3 * warm, 1 - 0.7 * warm), (0.08, 0.1, 0.18), True)
    return light, r.uniform(0.03, 0.15)


def look_at(r, corners, yaw, pitch, roll, share, side):
    """A square view whose middle is somewhere in the thing."""
    centre = side * (0.5 + np.array([r.uniform(-0.2, 0.2), r.uniform(-0.2, 0.2)]))
    return aimed(corners, yaw, pitch, roll, r.uniform(32, 65), share, centre, (side, side))


def rolled(r, options):
    """Degrees by which view 2 is rolled against view 1: any in a share of the pairs, as flat pairs are."""
    small = options["small_rotation_deg"]
    return r.uniform(-180, 180) if r.random() < options["full_rotation_share"] else r.uniform(-small, small)


def draw_pair(r, draw_photo, options, grid):
    """Draws one pair.

    r: random.Random. draw_photo(): a PIL picture. options: [pairs] and [depth]. grid: (stride, offset) of the
    cells. Returns both views [side, side, 3] uint8, the pixels of view 2 that show the centres of the cells of
    view 1 ([K, 2] float32, NaN where hidden, outside or not of the object), and the number of the kind.
    """
    side = options["side"]
    skins, kind = Skins(r, draw_photo), r.randrange(len(KINDS))
    thing = KINDS[kind](r, skins)
    corners = extent(thing)
    yaw, pitch = r.uniform(-45, 45), r.uniform(2, 35)
    turn = r.uniform(-1, 1) * options["turn_deg"]
    roll = r.gauss(0, 6), rolled(r, options)
    share = r.uniform(0.8, 1.7)
    scale = math.exp(r.uniform(-1, 1) * math.log(options["scale_ratio"]))
    around, views, images = surroundings(r, skins), [], []
    for k in (0, 1):
        if k and r.random() < options["moves"]:
            around = surroundings(r, skins)
        rise = min(50, max(1, pitch + k * r.uniform(-1, 1) * options["rise_deg"]))
        camera = look_at(r, corners, yaw + (k - 0.5) * turn, rise, roll[0] + k * roll[1], share * scale**k, side)
        light, level = weather(r)
        view = render(camera, thing + around[0], light, around[1], samples=1, seed=r.getrandbits(30))
        tint = (math.exp(r.gauss(0, 0.12)), 1, math.exp(r.gauss(0, 0.15)))
        image = np.array(view.picture(level, tint))
        generator = np.random.default_rng(r.getrandbits(32))
        views.append(view)
        images.append(pairs.photometric(generator, image, options["photometric"]))
    line = np.arange(side // grid[0]) * grid[0] + grid[1]
    spots = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    # Without the surroundings, so that their cells correspond to none even where they stay.
    one, other = (dataclasses.replace(view, parts=thing) for view in views)
    moved = correspondences(one, other, spots)
    return images[0], images[1], moved.astype(np.float32), kind
