#!/usr/bin/env python3
"""Makes a folder of many photos from few, to measure how `delfin cluster` grows.

    python benches/compare/make_folder.py --photos DIR [DIR ..] --count N --output DIR [--seed 1]

Each photo that is found becomes four: itself smaller, a part of it turned and seen askew, a darker
and badly compressed one, and a detail of about a third of its sides. They are named
NUMBER_VARIANT.jpg, so that the number is the true class. Where more are wanted than four a photo, each photo
is taken again: flipped, which is another thing, then nearly all of it with other random numbers (variants 4 to 7),
and so on in turn. The same arguments give the same files.
"""

import argparse
import itertools
import pathlib

import cv2
import numpy as np

LONG_SIDE = 320
VARIANTS = 4


def shrunk(image):
    scale = LONG_SIDE / max(image.shape[:2])
    size = (max(32, round(image.shape[1] * scale)), max(32, round(image.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, size, interpolation=method)


def part(image, random, least, most):
    """A random part with `least` to `most` of both sides."""
    share = random.uniform(least, most)
    height, width = (round(side * share) for side in image.shape[:2])
    y = random.integers(0, image.shape[0] - height + 1)
    x = random.integers(0, image.shape[1] - width + 1)
    return image[y : y + height, x : x + width]


def askew(image, random):
    height, width = image.shape[:2]
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    moved = corners + random.uniform(-0.08, 0.08, (4, 2)).astype(np.float32) * [width, height]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-20, 20), 0.9)
    moved = cv2.transform(moved.astype(np.float32)[None], turn)[0]
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def variant(image, number, random):
    if number == 1:
        return shrunk(askew(part(image, random, 0.75, 0.95), random)), 85
    if number == 2:
        darker = image * random.uniform(0.5, 0.8) + random.uniform(0, 20)
        return shrunk(np.clip(darker, 0, 255).astype(np.uint8)), 30
    if number == 3:
        return shrunk(part(image, random, 0.3, 0.4)), 85
    return shrunk(image), 90


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, required=True, help="photos to make")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    paths = sorted(p for d in arguments.photos for p in d.rglob("*") if p.suffix.lower() in (".jpg", ".png"))
    chosen = np.random.default_rng(arguments.seed).permutation(len(paths))
    arguments.output.mkdir(parents=True, exist_ok=True)
    made, first = 0, 0
    for taken in itertools.count():
        is_flipped, earlier = taken % 2 == 1, taken // 2
        thing = first if is_flipped else 0
        for index in chosen:
            image = cv2.imread(str(paths[index]))
            if image is None or min(image.shape[:2]) < 64:
                continue
            if is_flipped:
                image = cv2.flip(image, 1)
            # The first time as before there were others.
            seed = [arguments.seed, int(index)] + ([taken] if taken else [])
            random = np.random.default_rng(seed)
            if earlier:
                image = part(image, random, 0.9, 1.0)
            for number in range(VARIANTS):
                if made == arguments.count:
                    return
                small, quality = variant(image, number, random)
                name = arguments.output / f"{thing:05}_{VARIANTS * earlier + number}.jpg"
                cv2.imwrite(str(name), small, [cv2.IMWRITE_JPEG_QUALITY, quality])
                made += 1
            thing += 1
        first = first or thing
        if thing == 0:
            parser.error("no photo of 64 pixels and more was found")


if __name__ == "__main__":
    main()
