"""Solid things from several viewpoints: photos with depth, boxes and cylinders, rendered with numpy."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import draw, shoot
from .draw import text


def relief(r, photo):
    """A depth for a photo, 0 far to 1 near: smooth hills, or steps of a few layers."""
    width, height = photo.size
    x, y = (
        np.linspace(-1, 1, width, dtype=np.float32)[None],
        np.linspace(-1, 1, height, dtype=np.float32)[:, None],
    )
    floor = np.clip((y + r.uniform(-0.2, 0.6)) * r.uniform(0.2, 0.5), 0, 0.5) + np.zeros_like(x)
    if r.random() < 0.5:
        hills = np.asarray(shoot.low_noise(r, width, height, r.randint(3, 5), 0, 1))
        return (floor + 0.6 * hills).astype(np.float32)
    depth = floor * 0.5
    for k in range(r.randint(2, 4)):
        u, v, a, b = (
            r.uniform(-0.6, 0.6),
            r.uniform(-0.3, 0.6),
            r.uniform(0.2, 0.5),
            r.uniform(0.3, 0.8),
        )
        power = r.choice([2, 4])
        inside = np.abs((x - u) / a) ** power + np.abs((y - v) / b) ** power < 1
        depth = np.where(inside, 0.3 + 0.2 * k + 0.05 * y, depth)
    return depth.astype(np.float32)


def moved(photo, depth, across, up):
    """The photo seen from a camera moved sideways and up by this many pixels of parallax; near parts hide far ones."""
    area = np.asarray(photo)
    height, width = depth.shape
    shift_x = np.round((depth - 0.4) * across).astype(np.int32)
    shift_y = np.round((depth - 0.4) * up).astype(np.int32)
    rows, columns = np.mgrid[0:height, 0:width]
    to_y, to_x = rows + shift_y, columns + shift_x
    ok = ((to_y >= 0) & (to_y < height) & (to_x >= 0) & (to_x < width)).ravel()
    order = np.argsort(depth.ravel()[ok], kind="stable")
    target = (to_y * width + to_x).ravel()[ok][order]
    source = (rows * width + columns).ravel()[ok][order]
    came = np.full(height * width, -1, np.int64)
    came[target] = source
    came = came.reshape(height, width)
    # A hole takes the farther of the two neighbours left and right of it, as a background would go on.
    places = np.broadcast_to(np.arange(width), (height, width))
    before = np.maximum.accumulate(np.where(came >= 0, places, -1), axis=1)
    after = np.minimum.accumulate(np.where(came >= 0, places, width)[:, ::-1], axis=1)[:, ::-1]
    line = np.arange(height)[:, None]
    left = came[line, np.clip(before, 0, width - 1)]
    right = came[line, np.clip(after, 0, width - 1)]
    flat = depth.ravel()
    far = np.where(
        left < 0,
        right,
        np.where(
            right < 0,
            left,
            np.where(flat[np.maximum(left, 0)] < flat[np.maximum(right, 0)], left, right),
        ),
    )
    came = np.where(came >= 0, came, np.maximum(far, 0))
    return Image.fromarray(area.reshape(-1, 3)[came])


def label(r, photo, width, height, words):
    """A face of a package: a photo or a plain colour with words."""
    if photo:
        face = draw.fill_box(photo, width, height, r)
    else:
        face = Image.new("RGB", (width, height), draw.vivid(r))
        draw.figure(
            r,
            face,
            (width * 0.1, height * 0.25, width * 0.9, height * 0.9),
            [draw.vivid(r) for _ in range(3)],
        )
    if words:
        size = draw.fitted(words, height * 0.16, width * 0.9)
        tone = draw.vivid(r, 0.6)
        ImageDraw.Draw(face).rectangle(
            (0, height * 0.06, width, height * 0.06 + size * 1.5), fill=tone
        )
        text(
            face,
            (width // 2, int(height * 0.06 + size * 0.75)),
            words,
            size,
            draw.readable(tone),
            bold=1,
            anchor="mm",
        )
    return face


class Camera:
    """Looks at the middle of a thing from a yaw and a pitch, with perspective."""

    def __init__(self, yaw, pitch, roll, far, scale, x, y):
        a, b, c = math.radians(yaw), math.radians(pitch), math.radians(roll)
        around = np.array(
            [[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]]
        )
        over = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
        tilt = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
        self.turn, self.far, self.scale, self.x, self.y = tilt @ over @ around, far, scale, x, y

    def see(self, points):
        """Pixels and distances of points (n, 3); y goes down, the camera stands at negative z."""
        turned = np.asarray(points, float) @ self.turn.T
        shrink = self.far / (self.far + turned[:, 2])
        return (
            np.stack(
                [
                    self.x + turned[:, 0] * shrink * self.scale,
                    self.y + turned[:, 1] * shrink * self.scale,
                ],
                1,
            ),
            turned[:, 2],
        )


def render_box(r, canvas, size, faces, camera):
    """Draws the front, the right side and the top of a box; faces = (front, side, top)."""
    a, b, c = (value / 2 for value in size)
    quads = (
        (faces[0], [(-a, -b, -c), (a, -b, -c), (a, b, -c), (-a, b, -c)]),
        (faces[1], [(a, -b, -c), (a, -b, c), (a, b, c), (a, b, -c)]),
        (faces[2], [(-a, -b, c), (a, -b, c), (a, -b, -c), (-a, -b, -c)]),
    )
    shades = [r.uniform(0.85, 1.05), r.uniform(0.55, 0.95), r.uniform(0.8, 1.15)]
    for (face, corners), shade in zip(quads, shades):
        points, _ = camera.see(corners)
        (x0, y0), (x1, y1), (x2, y2) = points[:3]
        if (x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1) <= 60:
            continue
        lit = face.point(lambda v: min(255, int(v * shade)))
        shoot.lay(canvas, lit, [tuple(point) for point in points])


def render_cylinder(r, canvas, radius, tall, wrap, lid, camera, bottle):
    """Draws a textured cylinder or bottle pixel strip by strip, and its lid when seen from above."""
    texture, around = np.asarray(wrap, np.float32), 200
    angles = np.linspace(0, 2 * math.pi, around + 1)
    levels = np.linspace(-tall / 2, tall / 2, 40)
    light = r.uniform(-0.8, 0.8)
    for k in range(around):
        middle = (angles[k] + angles[k + 1]) / 2
        normal = camera.turn @ np.array([math.sin(middle), 0, -math.cos(middle)])
        if normal[2] > 0.05:
            continue
        ends = [
            (radius * math.sin(a), y, -radius * math.cos(a))
            for y in (-tall / 2, tall / 2)
            for a in (angles[k], angles[k + 1])
        ]
        points, _ = camera.see(ends)
        # Neighbour strips overlap a little so that no seam shows.
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
        first, last = int(k * wrap.width / around), max(
            int((k + 1) * wrap.width / around), int(k * wrap.width / around) + 1
        )
        shade = 0.45 + 0.6 * max(0.0, math.cos(math.asin(max(-1, min(1, normal[0]))) - light))
        strip = Image.fromarray(np.clip(texture[:, first:last] * shade, 0, 255).astype(np.uint8))
        left, right = int(min(x0, x2)) - 1, int(max(x1, x3)) + 2
        top, low = int(min(y0, y1)) - 1, int(max(y2, y3)) + 2
        if right - left < 2 or right <= 0 or left >= canvas.width:
            continue
        target = [
            (x0 - left - 0.6, y0 - top),
            (x1 - left + 0.6, y1 - top),
            (x3 - left + 0.6, y3 - top),
            (x2 - left - 0.6, y2 - top),
        ]
        strip = strip.resize((max(2, strip.width), strip.height))
        numbers = shoot.perspective(
            [(0, 0), (strip.width, 0), (strip.width, strip.height), (0, strip.height)], target
        )
        warped = strip.transform(
            (right - left, low - top), Image.PERSPECTIVE, numbers, Image.BILINEAR
        )
        cover = Image.new("L", strip.size, 255).transform(
            (right - left, low - top), Image.PERSPECTIVE, numbers, Image.NEAREST
        )
        canvas.paste(warped, (left, top), cover)
    pen = ImageDraw.Draw(canvas)
    rim, _ = camera.see(
        [(radius * math.sin(a), -tall / 2, -radius * math.cos(a)) for a in angles[::4]]
    )
    pen.polygon([tuple(point) for point in rim], fill=lid, outline=draw.mixed(lid, (0, 0, 0), 0.4))
    if bottle:
        inner, _ = camera.see(
            [
                (radius * 0.8 * math.sin(a), -tall / 2, -radius * 0.8 * math.cos(a))
                for a in angles[::4]
            ]
        )
        pen.polygon([tuple(point) for point in inner], fill=draw.mixed(lid, (0, 0, 0), 0.15))


def ground(r, scene):
    """A background: a blurred photo above, a table below."""
    canvas = draw.fill_box(scene, 720, 640, r).filter(ImageFilter.GaussianBlur(r.uniform(1.5, 5)))
    if r.random() < 0.6:
        table = shoot.desk(r).crop((0, 0, 720, 640))
        level = int(640 * r.uniform(0.5, 0.7))
        canvas.paste(table.crop((0, 0, 720, 640 - level)), (0, level))
    return canvas


def cast(canvas, x, y, wide, r):
    """A soft shadow under a thing."""
    dim = Image.new("L", canvas.size, 0)
    lean = r.uniform(-0.25, 0.25) * wide
    ImageDraw.Draw(dim).ellipse(
        (x - wide * 0.62 + lean, y - wide * 0.16, x + wide * 0.62 + lean, y + wide * 0.16),
        fill=r.randint(110, 190),
    )
    canvas.paste((10, 8, 8), (0, 0), dim.filter(ImageFilter.GaussianBlur(wide * 0.06)))


def framed(r, image, cut=0.07):
    """A part of the picture as a hand-held camera frames it, in another light."""
    wide, tall = image.width * (1 - 2 * cut), image.height * (1 - 2 * cut)
    turn = r.uniform(-3, 3)
    view = shoot.turned_box(r, image.width / 2, image.height / 2, wide, tall, turn, 0.035)
    out_size = (image.width * 9 // 10, image.height * 9 // 10)
    corners = [(0, 0), (out_size[0], 0), out_size, (0, out_size[1])]
    numbers = shoot.perspective(view, corners)
    image = image.transform(out_size, Image.PERSPECTIVE, numbers, Image.BICUBIC)
    return shoot.light(r, image, 0.3, (1, 5), 0.07)


def views(name, things, bank, rng):
    """A third each: photos with depth, boxes of one size, cylinders of one size; three or four directions a thing."""
    t = rng(name)
    photos, scenes = bank.mixed(t, 380), bank.mixed(t)
    size, radius, tall = (
        (t.uniform(0.9, 1.3), t.uniform(1.1, 1.7), t.uniform(0.5, 0.9)),
        t.uniform(0.4, 0.55),
        t.uniform(1.2, 1.6),
    )
    lid, brand, bottle = (
        draw.mixed(draw.vivid(t), (200, 200, 200), 0.5),
        draw.title(t, 1),
        t.random() < 0.5,
    )
    for thing in range(things):
        r = rng(name, thing)
        kind, count = thing % 3, r.choice([3, 4])
        if kind == 0:
            photo = draw.fit_box(photos.draw(), 760, 760)
            depth = relief(r, photo)
        elif kind == 1:
            words = brand if r.random() < 0.5 else draw.title(r, 1)
            unit = 300
            main = photos.draw()
            faces = (
                label(r, main, int(size[0] * unit), int(size[1] * unit), words),
                label(
                    r,
                    photos.draw() if r.random() < 0.5 else None,
                    int(size[2] * unit),
                    int(size[1] * unit),
                    words,
                ),
                label(r, None, int(size[0] * unit), int(size[2] * unit), words),
            )
        else:
            around, high = 1000, int(1000 * tall / (2 * math.pi * radius))
            wrap = draw.fill_box(photos.draw(), around, high, r)
            words, tone = draw.title(r, 1).upper(), draw.vivid(r, 0.6)
            ImageDraw.Draw(wrap).rectangle((0, high * 0.1, around, high * 0.28), fill=tone)
            for x in (around // 4, 3 * around // 4):
                # The photo shows its middle to the front; the words stand twice round the cylinder.
                text(
                    wrap,
                    (x - around // 4, int(high * 0.19)),
                    words,
                    draw.fitted(words, high * 0.15, around * 0.4),
                    draw.readable(tone),
                    bold=2,
                    anchor="mm",
                )
            wrap = Image.fromarray(np.roll(np.asarray(wrap), around // 2, axis=1))
        out = []
        start = r.uniform(-25, 25)
        for copy in range(count):
            r = rng(name, thing, copy)
            if kind == 0:
                angle, reach = 2 * math.pi * (
                    copy + r.uniform(-0.2, 0.2)
                ) / count, photo.width * r.uniform(0.08, 0.17)
                image = (
                    photo
                    if copy == 0 and r.random() < 0.5
                    else moved(photo, depth, reach * math.cos(angle), reach * 0.5 * math.sin(angle))
                )
                out.append(framed(r, image))
                continue
            canvas = ground(r, scenes.any(r))
            x, y = 360 + r.uniform(-50, 50), 330 + r.uniform(-30, 40)
            if kind == 1:
                yaw, pitch = 15 + 50 * (copy + r.uniform(0, 0.9)) / count, r.uniform(8, 32)
                scale = r.uniform(230, 330) / max(size[:2])
                camera = Camera(yaw, pitch, r.uniform(-4, 4), r.uniform(4, 8), scale * 1.25, x, y)
                cast(canvas, x, y + size[1] * scale * 0.62, (size[0] + size[2]) * scale * 0.75, r)
                render_box(r, canvas, size, faces, camera)
            else:
                yaw, pitch = start - 35 + 70 * (copy + r.uniform(0, 0.9)) / count, r.uniform(4, 30)
                scale = r.uniform(230, 310)
                camera = Camera(yaw, pitch, r.uniform(-4, 4), r.uniform(4, 8), scale, x, y)
                cast(canvas, x, y + tall * scale * 0.5, radius * 2 * scale, r)
                render_cylinder(r, canvas, radius, tall, wrap, lid, camera, bottle)
            out.append(
                shoot.light(
                    r,
                    canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.0))),
                    0.3,
                    (1, 6),
                    0.07,
                )
            )
        yield out
