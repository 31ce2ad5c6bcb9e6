"""The parts that gradient.py trains, each starting as the closed form is."""

import copy

import torch
from torch import nn

import trunk as lite0
from head import CHANNELS, Head

SECOND_HALF = slice(lite0.NUM_STRIDE8_BLOCKS, lite0.NUM_LOCAL_BLOCKS)


class Learned(nn.Module):
    """Maps the frozen trunk's taps to descriptors and attention, as head.Head does.

    "linear": the projection itself.
    "attention": the probability that a cell's nearest neighbour is right; the projection rests.
    "trunk": the projection, the blocks from stride 8 to stride 16, and the attention on them.
    """

    def __init__(self, start, variant):
        super().__init__()
        self.head, self.variant = copy.deepcopy(start), variant
        if variant in ("attention", "trunk"):
            self.score = nn.Sequential(
                nn.Conv2d(CHANNELS["local"], 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 1)
            )
        if variant == "trunk":
            self.blocks = copy.deepcopy(lite0.pretrained().blocks[SECOND_HALF])

    def groups(self, options):
        """Parameters and their rates for the optimizer."""
        if self.variant == "attention":
            return [{"params": self.score.parameters(), "lr": options["head_rate"]}]
        rest = [p for name, p in self.named_parameters() if not name.startswith("blocks.")]
        groups = [{"params": rest, "lr": options["head_rate"]}]
        if self.variant == "trunk":
            groups.append({"params": self.blocks.parameters(), "lr": options["trunk_rate"]})
        return groups

    def taps(self, taps):
        """The taps with stride 16 made again, where this is trained."""
        if self.variant != "trunk":
            return taps
        x = taps["stride8"]
        for block in self.blocks:
            x = block(x)
        return {"stride8": taps["stride8"], "local": x}

    def scores(self, taps):
        """Logits [N, 1, h, w] of a right nearest neighbour; they teach nothing but their layers."""
        return self.score(taps["local"].detach() - self.head.centre)

    def forward(self, taps):
        """Taps [N, C, h, w] -> descriptors [N, D, h, w], attention [N, 1, h, w]."""
        taps = self.taps(taps)
        values, attention = self.head(taps)
        if hasattr(self, "score"):
            attention = torch.sigmoid(self.scores(taps))
        return values, attention
