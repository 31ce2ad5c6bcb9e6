"""Where the model is weak: things upside down, few photos of places, scenes. For dev.py.

Each group gives pairs that show the same and pairs that do not; the threshold is the number of
inliers that one in a thousand of the latter exceeds.
"""

import numpy as np

import evaluate


def list_photos(data):
    """Key -> photo: DELF's example photos of four places, and eval/scenes."""
    places = sorted((data / "delf" / "official_features").glob("*/*.jpg"))
    scenes = sorted((data / "eval" / "scenes" / "images").iterdir())
    return {f"place_{p.stem}": p for p in places} | {f"scene_{p.stem}": p for p in scenes}


def groups(keys):
    """Name -> (photos, photos that they are compared with, what a photo shows)."""
    turned = [k for k in keys if k.startswith("turned")]
    upright = [k for k in keys if k.startswith("ukbench")][::4]  # another view of each
    numbers = {k: i for side in (turned, upright) for i, k in enumerate(side)}
    places = [k for k in keys if k.startswith("place")]
    scenes = [k for k in keys if k.startswith("scene")]
    return {
        "turned": (upright, turned, numbers.get),
        "places": (places, places, lambda key: key[len("place_")]),  # place_e1 and place_e
        "scenes": (scenes, scenes, lambda key: key.split("__")[0]),
    }


def measure(keys, extract, max_distance=evaluate.MAX_DISTANCE):
    """`extract` gives a key's positions and descriptors; prints one line a group."""
    for name, (first, second, shown) in groups(keys).items():
        sets = {key: extract(key) for key in {*first, *second}}
        found = {True: [], False: []}
        for i, one in enumerate(first):
            for two in second if second is not first else second[i + 1 :]:
                (x1, v1), (x2, v2) = sets[one], sets[two]
                a, b = evaluate.mutual_matches(v1, v2, max_distance).T
                inliers = evaluate.affine_inliers(x1[a], x2[b], evaluate.MAX_ERROR_PX).sum()
                found[shown(one) == shown(two)].append(inliers)
        same, other = np.array(found[True]), np.sort(found[False])[::-1]
        limit = other[int(len(other) * 1e-3)]
        print(f"  {name}: recall {(same > limit).mean():.3f} of {len(same)} (> {limit}, of "
              f"{len(other)} others), median {np.median(same):g}", flush=True)
