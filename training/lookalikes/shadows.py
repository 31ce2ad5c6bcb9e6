"""Soft shadows: how much of a lamp and of the light from everywhere reaches the points of a picture."""

import numpy as np

from .shapes import dot, unit


def blocked(parts, origins, ways, far, spread):
    """Whether (k, n) something stands in the way on ways (k, 3, n) from origins (3, n), up to a distance.

    The ways of a point part from their mean by at most `spread` a unit of length, or go anywhere without it.
    """
    out = np.zeros((ways.shape[0], ways.shape[2]), bool)
    mean = None if spread is None else unit(ways.mean(0))
    for shape, pose in parts:
        if not shape.blocks:
            continue
        off, reach = pose.shift[:, None] - origins, shape.reach * pose.scale
        gap = dot(off, off)
        if mean is None:
            near = gap < (far + reach) ** 2
        else:
            along = dot(off, mean)
            wide = reach + spread * np.maximum(along, 0)
            near = (gap - along**2 < wide**2) & (along > -reach) & (along - reach < far)
        near = np.flatnonzero(near)
        if not near.size:
            continue
        local, off, gap = pose.into(origins[:, near]), off[:, near], gap[near]
        for k in range(len(ways)):
            way = ways[k][:, near]
            along = dot(off, way)
            some = np.flatnonzero((gap - along**2 < reach**2) & (along > -reach) & ~out[k][near])
            if some.size:
                t = shape.hit(local[:, some], pose.turn.T @ way[:, some]) * pose.scale
                limit = far[near[some]] if np.ndim(far) else far
                out[k, near[some[t < limit]]] = True
    return out


def shade(parts, light, points, normals, rng, samples=6):
    """How much of the lamp (0 to 1) and of the light from everywhere reaches each point."""
    shape = (samples, *points.shape)
    start = points + normals * np.float32(0.004 * light.reach)
    ball = rng.standard_normal(shape, np.float32)
    ball /= np.sqrt((ball * ball).sum(1, keepdims=True))
    ways = np.asarray(light.place, np.float32)[:, None] + light.radius * ball - start
    far = np.sqrt((ways * ways).sum(1, keepdims=True))
    ways /= far
    far = far.mean((0, 1))
    lamp = blocked(parts, start, ways, far, 1.2 * light.radius / float(far.min()))
    # Directions as a matt surface gathers them.
    ways = normals + 0.98 * ball[::-1]
    ways /= np.sqrt((ways * ways).sum(1, keepdims=True))
    around = blocked(parts, start, ways, light.reach, None)
    return 1 - lamp.mean(0, dtype=np.float32), 1 - around.mean(0, dtype=np.float32)


def neighbours(values, faces):
    """Means of (k, h, w) values over the spots around each, only over those of the same face."""
    total, weight = values.copy(), np.ones(faces.shape, np.float32)
    height, width = faces.shape
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            here = np.s_[max(0, -down) : height - max(0, down), max(0, -across) : width - max(0, across)]
            there = np.s_[max(0, down) : height - max(0, -down), max(0, across) : width - max(0, -across)]
            same = faces[here] == faces[there]
            total[(np.s_[:], *here)] += values[(np.s_[:], *there)] * same
            weight[here] += same
    return total / weight


def spread(coarse, faces_coarse, faces, step):
    """Coarse (k, h, w) values at every fine spot: means of the nearest four, of its face if there are."""
    y = ((np.arange(faces.shape[0]) - step // 2) / step).astype(np.float32)
    x = ((np.arange(faces.shape[1]) - step // 2) / step).astype(np.float32)
    top, left = np.floor(y).astype(np.int32), np.floor(x).astype(np.int32)
    total = np.zeros((coarse.shape[0], *faces.shape), np.float32)
    weight = np.zeros(faces.shape, np.float32)
    for a in (0, 1):
        for b in (0, 1):
            at_y = np.clip(top + a, 0, faces_coarse.shape[0] - 1)[:, None]
            at_x = np.clip(left + b, 0, faces_coarse.shape[1] - 1)[None]
            share = (1.001 - np.abs(y - top - a))[:, None] * (1.001 - np.abs(x - left - b))[None]
            share = share * np.where(faces_coarse[at_y, at_x] == faces, np.float32(1), np.float32(1e-5))
            for k in range(len(coarse)):
                total[k] += coarse[k][at_y, at_x] * share
            weight += share
    return total / weight
