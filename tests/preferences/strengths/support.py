"""What the tests of item strengths share: comparisons drawn by hypothesis, and their likelihood from its definition.

A datum is a list of stages ``(winner, set, weight)`` here (prefs.md 2), added up one after the other; nothing of the
package is used but its containers and the strategy for pairs.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from mdpkit.feedback import PairCounts, PairList, Rankings, TopChoices
from mdpkit.testing import preference_data

# ---------------------------------------------------------------- the model, written out


def stages_of(data):
    """Every container as a list of ``(winner, members, weight)``; the winner is a member."""
    if isinstance(data, PairCounts):
        return [(int(i), (int(i), int(j)), float(data.W[i, j])) for i, j in np.argwhere(data.W)]
    if isinstance(data, PairList):
        lines = zip(data.winners.tolist(), data.losers.tolist(), data.weights.tolist(), strict=True)
        return [(i, (i, j), w) for i, j, w in lines]
    sets = [tuple(data.flat[a:b].tolist()) for a, b in pairwise(data.offsets.tolist())]
    weights = data.weights.tolist()
    if isinstance(data, TopChoices):
        return list(zip(data.winners.tolist(), sets, weights, strict=True))
    return [(row[k], row[k:], w) for row, w in zip(sets, weights, strict=True) for k in range(len(row) - 1)]


def stage_likelihood(stages, theta):
    """Negative log-likelihood, gradient and Hessian, stage by stage (prefs.md 2, stage form)."""
    N = len(theta)
    nll, gradient, hessian = 0.0, np.zeros(N), np.zeros((N, N))
    for winner, members, weight in stages:
        S = list(members)
        p = softmax(theta[S])
        nll += weight * (logsumexp(theta[S]) - theta[winner])
        gradient[S] += weight * p
        gradient[winner] -= weight
        hessian[np.ix_(S, S)] += weight * (np.diag(p) - np.outer(p, p))
    return nll, gradient, hessian


def decimal_likelihood(stages, theta, digits=50):
    """The same in decimal arithmetic: no utility is too far from another."""
    N = len(theta)
    with localcontext(Context(prec=digits, Emin=-(10**9), Emax=10**9)):
        u = [Decimal(float(x)) for x in theta]
        nll, gradient = Decimal(0), [Decimal(0)] * N
        hessian = [[Decimal(0)] * N for _ in range(N)]
        for winner, members, weight in stages:
            w, top = Decimal(weight), max(u[i] for i in members)
            e = {i: (u[i] - top).exp() for i in members}
            total = sum(e.values())
            nll += w * (total.ln() + top - u[winner])
            gradient[winner] -= w
            for i in members:
                gradient[i] += w * e[i] / total
                # p (1 - p) without the subtraction
                hessian[i][i] += w * e[i] * sum(e[j] for j in members if j != i) / total**2
                for j in members:
                    hessian[i][j] -= w * e[i] * e[j] / total**2 if j != i else 0
        return float(nll), np.array(gradient, dtype=float), np.array(hessian, dtype=float)


def fit_by_scipy(stages, n_items, *, alpha=0.0, prior_mean=0.0):
    """Minimize with a trust region; without a prior the term ``(sum theta)^2 / 2`` picks the centered minimum."""

    def pieces(theta):
        nll, gradient, hessian = stage_likelihood(stages, theta)
        shift, total = theta - prior_mean, np.sum(theta) if alpha == 0 else 0.0
        flat = np.ones((n_items, n_items)) if alpha == 0 else alpha * np.eye(n_items)
        return nll + alpha / 2 * shift @ shift + total**2 / 2, gradient + alpha * shift + total, hessian + flat

    found = minimize(
        lambda x: pieces(x)[0],
        np.zeros(n_items),
        jac=lambda x: pieces(x)[1],
        hess=lambda x: pieces(x)[2],
        method="trust-exact",
        options={"gtol": 1e-9, "maxiter": 500},
    )
    # one undamped step: the value stops resolving progress before the gradient does
    _, gradient, hessian = pieces(found.x)
    return found.x - np.linalg.solve(hessian, gradient)


# ---------------------------------------------------------------- what hypothesis draws

WEIGHTS = st.sampled_from([1.0, 2.0, 0.5, 3.0, 0.0])
N_ITEMS = 5


def utilities(n_items, largest=12):
    """Quarters, so that items tie often."""
    return st.lists(st.integers(-largest, largest), min_size=n_items, max_size=n_items).map(lambda k: np.array(k) / 4)


@st.composite
def orders(draw, n_items=N_ITEMS, max_rows=6):
    """Rows of different items with how many of them were chosen in order, and a weight: rankings, top-k, top-1."""
    rows = []
    for _ in range(draw(st.integers(1, max_rows))):
        order = draw(st.permutations(range(n_items)))
        K = draw(st.integers(2, n_items))
        rows.append((tuple(order[:K]), draw(st.integers(1, K - 1)), draw(WEIGHTS)))
    return rows


def order_stages(rows):
    """The stages of rows of `orders`."""
    return [(row[k], row[k:], w) for row, depth, w in rows for k in range(depth)]


@st.composite
def rankings(draw, n_items=N_ITEMS, max_rows=6):
    """Ragged rankings with weights, some of them zero."""
    rows = draw(orders(n_items, max_rows))
    return Rankings.from_lists([row for row, _, _ in rows], [w for *_, w in rows], n_items=n_items)


@st.composite
def choices(draw, n_items=N_ITEMS, max_rows=6):
    """Choices of one item from sets of different sizes, the winner at any place of its set."""
    rows = draw(orders(n_items, max_rows))
    winners = [draw(st.sampled_from(row)) for row, _, _ in rows]
    return TopChoices.from_lists(winners, [row for row, _, _ in rows], [w for *_, w in rows], n_items=n_items)


def item_data(n_items=N_ITEMS):
    """Pairs, rankings or choices."""
    return st.one_of(preference_data(n_items), rankings(n_items), choices(n_items))


def completed(data):
    """Add what makes everybody lose to everybody else, directly or through others; the maximum then exists."""
    n = data.n_items
    if isinstance(data, PairList):
        circle = np.arange(n)
        return PairList(
            np.concatenate([data.winners, circle]),
            np.concatenate([data.losers, (circle + 1) % n]),
            np.concatenate([data.weights, np.ones(n)]),
        )
    sets = [data.flat[a:b].tolist() for a, b in pairwise(data.offsets.tolist())]
    if isinstance(data, Rankings):
        both_ways = [list(range(n)), list(range(n))[::-1]]
        return Rankings.from_lists(sets + both_ways, np.concatenate([data.weights, [1.0, 1.0]]))
    winners, whole = np.concatenate([data.winners, np.arange(n)]), [list(range(n))] * n
    return TopChoices.from_lists(winners, sets + whole, np.concatenate([data.weights, np.ones(n)]))


def relabelled(data, new):
    """The same data after item ``i`` has become item ``new[i]``."""
    n = data.n_items
    if isinstance(data, PairList):
        return PairList(new[data.winners], new[data.losers], data.weights, n_items=n)
    if isinstance(data, Rankings):
        return Rankings(new[data.flat], data.offsets, data.weights, n_items=n)
    return TopChoices(new[data.winners], new[data.flat], data.offsets, data.weights, n_items=n)
