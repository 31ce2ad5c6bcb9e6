"""Compares an exported model with the network it was made from."""

import numpy as np
import onnxruntime
import torch

import photos

# Largest difference allowed, relative to the largest value of the output. Weights are
# stored in float16; the global branch in int8, one scale a channel.
TOLERANCE = {"descriptors": 0.02, "attention": 0.02, "offsets": 0.02, "global": 0.1}
MIN_COSINE = {"descriptors": 0.9995, "global": 0.995}


def check(path, reference, mean, std, paths):
    """Runs both on photos of several sizes; prints the differences, raises if too large."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    worst = {name: 0.0 for name in names}
    cosine = {name: 1.0 for name in names}
    for index, photo in enumerate(paths):
        image, _ = photos.fit(photos.read_rgb(photo), 224 + 96 * index)
        x = ((image.astype(np.float32) - mean) / std).transpose(2, 0, 1)[None]
        with torch.no_grad():
            expected = reference(torch.from_numpy(x))
        for name, value in zip(names, session.run(names, {"image": x}), strict=True):
            wanted = expected[name].numpy()
            worst[name] = max(worst[name], np.abs(value - wanted).max() / np.abs(wanted).max())
            if name in MIN_COSINE:
                product = (value * wanted).sum(1)
                lengths = np.linalg.norm(value, axis=1) * np.linalg.norm(wanted, axis=1)
                cosine[name] = min(cosine[name], np.median(product / lengths))
    for name in names:
        print(f"parity {name}: relative difference {worst[name]:.5f}, cosine {cosine[name]:.6f}")
        if worst[name] > TOLERANCE[name] or cosine[name] < MIN_COSINE.get(name, 0.0):
            raise ValueError(f"{path}: output {name} differs too much from the network")


def measure_offset(reference, mean, std, paths, stride=16, side=256):
    """Where the centre of cell 0 lies, measured: (x, y) in input pixels.

    A crop and a shifted crop turned by 180 degrees are matched. A cell i of the first that
    matches a cell j of the second satisfies
    offset + stride i = shift + side - 1 - (offset + stride j). The receptive field's arithmetic
    gives its middle (15 for Lite0), but the learned kernels weigh it unevenly.
    """
    generator, found = np.random.default_rng(0), []

    def cells(crop):
        x = ((crop.astype(np.float32) - mean) / std).transpose(2, 0, 1)[None]
        with torch.no_grad():
            y = reference(torch.from_numpy(np.ascontiguousarray(x)))["descriptors"][0]
        y = torch.nn.functional.normalize(y, dim=0).numpy()
        rows, columns = np.mgrid[: y.shape[1], : y.shape[2]]
        return y.reshape(len(y), -1).T, np.stack([columns.ravel(), rows.ravel()], 1)

    for path in paths:
        image, shift = photos.read_rgb(path), generator.integers(0, 2 * stride, 2)
        if min(image.shape[:2]) < side + 2 * stride:
            continue
        (dx, dy), size = shift, (side // stride)
        first, grid1 = cells(image[:side, :side])
        second, grid2 = cells(image[dy : dy + side, dx : dx + side][::-1, ::-1])
        similarity = first @ second.T
        nearest = similarity.argmax(1)
        mutual = similarity.argmax(0)[nearest] == np.arange(len(nearest))
        i, j = grid1[mutual], grid2[nearest[mutual]]
        inside = np.all((i > 1) & (i < size - 2), axis=1)
        found.append((shift + side - 1 - stride * (i + j)[inside]) / 2)
    found = np.concatenate(found)
    centre = np.median(found, axis=0)
    for _ in range(20):  # mean of what lies within a cell, re-centred: wrong matches drop out
        centre = np.array([v[np.abs(v - c) < stride].mean() for v, c in zip(found.T, centre)])
    print(f"grid offset: measured x {centre[0]:.2f} y {centre[1]:.2f} from {len(found)} matches")
    return centre


def check_offset(reference, offset, mean, std, paths, tolerance=1.5):
    """Raises where the stated offset is not where the network looks."""
    measured = measure_offset(reference, mean, std, paths)
    if np.abs(measured - offset).max() > tolerance:
        raise ValueError(f"grid offset {offset} is stated, {measured} is measured")
