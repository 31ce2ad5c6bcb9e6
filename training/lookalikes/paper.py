"""Pictures on one paper."""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import draw, shoot
from .draw import text


def paper(t, bank):
    """A small picture on pale paper or a wide mat; the surroundings are the same for all."""
    width, height = t.choice([(900, 700), (800, 800), (700, 900)])
    ground, share = t.choice(
        [(252, 252, 250), (245, 240, 228), (238, 240, 242), (250, 244, 238)]
    ), t.uniform(0.24, 0.42)
    frame, rim, shade, tilted = (
        t.choice(["none", "thin", "bevel", "wall"]),
        t.choice([(30, 30, 30), (140, 100, 60), (190, 160, 90)]),
        t.random() < 0.5,
        t.random() < 0.4,
    )
    u, v = t.uniform(0.42, 0.58), t.uniform(0.4, 0.55)
    photos, caption, seed = bank.mixed(t), t.random() < 0.4, t.getrandbits(30)
    tall_share = t.uniform(0.7, 1.1)
    grain = shoot.low_noise(random.Random(seed), width, height, 60, -3, 3) + shoot.low_noise(
        random.Random(seed + 1), width, height, 4, -5, 5
    )
    sheet = Image.fromarray(
        np.clip(np.array(ground, np.float32) + grain[:, :, None], 0, 255).astype(np.uint8)
    )

    def fill(r):
        page = sheet.copy()
        wide = int(width * min(0.45, max(0.2, share * r.uniform(0.9, 1.1))))
        photo = draw.fill_box(photos.draw(), wide, int(wide * tall_share))
        x, y = int(width * u - photo.width / 2), int(height * v - photo.height / 2)
        if tilted:
            x, y = x + r.randint(-20, 20), y + r.randint(-20, 20)
        pen = ImageDraw.Draw(page)
        if shade:
            dim = Image.new("L", page.size, 0)
            ImageDraw.Draw(dim).rectangle(
                (x + 5, y + 7, x + photo.width + 7, y + photo.height + 9), fill=120
            )
            page.paste((60, 55, 50), (0, 0), dim.filter(ImageFilter.GaussianBlur(6)))
        if frame == "thin":
            pen.rectangle(
                (x - 12, y - 12, x + photo.width + 11, y + photo.height + 11),
                fill=(255, 255, 255),
                outline=rim,
                width=3,
            )
        elif frame == "bevel":
            pen.rectangle(
                (x - 6, y - 6, x + photo.width + 5, y + photo.height + 5),
                fill=draw.mixed(ground, (120, 120, 120), 0.3),
            )
        page.paste(photo, (x, y))
        if frame == "wall":
            pen.rectangle((0, 0, width - 1, height - 1), outline=rim, width=24)
        if caption:
            text(
                page,
                (int(width * u), y + photo.height + 30),
                draw.title(r, 2),
                22,
                (110, 105, 100),
                anchor="ma",
            )
        return page

    return fill
