"""A projection in closed form: keeps what tells places apart, drops what changes with view.

With T the covariance of all cells and W half the covariance of the differences between
corresponding cells, the directions of largest T / W come from T v = lambda W v. In that
basis the log likelihood ratio of 'same place' is a squared distance with weights
1 - 1 / lambda. Cai, Mikolajczyk & Matas, Learning linear discriminant projections for
dimensionality reduction of image descriptors, TPAMI 2011.
"""

import numpy as np
import scipy.linalg
import torch

import losses

REGULARISATION = 0.02  # of the mean variance within pairs, added to W


def fold_cells(fine):
    """[N, C, 2h, 2w] -> [N, 4 C, h, w], channel-major as a 2x2 convolution's weights are."""
    number, channels, height, width = fine.shape
    x = fine.reshape(number, channels, height // 2, 2, width // 2, 2)
    return x.permute(0, 1, 3, 5, 2, 4).reshape(number, channels * 4, height // 2, width // 2)


def statistics(bank, pairs, grid):
    """Mean [C], total and within-pair covariance [C, C] of [local, stride8] cells."""
    count = total = outer = within = 0
    for start in range(0, min(pairs, len(bank)), 50):
        taps, homography = bank.batch(torch.arange(start, min(start + 50, len(bank))))
        x = torch.cat([taps["local"], fold_cells(taps["stride8"])], 1).flatten(2).transpose(1, 2)
        first, second = x[: len(homography)], x[len(homography) :]
        side = taps["local"].shape[-1]
        pair, cell1, cell2, _ = losses.correspondences(homography, side, *grid, max_cells=0.5)
        first, second = first[pair, cell1].double(), second[pair, cell2].double()
        gap = first - second
        within = within + gap.T @ gap / 2
        for values in (first, second):
            total, outer = total + values.sum(0) / 2, outer + values.T @ values / 2
        count += len(pair)
    mean = total / count
    return mean, outer / count - torch.outer(mean, mean), within / count


def projection(total, within, dimensions):
    """[dimensions, C], unit noise along every row, scaled by the likelihood's weight."""
    total, within = total.numpy(), within.numpy()
    ridge = REGULARISATION * np.trace(within) / len(within)
    ratios, axes = scipy.linalg.eigh(total, within + ridge * np.eye(len(within)))
    ratios, axes = ratios[::-1][:dimensions], axes[:, ::-1][:, :dimensions]
    rows = (axes * np.sqrt(np.maximum(1 - 1 / ratios, 1e-3))).T
    return torch.from_numpy(rows * np.sign(rows.sum(1, keepdims=True))).float()
