"""Makes the tables that the judgement is learned from: the pictures, and the evidence of their pairs.

    python tables.py WORK --data DATA --tools TOOLS

Pictures lie in WORK/pictures, tables in WORK/tables. A table that is there is kept, so a run that was stopped goes on.
DATA holds train/, clothing/train/ and eval/, TOOLS the data's own listings.py and same_layout.py. The evidence is that of
`cargo bench --bench evidence`, or of a program given as --evidence.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

TEN = "calendar deck note music table prose plan label sign chat".split()
FLAT = "form slide receipt chart cover card screenshot ticket grid paper series carton held edits".split()
RENDERED = "objects kin places".split()
# Seeds, number of things, kinds, further flags of `lookalikes`. A table is named after its seed and kind.
MADE = [
    ((1, 2), 12, [*FLAT, "views", "detail", *RENDERED, "near"], ()),
    ((3,), 10, [*FLAT, "views", "detail", "objects", "kin"], ()),
    ((4,), 10, ["form", "slide", "receipt", "chart", "cover", "card", "paper", "carton", "held", "edits", "detail", "objects", "kin"], ()),
    ((1, 2, 3, 4), 24, ["revised", "clutter"], ()),
    ((1, 2, 3, 4), 9, TEN, ()),
    ((61,), 9, [*FLAT, "revised", "clutter", *TEN, "views", "detail", "treated", *RENDERED], ()),
    ((62,), 9, ["views", "held", "carton", "edits", "treated", *RENDERED], ()),
    ((161,), 9, [*FLAT, "revised", "clutter", *TEN], ("--harder",)),
    ((1, 2, 3, 61), 15, ["shades"], ()),
    ((161,), 15, ["shades"], ("--harder",)),
    ((1, 2, 3, 61), 12, ["painted"], ()),
]
CLASSES = "dress hat longsleeve outwear pants shirt shoes shorts skirt t-shirt".split()


def link(files, folder):
    """A folder of links to these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        place = folder / f"{number:04d}-{file.name}"
        if not place.is_symlink():
            place.symlink_to(file.resolve())


def garments(data, folder):
    """Files 81 to 110 of each class of garments: each another thing."""
    kinds = [sorted((data / "clothing/train" / kind).iterdir())[80:110] for kind in CLASSES]
    link([file for files in kinds for file in files], folder)


def strangers(data, folder):
    """90 photos at most of each of three collections: each another thing."""
    for name in ("wallpapers", "popos", "grocery_store"):
        files = sorted((data / "train" / name).iterdir())
        link(files[:: max(1, len(files) // 90)][:90], folder / name)


def jobs(arguments):
    """(name of a table, what makes its pictures or none, folder of the pictures, kind of labels)."""
    data, pictures = arguments.data, arguments.work / "pictures"
    python = lambda *command: (lambda: subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL))
    for name in ("products", "listings"):
        yield name, None, data / "eval" / name, "tsv"
    yield "garments", lambda: garments(data, pictures / "garments"), pictures / "garments", "none"
    yield "strangers", lambda: strangers(data, pictures / "strangers"), pictures / "strangers", "none"
    listings = [arguments.tools / "listings.py", data / "clothing/train", pictures / "listA"]
    yield "listA", python(*listings, "--products", 80, "--seed", 11, "--skip", 20), pictures / "listA", "folders"
    for kind in ("page", "wallpaper", "mat"):
        # One call makes all three; each in a folder of its own, so that tables do not wait for each other.
        place = pictures / f"lay_{kind}"
        layouts = [arguments.tools / "same_layout.py", place, "--things", 12, "--seed", 5]
        yield f"lay_{kind}", python(*layouts, "--photos", data / "train/wallpapers"), place / kind, "folders"
    for seeds, things, kinds, flags in MADE:
        for seed in seeds:
            for kind in kinds:
                place = pictures / f"s{seed}"
                make = ["-m", "lookalikes", place, "--data", data, "--things", things, "--seed", seed, "--kinds", kind, *flags]
                yield f"s{seed}_{kind}", python(*make), place / kind, "folders"


def table(arguments, job):
    name, make, folder, labels = job
    output = arguments.work / "tables" / f"{name}.csv"
    if output.exists():
        return
    if make:
        # What an earlier run left.
        shutil.rmtree(folder.parent if name.startswith("lay_") else folder, ignore_errors=True)
        make()
    partial = output.with_suffix(".partial")
    command = [*arguments.evidence.split(), "--photos", folder, "--labels", labels, "--output", partial]
    environment = os.environ | {"RAYON_NUM_THREADS": "1"}
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, env=environment)
    partial.rename(output)
    print(name, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    parser.add_argument("--evidence", default="cargo bench --quiet --locked --bench evidence --", help="the program and its first arguments")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    # Programs that are called have other working folders.
    for name in ("work", "data", "tools"):
        setattr(arguments, name, getattr(arguments, name).resolve())
    (arguments.work / "tables").mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.processes) as pool:
        for _ in pool.map(lambda job: table(arguments, job), list(jobs(arguments))):
            pass


if __name__ == "__main__":
    main()
