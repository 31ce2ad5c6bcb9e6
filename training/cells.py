"""Grids of cells, and which cells of two views show the same point."""

import torch
from torch.nn import functional as F

NOWHERE = 1e6  # pixels


def grid_points(side, stride, offset):
    """Centres [side * side, 2] of the cells, (x, y) in pixels, row by row."""
    line = torch.arange(side, dtype=torch.float32) * stride + offset
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


def transfer(homography, points):
    """Points [K, 2] through each homography [N, 3, 3] -> [N, K, 2]."""
    moved = F.pad(points, (0, 1), value=1.0) @ homography.transpose(1, 2)
    return moved[..., :2] / moved[..., 2:].clamp(min=1e-6)


def correspondences(moved, side, stride, offset, max_cells):
    """Cells of view 1 and the cells of view 2 nearest to where they go, at most `max_cells` off.

    `moved` [N, K, 2]: where the cells of view 1 lie in view 2, NaN where they are not seen. Returns pair,
    cell1, cell2 (long [M]) and the distances in cells [N, K, K] from the moved cells of view 1 to the cells
    of view 2.
    """
    points = grid_points(side, stride, offset)
    moved = moved.nan_to_num(NOWHERE)
    distance = torch.cdist(moved, points.expand(len(moved), -1, -1)) / stride
    nearest, cell2 = distance.min(dim=2)
    pair, cell1 = torch.nonzero(nearest < max_cells, as_tuple=True)
    return pair, cell1, cell2[pair, cell1], distance


def right_neighbours(first, second, moved, grid, max_cells=0.75):
    """For the cells of view 1 that view 2 shows: is the nearest of all views' 2 cells right?

    Unit descriptors [N, K, D]. Returns pair, cell1 (long [M]) and right (bool [M]): the nearest
    lies in the right view, at most 1.5 cells off.
    """
    side = round(first.shape[1] ** 0.5)
    pair, cell1, _, distance = correspondences(moved, side, *grid, max_cells)
    nearest = (first[pair, cell1] @ second.flatten(0, 1).T).argmax(1)
    gap = distance[pair, cell1].gather(1, (nearest % second.shape[1])[:, None])[:, 0]
    return pair, cell1, (nearest // second.shape[1] == pair) & (gap < 1.5)


def moved_of(arrays, grid):
    """Where the cells of view 1 lie in view 2 [N, K, 2], of the arrays of a shard (see bank.py)."""
    if "moved" in arrays:
        return torch.from_numpy(arrays["moved"]).float()
    homography = torch.from_numpy(arrays["homography"]).float()
    return transfer(homography, grid_points(round(arrays["local"].shape[-1]), *grid))


def fold(fine):
    """[N, C, 2h, 2w] -> [N, 4 C, h, w], channel-major as a 2x2 convolution's weights are."""
    number, channels, height, width = fine.shape
    x = fine.reshape(number, channels, height // 2, 2, width // 2, 2)
    return x.permute(0, 1, 3, 5, 2, 4).reshape(number, channels * 4, height // 2, width // 2)


def stack(taps):
    """The taps of features.py as one feature a cell: [N, K, 112 + 160]."""
    x = torch.cat([taps["local"], fold(taps["stride8"])], 1)
    return x.flatten(2).transpose(1, 2)
