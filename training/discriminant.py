"""A projection in closed form: keeps what tells places apart, drops what changes with the view.

With T the covariance of all cells and W half the covariance of the differences between
corresponding cells, the best directions solve T v = lambda W v. In that basis the log
likelihood ratio of 'same place' against 'another place', both normal, is a squared distance
with weights 1 - 1 / lambda. Cai, Mikolajczyk & Matas, Learning linear discriminant
projections for dimensionality reduction of image descriptors, TPAMI 2011.
"""

import numpy as np
import scipy.linalg
import torch

import cells


class Statistics:
    """Sums over corresponding cells; shards are added one after another."""

    def __init__(self, size):
        self.count = 0
        self.total = torch.zeros(size, dtype=torch.float64)
        self.outer = torch.zeros(size, size, dtype=torch.float64)
        self.within = torch.zeros(size, size, dtype=torch.float64)

    def add(self, first, second, moved, grid, max_cells):
        """Features [N, K, C] of both views and where the cells of view 1 lie in view 2 [N, K, 2]."""
        side = round(first.shape[1] ** 0.5)
        pair, cell1, cell2, _ = cells.correspondences(moved, side, *grid, max_cells)
        first, second = first[pair, cell1], second[pair, cell2]
        gap = first - second
        self.within += (gap.T @ gap).double() / 2
        for values in (first, second):
            self.total += values.sum(0, dtype=torch.float64) / 2
            self.outer += (values.T @ values).double() / 2
        self.count += len(pair)

    def mean(self):
        return self.total / self.count

    def covariances(self):
        """T and W, [C, C]."""
        mean = self.mean()
        return self.outer / self.count - torch.outer(mean, mean), self.within / self.count


def projection(total, within, dimensions, regularisation):
    """Rows [dimensions, C] and their ratios lambda; noise along every row has unit variance.

    `regularisation`, in mean variances within pairs, is added to W's diagonal.
    """
    total, within = total.numpy(), within.numpy()
    ridge = regularisation * np.trace(within) / len(within)
    ratios, axes = scipy.linalg.eigh(total, within + ridge * np.eye(len(within)))
    ratios, axes = ratios[::-1][:dimensions], axes[:, ::-1][:, :dimensions]
    rows = (axes * np.sqrt(np.maximum(1 - 1 / ratios, 1e-3))).T
    rows = rows * np.where(rows.sum(1, keepdims=True) < 0, -1.0, 1.0)
    return torch.from_numpy(rows).float(), ratios
