"""More hand-sized things: books, animals, shoes, machines, bags and toys.

The builders are as those of things.py.
"""

import math

from PIL import Image, ImageDraw

from . import draw, surfaces
from .looks import Look
from .raycast import Pose, spin
from .shapes import Blob, Box, Ellipsoid, Frustum, Lathe, RoundBox, Torus
from .things import Art, bottle, bowl, carton, doll, lamp, mug, pot, tin, vase


def stack(g, art):
    """Books, cases or boxes on each other, words on their backs."""
    parts, z = [], 0.0
    for k in range(g.randint(2, 5)):
        size = (g.uniform(0.6, 0.95), g.uniform(0.5, 0.75), g.uniform(0.07, 0.22))
        spine = art.face(f"spine {k}", size[0], size[2], False, art.words(f"spine {k}", 2))
        pages = surfaces.stripes(art.rng(f"pages {k}"), [(235, 230, 215), (215, 208, 190)], 128)
        cover = art.face(f"cover {k}", size[0], size[1])
        turn = g.choice([0, 0, g.uniform(-20, 20)])
        parts.append(
            (
                Box(Look(pages, pages, spine, pages, cover), size),
                Pose((g.uniform(-0.05, 0.05), 0, z + size[2] / 2), spin(turn)),
            )
        )
        z += size[2]
    return parts


def animal(g, art):
    skin, other = art.skin("skin"), art.plain("other")
    long, thick, leg = g.uniform(0.35, 0.5), g.uniform(0.18, 0.28), g.uniform(0.15, 0.4)
    body = (Ellipsoid(Look(skin), (long, thick, thick)), Pose((0, 0, leg + thick * 0.7)))
    head = g.uniform(0.14, 0.22)
    x, z = -long * 0.95, leg + thick * g.uniform(1.2, 2.0)
    parts = [body, (Ellipsoid(Look(skin), (head * 1.2, head, head)), Pose((x, 0, z)))]
    ear = g.uniform(0.05, 0.13)
    for side in (-1, 1):
        parts.append(
            (
                Ellipsoid(Look(other), (0.04, ear * 0.7, ear)),
                Pose((x + 0.05, side * head * 0.7, z + head * 0.8)),
            )
        )
        parts.append(
            (
                Ellipsoid(Look(art.plain("eye", (15, 15, 15)), gloss=1), (0.03,) * 3),
                Pose((x - head * 0.9, side * head * 0.5, z + 0.05)),
            )
        )
        for place in (-0.55, 0.55):
            shape = Frustum(Look(skin if g.random() < 0.5 else other), 0.07, 0.09, leg + thick * 0.5)
            parts.append((shape, Pose((place * long, side * thick * 0.55, (leg + thick * 0.5) / 2))))
    turn = Pose(turn=spin(g.choice([0, 20, 40, 60, 180, 150])))
    return [(shape, turn.of(pose)) for shape, pose in parts]


def shoe(g, art):
    """One or two shoes, low or high."""
    high, long = g.uniform(0.02, 0.35), g.uniform(0.32, 0.4)
    balls = [
        (-long, 0, 0, 0.12),
        (-long * 0.55, 0, 0.02, 0.15),
        (0, 0, 0.08, 0.16),
        (long * 0.6, 0, 0.12, 0.15),
    ]
    balls += [(long, 0, 0.1, 0.14), (long * 0.95, 0, 0.12 + high, 0.13), (long * 0.6, 0, 0.12 + high, 0.13)]
    upper = Blob(Look(art.skin("leather"), gloss=0.2), balls, g.uniform(0.1, 0.2))
    lift, top = upper.half[2] - 0.02, float(upper.balls[-1, 2]) + 0.125
    sole = RoundBox(Look(art.plain("sole")), (2 * long + 0.3, 0.36, 0.09), 0.044)
    parts = [(upper, Pose((0, 0, lift))), (sole, Pose((0, 0, 0.045)))]
    hole = Frustum(Look(art.plain("inside", (35, 32, 30))), 0.1, 0.11, 0.03)
    parts.append((hole, Pose((float(upper.balls[-1, 0]) + 0.06, 0, lift + top))))
    for k in range(g.choice([0, 3, 4])):
        lace = Torus(Look(art.plain("lace")), 0.16, 0.018)
        parts.append((lace, Pose((-0.12 + 0.1 * k, 0, lift - 0.02 + 0.03 * k), spin(90))))
    if g.random() < 0.6:
        patch = Box(Look(art.face("mark", 0.3, 0.14, False)), (0.26, 0.33, 0.1))
        parts.append((patch, Pose((0.1, 0, lift - 0.03))))
    turn = Pose(turn=spin(g.choice([10, 35, -30, 150])))
    one = [(shape, turn.of(pose)) for shape, pose in parts]
    if g.random() < 0.5:
        return one
    return one + [(shape, Pose((g.uniform(-0.15, 0.2), 0.42, 0)).of(pose)) for shape, pose in one]


def radio(g, art):
    size = (g.uniform(0.8, 1.2), g.uniform(0.25, 0.4), g.uniform(0.45, 0.7))
    case, r = art.skin("case"), art.rng("front")
    front = Image.new("RGB", (400, int(400 * size[2] / size[0])), art.tone("front"))
    pen = ImageDraw.Draw(front)
    step, left, right = g.choice([8, 12, 16]), *((20, 200) if g.random() < 0.5 else (200, 380))
    for x in range(left, right, step):
        pen.line((x, 20, x, front.height - 20), fill=(20, 20, 20), width=step // 2)
    scale = (220, 20, 380, 80) if left < 100 else (20, 20, 180, 80)
    pen.rectangle(scale, fill=(240, 230, 200))
    for k in range(scale[0] + 8, scale[2] - 8, 14):
        pen.line((k, 40, k, 60), fill=r.choice([(20, 20, 20), (180, 30, 30)]), width=2)
    draw.text(front, (scale[0] + 5, 90), art.words("flavour"), 30, draw.readable(art.tone("front")), 1)
    parts = [(Box(Look(case, case, front, case), size), Pose((0, 0, size[2] / 2)))]
    for k in range(g.randint(1, 3)):
        x = (0.12 + 0.14 * k) * size[0] * (1 if left < 100 else -1)
        knob = Frustum(Look(art.plain("knob"), gloss=0.5), 0.07, 0.06, 0.08)
        parts.append((knob, Pose((x, -size[1] / 2 - 0.03, size[2] * 0.25), spin(0, 90))))
    if g.random() < 0.6:
        parts.append((Torus(Look(art.plain("knob")), size[0] * 0.3, 0.03, False, 0.5), Pose((0, 0, size[2]))))
    return parts


def camera(g, art):
    size = (g.uniform(0.7, 1.0), g.uniform(0.25, 0.4), g.uniform(0.45, 0.6))
    body = RoundBox(Look(art.skin("case"), gloss=0.2), size, 0.06)
    x, radius, long = g.uniform(-0.15, 0.15), g.uniform(0.16, 0.22), g.uniform(0.15, 0.4)
    ring, glass = art.plain("ring"), art.plain("glass", (25, 25, 45))
    lens = Frustum(Look(ring, glass, glass, gloss=0.8), radius * 0.9, radius, long)
    parts = [
        (body, Pose((0, 0, size[2] / 2))),
        (lens, Pose((x, -size[1] / 2 - long / 2, size[2] * 0.45), spin(0, 90))),
    ]
    hump = Box(Look(art.face("mark", 0.3, 0.14, False)), (0.3, size[1] * 0.8, 0.14))
    parts.append((hump, Pose((x, 0, size[2] + 0.06))))
    parts.append(
        (Frustum(Look(art.plain("knob")), 0.07, 0.07, 0.07), Pose((-size[0] * 0.38, 0, size[2] + 0.03)))
    )
    return parts


def clock(g, art):
    radius, r = g.uniform(0.35, 0.5), art.rng("dial")
    dial = Image.new("RGB", (320, 320), draw.mixed(art.tone("dial"), (250, 250, 245), r.choice([0.1, 0.8])))
    if r.random() < 0.5:
        dial.paste(draw.fill_box(art.photo("dial"), 200, 200, r), (60, 60))
    pen, ink = ImageDraw.Draw(dial), draw.readable(dial.getpixel((5, 5)))
    for k in range(12):
        x, y = 160 + 128 * math.sin(k * math.pi / 6), 160 - 128 * math.cos(k * math.pi / 6)
        draw.text(dial, (x, y), str(k or 12), 34, ink, 1, anchor="mm")
    for long, wide in ((70, 9), (105, 5)):
        angle = r.uniform(0, 6.28)
        pen.line(
            (160, 160, 160 + long * math.sin(angle), 160 - long * math.cos(angle)),
            fill=art.tone("hands"),
            width=wide,
        )
    frame = Frustum(
        Look(art.plain("frame"), dial, art.plain("back"), gloss=0.4), radius, radius, g.uniform(0.12, 0.3)
    )
    parts = [(frame, Pose((0, 0, radius + 0.08), spin(0, 90)))]
    for side in (-1, 1):
        parts.append(
            (
                Frustum(Look(art.plain("foot")), 0.03, 0.05, 0.3),
                Pose((side * radius * 0.6, 0, 0.13), spin(0, 0, side * -25)),
            )
        )
        if g.random() < 0.5:
            parts.append(
                (
                    Ellipsoid(Look(art.plain("bell"), gloss=0.8), (0.14, 0.12, 0.1)),
                    Pose((side * radius * 0.6, 0, radius * 1.95)),
                )
            )
    return parts


def car(g, art):
    long, wide, high = g.uniform(0.8, 1.2), g.uniform(0.35, 0.45), g.uniform(0.18, 0.3)
    paint, wheel = art.skin("paint"), g.uniform(0.1, 0.14)
    side = art.face("load", long * 0.5, 0.35)
    parts = [(Box(Look(paint, gloss=0.4), (long, wide, high)), Pose((0, 0, wheel + high / 2)))]
    cab = (long * g.uniform(0.25, 0.5), wide * 0.92, g.uniform(0.15, 0.25))
    x = g.uniform(-0.25, 0.05) * long
    glass = surfaces.tiles(art.rng("glass"), [(70, 90, 110)], 128, 2, False)
    parts.append((Box(Look(glass, glass, glass, glass, paint), cab), Pose((x, 0, wheel + high + cab[2] / 2))))
    if g.random() < 0.5:
        parts.append(
            (Box(Look(side), (long * 0.4, wide * 0.95, 0.3)), Pose((long * 0.28, 0, wheel + high + 0.15)))
        )
    rubber, hub = art.plain("rubber", (30, 30, 32)), art.skin("hub")
    for place in (-0.3, 0.3):
        for y in (-0.5, 0.5):
            parts.append(
                (
                    Frustum(Look(rubber, hub, hub), wheel, wheel, 0.1),
                    Pose((place * long, y * wide, wheel), spin(0, 90)),
                )
            )
    turn = Pose(turn=spin(g.choice([0, 20, 40, -35])))
    return [(shape, turn.of(pose)) for shape, pose in parts]


def bag(g, art):
    size = (g.uniform(0.7, 1.0), g.uniform(0.25, 0.5), g.uniform(0.5, 0.8))
    body = RoundBox(Look(art.skin("cloth")), size, g.uniform(0.08, 0.2))
    handle = Torus(Look(art.plain("handle")), size[0] * 0.28, 0.035, False, g.uniform(0.7, 1.2))
    parts = [(body, Pose((0, 0, size[2] / 2))), (handle, Pose((0, 0, size[2] * 0.95)))]
    if g.random() < 0.7:
        pocket = RoundBox(Look(art.skin("pocket")), (size[0] * 0.6, 0.1, size[2] * 0.5), 0.04)
        parts.append((pocket, Pose((g.uniform(-0.1, 0.1), -size[1] / 2, size[2] * 0.4))))
    return parts


def present(g, art):
    size = (g.uniform(0.6, 0.9), g.uniform(0.5, 0.8), g.uniform(0.35, 0.7))
    ribbon = art.plain("ribbon")
    bow = Torus(Look(ribbon), 0.12, 0.035, False, 0.7)
    return [
        (Box(Look(art.skin("paper")), size), Pose((0, 0, size[2] / 2))),
        (Box(Look(ribbon), (0.09, size[1] + 0.02, size[2] + 0.02)), Pose((0, 0, size[2] / 2))),
        (Box(Look(ribbon), (size[0] + 0.02, 0.09, size[2] + 0.02)), Pose((0, 0, size[2] / 2))),
        (bow, Pose((0.1, 0, size[2] + 0.1), spin(30))),
        (Torus(Look(ribbon), 0.12, 0.035, False, 0.7), Pose((-0.1, 0, size[2] + 0.1), spin(-40))),
        (
            Box(Look(art.face("card", 0.3, 0.2)), (0.3, 0.2, 0.02)),
            Pose((g.uniform(-0.2, 0.2), -0.2, size[2] + 0.02), spin(20)),
        ),
    ]


def toy(g, art):
    """Balls melted together, and some stuck on."""
    balls = [(0, 0, 0, g.uniform(0.2, 0.3))]
    for _ in range(g.randint(2, 5)):
        balls.append((g.uniform(-0.4, 0.4), g.uniform(-0.2, 0.2), g.uniform(-0.1, 0.5), g.uniform(0.09, 0.2)))
    body = Blob(Look(art.skin("skin"), gloss=g.choice([0, 0.5])), balls, g.uniform(0.08, 0.25))
    lift = float(body.half[2]) - body.melt / 4
    parts = [(body, Pose((0, 0, lift)))]
    for k, (x, y, z, radius) in enumerate(body.balls[1:4]):
        look = Look(art.skin(f"spot {k % 2}"))
        parts.append(
            (
                Ellipsoid(look, (radius * 0.6,) * 3),
                Pose((x, y - radius * 0.7, z + lift + radius * 0.3)),
            )
        )
    return parts


def totem(g, art):
    """Two to five plain shapes on each other or leaning together."""
    parts, z = [], 0.0
    for k in range(g.randint(2, 5)):
        look, wide, tall = (
            Look(art.skin(f"piece {k}"), gloss=g.choice([0, 0.4])),
            g.uniform(0.15, 0.4),
            g.uniform(0.12, 0.4),
        )
        kind = g.randrange(5)
        if kind == 0:
            shape = Box(look, (2 * wide, g.uniform(0.3, 0.8), tall))
        elif kind == 1:
            shape = Frustum(look, wide, wide * g.uniform(0.4, 1.1), tall)
        elif kind == 2:
            shape = Ellipsoid(look, (wide, wide * g.uniform(0.6, 1), tall / 2))
        elif kind == 3:
            shape = RoundBox(look, (2 * wide, wide * 1.4, tall), 0.07)
        else:
            shape = Lathe(look, [wide * g.uniform(0.4, 1) for _ in range(4)], tall)
        parts.append(
            (
                shape,
                Pose(
                    (g.uniform(-0.08, 0.08), g.uniform(-0.05, 0.05), z + tall / 2), spin(g.uniform(-40, 40))
                ),
            )
        )
        z += tall * 0.97
    return parts


def collection(g, art):
    """Two or three things beside each other."""
    parts, x = [], 0.0
    for k in range(g.randint(2, 3)):
        inner = Art(
            f"{art.key} {k}",
            art.photos,
            [name[2:] for name in art.changed if name.startswith(f"{k} ")],
            art.salt,
        )
        one = g.choice([tin, mug, carton, bottle, vase, toy, stack, doll])(g, inner)
        for name in inner.seen:
            art.noted(f"{k} {name}")
        half = max(float(abs(pose.shift[0]) + shape.half[0]) for shape, pose in one)
        outer = Pose((x + half * 0.6, g.uniform(-0.1, 0.15), 0), scale=0.6)
        parts += [(shape, outer.of(pose)) for shape, pose in one]
        x += half * 1.25
    return [(shape, Pose((-x / 2, 0, 0)).of(pose)) for shape, pose in parts]


BUILDERS = [
    *[
        tin,
        mug,
        carton,
        bottle,
        vase,
        lamp,
        stack,
        animal,
        shoe,
        radio,
        camera,
        pot,
        clock,
        car,
        bag,
        bowl,
        doll,
    ],
    *[present, toy, totem, collection],
]
