"""`iwocs` refuses what it cannot do, names the argument, and says what is available instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mdpkit.errors import InputError, NotStochasticError, ShapeError, StateIndexError, UnknownOptionError
from mdpkit.models import IntervalSet, L1Ball, ModelSet, RobustMDP, TabularMDP
from mdpkit.problems import river_swim
from mdpkit.problems.robust import iwocs_stall, modular
from mdpkit.robust import MonteCarlo, iwocs

MDP = river_swim(4, gamma=0.9)
SET = ModelSet([MDP, river_swim(4, gamma=0.9, up=0.2)])


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        (RobustMDP(MDP, L1Ball(0.1), rectangularity="s"), "may randomize"),
        (RobustMDP(MDP, L1Ball(0.1), nature="cooperative"), "cooperative"),
        (RobustMDP(MDP.with_horizon(3), L1Ball(0.1)), "backward induction"),
        (MDP, "found TabularMDP"),
    ],
)
def test_problems_without_such_an_iteration(problem: Any, hint: str) -> None:
    with pytest.raises(InputError, match=hint) as error:
        iwocs(problem)
    assert error.value.argument == "problem"


@pytest.mark.parametrize(
    ("problem", "options", "kind", "argument"),
    [
        (SET, {"policy_step": "max_q"}, UnknownOptionError, "policy_step"),
        (SET, {"off_policy": "drop"}, UnknownOptionError, "off_policy"),
        (SET, {"worst_case": "sampled"}, UnknownOptionError, "worst_case"),
        (iwocs_stall(), {"worst_case": "enumerate"}, UnknownOptionError, "worst_case"),
        (iwocs_stall(), {"worst_case": MonteCarlo()}, UnknownOptionError, "worst_case"),
        (SET, {"initial_state": 4}, StateIndexError, "initial_state"),
        (SET, {"initial_state": "nowhere"}, StateIndexError, "initial_state"),
        (SET, {"initial_state": [0.5, 0.5]}, ShapeError, "initial_state"),
        (SET, {"initial_state": [0.5, 0.5, 0.5, 0.0]}, NotStochasticError, "initial_state"),
        (SET, {"initial_state": [1.5, -0.5, 0.0, 0.0]}, NotStochasticError, "initial_state"),
        (SET, {"initial_state": None}, ShapeError, "initial_state"),
        (SET, {"tol": 0.0}, InputError, "tol"),
        (SET, {"tol": float("nan")}, InputError, "tol"),
        (SET, {"max_iter": 0}, InputError, "max_iter"),
        (SET, {"first_model": 2}, InputError, "first_model"),
        (SET, {"first_model": "calm"}, InputError, "first_model"),
        (SET, {"first_model": river_swim(4, gamma=0.9, up=0.3)}, InputError, "first_model"),
        (SET, {"first_model": river_swim(5, gamma=0.9)}, InputError, "first_model"),
        (iwocs_stall(), {"first_model": 0}, InputError, "first_model"),
        (iwocs_stall(), {"first_model": MDP}, ShapeError, "first_model"),
    ],
)
def test_options(problem: Any, options: dict[str, Any], kind: type[Exception], argument: str) -> None:
    with pytest.raises(kind) as error:
        iwocs(problem, **options)
    assert isinstance(error.value, InputError)
    assert error.value.argument == argument


@pytest.mark.parametrize(
    ("numbers", "argument"),
    [
        ({"n_rollouts": 1}, "n_rollouts"),
        ({"max_steps": 0}, "max_steps"),
        ({"standard_errors": -1.0}, "standard_errors"),
        ({"standard_errors": float("nan")}, "standard_errors"),
        ({"seed": None}, "seed"),
    ],
)
def test_roll_outs(numbers: dict[str, Any], argument: str) -> None:
    with pytest.raises(InputError) as error:
        MonteCarlo(**numbers)
    assert error.value.argument == argument


def test_first_models_outside_of_the_set() -> None:
    """Such a model would give an upper bound that is none."""
    problem = iwocs_stall()
    nominal = problem.nominal
    assert isinstance(nominal, TabularMDP)
    P = np.array([[nominal.transition(s, a) for a in range(2)] for s in range(3)])

    def changed(s: int, a: int, row: list[float]) -> TabularMDP:
        rows = P.copy()
        rows[s, a] = row
        return TabularMDP(rows, nominal.rewards, 0.9)

    with pytest.raises(InputError, match="successor") as error:
        iwocs(problem, first_model=changed(0, 1, [0.0, 1.0, 0.0]))
    assert error.value.index == (0, 1)
    with pytest.raises(InputError, match="another reward") as error:
        iwocs(problem, first_model=nominal.with_rewards(nominal.rewards + np.array([[0, 0], [0, 1], [0, 0]])))
    assert error.value.index == (1, 1)
    ball = RobustMDP(modular(), L1Ball(0.2))
    center = modular()
    far = np.array([[center.transition(s, a) for a in range(3)] for s in range(5)])
    far[2, 1] = far[2, 1] * 0.8 + 0.2 * np.eye(5)[int(np.argmin(far[2, 1]))]
    with pytest.raises(InputError, match="outside of the uncertainty set") as error:
        iwocs(
            RobustMDP(center.with_rewards(np.zeros((5, 3)) + np.arange(5)[:, None]), L1Ball(0.1)),
            first_model=TabularMDP(far, np.zeros((5, 3)) + np.arange(5)[:, None], 0.9),
        )
    assert error.value.index == (2, 1)
    # a member other than the nominal model is welcome
    near = 0.95 * np.array([[center.transition(s, a) for a in range(3)] for s in range(5)]) + 0.05 * np.eye(5)[0]
    rewards = [[[((2 * s + 3 * a) % 5) - 1 + t / 5 for t in range(5)] for a in range(3)] for s in range(5)]
    assert iwocs(ball, first_model=TabularMDP(near, rewards, 0.9)).converged


def test_sets_that_miss_their_nominal_model_start_elsewhere() -> None:
    """The nominal row (0.5, 0.5) is outside of the intervals, so it must not give an upper bound."""
    nominal = TabularMDP(np.full((2, 1, 2), 0.5), [[1.0], [0.0]], 0.9)
    with pytest.warns(UserWarning, match="nominal"):
        problem = RobustMDP(nominal, IntervalSet([0.0, 0.7], [0.2, 1.0]))
    result = iwocs(problem)
    assert result.status == "certified"
    # nature stays in state 1: only the first step pays
    assert result.value == pytest.approx(1.0, abs=1e-9)
    assert result.models[0].transition(0, 0)[0] <= 0.2 + 1e-12
