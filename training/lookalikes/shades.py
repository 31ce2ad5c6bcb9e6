"""One design in several colours."""

import numpy as np
from PIL import Image

from . import cards, cartons, copies, covers, draw, labels, series, shoot
from .variants import VARIANTS

# Colours of one design are what counts, so no copy is made grey or pale.
WAYS = ("save colour", "scan colour", "photo", "photo")
# A colour covers at least this share of a design.
LEAST = 0.12


def by_itself(t, bank):
    """A photo of a thing."""
    photos = bank.objects(t, 280)
    return lambda r: draw.fit_box(photos.draw(), 640, 640)


def designs(t, bank):
    """Drawn designs and photos, each of which shows one strong colour or several."""
    photos = bank.mixed(t)
    return [
        lambda t: labels.label(t, photos),
        lambda t: by_itself(t, bank),
        lambda t: cartons.brand(t, bank),
        lambda t: covers.cover(t, bank),
        lambda t: cards.card(t, bank),
    ]


def strong(image):
    """How much each pixel has a colour, 0 to 1, and its hue of 256."""
    hsv = np.asarray(image.convert("HSV"), np.int32)
    return np.clip((hsv[:, :, 1] - 40) / 50.0, 0, 1) * np.clip((hsv[:, :, 2] - 30) / 50.0, 0, 1), hsv[:, :, 0]


def where(r, image):
    """What is coloured anew: all that has a colour, or the most common hue alone."""
    colour, hue = strong(image)
    if r.random() < 0.4:
        return colour
    common = int(np.bincount((hue // 8).ravel(), colour.ravel(), 32).argmax()) * 8 + 4
    apart = np.abs((hue - common + 128) % 256 - 128)
    return colour * np.clip((30 - apart) / 12.0, 0, 1)


def shades(name, things, bank, rng):
    """Designs and things, each in three colours; a colour of a design is a thing."""
    tables = [shoot.desk(rng(name, "desk", k), bank.scenes(rng(name, "desks", k)).draw()) for k in range(4)]
    kinds = designs(rng(name, "designs"), bank)
    for number in range((things + VARIANTS - 1) // VARIANTS):
        for attempt in range(100):
            t = rng(name, "design", number, attempt)
            image = kinds[number % len(kinds)](t)(t)
            mask = where(t, image)
            if mask.mean() > LEAST:
                break
        start = t.uniform(60, 110)
        turns = [0, start, start + t.uniform(60, 120)]
        # Another shade of it may be darker or lighter, too.
        gains = [1, *(t.choice([1, 1, t.uniform(0.55, 0.85), t.uniform(1.15, 1.5)]) for _ in range(2))]
        for variant in range(min(VARIANTS, things - number * VARIANTS)):
            shown = series.recoloured(image, mask, turns[variant])
            lit = Image.fromarray(np.clip(np.asarray(shown, np.float32) * gains[variant], 0, 255).astype(np.uint8))
            shown = Image.composite(lit, shown, Image.fromarray((mask * 255).astype(np.uint8)))
            r = rng(name, number * VARIANTS + variant, "copies")
            yield copies.copies(r, shown, tables, bank.ways(WAYS))
