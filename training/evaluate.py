"""The development measure: recognition on UKBench, geometry on Oxford affine.

    python evaluate.py --model FILE.onnx --manifest manifest.toml --data DIR/eval

Protocol: long side 480, scales .5, .7071, 1, 1.4142, 500 keypoints ranked together by
attention, mutual nearest neighbours at distance <= 0.9, affine RANSAC at 20 px, pairs ranked
by their inliers. Distances in pixels of the original photos.
"""

import argparse
import pathlib
import re
import time
import tomllib

import cv2
import numpy as np
import onnxruntime
import torch

import photos
from ransac import affine_inliers, count_inliers, match

SCALES = (0.5, 0.7071, 1.0, 1.4142)
MAX_SIDE, NUM_KEYPOINTS, MAX_DISTANCE, MAX_ERROR_PX, STRIDE = 480, 500, 0.9, 20.0, 16
SEQUENCES = {"graf": "viewpoint", "boat": "viewpoint", "bikes": "light", "leuven": "light"}


def onnx_maps(path, mean, std):
    """A function from an image to (descriptors [D,h,w], attention [h,w], offsets or None)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs() if o.name != "global"]

    def maps(image):
        x = ((image.astype(np.float32) - mean) / std).transpose(2, 0, 1)[None]
        found = dict(zip(names, session.run(names, {"image": np.ascontiguousarray(x)})))
        offsets = found["offsets"][0] if "offsets" in found else None
        return found["descriptors"][0], found["attention"][0, 0], offsets

    return maps


def select(levels, offset, number=NUM_KEYPOINTS):
    """Positions [K, 2] in the photo's pixels and unit descriptors [K, D] of the best cells.

    `levels`: (descriptors [D,h,w], attention [h,w], offsets [2,h,w] or None, factor [2]).
    """
    positions, descriptors, attentions = [], [], []
    for values, attention, shift, factor in levels:
        height, width = attention.shape
        rows, columns = np.mgrid[:height, :width]
        grid = np.stack([columns, rows], -1).reshape(-1, 2) * float(STRIDE) + offset
        if shift is not None:
            grid = grid + shift.reshape(2, -1).T
        positions.append((grid + 0.5) * factor - 0.5)
        descriptors.append(values.reshape(len(values), -1).T)
        attentions.append(attention.ravel())
    best = np.argsort(-np.concatenate(attentions), kind="stable")[:number]
    values = np.concatenate(descriptors)[best]
    values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    return np.concatenate(positions)[best].astype(np.float32), values.astype(np.float32)


def keypoints(photo, maps, offset, number=NUM_KEYPOINTS):
    """The keypoints of one photo over all scales."""
    levels = []
    for scale in SCALES:
        image, factor = photos.fit(photo, MAX_SIDE * scale)
        levels.append((*maps(image), factor))
    return select(levels, offset, number)


def threshold_of(distance):
    return np.float32(1 - distance**2 / 2)


def mutual_matches(first, second, max_distance=MAX_DISTANCE):
    """Indices [M, 2] of mutual nearest neighbours."""
    return match(first @ second.T, threshold_of(max_distance))


def recognition(sets, group=4, max_distance=MAX_DISTANCE, chunk=16):
    """N-S score of `group`, recall at FPR 1e-3, and the inlier matrix, all pairs."""
    number = len(sets)
    size = min(len(values) for _, values in sets)
    positions = np.stack([x[:size] for x, _ in sets]).astype(np.float64)
    values = np.stack([v[:size] for _, v in sets])
    inliers = np.zeros((number, number), np.int32)
    for i in range(number):
        for j in range(i + 1, number, chunk):
            last = min(j + chunk, number)
            similarity = np.matmul(values[i], values[j:last].transpose(0, 2, 1))
            found = count_inliers(similarity, positions[i], positions[j:last],
                                  threshold_of(max_distance), MAX_ERROR_PX)
            inliers[i, j:last] = inliers[j:last, i] = found
    labels = np.arange(number) // group
    same = labels[:, None] == labels[None]
    ranked = inliers + np.eye(number, dtype=np.int32) * 10**6
    order = np.argsort(-ranked, axis=1, kind="stable")[:, :group]
    ns = np.take_along_axis(same, order, 1).sum(1).mean()
    upper = np.triu_indices(number, 1)
    right, wrong = inliers[upper][same[upper]], np.sort(inliers[upper][~same[upper]])[::-1]
    threshold = wrong[int(len(wrong) * 1e-3)]
    return {"ns": ns, "recall": (right > threshold).mean(), "threshold": int(threshold)}, inliers


def read_homography(path):
    text = re.sub(r"<[^>]*>", " ", path.read_text().split("<data>")[1].split("</data>")[0])
    return np.array(text.split(), np.float64).reshape(3, 3)


def corner_error(found, true, shape):
    if found is None:
        return np.inf
    height, width = shape[:2]
    corners = np.float64([[[0, 0], [width, 0], [width, height], [0, height]]])
    gap = cv2.perspectiveTransform(corners, found) - cv2.perspectiveTransform(corners, true)
    return float(np.linalg.norm(gap[0], axis=1).mean())


def geometry(folder, extract):
    """One row a pair: sequence, number, MMA at 20 px, corner error, inliers."""
    rows = []
    for name in SEQUENCES:
        files = sorted(p for p in (folder / name).iterdir() if p.stem.startswith("img"))
        images = [photos.read_rgb(p) for p in files]
        sets = [extract(p, image) for p, image in zip(files, images, strict=True)]
        for k in range(1, 6):
            true = read_homography(folder / name / f"H1to{k + 1}p.xml")
            pairs = mutual_matches(sets[0][1], sets[k][1])
            x1, x2 = sets[0][0][pairs[:, 0]], sets[k][0][pairs[:, 1]]
            moved = cv2.perspectiveTransform(x1[None].astype(np.float64), true)[0]
            error = np.linalg.norm(moved - x2, axis=1)
            found = None
            inliers = affine_inliers(x1, x2, MAX_ERROR_PX)
            if len(pairs) >= 4:
                found, _ = cv2.findHomography(x1, x2, cv2.USAC_MAGSAC, 8.0, maxIters=5000)
            error3 = error[error < 20]
            rows.append((name, k + 1, (error < 20).mean(), np.median(error3) if len(error3) else 99,
                         corner_error(found, true, images[0].shape), inliers.sum(), len(pairs)))
    return rows


def report(name, scores, rows, verbose=False):
    if verbose:
        for row in rows:
            print("  {:7}1-{} MMA@20 {:.2f} median {:4.1f} corner {:6.1f} inliers {}/{}".format(*row))
    errors = {kind: np.array([r[4] for r in rows if SEQUENCES[r[0]] == kind])
              for kind in ("viewpoint", "light")}
    line = [f"{name}: N-S {scores['ns']:.3f} recall {scores['recall']:.3f} (> {scores['threshold']})"]
    line.append(f"MMA@20 {np.mean([r[2] for r in rows]):.3f}")
    line.append(f"px {np.mean([r[3] for r in rows]):.1f}")
    for kind, values in errors.items():
        shares = "/".join(f"{(values < limit).mean():.2f}" for limit in (3, 5, 20))
        line.append(f"{kind} <3/5/20 px {shares}")
    print(" | ".join(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--manifest", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--photos", type=int, default=240)
    arguments = parser.parse_args()
    path = arguments.manifest or arguments.model.parent / "manifest.toml"
    entries = tomllib.loads(path.read_text())["model"]
    entry = next(e for e in entries if e["file"] == arguments.model.name)
    maps = onnx_maps(arguments.model, np.float32(entry["input"]["mean"]),
                     np.float32(entry["input"]["std"]))

    def extract(_, image):
        return keypoints(image, maps, entry["grid"]["offset"])

    start = time.time()
    files = sorted((arguments.data / "ukbench").iterdir())[: arguments.photos]
    sets = [extract(p, photos.read_rgb(p)) for p in files]
    print(f"extracted {len(files)} photos in {time.time() - start:.0f} s")
    scores, _ = recognition(sets)
    rows = geometry(arguments.data / "oxford_affine", extract)
    report(arguments.model.stem, scores, rows, verbose=True)
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
