"""`RobustMDP` and `ModelSet`: what they accept, what they refuse and in which words."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import mdpkit
from mdpkit.errors import DiscountError, InputError, ShapeError, UnknownOptionError
from mdpkit.models import (
    CVaRSet,
    FiniteHorizonMDP,
    FiniteSet,
    IntervalSet,
    KLBall,
    L1Ball,
    ModelSet,
    RobustMDP,
    TabularMDP,
    WassersteinBall,
)

P = np.array([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
R = np.array([[1.0, 2.0], [0.0, -1.0]])
MDP = TabularMDP(P, R, gamma=0.9, state_names=["a", "b"])


def test_it_shows_what_it_is_made_of() -> None:
    problem = RobustMDP(MDP, L1Ball(0.1), nature="cooperative")
    assert (problem.n_states, problem.n_actions, problem.gamma) == (2, 2, 0.9)
    assert problem.stages == (MDP,)
    assert problem.sets == (problem.uncertainty,)
    assert problem.state_names == ("a", "b")
    assert repr(problem) == "RobustMDP(TabularMDP of 2 states and 2 actions, L1Ball(0.1), sa-rectangular, cooperative)"


def test_it_is_immutable_and_survives_pickling() -> None:
    problem = RobustMDP(MDP, L1Ball([[0.1, 0.2], [0.0, 0.3]], support="all"))
    with pytest.raises(AttributeError, match="immutable"):
        problem.nature = "cooperative"
    with pytest.raises(AttributeError, match="immutable"):
        problem.uncertainty.radius = 2.0  # type: ignore[union-attr]
    again = pickle.loads(pickle.dumps(problem))
    np.testing.assert_array_equal(mdpkit.solve(again).V, mdpkit.solve(problem).V)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "sentence"),
    [
        ((MDP, L1Ball(0.1)), {"rectangularity": "r"}, UnknownOptionError, "rectangularity must be sa or s, found 'r'"),
        ((MDP, L1Ball(0.1)), {"nature": "evil"}, UnknownOptionError, "nature must be adversarial or cooperative"),
        ((P, L1Ball(0.1)), {}, InputError, "nominal must be a TabularMDP or a FiniteHorizonMDP, found ndarray"),
        ((MDP.with_discount(None), L1Ball(0.1)), {}, DiscountError, "gamma < 1 .found None., or a horizon"),
        ((MDP.with_discount(1.0), L1Ball(0.1)), {}, DiscountError, "found 1.0"),
        ((MDP, 0.1), {}, InputError, "uncertainty must be an uncertainty set such as"),
        ((MDP, [L1Ball(0.1)]), {}, InputError, "uncertainty must be an uncertainty set"),
        ((MDP.with_horizon(3), [L1Ball(0.1)] * 2), {}, ShapeError, "3 sets, one per step, found 2"),
        ((MDP.with_horizon(2), [L1Ball(0.1), 3]), {}, InputError, r"uncertainty\[1\] = 3"),
        ((MDP, CVaRSet(0.5)), {"rectangularity": "s"}, UnknownOptionError, "CVaRSet has no s-rectangular form; L1Ball"),
        (
            (MDP, WassersteinBall(0.1, np.ones((2, 2)) - np.eye(2))),
            {"rectangularity": "s"},
            UnknownOptionError,
            "WassersteinBall has no s-rectangular form",
        ),
        ((MDP, L1Ball(np.ones((2, 2)))), {"rectangularity": "s"}, ShapeError, "one budget per state"),
        ((MDP, L1Ball(np.ones(3))), {}, ShapeError, r"radius must be a scalar or have shape \(2,\), \(2, 2\)"),
        ((MDP, L1Ball(0.1)), {"transition_rewards": np.ones((2, 2))}, ShapeError, r"shape \(2, 2, 2\), found \(2, 2\)"),
        ((MDP, L1Ball(0.1)), {"transition_rewards": np.full((2, 2, 2), np.nan)}, InputError, r"\[0, 0, 0\] = nan"),
    ],
)
def test_bad_input(arguments: Any, options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        RobustMDP(*arguments, **options)


def test_rewards_that_cannot_be_known_are_asked_for() -> None:
    """Nature may move from state 0 to state 1, which the nominal model never does: what does that pay?"""
    entry = np.array([[[1.0, 5.0]], [[0.0, 2.0]]])
    mdp = TabularMDP([[[1.0, 0.0]], [[0.5, 0.5]]], entry, gamma=0.5)
    with pytest.raises(InputError, match="transition_rewards"):
        mdpkit.solve(RobustMDP(mdp, L1Ball(0.2, support="all")))
    told = RobustMDP(mdp, L1Ball(0.2, support="all"), transition_rewards=entry)
    # moving to state 1 would pay 5 more at once and cost less than that later: nature stays in 0, for 1 per step
    assert mdpkit.solve(told).V[0] == pytest.approx(2.0)
    wrong = RobustMDP(mdp, L1Ball(0.2, support="all"), transition_rewards=entry + 1.0)
    with pytest.raises(InputError, match=r"transition_rewards\[0, 0\] average to 2.0 .* is 1.0"):
        mdpkit.solve(wrong)


def test_a_horizon_may_have_gamma_one_and_a_set_per_step() -> None:
    problem = RobustMDP(MDP.with_horizon(2), [L1Ball(0.0), KLBall(0.1)])
    assert isinstance(problem.nominal, FiniteHorizonMDP)
    assert repr(problem).startswith("RobustMDP(FiniteHorizonMDP of 2 states and 2 actions, 2 sets")
    assert mdpkit.solve(problem).V.shape == (3, 2)


def test_model_sets() -> None:
    other = TabularMDP(P[:, ::-1], R, gamma=0.9)
    models = ModelSet([MDP, other])
    assert len(models) == 2
    assert models[1] is other
    assert list(models) == [MDP, other]
    assert repr(models) == "ModelSet(2 models of 2 states and 2 actions, gamma=0.9)"
    hull = models.rectangular_hull()
    assert isinstance(hull.uncertainty, FiniteSet)
    # nature may pick either row of every pair: the agent is as if both actions had the worse row
    least = np.minimum(mdpkit.solve(MDP).upper, mdpkit.solve(other).upper)
    assert (mdpkit.solve(hull).lower <= least).all()


def test_bad_model_sets() -> None:
    with pytest.raises(InputError, match="at least one"):
        ModelSet([])
    with pytest.raises(InputError, match=r"models\[1\] is a str"):
        ModelSet([MDP, "model"])  # type: ignore[list-item]
    with pytest.raises(DiscountError, match=r"models\[1\] has gamma = 0.5"):
        ModelSet([MDP, MDP.with_discount(0.5)])
    with pytest.raises(ShapeError, match=r"models\[1\] has other states or actions"):
        ModelSet([MDP, TabularMDP(P[:, :1], R[:, :1], gamma=0.9)])
    with pytest.raises(InputError, match=r"models\[1\] has other rewards"):
        ModelSet([MDP, MDP.with_rewards(R + 1)]).rectangular_hull()


def test_an_interval_set_warns_about_a_nominal_row_outside_of_it() -> None:
    with pytest.warns(UserWarning, match="outside its interval set"):
        RobustMDP(MDP, IntervalSet(np.full((2, 2, 2), 0.3), np.full((2, 2, 2), 0.7)))


def test_the_candidates_of_a_finite_set_can_be_read_back() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(2), size=(2, 2, 3))
    np.testing.assert_array_equal(FiniteSet(rows).rows, rows)
    np.testing.assert_array_equal(FiniteSet(rows[0, 0]).rows, rows[0, 0])
    blocks = [sp.csr_array(rows[:, :, k].reshape(4, 2)) for k in range(3)]
    for given, read in zip(blocks, FiniteSet(blocks).rows, strict=True):
        np.testing.assert_array_equal(read.toarray(), given.toarray())
