"""Rooms, halls and streets from several standpoints: the kind `places`.

Those of a kind share what they are built of.
"""

import math

import numpy as np

from . import outdoors
from .indoors import Hall, Room
from .outdoors import put
from .raycast import Camera, render
from .sides import SIZES, bearings, change, developed
from .streets import Street


def stand(focus, yaw, far, rise, room):
    """Where the camera stands, within the room if there is one: (half its width, its nearest end)."""
    a = math.radians(yaw)
    eye = np.array([focus[0] + far * math.sin(a), focus[1] - far * math.cos(a), focus[2] * rise])
    return np.clip(eye, (-room[0], room[1], 0.4), (room[0], 9, 2.2)) if room else eye


def glances(kind, r, place, front):
    """Small pictures of a place from three standpoints, to compare it with another one."""
    (parts, focus, room), out = place, []
    light, sky = kind.weather(r)
    for bearing in (-20, 0, 20):
        camera = Camera(stand(focus, front + bearing, kind.reach, 1.1, room), focus, 55, 0, 120, 90)
        view = render(camera, parts, light, sky, samples=1)
        out.append((np.sqrt(view.colour), np.ones_like(view.numbers)))
    return out


def snapshot(r, kind, place, yaw, far):
    """One view from a direction and distance; in some someone stands in front."""
    parts, focus, room = place
    eye = stand(focus, yaw, far, r.uniform(0.9, 1.5) if room else r.uniform(0.35, 0.8), room)
    scene = list(parts)
    for _ in range(r.choice([0, 0, 0, 1]) if room else r.choice([0, 1, 2, 3])):
        aside, share = r.choice([-1, 1]) * r.uniform(0.05, 0.3) * far, r.uniform(0.6, 0.9)
        spot = eye + share * (np.array(focus) - eye)
        figure = outdoors.person(r, kind.photos)
        scene += put(figure, spot[0] + aside * math.cos(math.radians(yaw)), spot[1], 0, 0, kind.person)
    target = np.array(focus) + [r.uniform(-0.12, 0.12) * far for _ in range(3)]
    roll = max(-12, min(12, r.gauss(0, 3)))
    camera = Camera(eye, target, r.uniform(48, 74), roll, *r.choice(SIZES))
    return render(camera, scene, *kind.weather(r), seed=r.getrandbits(30))


def place_shots(name, things, bank, rng):
    """For each place its views.

    Some places are twins of the one before: the same, but for pictures and small things.
    """
    t = rng(name)
    kinds = [maker(rng(name, maker.__name__), bank) for maker in t.sample([Room, Hall, Street], 2)]
    for thing in range(things):
        kind = kinds[thing * len(kinds) // max(2, things)]
        r, contents = rng(name, thing, "session"), f"contents {thing}"
        place, front = kind.parts(rng(name, "layout", thing), rng(name, contents)), r.uniform(-25, 25)
        if kind.pair and thing % 3 == 1:
            one = kind.parts(rng(name, "layout", thing - 1), rng(name, f"contents {thing - 1}"))
            two = kind.parts(rng(name, "layout", thing - 1), rng(name, contents))
            small = [glances(kind, rng(name, "glance"), each, front) for each in (one, two)]
            place = two if change(*small) > 0.08 else place
        far, shots = kind.reach * r.uniform(1.0, 1.4), []
        for copy, bearing in enumerate(bearings(r, 4, 45)):
            v = rng(name, thing, "view", copy)
            shots.append(snapshot(v, kind, place, front + bearing, far * v.uniform(0.8, 1.4)))
        yield shots


def places(name, things, bank, rng):
    """Rooms, halls or streets, each from four standpoints."""
    for thing, shots in enumerate(place_shots(name, things, bank, rng)):
        yield [developed(rng(name, thing, "developed", copy), view) for copy, view in enumerate(shots)]
