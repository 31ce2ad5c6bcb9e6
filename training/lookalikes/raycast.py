"""A small ray caster: what a pinhole camera sees of textured shapes under one soft light.

The world has x to the right, y away and z up; whole numbers are the middles of pixels. `render` gives a View:
the picture, and for each pixel the number of the part that is seen and its point in the world.
`correspondences` says where spots of one view lie in another one of the same parts, also where a part stands
elsewhere.
"""

import dataclasses

import numpy as np
from PIL import Image

from .shadows import neighbours, shade, spread
from .shapes import EPS, FAR, dot, unit


class Pose:
    """A scale, a turn (3, 3) and then a shift (3,) from a shape's own axes to the world's."""

    def __init__(self, shift=(0, 0, 0), turn=None, scale=1.0):
        self.turn = np.eye(3, dtype=np.float32) if turn is None else np.asarray(turn, np.float32)
        self.shift, self.scale = np.asarray(shift, np.float32), np.float32(scale)

    def of(self, inner):
        """The pose of something that stands so in this pose."""
        return Pose(
            self.scale * self.turn @ inner.shift + self.shift,
            self.turn @ inner.turn,
            self.scale * inner.scale,
        )

    def out(self, points):
        return self.scale * self.turn @ points + self.shift[:, None]

    def into(self, points):
        return self.turn.T @ (points - (self.shift if points.ndim == 1 else self.shift[:, None])) / self.scale


def spin(about_z=0.0, about_x=0.0, about_y=0.0):
    """A turn by degrees, about y first, then about x, then about z."""
    a, b, c = np.radians([about_z, about_x, about_y])
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    y = np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    return (z @ x @ y).astype(np.float32)


class Camera:
    """Stands at `eye` and looks at `target`; `angle` is the field of view of the longer side, in degrees."""

    def __init__(self, eye, target, angle, roll=0.0, width=600, height=450):
        self.eye = np.asarray(eye, np.float32)
        forward = unit(np.asarray(target, float) - np.asarray(eye, float))
        right = unit(np.cross(forward, (0, 0, 1)))
        down = np.cross(forward, right)
        cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
        axes = [cos * right + sin * down, cos * down - sin * right, forward]
        self.turn = np.array(axes, np.float32)
        self.width, self.height = width, height
        self.focal = float(max(width, height) / 2 / np.tan(np.radians(angle) / 2))

    def rays(self, x, y):
        """Unit directions (3, n) through spots of the picture."""
        across, down = (x - (self.width - 1) / 2) / self.focal, (y - (self.height - 1) / 2) / self.focal
        local = np.stack([across, down, np.ones_like(across)]).astype(np.float32)
        return np.tensordot(self.turn.T, unit(local), 1)

    def project(self, points):
        """Pixels (n, 2) of points (n, 3), NaN behind the camera; and their distances from the camera."""
        away = np.asarray(points, np.float32).reshape(-1, 3) - self.eye
        seen = away @ self.turn.T
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.where(seen[:, 2:] > 1e-3, seen[:, :2] / seen[:, 2:], np.nan)
        middle = ((self.width - 1) / 2, (self.height - 1) / 2)
        return flat * self.focal + middle, np.linalg.norm(away, axis=1)

    def finer(self, times):
        """The same camera with so many samples along each side of a pixel."""
        other = Camera.__new__(Camera)
        other.eye, other.turn = self.eye, self.turn
        other.width, other.height, other.focal = self.width * times, self.height * times, self.focal * times
        return other

    def window(self, shape, pose):
        """The part of the picture (left, top, right, bottom) in which the shape can be."""
        if not np.isfinite(shape.half).all():
            return 0, 0, self.width, self.height
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
        corners = pose.out((signs * shape.half * 1.03).T).T
        pixels, _ = self.project(corners)
        if np.isnan(pixels).any():
            return 0, 0, self.width, self.height
        low, high = np.floor(pixels.min(0)).astype(int) - 1, np.ceil(pixels.max(0)).astype(int) + 2
        return max(0, low[0]), max(0, low[1]), min(self.width, high[0]), min(self.height, high[1])


@dataclasses.dataclass
class Light:
    """A lamp: its place, its radius (softness), its colour, and the light that comes from everywhere."""

    place: tuple
    radius: float = 0.5
    colour: tuple = (1.0, 0.96, 0.9)
    around: tuple = (0.4, 0.42, 0.46)
    fades: bool = False
    reach: float = 1.0  # how far away something still dims the light from everywhere


@dataclasses.dataclass
class View:
    camera: Camera
    parts: list  # (shape, pose)
    colour: np.ndarray  # (h, w, 3), linear
    numbers: np.ndarray  # (h, w), the index in parts, -1 for the sky
    points: np.ndarray  # (h, w, 3) in the world

    def picture(self, level=0.2, tint=(1, 1, 1)):
        """The picture exposed so that its mean has this level, with soft highlights."""
        area = self.colour * np.asarray(tint, np.float32)
        area = area * (level / max(float(np.minimum(area, area.mean() * 4).mean()), 1e-4))
        area = np.sqrt(area / (1 + area**4) ** 0.25)
        return Image.fromarray((np.clip(area, 0, 1) * 255).astype(np.uint8))


def meet(shape, pose, origin, d):
    return shape.hit(pose.into(origin), pose.turn.T @ d) * pose.scale


def trace(parts, origin, d):
    """The nearest part along each ray (-1 for none) and its distance."""
    best, number = np.full(d.shape[1], FAR, np.float32), np.full(d.shape[1], -1, np.int16)
    for k, (shape, pose) in enumerate(parts):
        t = meet(shape, pose, origin, d)
        nearer = t < best
        best[nearer], number[nearer] = t[nearer], k
    return number, best


def render(camera, parts, light, sky=None, samples=2, seed=0):
    """What the camera sees of parts, a list of (shape, pose); sky(directions) gives linear colours (n, 3)."""
    fine = camera.finer(samples)
    height, width = fine.height, fine.width
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    d = fine.rays(x, y)
    depth, numbers = np.full((height, width), FAR, np.float32), np.full((height, width), -1, np.int16)
    for k, (shape, pose) in enumerate(parts):
        left, top, right, bottom = fine.window(shape, pose)
        if left >= right or top >= bottom:
            continue
        area = np.s_[top:bottom, left:right]
        some = np.ascontiguousarray(d[(np.s_[:], *area)]).reshape(3, -1)
        t = meet(shape, pose, camera.eye, some).reshape(bottom - top, right - left)
        nearer = t < depth[area]
        depth[area][nearer], numbers[area][nearer] = t[nearer], k
    d, flat, numbers_flat = d.reshape(3, -1), depth.ravel(), numbers.ravel()
    points = camera.eye[:, None] + np.where(numbers_flat >= 0, flat, 1) * d
    colour, gloss = np.zeros((height * width, 3), np.float32), np.zeros(height * width, np.float32)
    normals, faces = np.zeros_like(d), np.full(height * width, -1, np.int32)
    for k, (shape, pose) in enumerate(parts):
        here = np.flatnonzero(numbers_flat == k)
        if not here.size:
            continue
        away = d[:, here]
        face, u, v, normal, wide = shape.surface(pose.into(points[:, here]), pose.turn.T @ away)
        wide = wide * pose.scale
        normal = pose.turn @ normal
        normals[:, here], faces[here] = normal, 8 * np.int32(k) + face
        slant = np.maximum(-dot(normal, away), 0.08)
        colour[here] = shape.look.colour(face, u, v, flat[here] / (fine.focal * np.sqrt(slant) * wide))
        gloss[here] = shape.look.gloss
    # Shadows are soft: a ninth of the pixels is enough for them.
    step = 3 * samples
    grid, faces = np.s_[step // 2 :: step, step // 2 :: step], faces.reshape(height, width)
    spots, rough = (
        area.reshape(3, height, width)[(np.s_[:], *grid)].reshape(3, -1) for area in (points, normals)
    )
    lit = np.stack(shade(parts, light, spots, rough, np.random.default_rng(seed)))
    lit = neighbours(lit.reshape(2, *faces[grid].shape), faces[grid])
    lit = spread(lit, faces[grid], faces, step).reshape(2, -1)
    way = np.asarray(light.place, np.float32)[:, None] - points
    far = np.sqrt(dot(way, way))
    way /= far
    strength = lit[0] * np.maximum(dot(normals, way), 0)
    bright = lit[0] * np.maximum(dot(normals, unit(way - d)), 0) ** 40 * gloss
    if light.fades:
        fade = np.clip((np.linalg.norm(light.place) / far) ** 2, 0, 2.5)
        strength, bright = strength * fade, bright * fade
    open_sky = lit[1] * (0.75 + 0.25 * normals[2])
    beam, around = np.asarray(light.colour, np.float32), np.asarray(light.around, np.float32)
    colour = colour * (strength[:, None] * beam + open_sky[:, None] * around) + bright[:, None] * beam
    above = np.flatnonzero(numbers_flat < 0)
    if above.size and sky is not None:
        colour[above] = sky(d[:, above])
    colour = colour.reshape(height, width, 3)
    colour = sum(colour[a::samples, b::samples] for a in range(samples) for b in range(samples)) / samples**2
    number = numbers[samples // 2 :: samples, samples // 2 :: samples]
    return View(camera, parts, colour, number, centres(camera, numbers, depth, samples))


def centres(camera, numbers, depth, samples):
    """Points (h, w, 3) at the middles of pixels; exact on planes, where the inverse depth is linear."""
    y, x = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32)
    d = camera.rays(x, y)
    fine = camera.finer(samples)
    x = (np.arange(fine.width, dtype=np.float32) - (fine.width - 1) / 2) / fine.focal
    y = (np.arange(fine.height, dtype=np.float32)[:, None] - (fine.height - 1) / 2) / fine.focal
    nearness = np.sqrt(x * x + y * y + 1) / depth
    middle = np.s_[samples // 2 :: samples, samples // 2 :: samples]
    spots = [np.s_[a::samples, b::samples] for a in range(samples) for b in range(samples)]
    one = np.logical_and.reduce([numbers[spot] == numbers[middle] for spot in spots])
    nearness = np.where(one, sum(nearness[spot] for spot in spots) / samples**2, nearness[middle])
    forward = np.tensordot(camera.turn[2], d, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.moveaxis(camera.eye[:, None, None] + d / (forward * nearness), 0, -1)


def correspondences(one, other, pixels):
    """Where spots (n, 2) of one view lie in another, NaN where they are hidden or outside.

    Parts are told by their shape.
    """
    pixels = np.asarray(pixels, np.float32).reshape(-1, 2)
    d = one.camera.rays(pixels[:, 0], pixels[:, 1])
    number, far = trace(one.parts, one.camera.eye, d)
    points = one.camera.eye[:, None] + np.where(number >= 0, far, 1) * d
    place = {id(shape): k for k, (shape, _) in enumerate(other.parts)}
    wanted = np.full(number.shape, -2)
    for k in np.unique(number[number >= 0]):
        shape, pose = one.parts[k]
        here = number == k
        if id(shape) in place:
            wanted[here] = place[id(shape)]
            points[:, here] = other.parts[place[id(shape)]][1].out(pose.into(points[:, here]))
    spots, distance = other.camera.project(points.T)
    inside = (spots > -0.5).all(1) & (spots < (other.camera.width - 0.5, other.camera.height - 0.5)).all(1)
    d = other.camera.rays(*np.where(inside, spots.T, 0))
    seen, far = trace(other.parts, other.camera.eye, d)
    good = inside & (seen == wanted) & (np.abs(far - distance) < 0.01 * distance + EPS)
    return np.where(good[:, None], spots, np.nan)
