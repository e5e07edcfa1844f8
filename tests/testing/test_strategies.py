"""The strategies draw what they promise, and shrink to something one can read.

`find` runs with ``derandomize=True``: what it finds, it finds every time. How often things are drawn is measured on a
fixed sample of examples and asserted with a wide margin.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import mdpkit
from mdpkit import FiniteHorizonMDP, TabularMDP, problems
from mdpkit.errors import InputError
from mdpkit.testing import (
    finite_horizon_mdps,
    linear_mdps,
    offline_datasets,
    policies,
    preference_data,
    tabular_mdps,
    value_functions,
)

FIXED = settings(derandomize=True, database=None, max_examples=400, deadline=None)
FOUND = settings(FIXED, phases=[Phase.generate])
"""Where it matters that something is drawn, not what it shrinks to."""


def matrix(mdp: TabularMDP) -> np.ndarray:
    return mdp.rows.csr().toarray()


def terminal(mdp: TabularMDP) -> np.ndarray:
    """States whose only pair is a self-loop with reward 0."""
    alone = np.diff(mdp.state_ptr) == 1
    first = mdp.state_ptr[:-1]
    stays = matrix(mdp)[first, np.arange(mdp.n_states)] == 1.0
    return alone & stays & (mdp.pair_reward[first] == 0.0)


def absorbing(mdp: TabularMDP) -> np.ndarray:
    """States that no action leaves."""
    stays = matrix(mdp)[np.arange(mdp.n_pairs), mdp.pair_state] == 1.0
    return np.logical_and.reduceat(stays, mdp.state_ptr[:-1])


def has_duplicate_actions(mdp: TabularMDP) -> bool:
    """Two actions of one state with the same row and reward, not both a self-loop."""
    P = matrix(mdp)
    return any(
        mdp.pair_state[k] == mdp.pair_state[k - 1]
        and np.array_equal(P[k], P[k - 1])
        and mdp.pair_reward[k] == mdp.pair_reward[k - 1]
        and P[k, mdp.pair_state[k]] < 1.0
        for k in range(1, mdp.n_pairs)
    )


FEATURES = {
    "terminal state among others": lambda m: m.n_states > 1 and terminal(m).any() and not terminal(m).all(),
    "absorbing state with a reward": lambda m: (absorbing(m) & (m.pair_reward[m.state_ptr[:-1]] != 0)).any(),
    "duplicate actions": has_duplicate_actions,
    "differing action sets": lambda m: len(set(np.diff(m.state_ptr))) > 1,
    "a gap in the action ids": lambda m: (np.diff(m.action_mask.astype(int), axis=1) > 0).any(),
    "almost sure row": lambda m: ((matrix(m) > 0) & (matrix(m) < 1e-8)).any(),
    "zero entries": lambda m: ((matrix(m) == 0).any(axis=1) & (matrix(m) < 1).all(axis=1)).any(),
    "gamma zero": lambda m: m.gamma == 0.0,
    "gamma almost one": lambda m: m.gamma == 0.999,
    "random rewards": lambda m: m.has_random_rewards,
    "tie between different rows": lambda m: (
        m.n_pairs > 1
        and any(
            m.pair_state[k] == m.pair_state[k - 1]
            and m.pair_reward[k] == m.pair_reward[k - 1]
            and not np.array_equal(matrix(m)[k], matrix(m)[k - 1])
            for k in range(1, m.n_pairs)
        )
    ),
    "sparse storage": lambda m: type(m.rows).__name__ == "SparseRows" and m.n_states < 4,
    "dense storage": lambda m: type(m.rows).__name__ == "DenseRows",
    "largest sizes": lambda m: (m.n_states, m.n_actions) == (5, 3),
}


@pytest.fixture(scope="module")
def sample() -> list[TabularMDP]:
    """400 models, the same every time."""
    drawn: list[TabularMDP] = []

    @settings(FIXED, suppress_health_check=list(HealthCheck))
    @given(tabular_mdps())
    def collect(mdp: TabularMDP) -> None:
        drawn.append(mdp)

    collect()
    return drawn


@pytest.mark.parametrize("feature", FEATURES)
def test_irregularities_are_drawn_often(sample, feature):
    """At least one model in fifty: the default 100 examples of a hypothesis test see it."""
    assert np.mean([bool(FEATURES[feature](mdp)) for mdp in sample]) >= 0.02


@pytest.mark.parametrize("feature", ["terminal state among others", "duplicate actions", "almost sure row"])
def test_features_shrink_to_two_states(feature):
    mdp = find(tabular_mdps(), FEATURES[feature], settings=FIXED)
    assert mdp.n_states == 2
    assert mdp.n_pairs <= 4


def test_simplest_model():
    mdp = find(tabular_mdps(), lambda _: True, settings=FIXED)
    assert (mdp.n_states, mdp.n_pairs, mdp.reward(0, 0)) == (1, 1, 0.0)


def test_reward_shrinks_to_one():
    mdp = find(tabular_mdps(random_rewards=False), lambda m: (m.pair_reward > 0).any(), settings=FIXED)
    assert (mdp.n_states, mdp.pair_reward.tolist(), mdp.gamma) == (1, [1.0], 0.5)


@given(tabular_mdps())
def test_probabilities_are_eighths_or_nearly_degenerate(mdp):
    """Dyadic, so exact: an entry is k/8, or 1e-9, or the rest; every row sums to one."""
    P = matrix(mdp)
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=0, atol=1e-15)
    near = np.minimum(P, 1 - P)
    assert ((np.round(P * 8) == P * 8) | (np.abs(near - 1e-9) < 1e-15)).all()
    assert 1 <= mdp.n_states <= 5
    assert 1 <= mdp.n_actions <= 3


@given(tabular_mdps(max_states=2, max_actions=1, gammas=[None, 1.0], rewards=[7], random_rewards=False))
def test_options_are_respected(mdp):
    assert mdp.n_states <= 2
    assert mdp.n_actions == 1
    assert mdp.gamma in (None, 1.0)
    assert set(mdp.pair_reward) <= {7.0, 0.0}
    assert terminal(mdp)[mdp.pair_state[mdp.pair_reward == 0.0]].all()
    assert not mdp.has_random_rewards


def test_random_rewards_on_request():
    """The same successor with two rewards, which only outcomes can hold."""

    def two_rewards(mdp: TabularMDP) -> bool:
        outcomes = mdp.outcomes
        places = list(zip(outcomes.pair.tolist(), outcomes.successor.tolist(), strict=True))
        return len(set(places)) < len(places)

    mdp = find(tabular_mdps(random_rewards=True), two_rewards, settings=FIXED)
    assert mdp.n_states == 1
    assert sorted(mdp.outcomes.reward.tolist()) == [0.0, 1.0]


@pytest.mark.parametrize("random_rewards", [False, True])
def test_a_failing_example_prints_its_source(random_rewards):
    """The note of the failing example builds the same model again."""

    @settings(FIXED)
    @given(tabular_mdps(random_rewards=random_rewards))
    def fails(mdp: TabularMDP) -> None:
        if mdp.n_pairs >= 3 and len(set(mdp.outcomes.reward)) > 1 and mdp.has_random_rewards == random_rewards:
            raise ArithmeticError(mdp)

    with pytest.raises(ArithmeticError) as caught:
        fails()
    source = [line for note in caught.value.__notes__ for line in note.splitlines() if line.startswith("TabularMDP.")]
    assert len(source) == 1
    built, drawn = eval(source[0], vars(mdpkit)), caught.value.args[0]
    assert built.gamma == drawn.gamma
    for name in ("pair", "prob", "reward", "successor"):
        np.testing.assert_array_equal(getattr(built.outcomes, name), getattr(drawn.outcomes, name))


# ---------------------------------------------------------------- finite horizon, policies, values


@given(finite_horizon_mdps(), st.data())
def test_finite_horizon(problem, data):
    assert 1 <= problem.horizon <= 4
    assert all(stage.n_actions == problem.n_actions for stage in problem.stages)
    policy = data.draw(policies(problem, stochastic=False))
    assert policy.shape == (problem.horizon, problem.n_states)
    for stage, actions in zip(problem.stages, policy, strict=True):
        assert stage.action_mask[np.arange(stage.n_states), actions].all()
    table = data.draw(policies(problem, stochastic=True))
    assert table.shape == (problem.horizon, problem.n_states, problem.n_actions)
    assert (table.sum(axis=2) == 1.0).all()
    assert data.draw(value_functions(problem)).shape == (problem.horizon + 1, problem.n_states)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda p: not p.is_homogeneous,
        lambda p: p.is_homogeneous and p.horizon > 1,
        lambda p: p.terminal_values.any(),
        lambda p: len({tuple(stage.action_mask.ravel()) for stage in p.stages}) > 1,
    ],
    ids=["changes with time", "homogeneous", "terminal values", "action sets change"],
)
def test_finite_horizon_kinds(wanted):
    assert isinstance(find(finite_horizon_mdps(), wanted, settings=FOUND), FiniteHorizonMDP)


@given(tabular_mdps(), st.data())
def test_policies_use_what_a_state_has(mdp, data):
    policy = data.draw(policies(mdp))
    if policy.dtype.kind == "i":
        assert policy.shape == (mdp.n_states,)
        assert mdp.action_mask[np.arange(mdp.n_states), policy].all()
    else:
        assert (policy[~mdp.action_mask] == 0.0).all()
        assert (policy.sum(axis=1) == 1.0).all()
        mdp.under_policy(policy)  # the models' own check of policies agrees
    values = data.draw(value_functions(mdp))
    assert values.shape == (mdp.n_states,)
    assert np.isfinite(values).all()


def test_policy_kinds():
    mdp = problems.two_state()
    for kind in ("i", "f"):
        find(policies(mdp), lambda policy, kind=kind: policy.dtype.kind == kind, settings=FOUND)
    mixed = find(policies(mdp, stochastic=True), lambda policy: 0 < policy[0, 0] < 1, settings=FIXED)
    assert mixed.tolist() == [[7 / 8, 1 / 8], [1.0, 0.0]]


# ---------------------------------------------------------------- preferences and linear models


@given(st.integers(2, 5).flatmap(lambda n: st.tuples(st.just(n), preference_data(n, max_count=3))))
def test_preference_data(drawn):
    n_items, data = drawn
    assert data.n_items == n_items
    winners, losers, counts = data.winners, data.losers, data.weights
    assert len(winners) == len(losers) == len(counts) >= 1
    assert (winners != losers).all()
    assert min(winners.min(), losers.min()) >= 0
    assert max(winners.max(), losers.max()) < n_items
    assert counts.min() >= 1
    assert counts.max() <= 3


@pytest.mark.parametrize(
    "wanted",
    [
        lambda w, lo, _: {(0, 1), (1, 0)} <= set(zip(w.tolist(), lo.tolist(), strict=True)),
        lambda w, lo, _: set(w.tolist()).isdisjoint(lo.tolist()),
        lambda w, lo, _: len(set(zip(w.tolist(), lo.tolist(), strict=True))) < len(w),
        lambda w, lo, _: len({*w.tolist(), *lo.tolist()}) == 4,
    ],
    ids=["both orders", "never both", "listed twice", "every item"],
)
def test_preference_kinds(wanted):
    found = find(preference_data(4), lambda data: wanted(data.winners, data.losers, data.weights), settings=FIXED)
    assert len(found.winners) <= 3


@given(linear_mdps())
def test_linear_mdps(model):
    P, r = model.phi @ model.mu, model.phi @ model.theta
    assert (P >= 0).all()
    assert (P.sum(axis=-1) == 1.0).all()  # sums of multiples of 1/64 are exact
    assert ((r >= 0) & (r <= 1)).all()
    np.testing.assert_array_equal(model.tabular().rewards, r)


@given(st.data())
def test_offline_datasets(data):
    mdp = data.draw(st.one_of(tabular_mdps(max_states=3), finite_horizon_mdps(max_states=3)))
    drawn = data.draw(offline_datasets(mdp))
    assert 1 <= drawn.n_episodes <= 4
    counts = drawn.counts()
    assert counts.sum() == len(drawn) >= 1
    stages = [mdp] if isinstance(mdp, TabularMDP) else mdp.stages
    possible = sum(np.stack([[_law(m, s, a) for a in range(m.n_actions)] for s in range(m.n_states)]) for m in stages)
    assert np.all(counts[possible == 0] == 0)


def _law(model, s, a):
    return model.transition(s, a) if model.action_mask[s, a] else np.zeros(model.n_states)


def test_rank_deficient_features():
    def deficient(model) -> bool:
        phi, theta = model.phi, model.theta
        return np.linalg.matrix_rank(phi.reshape(-1, len(theta))) < len(theta) <= phi.shape[0] * phi.shape[1]

    assert find(linear_mdps(), deficient, settings=FOUND)


# ---------------------------------------------------------------- bad input, and no hypothesis at all


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: tabular_mdps(max_states=0), "max_states"),
        (lambda: tabular_mdps(max_actions=1.5), "max_actions"),
        (lambda: tabular_mdps(gammas=[]), "gammas"),
        (lambda: tabular_mdps(rewards=[]), "rewards"),
        (lambda: tabular_mdps(rewards=[1, float("nan")]), "rewards"),
        (lambda: finite_horizon_mdps(max_horizon=0), "max_horizon"),
        (lambda: preference_data(1), "n_items"),
        (lambda: linear_mdps(max_features=0), "max_features"),
    ],
)
def test_bad_input(call, argument):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.argument == argument


def test_without_hypothesis():
    """The assertions work; asking for a strategy says what to install."""
    program = """
import sys
sys.modules["hypothesis"] = None
import mdpkit.testing
from mdpkit.errors import MissingDependencyError
assert mdpkit.testing.minimum_trials(0.1) == 441
mdpkit.testing.assert_rate([1, 10, 100, 1000], [1, 10, 100, 1000], 1, tolerance=0.1)
for name in ("tabular_mdps", "policies", "register_profiles"):
    try:
        getattr(mdpkit.testing, name)()
    except MissingDependencyError as error:
        assert "mdpkit[test]" in str(error), error
    else:
        raise SystemExit(name)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
