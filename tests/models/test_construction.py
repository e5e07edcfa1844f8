"""Every way to write a model down gives the same model; conversions lose nothing and share what they can."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mdpkit import FiniteHorizonMDP, TabularMDP
from mdpkit.models.rows import DenseRows

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5)


def random_rows(rng, n, m):
    """Rows that sum to one to the last few bits, a random share of entries zero."""
    block = rng.random((n, m)) * (rng.random((n, m)) < rng.uniform(0.1, 1.0))
    block[np.arange(n), rng.integers(0, m, n)] += 0.1
    return block / block.sum(axis=1, keepdims=True)


def random_product(rng, n_states, n_actions):
    P = random_rows(rng, n_states * n_actions, n_states).reshape(n_states, n_actions, n_states)
    return P, rng.normal(size=(n_states, n_actions))


def random_mask(rng, n_states, n_actions):
    mask = rng.random((n_states, n_actions)) < 0.6
    mask[np.arange(n_states), rng.integers(0, n_actions, n_states)] = True
    return mask


def assert_same_model(one, two, *, bitwise=False):
    """Same sizes, action sets, transitions and rewards; up to the rounding of row sums unless bitwise."""
    assert (one.n_states, one.n_actions, one.n_pairs, one.nnz) == (two.n_states, two.n_actions, two.n_pairs, two.nnz)
    np.testing.assert_array_equal(one.action_mask, two.action_mask)
    np.testing.assert_array_equal(one.pair_state, two.pair_state)
    np.testing.assert_array_equal(one.pair_action, two.pair_action)
    np.testing.assert_array_equal(one.state_ptr, two.state_ptr)
    left, right = one.rows.csr().toarray(), two.rows.csr().toarray()
    slack = 0.0 if bitwise else one.rows.sum_error + two.rows.sum_error
    assert np.all(np.abs(left - right) <= slack)
    slack = 0.0 if bitwise else float(np.max(one.reward_error + two.reward_error))
    assert np.all(np.abs(one.pair_reward - two.pair_reward) <= slack)
    if bitwise:
        assert type(one.rows) is type(two.rows)
        assert one.has_random_rewards == two.has_random_rewards
        for name in ("pair", "prob", "reward", "successor"):
            np.testing.assert_array_equal(getattr(one.outcomes, name), getattr(two.outcomes, name))
        assert (one.gamma, one.state_names, one.action_names) == (two.gamma, two.state_names, two.action_names)
        assert (one.initial is None) == (two.initial is None)
        if one.initial is not None:
            np.testing.assert_array_equal(one.initial, two.initial)


@given(SEEDS, SIZES, SIZES)
def test_every_constructor_gives_the_same_model(seed, n_states, n_actions):
    rng = np.random.default_rng(seed)
    P, r = random_product(rng, n_states, n_actions)
    dense = TabularMDP(P, r, 0.9)
    flat = P.reshape(-1, n_states)
    state, action = (x.reshape(-1) for x in np.indices((n_states, n_actions)))
    order = rng.permutation(n_states * n_actions)
    pair, successor = np.nonzero(flat)
    lines = rng.permutation(len(pair))
    pair, successor = pair[lines], successor[lines]
    others = [
        TabularMDP(sp.csr_array(flat), r, 0.9),
        TabularMDP(sp.coo_matrix(flat), r, 0.9),
        TabularMDP([sp.csc_matrix(P[:, a]) for a in range(n_actions)], r, 0.9),
        TabularMDP.from_pairs(state[order], action[order], flat[order], r.reshape(-1)[order], 0.9),
        TabularMDP.from_pairs(state[order], action[order], sp.csr_array(flat[order]), r.reshape(-1)[order], 0.9),
        TabularMDP.from_outcomes(
            state[pair], action[pair], flat[pair, successor], r.reshape(-1)[pair], successor, 0.9, n_states=n_states
        ),
    ]
    np.testing.assert_array_equal(dense.rewards, r)
    for s in range(n_states):
        for a in range(n_actions):
            assert np.all(np.abs(dense.transition(s, a) - P[s, a]) <= dense.rows.sum_error)
            assert dense.reward(s, a) == r[s, a]
    for other in others:
        assert_same_model(dense, other)
        # Nothing was averaged here, so rewards are exact whatever the constructor.
        np.testing.assert_array_equal(other.pair_reward, dense.pair_reward)


@given(SEEDS, SIZES, SIZES, st.booleans())
def test_action_sets_that_differ(seed, n_states, n_actions, sparse):
    rng = np.random.default_rng(seed)
    P, r = random_product(rng, n_states, n_actions)
    mask = random_mask(rng, n_states, n_actions)
    r[~mask] = -np.inf
    P[~mask] = np.nan  # the rows of forbidden pairs are ignored
    state, action = np.nonzero(mask)
    order = rng.permutation(len(state))
    given_P = sp.coo_array(P.reshape(-1, n_states)) if sparse else P
    product = TabularMDP(given_P, r, 0.9)
    names = [f"a{i}" for i in range(n_actions)]
    pairs = TabularMDP.from_pairs(
        state[order], action[order], P[state, action][order], r[mask][order], 0.9, action_names=names
    )
    assert_same_model(product, pairs)
    np.testing.assert_array_equal(product.action_mask, mask)
    np.testing.assert_array_equal(product.rewards, r)
    np.testing.assert_array_equal(pairs.rewards, r)
    again = product.with_rewards(np.where(mask, 1.0, -np.inf))
    np.testing.assert_array_equal(again.pair_reward, 1.0)


@given(SEEDS, SIZES, SIZES, st.integers(1, 30))
def test_outcomes_stay_apart_and_reduce_to_their_marginals(seed, n_states, n_actions, extra):
    rng = np.random.default_rng(seed)
    n_pairs = n_states * n_actions
    pair = np.concatenate([np.arange(n_pairs), rng.integers(0, n_pairs, extra)])
    successor = rng.integers(0, n_states, len(pair))
    reward = rng.integers(-2, 3, len(pair)) / 2.0
    weight = rng.random(len(pair)) + 0.05
    prob = weight / np.bincount(pair, weights=weight)[pair]
    model = TabularMDP.from_outcomes(*np.divmod(pair, n_actions), prob, reward, successor, 0.9, n_states=n_states)
    law: dict[tuple[int, float, int], Fraction] = {}
    for k, p, x, s in zip(pair.tolist(), prob.tolist(), reward.tolist(), successor.tolist(), strict=True):
        law[k, x, s] = law.get((k, x, s), Fraction(0)) + Fraction(p)
    table = model.outcomes
    found = list(zip(table.pair.tolist(), table.reward.tolist(), table.successor.tolist(), strict=True))
    assert len(set(found)) == len(found)
    assert set(found) == set(law)
    # Merging and normalizing round: at most one ulp per line of the pair, well below 1e-13 for 30 lines.
    for key, p in zip(found, table.prob.tolist(), strict=True):
        assert abs(p - law[key]) < 1e-13
    for k in range(n_pairs):
        s, a = divmod(k, n_actions)
        total = sum(p for (i, _, _), p in law.items() if i == k)
        mean = sum(p * Fraction(x) for (i, x, _), p in law.items() if i == k) / total
        assert abs(Fraction(model.reward(s, a)) - mean) <= Fraction(float(model.reward_error[model.pair_index(s, a)]))
        for t in range(n_states):
            marginal = sum(p for (i, _, u), p in law.items() if i == k and u == t)
            assert abs(model.transition(s, a)[t] - marginal) < 1e-13


@given(SEEDS, SIZES, SIZES, st.booleans(), st.integers(-12, 12))
def test_transition_rewards_are_averaged_within_their_error(seed, n_states, n_actions, sparse, exponent):
    rng = np.random.default_rng(seed)
    P, _ = random_product(rng, n_states, n_actions)
    r = rng.normal(size=P.shape) * 10.0**exponent
    flat = P.reshape(-1, n_states)
    model = TabularMDP(sp.csr_array(flat) if sparse else P, r, 0.9)
    # The model is the stored doubles divided by their exact sum (ARCHITECTURE, "One constant each").
    for k in range(n_states * n_actions):
        row = [Fraction(p) for p in flat[k].tolist()]
        exact = sum(p * Fraction(x) for p, x in zip(row, r.reshape(-1, n_states)[k].tolist(), strict=True)) / sum(row)
        assert abs(Fraction(float(model.pair_reward[k])) - exact) <= Fraction(float(model.reward_error[k]))
    table = model.outcomes
    np.testing.assert_array_equal(table.reward, r.reshape(-1, n_states)[table.pair, table.successor])
    sparse_rewards = TabularMDP(sp.csr_array(flat), sp.csr_array(r.reshape(-1, n_states)), 0.9)
    assert_same_model(model, sparse_rewards)


def test_many_outcomes_of_one_successor_are_within_their_error():
    """The sum of 3000 probabilities rounds far more than the one-entry row it is stored as."""
    rng = np.random.default_rng(0)
    n = 3000
    prob, reward = np.full(n, 1 / n), rng.normal(size=n) + 5
    model = TabularMDP.from_outcomes(np.zeros(n, int), np.zeros(n, int), prob, reward, np.zeros(n, int))
    exact = sum(Fraction(p) * Fraction(x) for p, x in zip(prob.tolist(), reward.tolist(), strict=True))
    exact /= sum(Fraction(p) for p in prob.tolist())
    assert abs(Fraction(model.reward(0, 0)) - exact) <= Fraction(float(model.reward_error[0]))
    assert model.reward_error[0] < 1e-10


@given(SEEDS, SIZES, SIZES)
def test_state_and_pair_rewards(seed, n_states, n_actions):
    rng = np.random.default_rng(seed)
    P, _ = random_product(rng, n_states, n_actions)
    r = rng.normal(size=n_states)
    np.testing.assert_array_equal(TabularMDP(P, r).rewards, np.repeat(r[:, None], n_actions, axis=1))


def stored_models(rng, n_states, n_actions):
    """One model of every kind of storage."""
    P, r = random_product(rng, n_states, n_actions)
    full = rng.random(P.shape) + 0.1
    full /= full.sum(axis=2, keepdims=True)
    r3 = rng.normal(size=P.shape)
    mask = random_mask(rng, n_states, n_actions)
    names = {
        "state_names": [f"état {s}" for s in range(n_states)],
        "action_names": [f"{a}" for a in range(n_actions)],
    }
    initial = rng.random(n_states) + 0.1
    initial = initial / initial.sum()
    yield TabularMDP(full, r, 0.9, **names)
    yield TabularMDP(full, r3, None, initial=initial)
    yield TabularMDP(sp.csr_array(P.reshape(-1, n_states)), r, 1.0, initial=0)
    yield TabularMDP(sp.csr_array(P.reshape(-1, n_states)), r3, 0.5, initial=initial, **names)
    yield TabularMDP(full, np.where(mask, r, -np.inf), 0.0)
    last = np.where(np.arange(n_actions) == 0, 1.0, -np.inf)  # ids beyond 0 exist but no state has them
    yield TabularMDP(full, np.tile(last, (n_states, 1)), 0.3)
    n = 5 * n_states * n_actions
    pair = np.concatenate([np.arange(n_states * n_actions), rng.integers(0, n_states * n_actions, n)])
    prob = 1 / np.bincount(pair)[pair]
    columns = (*np.divmod(pair, n_actions), prob, rng.normal(size=len(pair)), rng.integers(0, n_states, len(pair)))
    yield TabularMDP.from_outcomes(*columns, n_states=n_states, **names)


@settings(max_examples=25)
@given(SEEDS, SIZES, SIZES)
def test_files_and_pickles_are_lossless(tmp_path_factory, seed, n_states, n_actions):
    path = tmp_path_factory.mktemp("models") / "model.npz"
    for model in stored_models(np.random.default_rng(seed), n_states, n_actions):
        model.save(path)
        assert_same_model(model, TabularMDP.load(path), bitwise=True)
        copy = pickle.loads(pickle.dumps(model))
        assert_same_model(model, copy, bitwise=True)
        np.testing.assert_array_equal(copy.reward_error, model.reward_error)
        assert_read_only(copy)
    assert list(path.parent.iterdir()) == [path]


def test_merged_outcomes_survive_a_file(tmp_path):
    """A thousand lines merged into one sum to 1 - 1e-14: reading must not normalize what was stored."""
    n = 1000
    zeros = np.zeros(n, int)
    model = TabularMDP.from_outcomes(
        np.append(zeros, [0, 1]), np.append(zeros, [0, 0]), np.append(np.full(n, 0.0009), [0.1, 1.0]),
        np.append(np.ones(n), [2.0, 0.0]), np.append(zeros, [0, 1]),
    )  # fmt: skip
    model.save(tmp_path / "m.npz")
    assert_same_model(model, TabularMDP.load(tmp_path / "m.npz"), bitwise=True)


def test_changed_copies_share_the_transitions():
    rng = np.random.default_rng(0)
    for model in stored_models(rng, 4, 3):
        new = rng.normal(size=model.n_pairs)
        changed = model.with_rewards(new)
        assert changed.rows is model.rows
        assert not changed.has_random_rewards
        np.testing.assert_array_equal(changed.pair_reward, new)
        assert changed.gamma == model.gamma
        assert changed.state_names == model.state_names
        discounted = model.with_discount(0.25)
        assert discounted.gamma == 0.25
        assert discounted.rows is model.rows
        assert_same_model(model, discounted.with_discount(model.gamma), bitwise=True)
        started = model.with_initial(1)
        np.testing.assert_array_equal(started.initial, [0, 1, 0, 0])
        problem = started.with_horizon(3)
        assert (problem.horizon, problem.is_homogeneous) == (3, True)
        np.testing.assert_array_equal(problem.initial, [0, 1, 0, 0])


def test_with_rewards_takes_transition_rewards_back():
    rng = np.random.default_rng(1)
    P, _ = random_product(rng, 4, 3)
    r3 = rng.normal(size=P.shape)
    model = TabularMDP(P, r3)
    assert_same_model(model, TabularMDP(P, np.zeros((4, 3))).with_rewards(r3), bitwise=True)


@given(SEEDS, SIZES, SIZES, st.booleans())
def test_under_policy_matches_numpy(seed, n_states, n_actions, sparse):
    rng = np.random.default_rng(seed)
    P, r = random_product(rng, n_states, n_actions)
    mask = random_mask(rng, n_states, n_actions)
    model = TabularMDP(
        sp.csr_array(P.reshape(-1, n_states)) if sparse else P, np.where(mask, r, -np.inf), 0.9, initial=0
    )
    sure = np.array([rng.choice(np.flatnonzero(row)) for row in mask])
    mixed = rng.random(mask.shape) * mask
    mixed /= mixed.sum(axis=1, keepdims=True)
    for policy, weights in ((sure, np.eye(n_actions)[sure]), (mixed, mixed)):
        process = model.under_policy(policy)
        # Sums of at most 25 products of numbers below 10: rounding stays far below 1e-13.
        np.testing.assert_allclose(process.transition_matrix(), np.einsum("sa,sat->st", weights, P), rtol=0, atol=1e-13)
        np.testing.assert_allclose(process.reward, np.einsum("sa,sa->s", weights, r), rtol=0, atol=1e-13)
        assert (process.gamma, process.n_states) == (0.9, n_states)
        np.testing.assert_array_equal(process.initial, model.initial)
        assert np.all(np.abs(process.transition_matrix().sum(axis=1) - 1) <= process.rows.sum_error)


def assert_read_only(model):
    arrays = [model.state_ptr, model.pair_action, model.pair_reward]
    rows = model.rows
    arrays += [rows.matrix] if isinstance(rows, DenseRows) else [rows.row_ptr, rows.col, rows.prob]
    arrays += [array for array in (model.initial, model._outcome_reward) if array is not None]
    if model._outcome_table is not None:
        arrays += [getattr(model.outcomes, name) for name in ("pair", "prob", "reward", "successor")]
    for array in arrays:
        assert not array.flags.writeable


def test_models_are_immutable():
    for model in stored_models(np.random.default_rng(0), 3, 2):
        assert_read_only(model)
        for name in ("gamma", "n_states", "_reward", "new"):
            with pytest.raises(AttributeError):
                setattr(model, name, 1)
        process = model.under_policy(np.argmax(model.action_mask, axis=1))
        rows = process.rows
        assert not (rows.matrix if isinstance(rows, DenseRows) else rows.prob).flags.writeable
        assert not process.reward.flags.writeable
        with pytest.raises(AttributeError):
            process.gamma = 0.1
    problem = FiniteHorizonMDP(np.ones((1, 1, 1)), [[1.0]], horizon=2)
    with pytest.raises(AttributeError):
        problem.gamma = 0.1
    assert not problem.terminal_values.flags.writeable


def test_large_inputs_are_shared_and_left_alone():
    rng = np.random.default_rng(3)
    dense = np.full((4, 2, 4), 0.25)
    r = rng.normal(size=(4, 2))
    sparse = sp.csr_array(np.kron(np.ones((10, 1)), np.eye(10)[::2]))
    sparse_r = np.zeros((10, 5))
    before = [x.copy() for x in (dense, r, sparse.data, sparse.indices, sparse.indptr)]
    one, two = TabularMDP(dense, r), TabularMDP(sparse, sparse_r)
    assert np.shares_memory(one.rows.matrix, dense)
    assert np.shares_memory(one.pair_reward, r)
    assert np.shares_memory(two.rows.prob, sparse.data)
    assert np.shares_memory(two.rows.col, sparse.indices)
    for array, old in zip((dense, r, sparse.data, sparse.indices, sparse.indptr), before, strict=True):
        assert array.flags.writeable
        np.testing.assert_array_equal(array, old)
    rough = dense * (1 + 1e-9)  # rows that are divided by their sum
    keep = rough.copy()
    TabularMDP(rough, r)
    messy = sp.csr_array((np.array([0.5, 0.5, 0.0]), np.array([1, 1, 0]), np.array([0, 3])), shape=(1, 2))
    TabularMDP.from_pairs([0, 1], [0, 0], sp.vstack([messy, messy], format="csr"), [0.0, 0.0])
    np.testing.assert_array_equal(rough, keep)
    assert (messy.nnz, rough.flags.writeable) == (3, True)


def test_names_are_seen():
    P, r = np.array([[[0.5, 0.5], [0, 1]], [[0, 1], [0, 1]]]), [[5, 10], [-1, -np.inf]]
    model = TabularMDP(P, r, 0.9, state_names=["good", "bad"], action_names=["stay", "cash in"])
    assert "good, bad" in repr(model)
    assert model.reward("good", "cash in") == model.reward(0, 1) == 10.0
    np.testing.assert_array_equal(model.transition("good", "stay"), [0.5, 0.5])


@pytest.mark.slow
def test_a_million_states_validate_without_densifying():
    """5 x 10^6 pairs, 25 x 10^6 transitions: a dense row block would need 40 TB; temporaries stay below 3 models."""
    import tracemalloc

    n_states, n_actions, successors = 10**6, 5, 5
    n_pairs = n_states * n_actions
    rng = np.random.default_rng(0)
    step = n_states // successors
    col = (rng.integers(0, step, n_pairs)[:, None] + step * np.arange(successors)).astype(np.int32).reshape(-1)
    prob = np.full(n_pairs * successors, 1 / successors)
    P = sp.csr_array((prob, col, np.arange(0, len(col) + 1, successors)), shape=(n_pairs, n_states))
    r = rng.random((n_states, n_actions))
    size = P.data.nbytes + P.indices.nbytes + P.indptr.nbytes + r.nbytes
    tracemalloc.start()
    model = TabularMDP(P, r, 0.99)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (model.n_states, model.n_pairs, model.nnz) == (n_states, n_pairs, n_pairs * successors)
    assert np.shares_memory(model.rows.prob, P.data)
    assert peak < 3 * size
