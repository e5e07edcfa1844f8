"""Which successors nature may use, and what they pay."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit.errors import InputError
from mdpkit.models import IntervalSet, L1Ball, LinfBall, RobustMDP, TabularMDP
from mdpkit.robust import rows as module
from mdpkit.robust.inner import inner_problem
from mdpkit.robust.rows import allowed_rows, entry_weights, spread

P = np.array(
    [[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0], [0.2, 0.3, 0.5]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]
)
R = np.arange(18.0).reshape(3, 2, 3)
r = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
PAIRED = TabularMDP(P, r, 0.9)
MOVING = TabularMDP(P, R, 0.9)


def dense(rows, values):
    return sp.csr_array((values, rows.col, rows.row_ptr), shape=(rows.n_pairs, rows.n_states)).toarray()


def test_nominal_support():
    rows = allowed_rows(PAIRED, "nominal")
    assert (dense(rows, rows.nominal) == P.reshape(6, 3)).all()
    assert len(rows.col) == 9
    assert rows.pair_reward.tolist() == [1, 2, 3, 4, 5, 6]
    assert len(rows.entry_reward) == 0
    assert (rows.longest_row, rows.reward_scale, rows.floating) == (3, 6.0, False)


def test_all_support_is_dense_or_implicit():
    rows = allowed_rows(PAIRED, "all")
    assert len(rows.col) == 18
    assert (dense(rows, rows.nominal) == P.reshape(6, 3)).all()
    implicit = allowed_rows(PAIRED, "all", implicit_receiver=True)
    assert implicit.floating
    assert len(implicit.col) == 9
    assert implicit.longest_row == 4
    # a reward per transition must be stored, so nothing floats
    assert not allowed_rows(MOVING, "all", R, implicit_receiver=True).floating


def test_mask():
    mask = P > 0
    mask[0, 1, 2] = True
    rows = allowed_rows(PAIRED, mask)
    assert len(rows.col) == 10
    assert (dense(rows, np.ones(10)) == mask.reshape(6, 3)).all()
    assert (dense(rows, rows.nominal) == P.reshape(6, 3)).all()


def test_pattern_of_its_own():
    pattern = sp.csr_array(np.array([[0, 0, 1]] * 6, dtype=float))
    rows = allowed_rows(PAIRED, pattern)
    assert rows.nominal.tolist() == P.reshape(6, 3)[:, 2].tolist()


def test_entry_rewards_of_the_nominal_model():
    rows = allowed_rows(MOVING, "nominal")
    assert (dense(rows, rows.entry_reward) == np.where(P > 0, R, 0.0).reshape(6, 3)).all()
    assert not rows.pair_reward.any()


def test_unknown_rewards_are_asked_for():
    mask = P > 0
    mask[1, 0, 1] = True
    ends = IntervalSet(np.zeros_like(P), np.where(P > 0, 1.0, 0.0) + np.where(mask & (P == 0), 0.5, 0.0))
    for uncertainty, index in [
        (L1Ball(0.1, support="all"), (0, 0, 2)),
        (L1Ball(0.1, support=mask), (1, 0, 1)),
        (ends, (1, 0, 1)),
    ]:
        with pytest.raises(InputError, match="transition_rewards=R") as caught:
            inner_problem(RobustMDP(MOVING, uncertainty))
        assert caught.value.argument == "transition_rewards"
        assert caught.value.index == index
        known = inner_problem(RobustMDP(MOVING, uncertainty, transition_rewards=R))
        assert (
            dense(known.rows, known.rows.entry_reward)
            == R.reshape(6, 3) * dense(known.rows, np.ones(len(known.rows.col)))
        ).all()


def test_transition_rewards_must_agree_with_the_nominal_model():
    wrong = R.copy()
    wrong[1, 1, 2] += 1e-3
    with pytest.raises(InputError, match=r"transition_rewards\[1, 1\] average to") as caught:
        allowed_rows(MOVING, "nominal", wrong)
    assert caught.value.index == (1, 1)
    # off the nominal support they are free
    wrong = R.copy()
    wrong[0, 0, 2] = 1e6
    allowed_rows(MOVING, "all", wrong)
    # an interval set that leaves nominal successors out does not hide a contradiction, nor make one up
    allowed_rows(MOVING, sp.csr_array(np.array([[1.0, 0, 0]] * 6)), R)


def test_random_rewards_that_do_not_depend_on_the_successor_stay_with_the_pair():
    # 0.1 or 0.7 with odds of 1 to 2, whatever the successor: averages differ in the last digit only
    outcomes = [
        (0, 0, p * odds, reward, s)
        for p, s in ((0.3, 0), (0.45, 1), (0.25, 2))
        for odds, reward in ((1 / 3, 0.1), (2 / 3, 0.7))
    ]
    outcomes += [(s, 0, 1.0, 0.0, s) for s in (1, 2)]
    state, action, prob, reward, successor = map(np.array, zip(*outcomes, strict=True))
    model = TabularMDP.from_outcomes(state, action, prob, reward, successor, gamma=0.9)
    rows = allowed_rows(model, "all")
    assert len(rows.entry_reward) == 0
    assert rows.pair_reward[0] == pytest.approx(0.5, abs=1e-15)


def test_random_rewards_average_given_the_successor():
    outcomes = [(0, 0, 0.25, 1.0, 0), (0, 0, 0.25, 3.0, 0), (0, 0, 0.5, 7.0, 1), (1, 0, 1.0, 0.0, 1)]
    state, action, prob, reward, successor = map(np.array, zip(*outcomes, strict=True))
    model = TabularMDP.from_outcomes(state, action, prob, reward, successor, gamma=0.9)
    assert allowed_rows(model, "nominal").entry_reward.tolist() == [2.0, 7.0, 0.0]


def test_too_many_entries_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_ENTRIES", 17)
    with pytest.raises(InputError, match="support='all' needs 6 x 3 entries"):
        allowed_rows(PAIRED, "all")


def test_weights():
    rows = allowed_rows(PAIRED, "nominal")
    assert entry_weights(rows, PAIRED, np.array([1.0, 2.0, 3.0])).tolist() == (rows.col + 1.0).tolist()
    assert (dense(rows, entry_weights(rows, PAIRED, R)) == np.where(P > 0, R, 0.0).reshape(6, 3)).all()


def test_spread():
    source = sp.csr_array(np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]))
    pattern = sp.csr_array(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
    assert spread(source.data, source, pattern, -5.0).tolist() == [-5.0, 2.0, -5.0]
    empty = sp.csr_array((2, 3))
    assert spread(empty.data, empty, pattern, 0.0).tolist() == [0.0] * 3


def test_states_without_some_actions():
    # pair (1, 1) does not exist
    model = TabularMDP(P, np.where(np.eye(3)[:, :2] * [[0, 1]] > 0, -np.inf, r), 0.9)
    assert model.n_pairs == 5
    for uncertainty in (L1Ball(np.full((3, 2), 0.1)), LinfBall(0.1, weights=np.full((3, 2, 3), 2.0), support=P >= 0)):
        assert inner_problem(RobustMDP(model, uncertainty)).values(np.zeros(3))[0].shape == (5,)


def test_one_inner_problem_per_stage():
    problem = RobustMDP(PAIRED.with_horizon(2), [L1Ball(0.0), L1Ball(2.0)])
    V = np.array([1.0, 2.0, 3.0])
    gamma = problem.gamma
    np.testing.assert_allclose(inner_problem(problem, 0).values(V)[0], r.ravel() + gamma * (P @ V).ravel(), rtol=1e-15)
    least = np.min(np.where(P > 0, V, np.inf), axis=2)
    np.testing.assert_allclose(inner_problem(problem, 1).values(V)[0], (r + gamma * least).ravel(), rtol=1e-15)
