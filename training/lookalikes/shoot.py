"""Takes a picture again: saved again, scanned, photographed on a desk, and the last size of every copy."""

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from . import draw


def generator(r):
    return np.random.default_rng(r.getrandbits(40))


def perspective(source, target):
    """Pillow's eight numbers for the homography that takes the target's four corners to the source's."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(values, float)).tolist()


def corners(image):
    return [(0, 0), (image.width, 0), (image.width, image.height), (0, image.height)]


def lay(canvas, image, target, shadow=0, mask=None):
    """Puts the image onto the canvas with its corners at the four target points. Returns the mask that was covered."""
    numbers = perspective(corners(image), target)
    warped = image.transform(canvas.size, Image.PERSPECTIVE, numbers, Image.BICUBIC)
    cover = (mask or Image.new("L", image.size, 255)).transform(
        canvas.size, Image.PERSPECTIVE, numbers, Image.BILINEAR
    )
    if shadow:
        soft = cover.filter(ImageFilter.BoxBlur(shadow)).point(lambda v: v * 5 // 10)
        shade = Image.new("L", canvas.size, 0)
        shade.paste(soft, (shadow // 2, shadow))
        canvas.paste((15, 12, 10), (0, 0), shade)
    canvas.paste(warped, (0, 0), cover)
    return cover


def turned_box(r, x, y, width, height, turn, tilt):
    """Four corners of a box round (x, y), turned by degrees, each moved by up to a share of the size."""
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    points = []
    for u, v in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        a, b = (u + r.uniform(-tilt, tilt)) * width, (v + r.uniform(-tilt, tilt)) * height
        points.append((x + a * cos - b * sin, y + a * sin + b * cos))
    return points


def low_noise(r, width, height, cells, low, high):
    """Smooth random values."""
    coarse = generator(r).uniform(
        0,
        1,
        (
            max(2, cells * height // max(width, height) + 1),
            max(2, cells * width // max(width, height) + 1),
        ),
    )
    smooth = Image.fromarray(coarse.astype(np.float32)).resize((width, height), Image.BICUBIC)
    return low + (high - low) * np.clip(np.asarray(smooth), 0, 1)


def light(r, image, strength=0.3, noise=(1, 6), cast=0.06):
    """Uneven light, a colour cast and sensor noise."""
    area = np.asarray(image, np.float32)
    height, width = area.shape[:2]
    x, y = (
        np.linspace(-0.5, 0.5, width, dtype=np.float32)[None],
        np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None],
    )
    shade = r.uniform(0.82, 1.12) + strength * (r.uniform(-1, 1) * x + r.uniform(-1, 1) * y)
    if r.random() < 0.4:
        u, v = r.uniform(-0.5, 0.5), r.uniform(-0.5, 0.5)
        shade = shade + strength * r.uniform(-1.1, 0.9) * np.exp(
            -((x - u) ** 2 + (y - v) ** 2) / r.uniform(0.03, 0.2)
        )
    gains = np.array([1 + r.uniform(-cast, cast) for _ in range(3)], np.float32)
    area = area * np.maximum(shade, 0.25)[:, :, None] * gains
    sigma = r.uniform(*noise)
    area = area + generator(r).standard_normal(area.shape, np.float32) * sigma
    return Image.fromarray(np.clip(area, 0, 255).astype(np.uint8))


def desk(r, bank_photo=None):
    """A surface to lay things on, 900 x 900: wood, cloth, stone, a plain table, or a blurred photo."""
    size, kind = 900, r.randrange(5 if bank_photo else 4)
    tone = np.array(draw.vivid(r, r.uniform(0.25, 0.75)), np.float32) * r.uniform(
        0.1, 0.45
    ) + r.randint(20, 130)
    if kind == 4:
        return draw.fill_box(bank_photo, size, size).filter(
            ImageFilter.GaussianBlur(r.uniform(2, 7))
        )
    if kind == 0:
        tone = np.array(
            r.choice([(150, 105, 65), (95, 62, 40), (190, 155, 110), (120, 95, 75)]), np.float32
        )
        grain = generator(r).standard_normal((size, 12)).astype(np.float32)
        lines = np.asarray(Image.fromarray(grain).resize((size, size), Image.BICUBIC))
        bend = low_noise(r, size, size, 4, -18, 18)
        area = tone + (lines * r.uniform(6, 14) + bend)[:, :, None]
        if r.random() < 0.5:
            area[:: r.choice([150, 225])] *= 0.5
            area[1 :: r.choice([150, 225])] *= 0.6
    elif kind == 1:
        weave = (
            np.sin(np.arange(size) * 1.3)[None] + np.sin(np.arange(size) * 1.1)[:, None]
        ) * r.uniform(4, 10)
        area = tone + (weave + low_noise(r, size, size, 5, -20, 20))[:, :, None]
    elif kind == 2:
        speck = low_noise(r, size, size, 300, -22, 22) + low_noise(r, size, size, 12, -18, 18)
        area = tone + speck[:, :, None]
    else:
        area = tone + low_noise(r, size, size, 3, -12, 12)[:, :, None] + np.zeros((1, 1, 3))
    image = Image.fromarray(np.clip(area, 0, 255).astype(np.uint8))
    return image.transpose(Image.ROTATE_90) if r.random() < 0.4 else image


def saved_again(r, image, crop=0.06, exact=False):
    """A pure edit: cropped a bit, resized, other brightness and contrast."""
    width, height = image.size
    if r.random() < 0.6:
        cut = lambda: r.uniform(0, crop)
        image = image.crop(
            (
                int(width * cut()),
                int(height * cut()),
                int(width * (1 - cut())),
                int(height * (1 - cut())),
            )
        )
    if r.random() < 0.7:
        image = ImageEnhance.Brightness(image).enhance(r.uniform(0.84, 1.2))
        image = ImageEnhance.Contrast(image).enhance(r.uniform(0.84, 1.15))
    if r.random() < 0.25 and not exact:
        image = ImageEnhance.Color(image).enhance(r.uniform(0.3, 1.3))
    if r.random() < 0.3:
        scale = r.uniform(0.45, 0.8)
        image = image.resize((int(image.width * scale), int(image.height * scale)), Image.BICUBIC)
    return image


def scanned(r, image, exact=False):
    """A small turn and shift on the glass, flat light, sometimes in grey."""
    width, height = image.size
    page = Image.new(
        "RGB",
        (int(width * 1.03), int(height * 1.03)),
        r.choice([(255, 255, 255), (238, 238, 234), (30, 30, 32)]),
    )
    points = turned_box(
        r,
        page.width / 2 + r.uniform(-0.02, 0.02) * width,
        page.height / 2 + r.uniform(-0.02, 0.02) * height,
        width,
        height,
        r.uniform(-2.2, 2.2),
        0.002,
    )
    lay(page, image, points)
    if r.random() < 0.2 and not exact:
        page = page.convert("L").convert("RGB")
    page = ImageEnhance.Contrast(page).enhance(r.uniform(0.85, 1.25))
    return light(r, page, 0.06, (1, 4), 0.02)


def photo_size(r, image):
    """Width and height of a photo of the picture: a camera's, mostly in the picture's direction, or in its proportions."""
    width, height = image.size
    if r.random() < 0.6:
        return (720, 540) if (width > height) == (r.random() < 0.85) else (540, 720)
    return (int(width * 640 / max(image.size)), int(height * 640 / max(image.size)))


def part_of(r, table, size):
    """A part of the table of this width and height, from anywhere."""
    width, height = size
    left, top = r.randint(0, table.width - width), r.randint(0, table.height - height)
    return table.crop((left, top, left + width, top + height))


def photographed(r, image, table, tilt=0.05, turn=7, shares=(0.65, 0.97)):
    """A photo of the picture lying on the table, taken by hand."""
    width, height = image.size
    share = r.uniform(*shares)
    out = photo_size(r, image)
    scale = share * min(out[0] / width, out[1] / height)
    if r.random() < 0.25:
        scale *= r.uniform(1.0, 1.12)
    canvas = part_of(r, table, out)
    wide, tall = int(width * scale), int(height * scale)
    small = image.resize((wide, tall), Image.LANCZOS) if scale < 1 else image
    x = out[0] / 2 + r.uniform(-1, 1) * max(0, out[0] - wide) * 0.35
    y = out[1] / 2 + r.uniform(-1, 1) * max(0, out[1] - tall) * 0.35
    lay(
        canvas,
        small,
        turned_box(r, x, y, wide, tall, r.uniform(-turn, turn), r.uniform(0.2, 1) * tilt),
        shadow=r.randint(3, 12),
    )
    if r.random() < 0.7:
        canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.1)))
    return light(r, canvas)


def finished(r, image, least=400, most=800):
    """The picture in its last size; narrow ones are made larger so that their short side has 120 pixels if it can."""
    side = round(least + (most - least) * r.random() ** 0.8)
    side = max(side, min(most, round(120 * max(image.size) / min(image.size))))
    scale = side / max(image.size)
    return image.resize(
        (max(16, round(image.width * scale)), max(16, round(image.height * scale))),
        Image.LANCZOS if scale < 1 else Image.BICUBIC,
    )
