"""Bad input raises at once: a subclass of `MDPKitError` that is a `ValueError` and names the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mdpkit
from mdpkit import TabularMDP, errors
from mdpkit.planning import bellman_residual, evaluate_policy, greedy_policy, occupancy_measure, q_values, solve, verify

RIVER = mdpkit.problems.river_swim(6, gamma=0.95)
STORE = mdpkit.problems.inventory(gamma=0.9)  # action sets differ by state
SHORT = RIVER.with_horizon(3)
SOLVED = solve(RIVER)
NAN = float("nan")

CASES: dict[str, tuple[type[errors.InputError], str, str | None, Callable[[], Any]]] = {
    "gamma None": (
        errors.DiscountError,
        r"with_discount.*with_horizon",
        "gamma",
        lambda: solve(RIVER.with_discount(None)),
    ),
    "gamma 1": (errors.DiscountError, "found gamma = 1.0", "gamma", lambda: solve(RIVER.with_discount(1.0))),
    "gamma None, evaluate": (
        errors.DiscountError,
        "with_discount",
        "gamma",
        lambda: evaluate_policy(RIVER.with_discount(None), [1] * 6),
    ),
    "gamma 1, occupancy": (
        errors.DiscountError,
        "with_discount",
        "gamma",
        lambda: occupancy_measure(RIVER.with_discount(1.0), [1] * 6),
    ),
    "gamma None, verify": (
        errors.DiscountError,
        "with_discount",
        "gamma",
        lambda: verify(RIVER.with_discount(None), SOLVED),
    ),
    "method": (errors.UnknownOptionError, "found 'magic'", "method", lambda: solve(RIVER, method="magic")),
    "method without horizon": (
        errors.UnknownOptionError,
        r"mdp\.with_horizon\(H\)",
        "method",
        lambda: solve(RIVER, method="backward_induction"),
    ),
    "method with horizon": (
        errors.UnknownOptionError,
        "backward_induction",
        "method",
        lambda: solve(SHORT, method="value_iteration"),
    ),
    "evaluation method": (
        errors.UnknownOptionError,
        "found 'magic'",
        "method",
        lambda: evaluate_policy(RIVER, [1] * 6, method="magic"),
    ),
    "evaluation method, horizon": (
        errors.UnknownOptionError,
        "found 'magic'",
        "method",
        lambda: evaluate_policy(SHORT, [1] * 6, method="magic"),
    ),
    "misspelt option": (
        errors.UnknownOptionError,
        "no option 'ordr'; it has order",
        "ordr",
        lambda: solve(RIVER, method="gauss_seidel", ordr="forward"),
    ),
    "option of another method": (
        errors.UnknownOptionError,
        "it has none",
        "form",
        lambda: solve(RIVER, method="value_iteration", form="dual"),
    ),
    "option of auto": (errors.UnknownOptionError, "no option 'form'", "form", lambda: solve(RIVER, form="dual")),
    "option with horizon": (errors.UnknownOptionError, "no option 'form'", "form", lambda: solve(SHORT, form="dual")),
    "order": (
        errors.UnknownOptionError,
        "found 'sideways'",
        "order",
        lambda: solve(RIVER, method="gauss_seidel", order="sideways"),
    ),
    "mpi form": (
        errors.UnknownOptionError,
        "found 'x'",
        "form",
        lambda: solve(RIVER, method="modified_policy_iteration", form="x"),
    ),
    "lp form": (
        errors.UnknownOptionError,
        "found 'x'",
        "form",
        lambda: solve(RIVER, method="linear_program", form="x"),
    ),
    "evaluation": (
        errors.UnknownOptionError,
        "found 'x'",
        "evaluation",
        lambda: solve(RIVER, method="policy_iteration", evaluation="x"),
    ),
    "krylov": (
        errors.UnknownOptionError,
        "found 'x'",
        "krylov",
        lambda: solve(RIVER, method="krylov_policy_iteration", krylov="x"),
    ),
    "objective": (errors.UnknownOptionError, "objective 'average'", "objective", lambda: solve(RIVER, "average")),
    "objective, evaluate": (
        errors.UnknownOptionError,
        "'average'",
        "objective",
        lambda: evaluate_policy(RIVER, [1] * 6, "average"),
    ),
    "objective, verify": (errors.UnknownOptionError, "'average'", None, lambda: verify(RIVER, SOLVED, "average")),
    "problem": (errors.UnknownOptionError, "type list; it knows", "problem", lambda: solve([1, 2])),
    "problem, evaluate": (errors.UnknownOptionError, "type list", "problem", lambda: evaluate_policy([1], [0])),
    "problem, verify": (errors.UnknownOptionError, "type list", "problem", lambda: verify([1], SOLVED)),
    **{
        f"tol {tol!r}": (
            errors.InputError,
            "tol must be a positive number",
            "tol",
            lambda tol=tol: solve(RIVER, tol=tol),
        )
        for tol in (0, 0.0, -1, NAN, "x", [1e-3, 1e-3])
    },
    "tol, evaluate": (errors.InputError, "positive number", "tol", lambda: evaluate_policy(RIVER, [1] * 6, tol=0)),
    "tol, horizon": (errors.InputError, "positive number", "tol", lambda: solve(SHORT, tol=-1)),
    **{
        f"max_iter {cap!r}": (
            errors.InputError,
            "max_iter must be a positive integer",
            "max_iter",
            lambda cap=cap: solve(RIVER, max_iter=cap),
        )
        for cap in (0, -3, 1.5, 2.0, True, "3")
    },
    "V0 shape": (errors.ShapeError, r"V0 must have shape \(6,\), found \(5,\)", "V0", lambda: solve(RIVER, V0=[0] * 5)),
    "V0 axes": (errors.ShapeError, r"found \(1, 6\)", "V0", lambda: solve(RIVER, V0=[[0] * 6])),
    "V0 text": (errors.ShapeError, "V0 must be a numeric array", "V0", lambda: solve(RIVER, V0=["x"] * 6)),
    "V0 NaN": (errors.NonFiniteRewardError, r"V0\[2\] = nan", "V0", lambda: solve(RIVER, V0=[0, 0, NAN, 0, 0, 0])),
    "V0 infinite": (
        errors.NonFiniteRewardError,
        r"V0\[1\] = inf",
        "V0",
        lambda: solve(RIVER, V0=[0, np.inf, 0, 0, 0, 0]),
    ),
    "max_iter with horizon": (
        errors.UnknownOptionError,
        "takes no max_iter",
        "max_iter",
        lambda: solve(SHORT, max_iter=3),
    ),
    "V0 with horizon": (errors.UnknownOptionError, "takes no V0", "V0", lambda: solve(SHORT, V0=[0] * 6)),
    "callback with horizon": (
        errors.UnknownOptionError,
        "takes no callback",
        "callback",
        lambda: solve(SHORT, callback=print),
    ),
    "rewards that overflow": (
        errors.NonFiniteRewardError,
        "range of float64",
        "problem",
        lambda: solve(TabularMDP([[[1.0]]], [[-1.5e308]], 0.9)),
    ),
    "rewards that overflow, evaluate": (
        errors.NonFiniteRewardError,
        "range of float64",
        "problem",
        lambda: evaluate_policy(TabularMDP([[[1.0]]], [[1e308]], 0.9), [0]),
    ),
    "policy shape": (errors.ShapeError, r"shape \(4,\)", "policy", lambda: evaluate_policy(STORE, [0] * 5)),
    "policy action": (errors.PolicyError, r"policy\[3\] = 1", "policy", lambda: evaluate_policy(STORE, [0, 0, 0, 1])),
    "policy action negative": (
        errors.PolicyError,
        r"policy\[0\] = -1",
        "policy",
        lambda: evaluate_policy(STORE, [-1, 0, 0, 0]),
    ),
    "policy float": (errors.ShapeError, "found float64", "policy", lambda: evaluate_policy(STORE, [0.0] * 4)),
    "policy sum": (
        errors.PolicyError,
        r"policy\[0\] sums to",
        "policy",
        lambda: evaluate_policy(STORE, np.full((4, 4), 0.1) * STORE.action_mask),
    ),
    "policy on a missing pair": (
        errors.PolicyError,
        "an action the state does not have",
        "policy",
        lambda: evaluate_policy(STORE, np.full((4, 4), 0.25)),
    ),
    "policy NaN": (
        errors.PolicyError,
        "not a probability",
        "policy",
        lambda: evaluate_policy(STORE, np.full((4, 4), NAN)),
    ),
    "policy ragged": (errors.ShapeError, "must be an array", "policy", lambda: evaluate_policy(STORE, [[0], [0, 1]])),
    "plan shape": (
        errors.ShapeError,
        r"\(3, 6\) or \(6,\)",
        "policy",
        lambda: evaluate_policy(SHORT, np.zeros((2, 6), int)),
    ),
    "plan ragged": (errors.ShapeError, "must be an array", "policy", lambda: evaluate_policy(SHORT, [[0], [0, 1]])),
    "plan text": (errors.PolicyError, "dtype", "policy", lambda: evaluate_policy(SHORT, ["left"] * 6)),
    "plan action": (
        errors.PolicyError,
        r"policy\[0\] = 2",
        "policy",
        lambda: evaluate_policy(SHORT, np.full((3, 6), 2)),
    ),
    "no initial": (errors.InputError, "with_initial", "problem", lambda: occupancy_measure(STORE, [0] * 4)),
    "occupancy policy": (
        errors.PolicyError,
        r"policy\[3\]",
        "policy",
        lambda: occupancy_measure(STORE.with_initial(0), [0, 0, 0, 1]),
    ),
    **{
        f"{f.__name__} {what}": (error, pattern, "V", lambda f=f, problem=problem, V=V: f(problem, V))
        for f in (q_values, greedy_policy, bellman_residual)
        for what, error, pattern, problem, V in (
            ("shape", errors.ShapeError, r"\(6,\)", RIVER, [0.0] * 5),
            ("NaN", errors.NonFiniteRewardError, r"V\[0\] = nan", RIVER, [NAN] * 6),
            ("shape with horizon", errors.ShapeError, r"\(4, 6\)", SHORT, np.zeros((3, 6))),
            ("NaN with horizon", errors.NonFiniteRewardError, r"V\[0, 0\] = nan", SHORT, np.full((4, 6), NAN)),
        )
    },
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused(case: str):
    kind, pattern, argument, call = CASES[case]
    with pytest.raises(kind, match=pattern) as found:
        call()
    assert isinstance(found.value, (mdpkit.MDPKitError, ValueError))
    if argument is not None:
        assert found.value.argument == argument


@pytest.mark.parametrize("max_iter", [3, np.int64(3)])
def test_integers_of_any_kind_are_caps(max_iter: Any):
    assert solve(RIVER, tol=10.0, max_iter=max_iter).converged


def test_models_are_not_touched():
    rewards, policy, V0 = np.ones((6, 2)), np.ones(6, dtype=int), np.ones(6)
    model = RIVER.with_rewards(rewards)
    for call in (lambda: solve(model, V0=V0), lambda: evaluate_policy(model, policy)):
        call()
        assert (rewards == 1).all()
        assert (policy == 1).all()
        assert (V0 == 1).all()
        assert rewards.flags.writeable
        assert policy.flags.writeable
        assert V0.flags.writeable
