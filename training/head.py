"""The trained part: the trunk's last local blocks, descriptors, attention, offsets."""

import torch
from torch import nn
from torch.nn import functional as F

import trunk as lite0

FIRST_TRAINED_BLOCK = 8  # blocks 8, 9, 10 read the tap `middle`


class Head(nn.Module):
    """Local features (stride 16) and finer ones (stride 8) -> descriptors and attention.

    descriptors = P (local - centre) + Q stride8 (2x2 cells) [+ hidden layer]
    attention = sigmoid(a small network on the same inputs) or the centred feature's length
    """

    def __init__(self, mean, axes, hidden=0, attention="length"):
        """mean [272] and axes [D, 272] of the cells' [local, stride8] features."""
        super().__init__()
        dimensions, centre = len(axes), mean[:112]
        self.register_buffer("centre", centre[None, :, None, None].clone())
        self.project = nn.Conv2d(112, dimensions, 1)
        self.fine = nn.Conv2d(40, dimensions, 2, stride=2, bias=False)
        self.project.weight.data = axes[:, :112, None, None].clone()
        self.project.bias.data = -axes @ mean
        self.fine.weight.data = axes[:, 112:].reshape(dimensions, 40, 2, 2).clone()
        self.attention_kind = attention
        self.hidden = nn.Sequential(
            nn.Conv2d(112, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, dimensions, 1)
        ) if hidden else None
        if hidden:
            nn.init.zeros_(self.hidden[2].weight)
            nn.init.zeros_(self.hidden[2].bias)
        self.score = nn.Sequential(nn.Conv2d(112, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 1))
        self.score_fine = nn.Conv2d(40, 32, 2, stride=2, bias=False)

    def forward(self, local, stride8):
        centred = local - self.centre
        y = self.project(local) + self.fine(stride8)
        if self.hidden is not None:
            y = y + self.hidden(centred * 0.2)
        if self.attention_kind == "length":
            return y, centred.norm(dim=1, keepdim=True)
        return y, torch.sigmoid(self.logit(local, stride8))

    def logit(self, local, stride8):
        x = self.score[0]((local - self.centre) * 0.2) + self.score_fine(stride8 * 0.2)
        return self.score[2](F.relu(x))


class Local(nn.Module):
    """Blocks 8 to 10 and the head: taps -> descriptors [N,D,h,w], attention [N,1,h,w]."""

    def __init__(self, trunk, head, train_blocks):
        super().__init__()
        self.blocks = nn.ModuleList(
            trunk.blocks[FIRST_TRAINED_BLOCK:lite0.NUM_LOCAL_BLOCKS]
        )
        for parameter in self.blocks.parameters():
            parameter.requires_grad_(train_blocks)
        self.head, self.train_blocks = head, train_blocks

    def local(self, taps):
        if not self.train_blocks:
            return taps["local"]
        x = taps["middle"]
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, taps):
        return self.head(self.local(taps), taps["stride8"])
