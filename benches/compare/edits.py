"""Strips, crops, details, copies and views: does `delfin match` say yes, does `delfin cluster` join them?

    python benches/compare/edits.py --data DATA --delfin target/release/delfin --work DIR

Draws its photos from DATA/train (32 photos for strips of 12 % of the height and for crops of 20 % of both sides,
125 for details of a third of both sides) and from DATA/eval/ukbench (40 views of 10 things, each with a resized
copy), saves the edits as JPEG and prints a table. Deterministic. Needs pillow.
"""

import argparse
import json
import math
import pathlib
import random
import shutil
import subprocess

from PIL import Image


def save(image, path, quality=88):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.convert("RGB").save(path, quality=quality)


def resized(image, factor, method):
    return image.resize((round(image.width * factor), round(image.height * factor)), method)


def part(image, x, y, share_x, share_y):
    width, height = image.size
    return image.crop((int(width * x), int(height * y), int(width * (x + share_x)), int(height * (y + share_y))))


def make(data, work, seed=5):
    r = random.Random(seed)
    photos = sorted((data / "train").rglob("*.jpg"))
    for index, path in enumerate(r.sample(photos, 32)):
        image = Image.open(path).convert("RGB")
        for kind in ("strips", "crops"):
            save(image, work / kind / f"{index:03d}_a.jpg")
        save(part(image, 0, r.uniform(0.1, 0.75), 1, 0.12), work / "strips" / f"{index:03d}_b.jpg")
        x, y = r.uniform(0.1, 0.7), r.uniform(0.1, 0.7)
        save(part(image, x, y, 0.2, 0.2), work / "crops" / f"{index:03d}_b.jpg")
    for index, path in enumerate(r.sample(photos, 125)):
        image = Image.open(path).convert("RGB")
        save(image, work / "details" / f"{index:03d}_a.jpg")
        detail = part(image, r.uniform(0.05, 0.6), r.uniform(0.05, 0.6), 1 / 3, 1 / 3)
        detail = resized(detail, 256 / max(detail.size), Image.BICUBIC)
        save(detail, work / "details" / f"{index:03d}_b.jpg")
    views = sorted((data / "eval/ukbench").rglob("*.jpg"))
    for thing in range(10):
        first = 4 * r.randrange(len(views) // 4)
        for view in range(4):
            image = Image.open(views[first + view]).convert("RGB")
            save(image, work / "copies" / f"{thing:02d}{view}_a.jpg", 92)
            small = resized(image, r.uniform(0.4, 0.8), Image.LANCZOS)
            save(small, work / "copies" / f"{thing:02d}{view}_b.jpg", 80)


def match(delfin, a, b):
    run = subprocess.run([delfin, "match", a, b, "--json"], capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    return json.loads(run.stdout)["is_match"]


def cluster(delfin, work, kind, *options):
    """Names, cluster of each name and linked pairs as (name, name, relation)."""
    out = work / "out" / kind
    shutil.rmtree(out, ignore_errors=True)
    store = work / "out" / f"{kind}.store"
    subprocess.run(
        [delfin, "cluster", work / kind, "-o", out, "-q", "--store", store, *options], check=True, capture_output=True
    )
    found = json.loads((out / "clusters.json").read_text())
    names = [photo["path"][:-4] for photo in found["photos"]]
    of = {names[member]: number for number, c in enumerate(found["clusters"]) for member in c["members"]}
    odds, shown = 4, 5
    least = math.log(found["min_probability"] / (1 - found["min_probability"]))
    pairs = [(names[p[0]], names[p[1]], p[shown]) for p in found["pairs"] if p[odds] >= least]
    return names, of, pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--delfin", type=pathlib.Path, default=pathlib.Path("target/release/delfin"))
    parser.add_argument("--work", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    delfin, work = arguments.delfin.resolve(), arguments.work
    make(arguments.data, work)
    print("| edit | photos | `match` says yes | linked in a folder of all | in one cluster | linked wrongly |")
    print("|---|--:|--:|--:|--:|--:|")
    for kind in ("strips", "crops", "details"):
        names, of, pairs = cluster(delfin, work, kind)
        stems = sorted({name[:-2] for name in names})
        yes = sum(match(delfin, work / kind / f"{s}_a.jpg", work / kind / f"{s}_b.jpg") for s in stems)
        linked = sum(a[:-2] == b[:-2] for a, b, _ in pairs)
        joined = sum(of[f"{s}_a"] == of[f"{s}_b"] for s in stems)
        print(f"| {kind} | {len(stems)} | {yes} | {linked} | {joined} | {len(pairs) - linked} |", flush=True)
    names, _, pairs = cluster(delfin, work, "copies")
    copies = [relation for a, b, relation in pairs if a[:-2] == b[:-2]]
    views = [relation for a, b, relation in pairs if a[:2] == b[:2] and a[:-2] != b[:-2]]
    print(f"\ncopies linked: {len(copies)} of 40, called copies: {copies.count('copy')}")
    print(f"views linked: {len(views)} of 240, called views: {views.count('view')}")
    _, of, _ = cluster(delfin, work, "copies", "--copies-only")
    members = {}
    for name, number in of.items():
        members.setdefault(number, set()).add(name[:-2])
    pure = sum(len(stems) == 1 and sum(n == number for n in of.values()) == 2 for number, stems in members.items())
    print(f"--copies-only, clusters of one view and its copy alone: {pure} of 40")


if __name__ == "__main__":
    main()
