"""Modified policy iteration (Puterman and Shin 1978): few improvement sweeps, many cheap evaluation sweeps."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import UnknownOptionError
from mdpkit.planning.discounted.bellman import Bellman
from mdpkit.planning.run import Run

FORMS = ("auto", "jacobi", "in_place")
PROBE_SWEEPS = 9
PROBE_MEMORY = 4
FAST_MIXING = 0.75
FAST_MEMORY = 3
WELL_MIXING = 0.92
EVALUATION_CAP = 500
EVALUATION_SHARE = 0.01
IN_PLACE_EVALUATIONS = 20
FIRST_PATIENCE = 12
GUARD_PATIENCE = 20
GUARD_SWEEPS = 50


def modified_policy_iteration(run: Run[Bellman], *, form: str = "auto") -> None:
    """Alternate improvement sweeps over the model with evaluation sweeps over the policy's rows.

    Parameters
    ----------
    run : Run
        The run.
    form : {"auto", "jacobi", "in_place"}
        "jacobi" shifts freely by the midpoints of the span bounds: for models that mix well. "in_place" sweeps
        Gauss-Seidel fashion from below: for grids and chains, where information travels far. "auto" probes with a
        few Jacobi sweeps and changes its mind, with growing patience, when the choice does not pay.
    """
    if form not in FORMS:
        raise UnknownOptionError(f"form must be one of {', '.join(FORMS)}; found {form!r}", argument="form")
    chosen = _probe(run) if form == "auto" else form
    patience = FIRST_PATIENCE if form == "auto" else GUARD_PATIENCE
    while not run.done:
        rounds = _jacobi_rounds if chosen == "jacobi" else _in_place_rounds
        rounds(run, patience)
        if form == "auto":
            chosen = "in_place" if chosen == "jacobi" else "jacobi"
            patience *= 2
        if patience >= GUARD_PATIENCE and not run.done:
            # A contraction for sure, whatever the shifts and depths above did.
            _plain_sweeps(run, GUARD_SWEEPS)


def _probe(run: Run[Bellman]) -> str:
    """Say from a few Jacobi sweeps how fast the span shrinks: steadily, or only where information has arrived."""
    V, W, spans = run.V.copy(), np.empty_like(run.V), [np.inf]
    ratios = [1.0]
    for _ in range(PROBE_SWEEPS):
        lo, hi = run.bellman.sweep(V, W)
        spans.append(hi - lo)
        ratios.append(spans[-1] / spans[-2] if spans[-2] > 0.0 else 0.0)
        fast = len(spans) > FAST_MEMORY + 1 and max(ratios[-FAST_MEMORY:]) < FAST_MIXING
        if run.check(V, W, lo, hi, keep=False) or fast:
            return "jacobi"
        V, W = W, V
    return "jacobi" if max(ratios[-PROBE_MEMORY:]) < WELL_MIXING else "in_place"


def _plain_sweeps(run: Run[Bellman], count: int) -> None:
    """Do value iteration for a while."""
    V, W = run.V.copy(), np.empty_like(run.V)
    for _ in range(count):
        lo, hi = run.bellman.sweep(V, W)
        if run.check(V, W, lo, hi):
            break
        V, W = W, V


def _jacobi_rounds(run: Run[Bellman], patience: int) -> None:
    """Run rounds of the Jacobi form, until done or until ``patience`` rounds did not halve the width."""
    bellman, gamma = run.bellman, run.bellman.gamma
    factor = gamma / (1.0 - gamma)
    V, W = run.V.copy(), np.empty_like(run.V)
    choice = np.full(bellman.n_states, -1)
    share = bellman.n_states / bellman.n_pairs
    target = run.tol * (1.0 - gamma) / (2.0 * gamma) if gamma > 0.0 else np.inf
    widths: list[float] = []
    while True:
        lo, hi = bellman.sweep(V, W)
        if run.check(V, W, lo, hi) or _stalled(widths, run.half_width, patience):
            return
        V, W = W, V
        V += factor * (lo + hi) / 2
        settled = np.array_equal(bellman.choice, choice)
        if not settled:
            choice[:] = bellman.choice
            rows = bellman.policy_rows(choice)
        # A policy that has settled is evaluated to the end; before, more than two digits per round would be wasted.
        enough = max(0.0 if settled else EVALUATION_SHARE * (hi - lo), target)
        for _ in range(EVALUATION_CAP):
            lo, hi = rows.sweep(V, W)
            bellman.full_sweeps += share
            V, W = W, V
            if hi - lo <= enough:
                break
        V += factor * (lo + hi) / 2
        run.V = V


def _in_place_rounds(run: Run[Bellman], patience: int) -> None:
    """Run rounds of the in-place form, from below, in the better of the two directions."""
    bellman, gamma = run.bellman, run.bellman.gamma
    factor = gamma / (1.0 - gamma)
    V, W = run.V.copy(), np.empty_like(run.V)
    lo, hi = bellman.sweep(V, W)
    if run.check(V, W, lo, hi):
        return
    # With this shift V <= T V: from here on the iterates increase, and are lower bounds.
    V = W + factor * lo
    reverse, V = _better_direction(run, V, W)
    widths: list[float] = []
    share = bellman.n_states / bellman.n_pairs
    while True:
        for _ in range(2):
            bellman.sweep_in_place(V, reverse=reverse)
            rows = bellman.policy_rows(bellman.choice, solved=True)
            for _ in range(IN_PLACE_EVALUATIONS):
                change = rows.sweep_in_place(V, reverse=reverse)
                bellman.full_sweeps += share
                if change * factor < run.tol / 10:
                    break
        lo, hi = bellman.sweep(V, W)
        if run.check(V, W, lo, hi) or _stalled(widths, run.half_width, patience):
            return
        V, W = W, V
        V += factor * lo
        run.V = V


def _better_direction(run: Run[Bellman], V: Floats, W: Floats) -> tuple[bool, Floats]:
    """Try one sweep each way from the same values; keep the one that leaves the smaller residual."""
    trials = []
    for reverse in (False, True):
        trial = V.copy()
        run.bellman.sweep_in_place(trial, reverse=reverse)
        lo, hi = run.bellman.sweep(trial, W)
        trials.append((max(abs(lo), abs(hi)), reverse, trial))
    _, reverse, best = min(trials, key=lambda t: t[0])
    return reverse, best


def _stalled(widths: list[float], width: float, patience: int) -> bool:
    """Whether the width has not halved within the last ``patience`` rounds."""
    widths.append(width)
    return len(widths) > patience and width > 0.5 * widths[-1 - patience]
