"""Whether finite weights exist: known cases, the flow program as an oracle, and directions checked by planning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit.errors import ConvergenceWarning, MLENotAttainedError
from mdpkit.feedback import EpisodicSimulator, OfflineDataset
from mdpkit.preferences.irl import causal_maxent_irl, maxent_irl
from tests.preferences.irl.support import (
    Case,
    cases,
    dataset,
    deterministic_policies,
    flow_margin,
    mean_features,
    paths,
    soft_policy,
)

PROBLEM = mdpkit.FiniteHorizonMDP(np.ones((1, 2, 1)), np.zeros((1, 2)), horizon=3, initial=0)
COUNT = [[[0.0], [1.0]]]
"""How often action 1 was taken: between 0 and 3 times."""


def best_utility(case: Case, u) -> float:
    """Return ``max_pi u . phi(pi)`` by planning with ``u . phi`` as rewards."""
    rewards = np.where(case.mask, case.features @ u, -np.inf)
    problem = mdpkit.FiniteHorizonMDP(case.P, rewards, gamma=case.gamma, initial=case.initial)
    return float(problem.initial @ mdpkit.solve(problem).V[0])


# ------------------------------------------------------------------ known cases


@pytest.mark.parametrize("front", [maxent_irl, causal_maxent_irl])
@pytest.mark.parametrize(("mean", "where"), [(3.0, "boundary"), (0.0, "boundary"), (3.5, "outside"), (-1.0, "outside")])
def test_counts_that_are_extreme_or_impossible(front, mean, where):
    with pytest.raises(MLENotAttainedError, match=where) as error:
        front(PROBLEM, COUNT, [mean])
    assert error.value.direction.tolist() == [1.0 if mean > 1 else -1.0]
    assert error.value.argument == "demonstrations"
    assert "alpha > 0" in str(error.value)
    assert isinstance(error.value, ValueError)
    assert front(PROBLEM, COUNT, [mean], alpha=0.1).converged


@pytest.mark.parametrize("front", [maxent_irl, causal_maxent_irl])
@pytest.mark.parametrize("off", [1e-12, 1e-6, 1e-3])
def test_close_to_the_boundary(front, off):
    """``3 p = 3 - off``: weights as far as rounding can tell the mean from the boundary, an error beyond."""
    if off < 1e-9:
        with pytest.raises(MLENotAttainedError, match="boundary"):
            front(PROBLEM, COUNT, [3.0 - off])
        return
    fit = front(PROBLEM, COUNT, [3.0 - off])
    assert fit.converged
    # theta = log(p / (1 - p)); the mean itself carries an error of 4e-16 relative to `off`.
    assert fit.theta[0] == pytest.approx(np.log((3.0 - off) / off), rel=1e-9)


@pytest.mark.parametrize("front", [maxent_irl, causal_maxent_irl])
def test_demonstrators_who_never_err(front):
    """All episodes take the best action; the direction is one that their features maximize."""
    data = OfflineDataset([0] * 3 + [1] * 3, [0, 1, 2] * 2, [0] * 6, [1] * 6, [0.0] * 6, [0] * 6)
    with pytest.raises(MLENotAttainedError, match="on the boundary") as error:
        front(PROBLEM, [[[0.0, 1.0], [1.0, 1.0]]], data)
    np.testing.assert_allclose(error.value.direction, [1.0, 0.0], atol=1e-12)


def test_one_demonstration_is_not_enough():
    """A single trajectory is a vertex of what can be achieved, whenever features tell trajectories apart."""
    rng = np.random.default_rng(3)
    case = Case(
        np.eye(3)[rng.integers(3, size=(3, 3, 3))],
        np.ones((3, 3, 3), dtype=bool),
        np.eye(3)[0],
        1.0,
        rng.standard_normal((3, 3, 3, 2)),
        np.zeros(2),
    )
    found = paths(case)
    corner, *others = sorted(found, key=lambda path: path.phi[0], reverse=True)
    with pytest.raises(MLENotAttainedError, match="on the boundary") as error:
        maxent_irl(case.problem, case.features, dataset(case, [corner]))
    u = error.value.direction
    assert u @ corner.phi >= max(u @ path.phi for path in others) - 1e-9
    # Together with all others it lies inside.
    assert maxent_irl(case.problem, case.features, dataset(case, [corner, *others])).converged


def test_samples_of_random_transitions_may_be_impossible():
    """An uncontrolled coin decides a feature: its sample mean is never exactly 1/2 for an odd number of tosses."""
    P = np.full((2, 2, 2), 0.5)
    problem = mdpkit.FiniteHorizonMDP(P, [[1.0, 0.0], [0.0, 1.0]], horizon=2, initial=0)
    features = np.zeros((2, 2, 2, 2))
    features[1, 1, :, 0] = 1.0  # the coin shows state 1
    features[0, :, 1, 1] = 1.0  # action 1 at first
    data = EpisodicSimulator(problem, seed=0).rollout(np.full((2, 2), 0.5), 21)
    with pytest.raises(MLENotAttainedError, match=r"outside of .* \(common for a sample") as error:
        causal_maxent_irl(problem, features, data)
    assert abs(error.value.direction[0]) == pytest.approx(1.0, abs=1e-12)
    fit = causal_maxent_irl(problem, features, data, alpha=1.0)
    share = np.mean(data.action[data.step == 0])
    assert fit.converged
    # The coin's weight balances its luck: alpha theta = n (mean - 1/2). Half of the penalty's pull is on the action's.
    assert fit.theta[0] == pytest.approx(21 * (fit.demonstrated_features[0] - 0.5), rel=1e-9)
    assert 21 * (1 / (1 + np.exp(-fit.theta[1])) - share) + fit.theta[1] == pytest.approx(0.0, abs=1e-9)


def test_constants_must_agree_with_the_horizon():
    features = [[[0.0, 1.0], [1.0, 1.0]]]
    assert maxent_irl(PROBLEM, features, [1.0, 3.0]).rank == 1
    with pytest.raises(MLENotAttainedError, match="outside") as error:
        maxent_irl(PROBLEM, features, [1.0, 2.0])
    np.testing.assert_allclose(error.value.direction, [0.0, -1.0], atol=1e-12)


def test_steps_that_run_out_are_reported():
    with pytest.warns(ConvergenceWarning, match="ran out"):
        fit = maxent_irl(PROBLEM, COUNT, [2.9], max_iter=1)
    assert not fit.converged
    assert fit.status == "max_iter"
    assert fit.iterations == 1


def test_a_tolerance_below_rounding_is_reported():
    """``3 e^x / (1 + e^x) = 0.7123`` has no root among doubles, so no gradient is below 1e-300."""
    with pytest.warns(ConvergenceWarning, match="Rounding stopped"):
        fit = maxent_irl(PROBLEM, COUNT, [0.7123], tol=1e-300)
    assert fit.status == "stalled"
    assert abs(fit.expected_features[0] - 0.7123) < 1e-15


def test_a_fit_that_ran_out_of_steps_is_not_taken_for_a_missing_maximum():
    """The mean is inside, if barely; the flow program says so and the fit goes on."""
    with pytest.warns(ConvergenceWarning, match="ran out"):
        fit = maxent_irl(PROBLEM, COUNT, [3.0 - 1e-4], max_iter=2)
    assert fit.iterations == 2


# ------------------------------------------------------------------ against the flow program


@st.composite
def targets(draw, sure):
    """Draw a case and a mean: of a softmax policy, of few deterministic ones, or anything nearby."""
    case = draw(cases(sure=sure, max_steps=2))
    own = deterministic_policies(case)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["soft", "mixture", "anywhere"]))
    mean = mean_features(case, soft_policy(case, case.theta)[1])
    if kind != "soft":
        chosen = rng.integers(len(own), size=draw(st.integers(1, 4)))
        mean = np.mean([mean_features(case, own[k]) for k in chosen], axis=0)
    if kind == "anywhere":
        mean = mean + rng.integers(-1, 2, size=len(mean)) / 4.0
    return case, mean


@pytest.mark.parametrize("sure", [True, False])
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_flow_program_agrees(sure, data):
    case, mean = data.draw(targets(sure))
    margin = flow_margin(case, mean)
    # What the oracle cannot tell from zero at the feasibility tolerance of HiGHS, 1e-7, is left out.
    assume(margin is None or margin > 1e-5 or margin < 1e-9)
    front = maxent_irl if sure else causal_maxent_irl
    if margin is not None and margin > 1e-5:
        fit = front(case.problem, case.features, mean)
        assert fit.converged
        np.testing.assert_allclose(fit.expected_features, mean, atol=1e-10)
        return
    with pytest.raises(MLENotAttainedError) as error:
        front(case.problem, case.features, mean)
    u = error.value.direction
    assert np.linalg.norm(u) == pytest.approx(1.0)
    best = best_utility(case, u)
    if margin is None:
        assert "outside" in str(error.value)
        assert u @ mean > best
    else:
        assert "boundary" in str(error.value)
        assert u @ mean == pytest.approx(best, abs=1e-7)
        # It is not a direction that nobody can influence.
        assert best + best_utility(case, -u) > 1e-6
