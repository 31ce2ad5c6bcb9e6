"""Solid things on a surface from several sides: `objects`, and `kin`, variants of one product."""

import math

import numpy as np
from PIL import Image, ImageFilter

from . import draw, settings, shoot, solids, surfaces, wares
from .raycast import Camera, Pose, render, spin
from .things import Art
from .variants import VARIANTS

SIZES = [(560, 420), (560, 420), (420, 560), (500, 500), (560, 374)]


def extent(parts):
    """The corners (n, 3) of the boxes round the parts."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
    return np.concatenate([pose.out((signs * shape.half * 0.9).T).T for shape, pose in parts])


def aimed(corners, yaw, pitch, roll, angle, share, place, size):
    """A camera that sees the corners round a place of its picture, filling this share of the tighter side."""
    a, b = math.radians(yaw), math.radians(pitch)
    way = np.array([math.sin(a) * math.cos(b), -math.cos(a) * math.cos(b), math.sin(b)])
    middle = (corners.min(0) + corners.max(0)) / 2
    far, target = 4.0, middle
    for _ in range(6):
        camera = Camera(target + far * way, target, angle, roll, *size)
        pixels, _ = camera.project(corners)
        if np.isnan(pixels).any():
            far *= 1.5
            continue
        low, high = pixels.min(0), pixels.max(0)
        wanted = low + (high - low) / 2 - place
        target = target + (wanted @ camera.turn[:2]) * far / camera.focal
        far *= float(((high - low) / size).max() / share) ** 0.9
    return Camera(target + far * way, target, angle, roll, *size)


def focused(r, view, far, picture):
    """What lies well behind the thing a bit out of focus."""
    depth = np.linalg.norm(view.points - view.camera.eye, axis=2)
    depth = np.where(view.numbers < 0, 99, depth)
    soft = np.clip((depth / far - 1.35) / 0.8, 0, 1) * 255
    blurred = picture.filter(ImageFilter.GaussianBlur(r.uniform(0.8, 3.5)))
    mask = Image.fromarray(soft.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    out = picture.copy()
    out.paste(blurred, (0, 0), mask)
    return out


def developed(r, view, far=None):
    """The picture as a phone saves it: exposure, white balance, focus at a distance, blur, noise."""
    tint = (1 + r.uniform(-0.12, 0.12), 1, 1 + r.uniform(-0.15, 0.15))
    picture = view.picture(r.uniform(0.16, 0.36), tint)
    if far:
        picture = focused(r, view, far, picture)
    if r.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.1)))
    if r.random() < 0.12:
        line = r.choice([np.eye(5), np.eye(5)[::-1], np.eye(5)[[2] * 5].T, np.eye(5)[[2] * 5]])
        picture = picture.filter(ImageFilter.Kernel((5, 5), line.ravel().tolist()))
    return shoot.light(r, picture, 0.15, (1, 6), 0.05)


def bearings(r, count, most=50):
    """Directions round a thing: 10 to 25 degrees between neighbours, at most 50 between the extremes."""
    steps = [r.uniform(10, 25) for _ in range(count - 1)]
    shrink = min(1, most / sum(steps))
    out = [0.0]
    for step in steps:
        out.append(out[-1] + step * shrink)
    return [value - out[-1] / 2 for value in out]


def session(rng, key, parts, around, others, count=4, is_near=False):
    """Views of a thing: (view, distance) pairs.

    `around` is its setting; `others` are settings it sometimes moves to. Near views are those of a
    camera that moved by a few degrees.
    """
    r = rng(*key, "session")
    front, pitch, share = r.uniform(-30, 30), r.uniform(18, 50), r.uniform(0.46, 0.7)
    turner, angle = r.choice(["camera", "thing", "both"]), r.uniform(35, 62)
    # A little above the surface, so that the bottom of an open vessel is not hidden by it.
    spot = Pose((r.uniform(-0.25, 0.25), r.uniform(-0.25, 0.1), 0.004))
    light, moves = settings.lamp(r), r.random() < 0.35
    if is_near:
        turner, moves = "camera", False
    spread = 0.3 if is_near else 1.0
    for copy, bearing in enumerate(bearings(r, count, 50 * spread)):
        r = rng(*key, "view", copy)
        turn = {"camera": 0.0, "thing": 1.0, "both": r.random()}[turner]
        scene = r.choice(others) if moves and others and r.random() < 0.5 else around
        pose = spot.of(Pose((r.uniform(-0.1, 0.1) * turn, 0, 0), spin(-(front + bearing) * turn)))
        stood = [(shape, pose.of(inner)) for shape, inner in parts]
        size = r.choice(SIZES)
        roll = max(-15, min(15, r.gauss(0, 5))) + (r.choice([-90, 90]) if r.random() < 0.04 else 0)
        part = share * (1 + spread * r.uniform(-0.22, 0.22))
        place = (
            np.array(size) / 2
            + np.array([r.uniform(-0.5, 0.5), r.uniform(-0.4, 0.4)]) * np.array(size) * (1 - part) * 0.8
        )
        camera = aimed(
            extent(stood),
            (front + bearing) * (1 - turn),
            min(60, max(10, pitch + spread * r.uniform(-11, 11))),
            roll,
            angle + r.uniform(-4, 4),
            part,
            place,
            size,
        )
        lamp = light if r.random() < 0.5 else settings.lamp(r)
        view = render(camera, stood + scene, lamp, seed=r.getrandbits(30))
        yield view, float(np.linalg.norm(camera.eye - pose.shift))


def pictures(rng, key, shots):
    return [developed(rng(*key, "developed", copy), view, far) for copy, (view, far) in enumerate(shots)]


def object_shots(name, things, bank, rng, is_near=False):
    """For each thing its (view, distance) pairs."""
    t = rng(name)
    photos, scenes = bank.mixed(t), bank.scenes(t)
    builders = t.sample(wares.BUILDERS, min(len(wares.BUILDERS), max(4, things // 2)))
    group = t.choice([2, 3, 4])
    rooms = [settings.setting(rng(name, "room", k), scenes) for k in range((things + group - 1) // group)]
    tones, made = surfaces.palette(t, 6), {}
    for thing in range(things):
        # Things of one group share the room; the shapes come in pairs, of which often one falls
        # into another group.
        place = (thing // 2 + (thing % 2) * t.choice([0, 0, 1])) % len(builders)
        r = rng(name, thing)
        shape = f"{place} {0 if r.random() < 0.75 else thing}"
        pool = [photos.draw() for _ in range(4)]
        for _ in range(8):
            art = Art(f"{r.getrandbits(40)}", pool)
            if thing % 3 == 2:
                art.tones = tones
            parts = builders[place](rng(name, "shape", shape), art)
            seen = glances(parts)
            if all(change(seen, other) > 0.08 for other in made.get(shape, [])):
                break
        made.setdefault(shape, []).append(seen)
        around = thing // group
        others = rooms[:around] + rooms[around + 1 :]
        yield session(rng, (name, thing), parts, rooms[around], others, is_near=is_near)


def near(name, things, bank, rng):
    """Views of `objects` a few degrees apart, and photos with depth seen from a step aside."""
    photos = bank.mixed(rng(name, "photos"), 380)
    for thing, shots in enumerate(object_shots(name, things, bank, rng, is_near=True)):
        if thing % 2 == 0:
            yield pictures(rng, (name, thing), shots)
            continue
        r = rng(name, thing, "aside")
        photo = draw.fit_box(photos.draw(), 760, 760)
        depth, out = solids.relief(r, photo), []
        for copy in range(4):
            reach = photo.width * r.uniform(0.01, 0.05)
            angle = 2 * math.pi * (copy + r.uniform(-0.2, 0.2)) / 4
            image = solids.moved(photo, depth, reach * math.cos(angle), 0.5 * reach * math.sin(angle))
            out.append(solids.framed(r, image))
        yield out


def objects(name, things, bank, rng):
    """Hand-sized things; two to four of them stand in one room, and many have the shape of another one."""
    for thing, shots in enumerate(object_shots(name, things, bank, rng)):
        yield pictures(rng, (name, thing), shots)


def glances(parts):
    """Small pictures of a thing by itself from three sides, to compare it with another one."""
    light, out = settings.Light((-2, -3, 4), around=(0.8, 0.8, 0.8)), []
    for yaw, pitch in ((-50, 15), (0, 50), (50, 25)):
        camera = aimed(extent(parts), yaw, pitch, 0, 45, 0.9, np.array([50, 50]), (100, 100))
        view = render(camera, parts, light, samples=1)
        out.append((np.sqrt(view.colour), view.numbers >= 0))
    return out


def change(one, other):
    """The least share of a thing, over the sides, in which it differs clearly from another one."""
    shares = []
    for (colours, seen), (others, _) in zip(one, other):
        shares.append((np.abs(colours - others).max(2) > 0.22).sum() / max(1, seen.sum()))
    return min(shares)


def variant(rng, key, builder, base, family):
    """A variant beside those of the family (their glances): with one or two names of the art changed."""
    r = rng(*key, "variant")
    art = Art(*base)
    builder(rng(*key[:-1], "shape"), art)
    best = (-1, None, None)
    for attempt in range(24):
        changed = r.sample(art.seen, min(len(art.seen), r.choice([1, 1, 2]) if attempt < 12 else 4))
        parts = builder(rng(*key[:-1], "shape"), Art(*base, changed, f"{r.random()}"))
        seen = glances(parts)
        shares = [change(seen, other) for other in family]
        if min(shares) > best[0]:
            best = (min(shares), parts, seen)
        if 0.08 < min(shares) and (max(shares) < 0.5 or attempt >= 12):
            return parts, seen
    return best[1:]


def kin_shots(name, things, bank, rng):
    """For each thing its (view, distance) pairs; a thing is one variant of a product."""
    t = rng(name)
    photos, scenes = bank.mixed(t), bank.scenes(t)
    group = t.choice([2, 2, 3, 4])
    rooms = [settings.setting(rng(name, "room", k), scenes) for k in range(max(1, (things + 5) // 6))]
    builders = t.sample(wares.BUILDERS, len(wares.BUILDERS))
    pool = []
    for thing in range(things):
        family, place = divmod(thing, group)
        if place == 0:
            pool, made = [photos.draw() for _ in range(3)], []
        builder, key = builders[family % len(builders)], (name, family, place)
        base = (f"{rng(name, family).random()}", pool + [photos.draw()])
        if place == 0:
            parts = builder(rng(name, family, "shape"), Art(*base))
            made.append(glances(parts))
        else:
            parts, seen = variant(rng, key, builder, base, made)
            made.append(seen)
        around = family % len(rooms)
        yield session(rng, (name, thing), parts, rooms[around], rooms[:around] + rooms[around + 1 :])


def kin(name, things, bank, rng):
    """Variants of products: the same shape and layout, another picture, word or colour, on the same table."""
    for thing, shots in enumerate(kin_shots(name, things, bank, rng)):
        yield pictures(rng, (name, thing), shots)


def colours(rng, key, builder, base):
    """A product in three sets of colours, and the least share in which two of them differ."""
    made, least = [], 1
    for place in range(VARIANTS):
        best = (-1, None, None)
        for attempt in range(12):
            r, art = rng(*key, "tones", place, attempt), Art(*base)
            art.tones = surfaces.palette(r, 6, r.uniform(0, 0.4))
            parts = builder(rng(*key, "shape"), art)
            seen = glances(parts)
            shares = min((change(seen, other) for _, other in made), default=1)
            if shares > best[0]:
                best = (shares, parts, seen)
            if shares > 0.25:
                break
        least = min(least, best[0])
        made.append(best[1:])
    return [parts for parts, _ in made], least


def painted(name, things, bank, rng):
    """Products in several colours: the same shape, layout, pictures and words."""
    t = rng(name)
    photos, scenes = bank.mixed(t), bank.scenes(t)
    rooms = [settings.setting(rng(name, "room", k), scenes) for k in range(max(1, (things + 5) // 6))]
    builders, made = t.sample(wares.BUILDERS, len(wares.BUILDERS)), []
    for thing in range(things):
        family, place = divmod(thing, VARIANTS)
        while place == 0:
            builder, pool = builders.pop(0), [photos.draw() for _ in range(4)]
            builders.append(builder)
            key = (name, family, wares.BUILDERS.index(builder))
            made, least = colours(rng, key, builder, (f"{rng(*key).random()}", pool))
            if least > 0.12:
                break
        around = family % len(rooms)
        shots = session(rng, (name, thing), made[place], rooms[around], rooms[:around] + rooms[around + 1 :])
        yield pictures(rng, (name, thing), shots)
