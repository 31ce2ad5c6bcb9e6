"""Takes a picture again so that less of it comes back: photographed at a slant, bent, in shadow and glare, saved with other
colours."""

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from . import draw, edits, shoot


def seen(r, width, height, turn, slant):
    """Four corners of a box round (0, 0), turned in its plane and then out of it by `slant` degrees round any axis,
    from a distance of 1.4 to 3.5 times its longer side."""
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    around = r.uniform(0, np.pi)
    axis, across = np.array([np.cos(around), np.sin(around)]), np.array([-np.sin(around), np.cos(around)])
    distance = r.uniform(1.4, 3.5) * max(width, height)
    points = []
    for u, v in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        x, y = u * width, v * height
        point = np.array([x * cos - y * sin, x * sin + y * cos])
        along, off = point @ axis, point @ across
        depth = distance + off * np.sin(np.radians(slant))
        points.append((axis * along + across * off * np.cos(np.radians(slant))) * distance / depth)
    return np.array(points)


def slanted(r, image, table):
    """A photo of the picture on the table, taken from the side."""
    width, height = image.size
    out = shoot.photo_size(r, image)
    turn = r.uniform(-10, 10) if r.random() < 0.8 else r.uniform(-35, 35)
    points = seen(r, width, height, turn, 52 * r.random() ** 0.7)
    size = np.ptp(points, axis=0)
    scale = r.uniform(0.6, 1.02) * min(out[0] / size[0], out[1] / size[1])
    points = (points - points.min(axis=0) - size / 2) * scale
    free = np.maximum(np.array(out) - size * scale, 0)
    points += np.array(out) / 2 + free * [r.uniform(-0.4, 0.4), r.uniform(-0.4, 0.4)]
    canvas = shoot.part_of(r, table, out)
    small = image
    if scale < 1:
        small = image.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.LANCZOS)
    shoot.lay(canvas, small, [tuple(point) for point in points], shadow=r.randint(3, 12))
    if r.random() < 0.7:
        canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.3)))
    return shoot.light(r, canvas, r.uniform(0.1, 0.5), (1, 10), r.choice([0.05, 0.05, 0.15]))


def bent(r, image):
    """The picture on paper that is not flat, with its shade, and what it covers of the box round it."""
    width, height = image.size
    high, waves, start = r.uniform(0.004, 0.03) * height, r.choice([0.5, 1, 1.5]), r.uniform(0, 6.3)
    lift = lambda x: high * np.sin(start + 2 * np.pi * waves * x / width)
    tall, strips = height + round(2 * high) + 2, np.linspace(0, width, 33).astype(int)
    mesh = []
    for left, right in zip(strips[:-1], strips[1:]):
        one, other = lift(left) + high + 1, lift(right) + high + 1
        mesh.append(((left, 0, right, tall), (left, -one, left, tall - one, right, tall - other, right, -other)))
    warp = lambda picture: picture.transform((width, tall), Image.MESH, mesh, Image.BICUBIC)
    across = np.arange(width, dtype=np.float32)
    shade = 1 + r.uniform(-0.25, 0.25) * np.cos(start + 2 * np.pi * waves * across / width)
    lit = np.clip(np.asarray(image, np.float32) * shade[None, :, None], 0, 255).astype(np.uint8)
    return warp(Image.fromarray(lit)), warp(Image.new("L", image.size, 255))


def shadowed(r, image):
    """A shadow of something outside the picture, with a sharp or a soft edge."""
    width, height = image.size
    x, y, long = r.uniform(0, width), r.uniform(0, height), max(width, height)
    box = shoot.turned_box(r, x, y, long * r.uniform(0.3, 1.4), long * r.uniform(0.2, 0.9), r.uniform(0, 180), 0.15)
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).polygon(box, fill=255)
    mask = np.asarray(mask.filter(ImageFilter.GaussianBlur(r.choice([1, 3, 8, 20, 40]))), np.float32) / 255
    tint = np.array([1, r.uniform(0.98, 1.02), r.uniform(0.98, 1.1)], np.float32)
    dark = 1 - mask[:, :, None] * (1 - r.uniform(0.4, 0.8) * tint)
    return Image.fromarray(np.clip(np.asarray(image, np.float32) * dark, 0, 255).astype(np.uint8))


def glaring(r, image):
    """A lamp or a flash in a glossy surface: one or two patches that are nearly or wholly white."""
    width, height = image.size
    glare = np.zeros((height, width), np.float32)
    for _ in range(r.choice([1, 1, 2])):
        size, patch = max(width, height) * r.uniform(0.03, 0.16), Image.new("L", image.size, 0)
        box = shoot.turned_box(
            r, r.uniform(0.1, 0.9) * width, r.uniform(0.1, 0.9) * height, size, size * r.uniform(0.3, 3), r.uniform(0, 90), 0.2
        )
        ImageDraw.Draw(patch).polygon(box, fill=255)
        soft = patch.filter(ImageFilter.GaussianBlur(size * r.choice([0.05, 0.3, 0.5])))
        glare += np.asarray(soft, np.float32) / 255 * r.uniform(0.3, 1)
    area = np.asarray(image, np.float32)
    return Image.fromarray(np.clip(area + glare[:, :, None] * 255, 0, 255).astype(np.uint8))


def rough(r, image, table):
    """A photo of the picture on the table as people take it: bent, at a slant, in shadow or glare, moved or out of focus."""
    cover = None
    if r.random() < 0.6:
        image, cover = bent(r, image)
    width, height = image.size
    out = shoot.photo_size(r, image)
    points = seen(r, width, height, r.uniform(-8, 8), 30 * r.random())
    size = np.ptp(points, axis=0)
    points = (points - points.min(axis=0) - size / 2) * r.uniform(0.7, 1.1) * min(out[0] / size[0], out[1] / size[1])
    points += np.array(out) / 2 + np.array(out) * [r.uniform(-0.06, 0.06), r.uniform(-0.06, 0.06)]
    canvas = shoot.part_of(r, table, out)
    shoot.lay(canvas, image, [tuple(point) for point in points], shadow=r.randint(3, 12), mask=cover)
    for change, share in ((shadowed, 0.5), (glaring, 0.35)):
        if r.random() < share:
            canvas = change(r, canvas)
    if r.random() < 0.7:
        canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.5)))
    if r.random() < 0.3:
        canvas = canvas.filter(ImageFilter.UnsharpMask(r.uniform(1, 2.5), r.randint(60, 180), 0))
    return shoot.light(r, canvas, r.uniform(0.1, 0.5), (1, 8), r.choice([0.04, 0.08, 0.12]))


def cast(r, image):
    """Another colour of light, up to a strong one."""
    gains = np.array([r.uniform(0.55, 1.3) for _ in range(3)], np.float32)
    return Image.fromarray(np.clip(np.asarray(image, np.float32) * gains, 0, 255).astype(np.uint8))


def spread(r, image):
    """Other tones: equalised, stretched, or a bent curve."""
    way = r.choice(["equal", "stretch", "curve", "curve"])
    if way == "equal":
        return Image.blend(image, ImageOps.equalize(image), r.uniform(0.5, 1))
    if way == "stretch":
        return ImageOps.autocontrast(image, r.uniform(1, 6))
    power = r.choice([r.uniform(0.45, 0.8), r.uniform(1.25, 2.2)])
    return image.point([round(255 * (k / 255) ** power) for k in range(256)] * 3)


def noisy(r, image):
    """Grain."""
    area = np.asarray(image, np.float32)
    shape = area.shape if r.random() < 0.5 else area.shape[:2] + (1,)
    grain = shoot.generator(r).standard_normal(shape, np.float32) * r.uniform(8, 28)
    return Image.fromarray(np.clip(area + grain, 0, 255).astype(np.uint8))


def barred(r, image):
    """A plain bar over 12 to 28 % of the height or of the width."""
    image = image.copy()
    share, start = r.uniform(0.12, 0.28), r.choice([0.0, 1.0, r.random()])
    tone = r.choice([(0, 0, 0), (255, 255, 255), draw.vivid(r)])
    width, height = image.size
    is_across = r.random() < 0.7
    side = height if is_across else width
    first = (1 - share) * start * side
    first, last = int(first), int(first + share * side)
    box = (0, first, width, last) if is_across else (first, 0, last, height)
    ImageDraw.Draw(image).rectangle(box, fill=tone)
    return image


def washed(r, image):
    """Paler or darker all over."""
    return ImageEnhance.Brightness(
        ImageEnhance.Contrast(ImageEnhance.Color(image).enhance(r.uniform(0, 2))).enhance(r.uniform(0.35, 1.6))
    ).enhance(r.uniform(0.5, 1.5))


def treated(r, image):
    """Saved again with one or two of the edits above. A bar hides what may part two things: it comes with photos alone."""
    image = shoot.saved_again(r, image)
    for edit in r.sample([cast, spread, noisy, washed], r.choice([1, 1, 2])):
        image = edit(r, image)
    return image


def treated_photos(name, things, bank, rng):
    """Three or four copies of a photo: one hardly changed, the others treated, some behind a bar."""
    photos = bank.mixed(rng(name), 300)
    for thing in range(things):
        photo, r = edits.larger(photos.draw(), 640), rng(name, thing)
        out = [shoot.saved_again(r, photo, 0.02)]
        for copy in range(r.choice([2, 3])):
            r = rng(name, thing, copy)
            image = barred(r, photo) if r.random() < 0.5 else photo
            out.append(treated(r, image) if image is photo or r.random() < 0.5 else image)
        yield out
