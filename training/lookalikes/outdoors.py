"""Parts of streets: houses, shops, trees, people, and the sky. One unit is about four metres."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import draw, surfaces
from .raycast import Light, Pose, spin
from .shapes import Blob, Box, Ellipsoid, Frustum, Lathe
from .looks import Look, Texture


def put(parts, x, y, z=0.0, turn=0.0, scale=1.0):
    """The parts standing elsewhere."""
    outer = Pose((x, y, z), spin(turn), scale)
    return [(shape, outer.of(pose)) for shape, pose in parts]


def facade(design, r, photos, columns, rows):
    """A front with a grid of windows; design fixes the kind of wall and window, r what is in them."""
    cell = 320 // max(columns, rows)
    wide, tall = columns * cell, rows * cell
    base = surfaces.palette(design, 4, design.uniform(0.2, 0.8))
    stone = (
        surfaces.tiles(design, base[:1], 160, bricks=True)
        if design.random() < 0.4
        else surfaces.plain(design, base[0])
    )
    image = draw.fill_box(stone, wide, tall)
    pen = ImageDraw.Draw(image)
    share, high = design.uniform(0.35, 0.7), design.uniform(0.45, 0.75)
    frame, bars, arched = (
        draw.mixed(base[1], (250, 250, 250), design.choice([0, 0.8])),
        design.randint(1, 3),
        design.random() < 0.3,
    )
    sill, ledge = design.random() < 0.6, design.random() < 0.5
    for row in range(rows):
        if ledge:
            pen.rectangle((0, row * cell, wide, row * cell + max(1, cell // 14)), fill=base[2])
        for column in range(columns):
            x, y = (column + 0.5 - share / 2) * cell, (row + 0.55 - high / 2) * cell
            box = (x, y, x + share * cell, y + high * cell)
            kind = r.random()
            glass = (50 + r.randint(-20, 30), 62 + r.randint(-20, 30), 78 + r.randint(-20, 40))
            if kind < 0.12:
                glass = (245, 215, 140)
            elif kind < 0.3:
                glass = (205, 200, 190)
            edge = max(1, cell // 24)
            if arched:
                rise = share * cell / 2
                pen.ellipse((box[0] - edge, box[1] - rise - edge, box[2] + edge, box[1] + rise), fill=frame)
            pen.rectangle((box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge), fill=frame)
            pen.rectangle(box, fill=glass)
            if arched:
                pen.ellipse((box[0], box[1] - rise, box[2], box[1] + rise), fill=glass)
            if kind > 0.75:
                pen.polygon(
                    [(box[0], box[1]), (box[2], box[1]), (box[0], box[1] + high * cell * r.random())],
                    fill=(170, 190, 205),
                )
            for k in range(1, bars + 1):
                middle = box[0] + (box[2] - box[0]) * k / (bars + 1)
                pen.line((middle, box[1], middle, box[3]), fill=frame, width=edge)
            if sill:
                pen.rectangle((box[0] - 2 * edge, box[3], box[2] + 2 * edge, box[3] + 2 * edge), fill=base[3])
            if r.random() < 0.12:
                pen.rectangle(
                    (box[0], box[3] - edge * 3, box[2], box[3] + edge),
                    fill=r.choice([(60, 120, 50), (190, 50, 60)]),
                )
    stain = surfaces.tiled_noise(r, 256, 5, 14) + surfaces.grain(r, 256, 3)
    stain = np.asarray(Image.fromarray(stain[:, :, 0]).resize(image.size), np.float32)[:, :, None]
    return surfaces.image_of(np.asarray(image, np.float32) + stain)


def house(design, r, photos, size, shop):
    """A house round the origin of the ground, its front at -y; `shop` puts a sign and a window below."""
    wide, deep, tall = size
    cell = design.uniform(0.42, 0.6)
    count = lambda length: max(2, round(length / cell))
    front = facade(design, r, photos, count(wide), count(tall))
    side = facade(design, r, photos, count(deep), count(tall))
    roof = surfaces.tiles(design, surfaces.palette(design, 1, 0.5), bricks=True)
    parts = [(Box(Look(side, side, front, front, roof), size), Pose((0, 0, tall / 2)))]
    if design.random() < 0.5:
        edge, slope = wide / np.sqrt(2), Texture(roof)
        look = Look(slope, slope, surfaces.plain(design, surfaces.palette(design, 1, 0.6)[0]), roof)
        parts.append((Box(look, (edge, deep * 0.98, edge)), Pose((0, 0, tall - 0.02), spin(0, 0, 45))))
    else:
        parts.append((Box(Look(roof), (wide * 1.05, deep * 1.05, 0.08)), Pose((0, 0, tall + 0.04))))
    if shop:
        window = draw.fill_box(photos.any(r), 256, 128, r)
        parts.append(
            (
                Box(Look(window), (wide * 0.7, 0.06, 0.42)),
                Pose((wide * r.uniform(-0.12, 0.12), -deep / 2, 0.25)),
            )
        )
        name = draw.title(r, 1, 2)
        sign = Image.new("RGB", (320, 48), draw.vivid(r))
        draw.text(
            sign,
            (160, 24),
            name,
            draw.fitted(name, 36, 300),
            draw.readable(sign.getpixel((0, 0))),
            1,
            anchor="mm",
        )
        parts.append(
            (Box(Look(sign), (wide * 0.85, 0.1, wide * 0.85 * 0.15)), Pose((0, -deep / 2 - 0.02, 0.56)))
        )
        if r.random() < 0.5:
            cloth = surfaces.stripes(r, [draw.vivid(r), (240, 240, 235)])
            parts.append(
                (Box(Look(cloth), (wide * 0.8, 0.4, 0.03)), Pose((0, -deep / 2 - 0.18, 0.48), spin(0, 25)))
            )
    else:
        door = surfaces.plain(r, draw.vivid(r, 0.4))
        parts.append(
            (Box(Look(door), (0.24, 0.06, 0.52)), Pose((wide * r.uniform(-0.3, 0.3), -deep / 2, 0.26)))
        )
        parts.append((Box(Look(surfaces.stone(design)), (0.4, 0.3, 0.06)), Pose((0, -deep / 2 - 0.1, 0.03))))
    return parts


def tree(r, tall=1.4):
    leaf = (
        [(52, 92, 40), (70, 115, 50), (38, 70, 34), (100, 130, 60)]
        if r.random() < 0.8
        else [(150, 90, 40), (180, 120, 50), (120, 70, 40)]
    )
    area = np.zeros((128, 128, 3), np.float32) + r.choice(leaf)
    area = (
        area
        + surfaces.tiled_noise(r, 128, 24, 45)
        + surfaces.tiled_noise(r, 128, 60, 45)
        + surfaces.grain(r, 128, 12)
    )
    balls = [
        (r.uniform(-0.3, 0.3), r.uniform(-0.3, 0.3), r.uniform(-0.3, 0.4), r.uniform(0.22, 0.4))
        for _ in range(5)
    ]
    crown = Blob(Look(surfaces.image_of(area)), balls, 0.15)
    bark = surfaces.weave(r, [(95, 75, 60), (80, 62, 50)])
    trunk = Frustum(Look(bark), 0.09, 0.06, tall * 0.6)
    return [(crown, Pose((0, 0, tall * 0.55 + 0.3))), (trunk, Pose((0, 0, tall * 0.3)))]


def person(r, photos):
    """A simple figure, 0.45 tall."""
    tones = surfaces.palette(r, 4, 0.3)
    skin = surfaces.plain(r, draw.mixed((225, 180, 150), (80, 55, 40), r.random()))
    coat = Look(
        r.choice(
            [surfaces.pattern(r, tones), draw.fill_box(photos.any(r), 96, 96, r), surfaces.plain(r, tones[0])]
        )
    )
    legs = Look(surfaces.plain(r, tones[1]))
    parts = [
        (Lathe(coat, [0.07, 0.075, 0.065, 0.085, 0.04], 0.2), Pose((0, 0, 0.29))),
        (Ellipsoid(Look(skin), (0.034, 0.036, 0.045)), Pose((0, 0, 0.43))),
        (Ellipsoid(Look(surfaces.plain(r, (40, 30, 25))), (0.037, 0.038, 0.035)), Pose((0, 0.006, 0.447))),
    ]
    for side in (-1, 1):
        step = r.uniform(-18, 18)
        parts.append((Frustum(legs, 0.03, 0.042, 0.24), Pose((side * 0.038, 0, 0.11), spin(0, step * side))))
        parts.append(
            (
                Frustum(coat, 0.02, 0.028, 0.19),
                Pose((side * 0.095, 0, 0.28), spin(0, -step * side, side * r.uniform(-14, -3))),
            )
        )
    turn = Pose(turn=spin(r.uniform(0, 360)))
    return [(shape, turn.of(pose)) for shape, pose in parts]


def sky(r, kind):
    """A sky as the caster wants it: linear colours of directions."""
    high, low = {
        "day": ((70, 120, 200), (190, 212, 235)),
        "grey": ((165, 172, 182), (215, 216, 218)),
        "dusk": ((60, 70, 130), (240, 160, 100)),
    }[kind]
    noise = (
        surfaces.tiled_noise(r, 256, 5, 1)
        + surfaces.tiled_noise(r, 256, 12, 0.6)
        + surfaces.tiled_noise(r, 256, 30, 0.3)
    )
    clouds = np.clip((noise + r.uniform(-0.6, 0.5)) * r.uniform(60, 200), 0, 235) + np.zeros((1, 1, 3))
    cover = Texture(Image.fromarray(clouds.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1)))
    high, low = (np.array(draw.mixed(tone, draw.colour(r), 0.08), np.float32) / 255 for tone in (high, low))

    def colours(d):
        up = np.clip(d[2], 0.0, 1)
        share = np.sqrt(up)[:, None]
        base = (low * (1 - share) + high * share) ** 2
        veil = cover.at(np.arctan2(d[0], d[1]) * 0.5, -0.6 * up, np.full(up.shape, 0.004, np.float32))[:, :1]
        return base * (1 - veil) + veil * (0.9 * low + 0.1) ** 2

    return colours


def daylight(r, kind):
    """The sun, or none, and the light of the sky."""
    around, up = r.uniform(-2.4, 2.4), np.radians(r.uniform(8, 22) if kind == "dusk" else r.uniform(30, 65))
    place = 60 * np.array([np.cos(up) * np.sin(around), -np.cos(up) * np.cos(around), np.sin(up)])
    if kind == "grey":
        return Light(tuple(place), 25, (0.25, 0.25, 0.25), (0.75, 0.78, 0.82), reach=2.0)
    if kind == "dusk":
        return Light(tuple(place), 3, (1.0, 0.62, 0.35), (0.42, 0.4, 0.5), reach=2.0)
    return Light(tuple(place), 1.5, (1.2, 1.15, 1.05), (0.38, 0.44, 0.54), reach=2.0)
