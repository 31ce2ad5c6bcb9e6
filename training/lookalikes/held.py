"""Objects held before a scene."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import draw, shoot


def cut_out(r, photo):
    """An object: a shape filled with a photo, shaded towards its edge. Returns the picture and its mask."""
    edge, kind = 360, r.randrange(4)
    wide, tall = (
        (edge, int(edge * r.uniform(0.65, 1)))
        if r.random() < 0.5
        else (int(edge * r.uniform(0.65, 1)), edge)
    )
    mask = Image.new("L", (wide, tall), 0)
    pen = ImageDraw.Draw(mask)
    if kind == 0:
        pen.ellipse((4, 4, wide - 4, tall - 4), fill=255)
    elif kind == 1:
        pen.rounded_rectangle((4, 4, wide - 4, tall - 4), r.randint(5, 60), fill=255)
    elif kind == 2:
        sides, turn = r.randint(5, 8), r.uniform(0, 6)
        pen.polygon(
            [
                (wide / 2 + x * wide * 0.44, tall / 2 + y * tall * 0.44)
                for x, y in draw.ring(sides, 0, 0, 1, turn)
            ],
            fill=255,
        )
        mask = mask.filter(ImageFilter.GaussianBlur(12)).point(lambda v: 255 if v > 110 else 0)
    else:
        neck = wide * r.uniform(0.12, 0.22)
        pen.rounded_rectangle((wide * 0.08, tall * 0.3, wide * 0.92, tall - 4), 50, fill=255)
        pen.rounded_rectangle((wide / 2 - neck, 4, wide / 2 + neck, tall * 0.45), 14, fill=255)
    area = np.asarray(draw.fill_box(photo, wide, tall), np.float32)
    round_shade = np.asarray(mask.filter(ImageFilter.GaussianBlur(26)), np.float32) / 255
    slope = np.linspace(1.12, 0.8, wide, dtype=np.float32)[None]
    area *= (np.clip(round_shade * 1.25, 0.55, 1.0) * slope)[:, :, None]
    return Image.fromarray(np.clip(area, 0, 255).astype(np.uint8)), mask


def held(name, things, bank, rng):
    """Objects held before a few scenes: the label is the object, the scene is shared by many."""
    t = rng(name)
    scenes, photos = bank.scenes(t), bank.objects(t)
    backgrounds = [draw.fill_box(scenes.draw(), 860, 620) for _ in range(max(4, things // 3))]
    skins = [(224, 172, 140), (190, 135, 100), (120, 82, 62), (245, 205, 180)]
    skin = t.choice(skins)
    for thing in range(things):
        r = rng(name, thing)
        item, mask = cut_out(r, photos.draw())
        places = r.sample(backgrounds, r.choice([2, 3]))
        out = []
        for copy in range(r.choice([3, 4])):
            r = rng(name, thing, copy)
            canvas = places[copy % len(places)].copy()
            if r.random() < 0.6:
                canvas = canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.5, 2)))
            view = shoot.turned_box(
                r,
                430 + r.uniform(-12, 12),
                310 + r.uniform(-12, 12),
                800,
                570,
                r.uniform(-2, 2),
                0.012,
            )
            canvas = canvas.transform(
                (720, 520),
                Image.PERSPECTIVE,
                shoot.perspective(view, [(0, 0), (720, 0), (720, 520), (0, 520)]),
                Image.BICUBIC,
            )
            covered = float(np.asarray(mask).mean()) / 255 * item.width * item.height
            scale = math.sqrt(r.uniform(0.15, 0.38) * 720 * 520 / covered)
            scale = min(scale, 500 / item.height)
            wide, tall = item.width * scale, item.height * scale
            x, y = 360 + r.uniform(-0.06, 0.06) * 720, 260 + r.uniform(-0.06, 0.06) * 520
            turn = r.uniform(-15, 15)
            box = shoot.turned_box(r, x, y, wide, tall, turn, 0.04)
            if r.random() < 0.75:
                arm(r, canvas, x, y + tall * 0.42, skin, wide)
            shoot.lay(canvas, item, box, shadow=r.randint(2, 8), mask=mask)
            if r.random() < 0.4:
                thumb(r, canvas, x + r.uniform(-0.2, 0.2) * wide, y + tall * 0.5, skin, wide)
            out.append(
                shoot.light(
                    r,
                    canvas.filter(ImageFilter.GaussianBlur(r.uniform(0.2, 0.9))),
                    0.2,
                    (1, 6),
                    0.05,
                )
            )
        yield out


def arm(r, canvas, x, y, skin, wide):
    """A forearm from the lower edge to the object, with finger tips."""
    layer, reach = Image.new("L", canvas.size, 0), wide * 0.16
    pen = ImageDraw.Draw(layer)
    foot = x + r.uniform(-0.5, 0.5) * wide
    pen.polygon(
        [
            (x - reach, y),
            (x + reach, y),
            (foot + reach * 1.3, canvas.height),
            (foot - reach * 1.3, canvas.height),
        ],
        fill=255,
    )
    pen.ellipse((x - reach * 1.7, y - reach * 1.2, x + reach * 1.7, y + reach * 1.6), fill=255)
    layer = layer.filter(ImageFilter.GaussianBlur(1.5))
    canvas.paste(
        draw.gradient(
            canvas.width,
            canvas.height,
            draw.mixed(skin, (255, 255, 255), 0.1),
            draw.mixed(skin, (40, 10, 0), 0.3),
            r.random() < 0.5,
        ),
        (0, 0),
        layer,
    )


def thumb(r, canvas, x, y, skin, wide):
    layer, reach = Image.new("L", canvas.size, 0), wide * 0.06
    ImageDraw.Draw(layer).rounded_rectangle(
        (x - reach, y - wide * 0.16, x + reach, y + wide * 0.12), int(reach), fill=255
    )
    layer = layer.rotate(r.uniform(-30, 30), Image.BILINEAR, center=(x, y)).filter(
        ImageFilter.GaussianBlur(1)
    )
    canvas.paste(draw.mixed(skin, (255, 240, 230), r.uniform(0, 0.2)), (0, 0), layer)
