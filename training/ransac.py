"""Mutual matching and affine RANSAC for the development measure, compiled by numba."""

import numba
import numpy as np

NUM_TRIALS, CONFIDENCE = 1000, 0.9999
MIN_SCALE, MAX_SCALE, MAX_SQUEEZE = 0.2, 5.0, 4.0  # plausible transforms between photos
MIN_AREA_PX = 200.0  # of a sample's parallelogram


@numba.njit(cache=True, fastmath=True)
def _search(x1, x2, number, max_error):
    """Best affine transform [6] by truncated squared error over `number` matches."""
    limit, state = max_error * max_error, np.uint64(7)
    best_score, best, trials, trial = 0.0, np.zeros(6), NUM_TRIALS, 0
    pick = np.zeros(3, np.int64)
    while trial < trials:
        trial += 1
        for k in range(3):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            pick[k] = int((state >> np.uint64(33)) % np.uint64(number))
        a, b, c = pick
        if a == b or b == c or a == c:
            continue
        ux, uy = x1[b, 0] - x1[a, 0], x1[b, 1] - x1[a, 1]
        vx, vy = x1[c, 0] - x1[a, 0], x1[c, 1] - x1[a, 1]
        det = ux * vy - uy * vx
        if abs(det) < MIN_AREA_PX:
            continue
        px, py = x2[b, 0] - x2[a, 0], x2[b, 1] - x2[a, 1]
        qx, qy = x2[c, 0] - x2[a, 0], x2[c, 1] - x2[a, 1]
        m00, m01 = (px * vy - qx * uy) / det, (qx * ux - px * vx) / det
        m10, m11 = (py * vy - qy * uy) / det, (qy * ux - py * vx) / det
        area = m00 * m11 - m01 * m10
        if area < MIN_SCALE**2 or area > MAX_SCALE**2:
            continue
        if m00 * m00 + m01 * m01 + m10 * m10 + m11 * m11 > area * (MAX_SQUEEZE + 1 / MAX_SQUEEZE):
            continue
        tx = x2[a, 0] - m00 * x1[a, 0] - m01 * x1[a, 1]
        ty = x2[a, 1] - m10 * x1[a, 0] - m11 * x1[a, 1]
        score, count = 0.0, 0
        for i in range(number):
            dx = m00 * x1[i, 0] + m01 * x1[i, 1] + tx - x2[i, 0]
            dy = m10 * x1[i, 0] + m11 * x1[i, 1] + ty - x2[i, 1]
            e = dx * dx + dy * dy
            if e < limit:
                score += 1.0 - e / limit
                count += 1
        if score > best_score:
            best_score = score
            best[:] = (m00, m01, tx, m10, m11, ty)
            share = (count / number) ** 3
            if share > 0.999:
                break
            needed = int(np.log(1 - CONFIDENCE) / np.log(1.0 - share)) + 1
            trials = min(trials, needed)
    return best


@numba.njit(cache=True, fastmath=True)
def _inliers(model, x1, x2, number, max_error, mask):
    count = 0
    for i in range(number):
        dx = model[0] * x1[i, 0] + model[1] * x1[i, 1] + model[2] - x2[i, 0]
        dy = model[3] * x1[i, 0] + model[4] * x1[i, 1] + model[5] - x2[i, 1]
        mask[i] = dx * dx + dy * dy < max_error * max_error
        count += mask[i]
    return count


@numba.njit(cache=True)
def verify(x1, x2, number, max_error, mask):
    """Number of inliers of the best affine transform, refined by least squares; fills mask."""
    if number < 3:
        return 0
    model = _search(x1, x2, number, max_error)
    count = _inliers(model, x1, x2, number, max_error, mask)
    trial = np.zeros(len(mask), np.bool_)
    for _ in range(3):
        if count < 4:
            break
        normal, right = np.zeros((3, 3)), np.zeros((3, 2))
        for i in range(number):
            if mask[i]:
                row = np.array([x1[i, 0], x1[i, 1], 1.0])
                for r in range(3):
                    for c in range(3):
                        normal[r, c] += row[r] * row[c]
                    right[r, 0] += row[r] * x2[i, 0]
                    right[r, 1] += row[r] * x2[i, 1]
        for r in range(3):
            normal[r, r] += 1e-6
        solved = np.linalg.solve(normal, right)
        refined = np.array([solved[0, 0], solved[1, 0], solved[2, 0],
                            solved[0, 1], solved[1, 1], solved[2, 1]])
        better = _inliers(refined, x1, x2, number, max_error, trial)
        if better <= count:
            break
        count = better
        mask[:] = trial
    return count


@numba.njit(cache=True)
def match(similarity, threshold):
    """Mutual nearest neighbours [M, 2] with similarity of at least `threshold`."""
    rows, columns = similarity.shape
    best_row, best_column = np.full(rows, threshold), np.full(columns, threshold)
    of_row, of_column = np.full(rows, -1), np.full(columns, -1)
    for r in range(rows):
        for c in range(columns):
            value = similarity[r, c]
            if value >= threshold:
                if value > best_row[r]:
                    best_row[r], of_row[r] = value, c
                if value > best_column[c]:
                    best_column[c], of_column[c] = value, r
    pairs = np.empty((rows, 2), np.int64)
    count = 0
    for r in range(rows):
        if of_row[r] >= 0 and of_column[of_row[r]] == r:
            pairs[count, 0], pairs[count, 1] = r, of_row[r]
            count += 1
    return pairs[:count]


@numba.njit(cache=True)
def count_inliers(similarity, positions, others, threshold, max_error):
    """Inliers of one photo with each of `others` [n, K, 2]; similarity is [n, K, K]."""
    number = len(others)
    counts = np.zeros(number, np.int32)
    for j in range(number):
        pairs = match(similarity[j], threshold)
        x1, x2 = np.empty((len(pairs), 2)), np.empty((len(pairs), 2))
        for k in range(len(pairs)):
            x1[k] = positions[pairs[k, 0]]
            x2[k] = others[j, pairs[k, 1]]
        counts[j] = verify(x1, x2, len(pairs), max_error, np.zeros(len(pairs), np.bool_))
    return counts


def affine_inliers(x1, x2, max_error):
    """Mask [M] of the matches that the best affine transform explains."""
    mask = np.zeros(len(x1), bool)
    verify(np.float64(x1).reshape(-1, 2), np.float64(x2).reshape(-1, 2), len(x1), max_error, mask)
    return mask
