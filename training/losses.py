"""Losses on grids of cells related by homographies."""

import torch
from torch.nn import functional as F


def grid_points(side, stride, offset):
    """Centres [side * side, 2] of the cells, (x, y) in pixels, row by row."""
    line = torch.arange(side, dtype=torch.float32) * stride + offset
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


def transfer(homography, points):
    """Points [K, 2] through each homography [N, 3, 3] -> [N, K, 2]."""
    moved = F.pad(points, (0, 1), value=1.0) @ homography.transpose(1, 2)
    return moved[..., :2] / moved[..., 2:].clamp(min=1e-6)


def correspondences(homography, side, stride, offset, max_cells=0.75):
    """Cells of view 1 and the cells of view 2 nearest to where they go.

    Returns pair, cell1, cell2 (long [M]) and the distance matrix in cells [N, K, K] from the
    moved cells of view 1 to the cells of view 2.
    """
    points = grid_points(side, stride, offset)
    moved = transfer(homography, points)
    distance = torch.cdist(moved, points.expand(len(moved), -1, -1)) / stride
    nearest, cell2 = distance.min(dim=2)
    pair, cell1 = torch.nonzero(nearest < max_cells, as_tuple=True)
    return pair, cell1, cell2[pair, cell1], distance


def info_nce(first, second, pair, cell1, cell2, distance, temperature, near_cells=1.6):
    """Contrast of corresponding cells against all cells of the batch, both ways.

    first, second: unit descriptors [N, K, D]. Cells close to the right one are left out.
    Returns the loss and how many queries find the right cell first.
    """
    number, cells, size = first.shape
    rows = torch.arange(len(pair))
    total, right = 0.0, 0.0
    for queries, keys, query_cell, key_cell, gaps in (
        (first, second, cell1, cell2, distance[pair, cell1]),
        (second, first, cell2, cell1, distance[pair, :, cell2]),
    ):
        logits = queries[pair, query_cell] @ keys.reshape(-1, size).T / temperature
        target = pair * cells + key_cell
        ignore = torch.zeros(logits.shape, dtype=torch.bool).view(len(pair), number, cells)
        ignore[rows, pair] = gaps < near_cells
        ignore = ignore.view(logits.shape)
        ignore[rows, target] = False
        logits = logits.masked_fill(ignore, -1e4)
        total = total + F.cross_entropy(logits, target)
        right = right + (logits.argmax(1) == target).float().mean()
    return total / 2, right / 2


def keep_similarities(values, original, generator, samples=768):
    """Distance between the cosine matrices of new and original features, on random cells."""
    values, original = values.reshape(-1, values.shape[-1]), original.reshape(-1, original.shape[-1])
    chosen = torch.randint(len(values), (samples,), generator=generator)
    wanted = F.normalize(original[chosen], dim=1)
    found = F.normalize(values[chosen], dim=1)
    return (found @ found.T - wanted @ wanted.T).square().mean()


def match_targets(first, second, distance, right_cells=1.5):
    """For each cell of view 1: is it seen in view 2, and is its nearest neighbour right?"""
    with torch.no_grad():
        similarity = torch.einsum("nkd,nld->nkl", first, second)
        chosen = similarity.argmax(2, keepdim=True)
        gap = distance.gather(2, chosen)[..., 0]
        return distance.min(2).values < 0.75, (gap < right_cells).float()
