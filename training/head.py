"""Descriptors and attention from the trunk's taps."""

import torch
from torch import nn

CHANNELS = {"local": 112, "stride8": 40}
SIZE = 112 + 4 * 40  # of one cell's feature, see cells.stack


class Head(nn.Module):
    """descriptors = P (feature - mean), one convolution a tap; attention = a length.

    attention "feature": of the centred stride 16 feature; "descriptor": of the descriptor.
    """

    def __init__(self, mean, rows, attention):
        super().__init__()
        dimensions = len(rows)
        self.attention = attention
        self.register_buffer("centre", mean[:112, None, None].clone())
        self.local = nn.Conv2d(112, dimensions, 1)
        self.stride8 = nn.Conv2d(40, dimensions, 2, stride=2, bias=False)
        self.local.weight.data = rows[:, :112, None, None].clone()
        self.local.bias.data = -(rows.double() @ mean.double()).float()
        self.stride8.weight.data = rows[:, 112:].reshape(dimensions, 40, 2, 2).clone()

    def forward(self, taps):
        """Taps [N, C, h, w] -> descriptors [N, D, h, w], attention [N, 1, h, w]."""
        values = self.local(taps["local"]) + self.stride8(taps["stride8"])
        measured = values if self.attention == "descriptor" else taps["local"] - self.centre
        return values, measured.norm(dim=1, keepdim=True)
