"""Takes a picture again so that less of it comes back: photographed at a slant, saved with other colours."""

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
