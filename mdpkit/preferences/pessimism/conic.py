"""The pessimistic program as a second-order cone program, solved by Clarabel through cvxpy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InfeasibleError, MDPKitError, MissingDependencyError
from mdpkit.preferences.pessimism.spaces import PolicySpace
from mdpkit.preferences.rewards import ConfidenceSet

__all__ = ["ConicSolution", "solve_conic"]


@dataclass(frozen=True, eq=False, slots=True)
class ConicSolution:
    """Occupancies ``x`` (None where the feature was given), a split, and a candidate for the worst parameter."""

    x: Floats | None
    second: Floats
    shift: float
    worst: Floats


def solve_conic(region: ConfidenceSet, reference: Floats, target: PolicySpace | Floats, *, ball: bool) -> ConicSolution:
    r"""Maximize ``c_1 . theta_hat - f ||c_1||_{A^{-1}} - B ||c_2||`` over policies and splits of ``u - v``.

    `target` is a set of policies, or one mean feature ``u`` whose inner minimum is wanted. Without `ball` the split is
    trivial, ``c_1 = u - v``.
    """
    try:
        cp: Any = import_module("cvxpy")
    except ImportError as error:
        raise MissingDependencyError("pessimism needs cvxpy: pip install cvxpy") from error
    d = len(reference)
    s, U = region.spectrum()
    u = cp.Variable(d)
    x = None
    if isinstance(target, PolicySpace):
        x = cp.Variable(len(target.features), nonneg=True)
        link = u == target.features.T @ x
        constraints = [link, target.constraints @ x == target.start]
    else:
        link = u == target
        constraints = [link]
    first = u - reference
    second, shift = None, None
    penalty: Any = 0.0
    if ball and region.norm_bound is not None:
        second = cp.Variable(d)
        first, penalty = first - second, region.norm_bound * cp.norm2(second)
    if ball and region.centered:
        shift = cp.Variable()
        first = first - shift * np.ones(d)
    # w has the length ||c_1||_{A^{-1}}; where A is blind c_1 must vanish
    if len(s) > 0:
        w = cp.Variable(len(s))
        penalty = penalty + region.radius * cp.norm2(w)
        constraints.append(cp.multiply(np.sqrt(s), w) == U.T @ first)
    if len(s) < d:
        constraints.append(first - U @ (U.T @ first) == 0)
    program = cp.Problem(cp.Maximize(first @ region.center - penalty), constraints)
    try:
        with warnings.catch_warnings():
            # what an inaccurate answer is worth is decided by its certificate
            warnings.simplefilter("ignore")
            program.solve(solver=cp.CLARABEL)
    except cp.error.SolverError as error:
        raise MDPKitError(f"Clarabel failed on the pessimistic program: {error}") from error
    if program.status in ("infeasible", "infeasible_inaccurate"):
        raise InfeasibleError(
            "lam = 0 and the design is singular: every policy differs from the reference in directions that were never"
            " compared, so nothing can be promised; pass lam > 0 or another reference",
            argument="lam",
        )
    if u.value is None:
        raise MDPKitError(f"Clarabel stopped on the pessimistic program with status {program.status!r}")
    # the multiplier of u is the parameter that the adversary plays; cvxpy multiplies left minus right side by it
    worst = np.asarray(link.dual_value, dtype=np.float64)
    return ConicSolution(
        x=None if x is None else np.asarray(x.value, dtype=np.float64),
        second=np.zeros(d) if second is None else np.asarray(second.value, dtype=np.float64),
        shift=0.0 if shift is None else float(shift.value),
        worst=worst,
    )
