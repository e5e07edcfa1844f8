"""General convex sets, one small conic program per pair and sweep."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints, SmallInts
from mdpkit.errors import InfeasibleError, InputError, MDPKitError, MissingDependencyError
from mdpkit.models import ConvexSet, RobustMDP, TabularMDP
from mdpkit.robust.inner.base import Inner
from mdpkit.robust.rows import AllowedRows, allowed_rows

TOLERANCE = 1e-10
"""What Clarabel is asked for, relative to the spread of the payoffs of a row."""


class ConvexInner(Inner):
    """Minimize over a set written in cvxpy with Clarabel; each program is compiled once and solved with new payoffs.

    Payoffs are shifted and scaled to ``[0, 1]`` first, so that accuracy is relative to their spread. The gap of a row
    is what the solver certifies: the difference of its primal and dual objectives and its two residuals, times the
    spread. Returned rows are distributions to rounding and meet the constraints to the solver's tolerance.

    Parameters
    ----------
    rows, gamma, sign
        As for `Inner`.
    constraints : callable
        As for `mdpkit.models.ConvexSet`.
    pair_state, pair_action : ndarray of int, shape (N,)
        Names of the pairs.
    """

    exact = False

    def __init__(
        self,
        rows: AllowedRows,
        gamma: float,
        sign: float,
        constraints: Callable[..., Any],
        pair_state: Ints,
        pair_action: SmallInts,
    ) -> None:
        super().__init__(rows, gamma, sign)
        self._programs = [
            _compile(constraints, rows.nominal[start:stop], (int(s), int(a)))
            for start, stop, s, a in zip(rows.row_ptr[:-1], rows.row_ptr[1:], pair_state, pair_action, strict=True)
        ]

    def _values(self, V: Floats, pairs: Ints, out: Floats) -> float:
        worst_gap = 0.0
        for i, k in enumerate(pairs):
            z = self._payoffs(V, k)
            p, gap = self._programs[k](z)
            # an average of z - min z keeps the digits of a small spread
            lowest = float(np.min(z))
            out[i] = self.rows.pair_reward[k] + self.sign * (lowest + p @ (z - lowest))
            worst_gap = max(worst_gap, gap)
        return worst_gap

    def _rows(self, V: Floats, pairs: Ints, p: Floats, extra: Floats) -> None:
        first = 0
        for k in pairs:
            row, _ = self._programs[k](self._payoffs(V, k))
            p[first : first + len(row)] = row
            first += len(row)

    def _payoffs(self, V: Floats, k: int) -> Floats:
        rows = self.rows
        entries = slice(rows.row_ptr[k], rows.row_ptr[k + 1])
        z: Floats = self.gamma * V[rows.col[entries]]
        if len(rows.entry_reward):
            z += rows.entry_reward[entries]
        return self.sign * z


def _compile(
    constraints: Callable[..., Any], q: Floats, pair: tuple[int, int]
) -> Callable[[Floats], tuple[Floats, float]]:
    """Return the function from payoffs to a worst row and its gap."""
    try:
        cp: Any = import_module("cvxpy")
    except ImportError as error:
        raise MissingDependencyError("ConvexSet needs cvxpy: pip install cvxpy") from error
    p, unit = cp.Variable(len(q)), cp.Parameter(len(q))
    wanted = constraints(p, q, *pair)
    if not isinstance(wanted, (list, tuple)):
        raise InputError(
            f"constraints{pair} must return a list of cvxpy constraints, found {type(wanted).__name__}",
            argument="constraints",
            index=pair,
            value=wanted,
        )
    program = cp.Problem(cp.Minimize(unit @ p), [p >= 0, cp.sum(p) == 1, *wanted])
    if not program.is_dcp():
        raise InputError(
            f"constraints{pair} are not convex by cvxpy's rules (disciplined convex programming)",
            argument="constraints",
            index=pair,
        )
    settings = {"tol_gap_abs": TOLERANCE, "tol_gap_rel": TOLERANCE, "tol_feas": TOLERANCE, "accept_unknown": True}

    def solve(z: Floats) -> tuple[Floats, float]:
        lowest = float(np.min(z))
        spread = float(np.max(z)) - lowest
        unit.value = (z - lowest) / spread if spread > 0.0 else np.zeros(len(z))
        try:
            data, chain, inverse = program.get_problem_data(cp.CLARABEL, solver_opts=settings)
            raw = chain.solve_via_data(program, data, solver_opts=settings)
            with warnings.catch_warnings():
                # an answer short of the tolerance is no news: the gap says how short
                warnings.simplefilter("ignore")
                program.unpack_results(raw, chain, inverse)
        except cp.error.SolverError as error:
            raise MDPKitError(f"Clarabel failed on the inner problem of pair {pair}: {error}") from error
        if program.status in ("infeasible", "infeasible_inaccurate"):
            raise InfeasibleError(
                f"constraints{pair} admit no distribution over the allowed successors",
                argument="constraints",
                index=pair,
            )
        if p.value is None:
            raise MDPKitError(f"Clarabel stopped on the inner problem of pair {pair} with status {program.status!r}")
        row = np.maximum(p.value, 0.0)
        row /= np.sum(row)
        gap = abs(raw.obj_val - raw.obj_val_dual) + raw.r_prim + raw.r_dual + float(np.sum(np.abs(row - p.value)))
        return row, spread * gap

    return solve


def build(problem: RobustMDP, model: TabularMDP, uncertainty: ConvexSet, sign: float) -> Inner:
    """Return the inner problem of a general convex set."""
    rows = allowed_rows(model, uncertainty.support, problem.transition_rewards)
    return ConvexInner(rows, problem.gamma, sign, uncertainty.constraints, model.pair_state, model.pair_action)
