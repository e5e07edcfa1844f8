"""Compiled passes over comparison data: negative log-likelihoods, gradients, Hessians and Hessian-vector products.

Pairs come as a table with one line per unordered pair; rankings and choices as *orders*: rows of items, best first, of
which the first ``depth`` were chosen from what remained. A pass over orders takes the strengths ``e = exp(theta -
max(theta))``, computed once, so that the inner loops need no exponential.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mdpkit._typing import Floats, Ints

FAST = {"contract", "reassoc", "nsz"}

# ---------------------------------------------------------------- pairs


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def pair_pass(
    first: Ints, second: Ints, wins: Floats, losses: Floats, theta: Floats, gradient: Floats, curvature: Floats
) -> float:
    """Add up ``-sum wins log sigma(d) + losses log sigma(-d)``, ``d = theta[first] - theta[second]``.

    `gradient` (N,) must be zero on entry; `curvature` (m,) gets the weight of each edge of the Laplacian.
    """
    nll = 0.0
    for e in range(len(first)):
        i, j = first[e], second[e]
        d = theta[i] - theta[j]
        t = math.exp(-abs(d))
        # the larger and the smaller of sigma(d) and sigma(-d), neither as one minus the other
        large = 1.0 / (1.0 + t)
        small = t * large
        p, q = (large, small) if d >= 0.0 else (small, large)
        nll += (wins[e] + losses[e]) * math.log1p(t) + (losses[e] if d >= 0.0 else wins[e]) * abs(d)
        g = losses[e] * p - wins[e] * q
        gradient[i] += g
        gradient[j] -= g
        curvature[e] = (wins[e] + losses[e]) * p * q
    return nll


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def laplacian_product(first: Ints, second: Ints, curvature: Floats, v: Floats, out: Floats) -> None:
    """Add ``L v`` to `out`, with the Laplacian of the weighted edges."""
    for e in range(len(first)):
        i, j = first[e], second[e]
        flow = curvature[e] * (v[i] - v[j])
        out[i] += flow
        out[j] -= flow


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def add_laplacian(first: Ints, second: Ints, curvature: Floats, hessian: Floats) -> None:
    """Add the Laplacian of the weighted edges to a dense matrix."""
    for e in range(len(first)):
        i, j = first[e], second[e]
        hessian[i, i] += curvature[e]
        hessian[j, j] += curvature[e]
        hessian[i, j] -= curvature[e]
        hessian[j, i] -= curvature[e]


# ---------------------------------------------------------------- orders


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fill_suffix(flat: Ints, start: int, stop: int, e: Floats, suffix: Floats) -> None:
    """Write the sums of the strengths from each place of a row to its end, built from the last item up.

    Subtracting from the total would cancel where one strength dominates.
    """
    total = 0.0
    for k in range(stop - start - 1, -1, -1):
        total += e[flat[start + k]]
        suffix[k] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def order_pass(
    flat: Ints, offsets: Ints, depth: Ints, weights: Floats, e: Floats, logs: Floats, gradient: Floats
) -> float:
    """Add up ``sum_k w (log sum_{j >= k} e_j - log e_k)`` over the stages of all rows.

    `logs` (N,) holds ``log e``; `gradient` (N,) must be zero on entry.
    """
    nll = 0.0
    suffix = np.empty(longest(offsets))
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        fill_suffix(flat, start, stop, e, suffix)
        inverse = 0.0  # sum over the stages so far of 1 / suffix
        for k in range(stop - start):
            item = flat[start + k]
            if k < stages:
                inverse += 1.0 / suffix[k]
                nll += w * (math.log(suffix[k]) - logs[item])
                gradient[item] -= w
            gradient[item] += w * e[item] * inverse
    return nll


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def add_order_hessian(flat: Ints, offsets: Ints, depth: Ints, weights: Floats, e: Floats, hessian: Floats) -> None:
    """Add ``sum over stages of w (diag(p) - p p^T)`` to a dense matrix, ``O(K^2)`` per row."""
    size = longest(offsets)
    suffix = np.empty(size)
    squares = np.empty(size)  # sum over the stages up to k of 1 / suffix^2
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        fill_suffix(flat, start, stop, e, suffix)
        inverse, square = 0.0, 0.0
        for k in range(stop - start):
            item = flat[start + k]
            if k < stages:
                r = 1.0 / suffix[k]
                inverse += r
                square += r * r
            squares[k] = square
            hessian[item, item] += w * e[item] * (inverse - e[item] * square)
            for h in range(k):
                other = flat[start + h]
                joint = w * e[item] * e[other] * squares[h]
                hessian[item, other] -= joint
                hessian[other, item] -= joint


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def order_product(flat: Ints, offsets: Ints, depth: Ints, weights: Floats, e: Floats, v: Floats, out: Floats) -> None:
    """Add the product of the Hessian with `v` to `out`, ``O(K)`` per row."""
    size = longest(offsets)
    suffix = np.empty(size)
    moment = np.empty(size)
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        total, first = 0.0, 0.0
        for k in range(stop - start - 1, -1, -1):
            item = flat[start + k]
            total += e[item]
            first += e[item] * v[item]
            suffix[k], moment[k] = total, first
        inverse, mean = 0.0, 0.0
        for k in range(stop - start):
            item = flat[start + k]
            if k < stages:
                r = 1.0 / suffix[k]
                inverse += r
                mean += r * r * moment[k]
            out[item] += w * e[item] * (inverse * v[item] - mean)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def order_diagonal(flat: Ints, offsets: Ints, depth: Ints, weights: Floats, e: Floats, out: Floats) -> None:
    """Add the diagonal of the Hessian to `out`."""
    suffix = np.empty(longest(offsets))
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        fill_suffix(flat, start, stop, e, suffix)
        inverse, square = 0.0, 0.0
        for k in range(stop - start):
            item = flat[start + k]
            if k < stages:
                r = 1.0 / suffix[k]
                inverse += r
                square += r * r
            out[item] += w * e[item] * (inverse - e[item] * square)


@njit(cache=True, nogil=True, error_model="numpy")
def order_pass_log(
    flat: Ints, offsets: Ints, depth: Ints, weights: Floats, theta: Floats, gradient: Floats, hessian: Floats
) -> float:
    """Do what `order_pass` and `add_order_hessian` do, in log space, for utilities of any spread.

    A `hessian` of shape (0, 0) is left alone.
    """
    nll = 0.0
    size = longest(offsets)
    level = np.empty(size)  # log of the suffix sums
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        K = stop - start
        running = -math.inf
        for k in range(K - 1, -1, -1):
            u = theta[flat[start + k]]
            high, low = (u, running) if u > running else (running, u)
            running = high + math.log1p(math.exp(low - high))
            level[k] = running
        for k in range(stages):
            nll += w * (level[k] - theta[flat[start + k]])
            gradient[flat[start + k]] -= w
            for a in range(k, K):
                i = flat[start + a]
                p = math.exp(theta[i] - level[k])
                gradient[i] += w * p
                if len(hessian):
                    hessian[i, i] += w * p * (1.0 - p)
                    for b in range(k, a):
                        j = flat[start + b]
                        joint = w * p * math.exp(theta[j] - level[k])
                        hessian[i, j] -= joint
                        hessian[j, i] -= joint
    return nll


@njit(cache=True, nogil=True, error_model="numpy")
def longest(offsets: Ints) -> int:
    """Return the length of the longest row."""
    most = 0
    for row in range(len(offsets) - 1):
        most = max(most, offsets[row + 1] - offsets[row])
    return most


# ---------------------------------------------------------------- rankings of feature vectors


@njit(cache=True, nogil=True, error_model="numpy")
def linear_ranking_pass(features: Floats, weights: Floats, theta: Floats, gradient: Floats, hessian: Floats) -> float:
    """Pass over rankings of feature vectors ``(n, K, d)``, best first.

    `gradient` (d,) and `hessian` (d, d) must be zero on entry. Each ranking is read from its worst item upwards; sums
    are kept relative to the largest utility so far, and features relative to the worst item, so that neither large
    utilities nor a common offset cost digits.
    """
    n, K, d = features.shape
    nll = 0.0
    x, mean, second = np.empty(d), np.empty(d), np.empty((d, d))
    for i in range(n):
        w = weights[i]
        if w == 0.0:
            continue
        top, total = 0.0, 1.0
        for a in range(d):
            mean[a] = 0.0  # sums of e x and e x x^T over the suffix; the worst item has x = 0
            for b in range(d):
                second[a, b] = 0.0
        for k in range(K - 2, -1, -1):
            u = 0.0
            for a in range(d):
                x[a] = features[i, k, a] - features[i, K - 1, a]
                u += x[a] * theta[a]
            if u > top:
                shrink = math.exp(top - u)
                total *= shrink
                for a in range(d):
                    mean[a] *= shrink
                    for b in range(a + 1):
                        second[a, b] *= shrink
                top = u
            e = math.exp(u - top)
            total += e
            r = 1.0 / total
            nll += w * (math.log(total) + top - u)
            for a in range(d):
                mean[a] += e * x[a]
                gradient[a] += w * (mean[a] * r - x[a])
                for b in range(a + 1):
                    second[a, b] += e * x[a] * x[b]
                    hessian[a, b] += w * r * (second[a, b] - mean[a] * mean[b] * r)
    for a in range(d):
        for b in range(a):
            hessian[b, a] = hessian[a, b]
    return nll


# ---------------------------------------------------------------- spectral ranking


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def add_rates(flat: Ints, offsets: Ints, depth: Ints, weights: Floats, e: Floats, Q: Floats) -> None:
    """Add ``w / sum_{j >= k} e_j`` to the rate from every loser of a stage to its winner."""
    suffix = np.empty(longest(offsets))
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        fill_suffix(flat, start, stop, e, suffix)
        for k in range(stages):
            winner, rate = flat[start + k], w / suffix[k]
            for j in range(start + k + 1, stop):
                Q[flat[j], winner] += rate


# ---------------------------------------------------------------- sandwich


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def add_pair_scores(flat: Ints, offsets: Ints, depth: Ints, weights: Floats, theta: Floats, V: Floats) -> None:
    """Add ``w g g^T`` for every row, with ``g`` the gradient of the row split into the pairs it orders."""
    score = np.empty(longest(offsets))
    for row in range(len(offsets) - 1):
        start, stop, stages, w = offsets[row], offsets[row + 1], depth[row], weights[row]
        score[: stop - start] = 0.0
        for k in range(stages):
            for j in range(k + 1, stop - start):
                missed = 1.0 / (1.0 + math.exp(theta[flat[start + k]] - theta[flat[start + j]]))
                score[k] -= missed
                score[j] += missed
        for a in range(stop - start):
            for b in range(stop - start):
                V[flat[start + a], flat[start + b]] += w * score[a] * score[b]
