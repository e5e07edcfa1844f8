"""What greedy and pessimistic choices lose on average in `greedy_failure`, over all answers instead of some.

The estimate is a function of the wins ``w`` of the first comparison and of the one answer to the second, so all
expectations are finite sums. For a given answer to the second, the estimate of ``theta_1`` grows with ``w``: the loss
is ``g(theta) - w theta_1``, and if ``t`` and ``t'`` are optimal for ``w < w'``, adding up both optimality conditions
leaves ``(w' - w)(t' - t) >= 0``. The norm bound is always active, so that ``theta_1`` determines the other coordinates,
and every choice is made on an interval of it (tests/experiments checks that against all ``w``). So choices between two
``w`` with the same choice are not computed again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import binom

from experiments.preferences_greedy_failure import RADII, SIZES, judge
from mdpkit.problems.preferences import greedy_failure

LARGE = (
    *(14_000, 18_000, 22_000, 26_000, 32_000, 40_000, 60_000, 100_000),
    *(120_000, 150_000, 180_000, 220_000, 270_000, 350_000, 1_000_000),
)
GRID = [{"n": n} for n in (*SIZES, *LARGE)]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}
LEVELS = np.array([0.0, 0.1, 1.0, 1.1])
"""All losses that a choice can have."""
RULES = ("greedy", *RADII)
TAIL = 1e-13
"""Probability of the answers that are left out, on either side."""
COARSE = 9


def losses(n: int, wins: int, last: int) -> tuple[int, ...]:
    """Return the position in `LEVELS` of the loss of each rule."""
    line = judge(n, wins, last)
    found = [int(np.argmin(np.abs(LEVELS - line[f"loss_{rule}"]))) for rule in RULES]
    assert all(abs(LEVELS[k] - line[f"loss_{rule}"]) < 1e-9 for k, rule in zip(found, RULES, strict=True))
    return tuple(found)


def table(n: int, last: int, lowest: int, highest: int) -> np.ndarray:
    """Return the losses of all rules for ``wins`` from lowest to highest, shape ``(wins, rules)``."""
    start = np.unique(np.linspace(lowest, highest, COARSE).astype(int)).tolist()
    known = {w: losses(n, w, last) for w in start}
    open_cells = list(pairwise(start))
    while open_cells:
        low, high = open_cells.pop()
        if high - low > 1 and known[low] != known[high]:
            middle = (low + high) // 2
            known[middle] = losses(n, middle, last)
            open_cells += [(low, middle), (middle, high)]
    places = np.array(sorted(known))
    wins = np.arange(lowest, highest + 1)
    # the ends of a cell agree, or are neighbors
    return np.array([known[w] for w in places])[np.searchsorted(places, wins, side="right") - 1]


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the probability of every loss, for every rule."""
    n = config["n"]
    rewards = greedy_failure().means[0]
    win, wrong = expit(rewards[0] - rewards[1]), expit(rewards[1] - rewards[2])
    lowest, highest = (int(w) for w in binom.ppf([TAIL, 1 - TAIL], n - 1, win))
    chance = binom.pmf(np.arange(lowest, highest + 1), n - 1, win)
    law = np.zeros((len(RULES), len(LEVELS)))
    for last, probability in ((1, wrong), (0, 1 - wrong)):
        choice = table(n, last, lowest, highest)
        for k in range(len(RULES)):
            law[k] += probability * np.bincount(choice[:, k], weights=chance, minlength=len(LEVELS))
    return {"loss": LEVELS, **{f"chance_{rule}": law[k] for k, rule in enumerate(RULES)}}
