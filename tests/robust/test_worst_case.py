"""`worst_case`, `worst_kernel` and `evaluate_robust`: numbers of the literature, saddle points, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import InputError, NotStochasticError, PolicyError, ShapeError
from mdpkit.models import (
    ChiSquareBall,
    Contamination,
    CVaRSet,
    FiniteSet,
    IntervalSet,
    KLBall,
    L1Ball,
    L2Ball,
    LinfBall,
    ReverseKLBall,
    RobustMDP,
    UncertaintySet,
    WassersteinBall,
)
from mdpkit.robust import evaluate_robust, worst_case, worst_kernel

Z, Q = [1.0, 2.0, 5.0, 4.0], [0.4, 0.3, 0.1, 0.2]
LINE = np.abs(np.subtract.outer(range(4), range(4))).astype(float)


@pytest.mark.parametrize(
    ("uncertainty", "value"),
    [
        (L1Ball(0.0), 2.3),
        (L1Ball(0.3), 1.75),
        (L1Ball(1.0), 1.1),
        (L1Ball(2.0), 1.0),
        (L1Ball(0.3, weights=[1, 2, 0.5, 1]), 1.675),
        (LinfBall(0.15), 1.55),
        (L2Ball(0.2), 61 / 30 - np.sqrt(28 / 225)),
        (KLBall(0.1), 1.7096202896088),
        (ReverseKLBall(0.1), 1.7446674605227),
        (ReverseKLBall(0.5), 1.2957160991381),
        (ChiSquareBall(0.2), 1.6659653006341),
        (WassersteinBall(0.3, LINE), 1.8),
        (Contamination(0.15), 2.105),
        (CVaRSet(0.25), 1.0),
        (FiniteSet([Q, [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 0.0, 0.0]]), 1.5),
    ],
    ids=repr,
)
def test_one_inner_problem_of_every_family(uncertainty: UncertaintySet, value: float) -> None:
    """Spec 6.1; the finite set by hand: min(2.3, 4.5, 1.5)."""
    found, row = worst_case(Z, Q, uncertainty)
    assert found == pytest.approx(value, abs=2e-12)
    assert row @ Z == pytest.approx(found, abs=1e-12)
    assert row.sum() == pytest.approx(1.0, abs=1e-12)
    assert row.min() >= 0.0


def test_intervals_both_ways() -> None:
    """Spec 6.1: 17/10 and 27/10; 3/2 and 17/10 (a peer's unit test)."""
    wide = IntervalSet([0, 0.1, 0.2], [0.5, 0.6, 0.7])
    narrow = IntervalSet([0.5, 0.3, 0.1], [0.7, 0.5, 0.3])
    q, z = [0.4, 0.3, 0.3], [1, 2, 3]
    assert worst_case(z, q, wide)[0] == pytest.approx(1.7)
    assert worst_case(z, q, wide, nature="cooperative")[0] == pytest.approx(2.7)
    q = [0.5, 0.3, 0.2]
    assert worst_case(z, q, narrow)[0] == pytest.approx(1.5)
    assert worst_case(z, q, narrow, nature="cooperative")[0] == pytest.approx(1.7)


def test_states_that_the_nominal_row_never_reaches() -> None:
    """Spec 6.1, Burg: an extra state of payoff 0 costs nothing, and is used from some radius on."""
    z, q = [*Z, 0.0], [*Q, 0.0]
    assert worst_case(z, q, ReverseKLBall(0.5, support="all"))[0] == pytest.approx(1.1573660973313, abs=1e-12)
    assert worst_case(z, q, ReverseKLBall(0.1, support="all"))[0] == pytest.approx(1.7446674605227, abs=1e-12)
    assert worst_case(z, q, L1Ball(0.2, support="all"))[0] == pytest.approx(2.3 - 0.1 * 5.0)


def test_bad_rows() -> None:
    with pytest.raises(NotStochasticError, match="sums to"):
        worst_case(Z, [0.4, 0.3, 0.1, 0.1], L1Ball(0.1))
    with pytest.raises(ShapeError, match="one length"):
        worst_case(Z, Q[:3], L1Ball(0.1))
    with pytest.raises(InputError, match=r"payoff\[1\] = nan"):
        worst_case([1, np.nan, 5, 4], Q, L1Ball(0.1))


MDP = mdpkit.problems.garnet(12, 3, 4, gamma=0.9, seed=3)


def test_evaluation_against_the_worst_of_many_kernels() -> None:
    """No kernel of the set is worse than the certified lower bound, and the worst kernel attains the value."""
    problem = RobustMDP(MDP, L1Ball(0.4))
    policy = mdpkit.solve(MDP).policy
    answer = evaluate_robust(problem, policy)
    worst = worst_kernel(problem, answer.V, policy)
    np.testing.assert_allclose(mdpkit.evaluate_policy(worst, policy).V, answer.V, atol=1e-8)
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(size=12)
        other = worst_kernel(problem, values)
        assert (mdpkit.evaluate_policy(other, policy).upper >= answer.lower).all()


def test_stochastic_policies_mix_the_worst_rows() -> None:
    problem = RobustMDP(MDP, L1Ball(0.4))
    uniform = np.full((12, 3), 1 / 3)
    answer = evaluate_robust(problem, uniform)
    worst = worst_kernel(problem, answer.V, uniform)
    np.testing.assert_allclose(mdpkit.evaluate_policy(worst, uniform).V, answer.V, atol=1e-8)
    deterministic = np.zeros((12, 3))
    deterministic[:, 1] = 1.0
    same = evaluate_robust(problem, np.ones(12, dtype=int))
    np.testing.assert_allclose(evaluate_robust(problem, deterministic).V, same.V, atol=1e-8)


def test_the_loss_of_a_policy_is_bounded() -> None:
    problem = RobustMDP(MDP, L1Ball(0.4))
    best = mdpkit.solve(problem)
    answer = evaluate_robust(problem, np.zeros(12, dtype=int))
    assert answer.quantity == "policy"
    assert (best.V - answer.V).max() <= answer.policy_loss


def test_bad_policies_and_values() -> None:
    problem = RobustMDP(MDP, L1Ball(0.4))
    with pytest.raises(PolicyError, match=r"policy\[3\] = 7"):
        evaluate_robust(problem, [0, 0, 0, 7] + [0] * 8)
    with pytest.raises(ShapeError, match="policy"):
        evaluate_robust(problem, np.zeros((12, 2)))
    with pytest.raises(PolicyError, match=r"policy\[0\] sums to"):
        evaluate_robust(problem, np.full((12, 3), 0.5))
    with pytest.raises(ShapeError, match=r"V must have shape \(12,\)"):
        worst_kernel(problem, np.zeros(11))
    horizon = RobustMDP(MDP.with_horizon(3), L1Ball(0.4))
    with pytest.raises(ShapeError, match=r"V must have shape \(4, 12\)"):
        worst_kernel(horizon, np.zeros(12))
