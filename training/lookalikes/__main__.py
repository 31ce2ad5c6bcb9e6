"""Pictures of things that look alike, labelled.

python -m lookalikes OUT --data DATA [--kinds form slide] [--things 12] [--seed 1]

Writes OUT/<kind>/<thing>/<copy>.jpg. Two pictures in one thing's folder show the same thing; two of different
folders of one kind do not. A kind is one pile of things that are easily confused: one form filled in
differently, flavours of one brand, objects before the same scene. DATA holds train/ and clothing/train/, and
nothing else of it is read. The same arguments give the same files, and a kind does not depend on which other
kinds are made.
"""

import argparse
import pathlib
import random

from . import calendars, cards, cartons, charts, chats, clutter, copies, covers, decks, edits, forms, grids, harder
from . import held, labels, paper, places, plans, receipts, revised, screen, series, shades, sheets, shoot, sides, slides, solids, tickets
from .bank import Bank
from .variants import variants

# Kinds with one template and one drawing a thing, and the ways in which such a picture comes back.
PRINTED = ("save", "scan", "photo", "photo")
SHOWN = ("save", "save", "photo", "scan")
TEMPLATES = {
    "form": (forms.form, PRINTED),
    "slide": (slides.slide, SHOWN),
    "receipt": (receipts.receipt, PRINTED),
    "chart": (charts.chart, SHOWN),
    "cover": (covers.cover, PRINTED),
    "card": (cards.card, ("save", "save", "photo", "scan")),
    "screenshot": (screen.screenshot, ("save", "save", "photo")),
    "ticket": (tickets.ticket, PRINTED),
    "grid": (grids.grid, PRINTED),
    "paper": (paper.paper, PRINTED),
}
# Kinds that make their copies themselves.
SCENES = {
    "carton": cartons.carton,
    "held": held.held,
    "views": solids.views,
    "edits": edits.edits,
    "treated": harder.treated_photos,
    "detail": edits.detail,
    "series": series.series,
    "objects": sides.objects,
    "kin": sides.kin,
    "painted": sides.painted,
    "shades": shades.shades,
    "near": sides.near,
    "places": places.places,
    "revised": revised.revised,
    "clutter": clutter.clutter,
    "calendar": variants(calendars.calendar),
    "deck": variants(decks.deck),
    "note": variants(decks.note),
    "music": variants(sheets.music),
    "table": variants(sheets.table),
    "prose": variants(sheets.prose),
    "plan": variants(plans.plan),
    "label": variants(labels.label),
    "sign": variants(labels.sign),
    "chat": variants(chats.chat),
}
KINDS = (
    "form slide receipt chart cover card screenshot ticket grid carton held views edits paper detail series "
    "objects kin painted shades places near revised clutter treated "
    "calendar deck note music table prose plan label sign chat"
).split()


def templated(name, things, bank, rng):
    template, ways = TEMPLATES[name]
    t = rng(name)
    scenes = bank.scenes(rng(name, "desks"))
    tables = [shoot.desk(rng(name, "desk", k), scenes.draw()) for k in range(4)]
    fill = template(t, bank)
    for thing in range(things):
        image = fill(rng(name, thing))
        yield copies.copies(rng(name, thing, "copies"), image, tables, bank.ways(ways))


def main():
    parser = argparse.ArgumentParser(
        prog="lookalikes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, metavar="KIND")
    parser.add_argument("--things", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--harder", action="store_true", help="flat things: photographed at a slant, saved with other colours"
    )
    how.add_argument("--rough", action="store_true", help="flat things: photographed bent, in shadow and glare")
    arguments = parser.parse_args()
    bank = Bank(arguments.data, "harder" if arguments.harder else "rough" if arguments.rough else None)
    rng = lambda *parts: random.Random(" ".join(map(str, (arguments.seed, *parts))))
    for kind in arguments.kinds:
        count = 0
        make = (
            (lambda: SCENES[kind](kind, arguments.things, bank, rng))
            if kind in SCENES
            else (lambda: templated(kind, arguments.things, bank, rng))
        )
        for thing, images in enumerate(make()):
            folder = arguments.out / kind / f"{thing:03d}"
            folder.mkdir(parents=True, exist_ok=True)
            for copy, image in enumerate(images):
                r = rng(kind, thing, copy, "file")
                shoot.finished(r, image).save(folder / f"{copy}.jpg", quality=r.randint(55, 92))
                count += 1
        print(f"{kind}: {count} pictures of {arguments.things} things", flush=True)


if __name__ == "__main__":
    main()
