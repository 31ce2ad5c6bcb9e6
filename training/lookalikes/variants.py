"""Kinds of several templates: each template has a few variants, and a variant is a thing."""

from . import shoot

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


def variants(template):
    """The maker of a kind: `template(t, photos)` returns a function that draws one variant with a random state."""

    def make(name, things, bank, rng):
        tables = [shoot.desk(rng(name, "desk", k), bank.scenes(rng(name, "desks", k)).draw()) for k in range(4)]
        photos = bank.mixed(rng(name, "photos"))
        fill = None
        for thing in range(things):
            if thing % VARIANTS == 0:
                fill = template(rng(name, "template", thing // VARIANTS), photos)
            yield shoot.copies(rng(name, thing, "copies"), fill(rng(name, thing)), tables, WAYS)

    return make
