"""Textures as the ray caster reads them."""

import numpy as np

from . import draw


class Texture:
    """A picture that repeats, in linear colours, and smaller and smaller copies of it."""

    def __init__(self, image, most=512):
        if max(image.size) > most:
            image = draw.fit_box(image, most, most)
        level = (np.asarray(image.convert("RGB"), np.float32) / 255) ** 2
        levels = [level]
        while min(level.shape[:2]) > 2 and len(levels) < 9:
            height, width = level.shape[0] // 2 * 2, level.shape[1] // 2 * 2
            level = level[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
            levels.append(level)
        self.heights = np.array([level.shape[0] for level in levels], np.int32)
        self.widths = np.array([level.shape[1] for level in levels], np.int32)
        self.starts = np.cumsum([0] + [level.shape[0] * level.shape[1] for level in levels])[:-1].astype(
            np.int32
        )
        self.flat = np.concatenate([level.reshape(-1, 3) for level in levels])

    def at(self, u, v, share):
        """Linear colours (n, 3); share is the width of a sample as a part of the picture's width."""
        level = np.log2(np.maximum(share * float(self.widths[0]), 1e-3)) + 0.2
        level = np.clip(np.round(level), 0, len(self.starts) - 1).astype(np.int8)
        width, height, start = self.widths[level], self.heights[level], self.starts[level]
        x = (u - np.floor(u)) * width.astype(np.float32) - np.float32(0.5)
        y = (v - np.floor(v)) * height.astype(np.float32) - np.float32(0.5)
        left, top = np.floor(x), np.floor(y)
        across, down = (x - left).astype(np.float32)[:, None], (y - top).astype(np.float32)[:, None]
        left, top = left.astype(np.int32), top.astype(np.int32)
        # The spot left of the first column is the last one; the same for rows.
        left, right = np.where(left < 0, width - 1, left), np.where(left + 1 >= width, 0, left + 1)
        top, below = np.where(top < 0, height - 1, top), np.where(top + 1 >= height, 0, top + 1)
        read = lambda row, column: np.take(self.flat, start + row * width + column, 0)
        upper, lower = read(top, left), read(below, left)
        upper += (read(top, right) - upper) * across
        lower += (read(below, right) - lower) * across
        return upper + (lower - upper) * down


class Look:
    """The textures of a shape's faces (the last one serves for all further ones) and how much it shines."""

    def __init__(self, *images, gloss=0.0):
        self.textures = [image if isinstance(image, Texture) else Texture(image) for image in images]
        self.gloss = gloss

    def colour(self, face, u, v, share):
        share = np.broadcast_to(share, u.shape)
        if len(self.textures) == 1:
            return self.textures[0].at(u, v, share)
        out = np.zeros((u.size, 3), np.float32)
        face = np.minimum(face, len(self.textures) - 1)
        for k in np.unique(face):
            here = face == k
            out[here] = self.textures[k].at(u[here], v[here], share[here])
        return out
