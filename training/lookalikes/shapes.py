"""Solid shapes for the ray caster: where a ray meets them, and which spot of which face lies there.

Every shape stands in its own axes: x to the right, y away, z up, its middle at the origin. `hit` takes rays
(an origin (3,) or (3, n), unit directions (3, n)) and gives distances, infinite where a ray passes by.
`surface` takes points that were hit and the directions they were hit from, and gives for each the face, u and
v (0 to 1 over the texture, v down), the outward normal, and how long one texture is there.
"""

import numpy as np

EPS = np.float32(1e-4)
FAR = np.float32(np.inf)


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(vectors):
    return vectors / np.maximum(np.sqrt(dot(vectors, vectors)), 1e-9)


def box_rays(half, o, d):
    """Distances at which rays enter and leave a box round the origin."""
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = -FAR, FAR
        for axis in range(3):
            one, other = (-half[axis] - o[axis]) / d[axis], (half[axis] - o[axis]) / d[axis]
            enter = np.fmax(enter, np.fmin(one, other))
            leave = np.fmin(leave, np.fmax(one, other))
    return enter, leave


def box_spots(p, half, axis, positive):
    """u and v of points on the six sides of a box, each seen upright from outside; the front is at -y."""
    across = np.choose(axis, [p[1] / half[1], -p[0] / half[0], p[0] / half[0]])
    up = np.where(axis == 2, p[1] / half[1], p[2] / half[2])
    u = 0.5 + 0.5 * across * np.where(positive, 1, -1)
    return u, 0.5 - 0.5 * up


class Shape:
    """`half` is half the size of the bounding box.

    `look` is a Look; `blocks` says whether it throws a shadow.
    """

    def __init__(self, look, half, blocks=True):
        self.look, self.half, self.blocks = look, np.asarray(half, np.float32), blocks
        self.reach = float(np.linalg.norm(self.half))


class Plane(Shape):
    """z = 0, within the half sizes or endless.

    `tile` is the size of one texture; without it the texture covers all.
    """

    def __init__(self, look, half=(np.inf, np.inf), tile=None, blocks=False):
        super().__init__(look, (*half, 0), blocks)
        self.tile = tile or (2 * half[0], 2 * half[1])

    def hit(self, o, d):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = -o[2] / d[2]
            inside = (np.abs(o[0] + t * d[0]) <= self.half[0]) & (np.abs(o[1] + t * d[1]) <= self.half[1])
        return np.where(inside & (t > EPS), t, FAR)

    def surface(self, p, d):
        u, v = p[0] / self.tile[0] + 0.5, 0.5 - p[1] / self.tile[1]
        normal = np.zeros_like(p)
        normal[2] = np.where(d[2] > 0, -1, 1)
        return np.zeros(p.shape[1], np.int8), u, v, normal, np.float32(self.tile[0])


class Box(Shape):
    """Faces: left, right, front, back, bottom, top. A box with `room` is seen from inside."""

    def __init__(self, look, size, tile=None, room=False):
        super().__init__(look, [value / 2 for value in size], not room)
        self.tile, self.room = tile, room

    def hit(self, o, d):
        enter, leave = box_rays(self.half, o, d)
        t = leave if self.room else np.where(enter > EPS, enter, leave)
        return np.where((enter <= leave) & (t > EPS), t, FAR)

    def surface(self, p, d):
        share = np.abs(p) / self.half[:, None]
        axis = share.argmax(0)
        places = np.arange(p.shape[1])
        positive = p[axis, places] > 0
        u, v = box_spots(p, self.half, axis, positive)
        wide = 2 * np.where(axis == 0, self.half[1], self.half[0])
        if self.tile:
            tall = 2 * np.where(axis == 2, self.half[1], self.half[2])
            u, v = (u - 0.5) * wide / self.tile[0] + 0.5, (v - 1) * tall / self.tile[1] + 1
            wide = np.full_like(u, self.tile[0])
        if self.room:
            u = -u
        normal = np.zeros_like(p)
        normal[axis, places] = np.where(positive ^ self.room, 1, -1)
        return (2 * axis + positive).astype(np.int8), u, v, normal, wide


class Frustum(Shape):
    """A cylinder or cone about z. Faces: side, top, bottom, inside; without a top one sees into it."""

    def __init__(self, look, low, high, tall, top=True):
        widest = max(low, high)
        super().__init__(look, (widest, widest, tall / 2))
        self.low, self.high, self.tall, self.top = low, high, tall, top

    def hit(self, o, d):
        slope, middle = (self.high - self.low) / self.tall, (self.high + self.low) / 2
        r, s = middle + slope * o[2], slope * d[2]
        a = d[0] ** 2 + d[1] ** 2 - s**2
        b = o[0] * d[0] + o[1] * d[1] - r * s
        c = o[0] ** 2 + o[1] ** 2 - r**2
        best = np.full(d.shape[1], FAR, np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(b * b - a * c)
            for t in ((-b - root) / a, (-b + root) / a):
                z = o[2] + t * d[2]
                ok = (np.abs(z) <= self.tall / 2) & (middle + slope * z >= 0) & (t > EPS)
                best = np.where(ok & (t < best), t, best)
            for level, radius in ((self.tall / 2, self.high if self.top else 0), (-self.tall / 2, self.low)):
                if radius > 0:
                    t = (level - o[2]) / d[2]
                    ok = (o[0] + t * d[0]) ** 2 + (o[1] + t * d[1]) ** 2 <= radius**2
                    best = np.where(ok & (t > EPS) & (t < best), t, best)
        return best

    def surface(self, p, d):
        slope, middle = (self.high - self.low) / self.tall, (self.high + self.low) / 2
        radius = np.hypot(p[0], p[1])
        off = np.abs(radius - middle - slope * p[2])
        end = np.abs(np.abs(p[2]) - self.tall / 2)
        cap = (end < off) & (self.top | (p[2] < 0))
        u = np.arctan2(p[0], -p[1]) / (2 * np.pi) + 0.5
        widest = max(self.low, self.high)
        face = np.where(cap, np.where(p[2] > 0, 1, 2), 0)
        u = np.where(cap, p[0] / (2 * widest) + 0.5, u)
        v = np.where(cap, 0.5 - p[1] / (2 * widest), 0.5 - p[2] / self.tall)
        normal = np.stack([p[0], p[1], -slope * radius])
        normal = np.where(cap, np.stack([0 * radius, 0 * radius, np.sign(p[2])]), unit(normal))
        within = dot(normal, d) > 0
        face = np.where(within, 3, face).astype(np.int8)
        wide = np.where(cap, 2 * widest, 2 * np.pi * np.maximum(radius, widest / 4))
        return face, u, v, np.where(within, -normal, normal).astype(np.float32), wide


class Ellipsoid(Shape):
    """Faces: all of it, inside. `cut` keeps what lies between two shares of its height, -1 to 1."""

    def __init__(self, look, half, cut=(-1, 1)):
        super().__init__(look, half)
        self.cut = cut

    def hit(self, o, d):
        radii = self.half[:, None]
        o, d = (o[:, None] if o.ndim == 1 else o) / radii, d / radii
        a, b, c = dot(d, d), dot(o, d), dot(o, o) - 1
        best = np.full(d.shape[1], FAR, np.float32)
        with np.errstate(invalid="ignore"):
            root = np.sqrt(b * b - a * c)
            for t in ((-b + root) / a, (-b - root) / a):
                z = o[2] + t * d[2]
                best = np.where((t > EPS) & (z >= self.cut[0]) & (z <= self.cut[1]), t, best)
        return best

    def surface(self, p, d):
        q = p / self.half[:, None]
        normal = unit(q / self.half[:, None])
        within = dot(normal, d) > 0
        u = np.arctan2(q[0], -q[1]) / (2 * np.pi) + 0.5
        v = np.arccos(np.clip(q[2], -1, 1)) / np.pi
        wide = 2 * np.pi * max(self.half[:2])
        return within.astype(np.int8), u, v, np.where(within, -normal, normal), np.float32(wide)


class Marched(Shape):
    """A shape given by a distance from its surface; a ray walks up to it. Faces as those of a box."""

    steps, caution = 48, 0.9

    def hit(self, o, d):
        enter, leave = box_rays(self.half * 1.02, o, d)
        t = np.maximum(enter, 10 * EPS)
        out = np.full(d.shape[1], FAR, np.float32)
        o = np.broadcast_to(o[:, None], d.shape) if o.ndim == 1 else o
        going = np.flatnonzero((enter <= leave) & (leave > 0))
        t, last, o, d = t[going], leave[going], o[:, going], d[:, going]
        near = 2e-3 * self.reach
        for step in range(self.steps):
            gap = self.distance(o + t * d)
            there = gap < near
            out[going[there]] = t[there] + gap[there]
            keep = ~there & (t < last)
            if not keep.any():
                break
            t = t + self.caution * gap
            if step % 4 == 3 or there.any():
                going, t, last, o, d = going[keep], t[keep], last[keep], o[:, keep], d[:, keep]
        return out

    def normals(self, p):
        """The slope of the distance, from four points round each."""
        total, reach = np.zeros_like(p), np.float32(4e-3 * self.reach)
        for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
            step = np.array(corner, np.float32)[:, None]
            total += step * self.distance(p + reach * step)
        return unit(total)

    def surface(self, p, d):
        normal = self.normals(p)
        share = np.abs(normal)
        axis = share.argmax(0)
        positive = normal[axis, np.arange(p.shape[1])] > 0
        u, v = box_spots(p, self.half, axis, positive)
        wide = 2 * np.where(axis == 0, self.half[1], self.half[0])
        return (2 * axis + positive).astype(np.int8), u, v, normal, wide


class RoundBox(Marched):
    def __init__(self, look, size, radius):
        super().__init__(look, [value / 2 for value in size])
        self.radius = min(radius, float(self.half.min()))

    def distance(self, p):
        q = np.abs(p) - (self.half - self.radius)[:, None]
        beyond, deepest = np.maximum(q, 0), np.maximum(np.maximum(q[0], q[1]), q[2])
        return np.sqrt(dot(beyond, beyond)) + np.minimum(deepest, 0) - self.radius


class Torus(Marched):
    """A ring about y (it stands upright), as for a handle; `right` keeps the half at positive x."""

    def __init__(self, look, radius, thick, right=False, tall=1.0):
        super().__init__(look, (radius + thick, thick, radius * tall + thick))
        self.radius, self.thick, self.right, self.tall = radius, thick, right, tall

    def distance(self, p):
        flat = np.hypot(p[0], p[2] / self.tall) - self.radius
        gap = np.hypot(flat * min(1, self.tall), p[1]) - self.thick
        return np.maximum(gap, -p[0]) if self.right else gap


class Lathe(Marched):
    """A profile turned about z: radii at evenly spaced heights, bottom first. Faces: side, top, bottom."""

    caution = 0.8

    def __init__(self, look, radii, tall):
        radii = np.asarray(radii, np.float32)
        super().__init__(look, (radii.max(), radii.max(), tall / 2))
        fine = np.linspace(0, len(radii) - 1, 64)
        self.radii = smooth_line(radii, fine).astype(np.float32)
        self.heights = np.linspace(-tall / 2, tall / 2, 64).astype(np.float32)
        slope = np.gradient(self.radii, self.heights)
        self.lean = float(1 / np.sqrt(1 + np.minimum(np.abs(slope).max(), 3) ** 2))
        self.tall = tall

    def distance(self, p):
        place = np.clip((p[2] / self.tall + 0.5) * 63, 0, 62.999)
        k = place.astype(np.int32)
        part = place - k
        radius = self.radii[k] * (1 - part) + self.radii[k + 1] * part
        return np.maximum((np.hypot(p[0], p[1]) - radius) * self.lean, np.abs(p[2]) - self.tall / 2)

    def surface(self, p, d):
        normal = self.normals(p)
        end = np.abs(p[2]) > self.tall / 2 - 4e-3 * self.reach
        widest = float(self.half[0])
        face = np.where(end, np.where(p[2] > 0, 1, 2), 0).astype(np.int8)
        u = np.where(end, p[0] / (2 * widest), np.arctan2(p[0], -p[1]) / (2 * np.pi)) + 0.5
        v = 0.5 - np.where(end, p[1] / (2 * widest), p[2] / self.tall)
        return face, u, v, normal, np.float32(2 * np.pi * widest)


class Blob(Marched):
    """Balls melted together: (x, y, z, radius) each, and how far the melting reaches."""

    caution = 0.75

    def __init__(self, look, balls, melt):
        balls = np.asarray(balls, np.float32)
        low, high = (balls[:, :3] - balls[:, 3:]).min(0), (balls[:, :3] + balls[:, 3:]).max(0)
        self.balls = balls - np.append((low + high) / 2, 0).astype(np.float32)
        self.melt = melt
        super().__init__(look, (high - low) / 2 + melt / 4)

    def distance(self, p):
        total = None
        for x, y, z, radius in self.balls:
            gap = np.sqrt((p[0] - x) ** 2 + (p[1] - y) ** 2 + (p[2] - z) ** 2) - radius
            if total is None:
                total = gap
                continue
            share = np.maximum(self.melt - np.abs(total - gap), 0) / self.melt
            total = np.minimum(total, gap) - share**2 * self.melt / 4
        return total


def smooth_line(values, places):
    """Values at whole places, joined by Catmull and Rom's curve."""
    padded = np.concatenate([values[:1], values, values[-1:], values[-1:]])
    k = np.minimum(places.astype(int), len(values) - 2)
    t = places - k
    a, b, c, e = padded[k], padded[k + 1], padded[k + 2], padded[k + 3]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - e + t * (3 * (b - c) + e - a)))
    return np.clip(curve, values.min(), values.max())
