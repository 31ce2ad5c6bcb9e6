"""Kinds of several templates: each template has a few variants, and a variant is a thing."""

from . import copies, shoot

# Variants of one template.
VARIANTS = 3
WAYS = ("save", "scan", "photo", "photo")


def another(r, make, used):
    """What `make` gives that no variant of this template had before."""
    while True:
        found = make(r)
        if found not in used:
            used.add(found)
            return found


def variants(*templates, ways=WAYS, seed="template"):
    """The maker of a kind: each of `templates` in turn, `template(t, photos)`, returns a function that draws one
    variant with a random state. `ways`: how copies are made; `seed`: the name of the templates' random states."""

    def make(name, things, bank, rng):
        tables = [shoot.desk(rng(name, "desk", k), bank.scenes(rng(name, "desks", k)).draw()) for k in range(4)]
        photos = bank.mixed(rng(name, "photos"))
        fill = None
        for thing in range(things):
            number, variant = divmod(thing, VARIANTS)
            if variant == 0:
                fill = templates[number % len(templates)](rng(name, seed, number), photos)
            yield copies.copies(rng(name, thing, "copies"), fill(rng(name, thing)), tables, bank.ways(ways))

    return make
