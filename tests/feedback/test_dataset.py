"""Logged data: what is stored, counted, modelled, saved, and refused."""

from __future__ import annotations

import numpy as np
import pytest

from mdpkit import TabularMDP
from mdpkit.errors import DiscountError, FileFormatError, InputError, ShapeError, StateIndexError, UnknownOptionError
from mdpkit.feedback import EpisodicSimulator, OfflineDataset, collect
from mdpkit.feedback.dataset import COLUMNS
from tests.feedback.support import hoeffding_width, uneven

LINES = {
    "episode": [0, 0, 1, 1, 1],
    "step": [0, 1, 0, 1, 2],
    "state": [0, 1, 0, 0, 1],
    "action": [1, 0, 1, 0, 0],
    "reward": [1.0, 0.5, 2.0, 0.0, 0.5],
    "successor": [1, 2, 0, 1, 0],
    "terminal": [False, True, False, False, False],
}


def example(**changes):
    return OfflineDataset(**(LINES | {"n_states": 3, "n_actions": 2} | changes))


def assert_same(first, second):
    for name in (*COLUMNS, "action_mask", "n_states", "n_actions", "gamma"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def played(n=200):
    return EpisodicSimulator(uneven(), seed=0, horizon=20).rollout([[0.5, 0, 0.5], [0, 1, 0], [1, 0, 0]], n)


def test_columns_are_kept_as_they_are():
    state = np.array(LINES["state"])
    data = example(state=state)
    assert np.shares_memory(data.state, state)
    assert state.flags.writeable
    assert not data.state.flags.writeable
    assert len(data) == 5
    assert data.n_episodes == 2
    assert repr(data) == "OfflineDataset(5 steps of 2 episodes, S=3, A=2)"
    frame = data.to_frame()
    assert list(frame.columns) == list(COLUMNS)
    assert_same(data, OfflineDataset(**{name: frame[name] for name in COLUMNS}, n_states=3, n_actions=2))


def test_sizes_by_default():
    data = OfflineDataset(**LINES)
    assert (data.n_states, data.n_actions) == (3, 2)


@pytest.mark.parametrize("episodes", [[0, 0, 0, 0, 0], [3, 1, 3, 1, 2], [4, 4, 2, 2, 4]])
def test_episodes_are_counted_in_any_order(episodes):
    assert example(episode=episodes).n_episodes == len(set(episodes))


def test_counts():
    counts = example().counts()
    expected = np.zeros((3, 2, 3), dtype=int)
    for s, a, t in zip(LINES["state"], LINES["action"], LINES["successor"], strict=True):
        expected[s, a, t] += 1
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(example().counts(sparse=True).toarray().reshape(3, 2, 3), expected)


def test_plug_in_model_by_hand():
    """(0, 1) was seen twice with different rewards and successors; 2 is terminal; (1, 1) was never tried."""
    with pytest.raises(InputError, match=r"state 1, action 1.*unvisited") as caught:
        example().empirical_model(0.9)
    assert caught.value.index == (1, 1)
    model = example().empirical_model(0.9, unvisited="absorbing")
    np.testing.assert_array_equal(model.transition(0, 1), [0.5, 0.5, 0])
    np.testing.assert_array_equal(model.transition(1, 0), [0.5, 0, 0.5])
    np.testing.assert_array_equal(model.transition(1, 1), [0, 1, 0])
    np.testing.assert_array_equal(model.transition(2, 0), [0, 0, 1])
    assert model.rewards.tolist() == [[0.0, 1.5], [0.5, 0.0], [0.0, 0.0]]
    assert model.initial.tolist() == [1.0, 0.0, 0.0]
    assert model.gamma == 0.9
    mask = np.array([[True, True], [True, False], [True, False]])
    gaps = example(action_mask=mask, gamma=0.5).empirical_model()
    np.testing.assert_array_equal(gaps.action_mask, mask)
    assert gaps.gamma == 0.5


def test_plug_in_model_approaches_the_model():
    """Frequencies of outcomes given visits, by Hoeffding's bound and a union over all outcomes."""
    model, data = uneven(), played(20_000)
    plug_in = data.empirical_model()
    np.testing.assert_array_equal(plug_in.action_mask, model.action_mask)
    assert plug_in.gamma == 0.9
    a, b = model.outcomes, plug_in.outcomes
    for name in ("pair", "reward", "successor"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    visits = data.counts().sum(axis=2)[model.pair_state, model.pair_action][a.pair]
    # Visits are random, so the union also runs over their possible numbers, at most len(data).
    width = hoeffding_width(np.maximum(visits, 1), len(a) * len(data))
    assert (np.abs(a.prob - b.prob) <= width)[model.pair_state[a.pair] != 2].all()
    assert visits[model.pair_state[a.pair] != 2].min() > 5000


def test_round_trip(tmp_path):
    for k, data in enumerate((example(), example(gamma=0.9), played())):
        data.save(tmp_path / f"{k}.npz")
        assert_same(OfflineDataset.load(tmp_path / f"{k}.npz"), data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.npz", "1.npz", "2.npz"]


def test_damaged_files_are_refused_or_harmless(tmp_path):
    path, broken = tmp_path / "data.npz", tmp_path / "broken.npz"
    data = played(20)
    data.save(path)
    whole = path.read_bytes()
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        broken.write_bytes(whole[:cut])
        with pytest.raises(FileFormatError, match=r"broken\.npz"):
            OfflineDataset.load(broken)
    for position in range(0, len(whole), 7):
        broken.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            again = OfflineDataset.load(broken)
        except FileFormatError:
            continue
        assert_same(again, data)  # the byte meant nothing, a time stamp say


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    uneven().save(path)
    with pytest.raises(FileFormatError, match="not a saved OfflineDataset"):
        OfflineDataset.load(path)
    with pytest.raises(FileNotFoundError):
        OfflineDataset.load(tmp_path / "absent.npz")
    arrays = {name: np.asarray(values) for name, values in LINES.items()}
    arrays |= {"format": "mdpkit.OfflineDataset", "version": 1, "gamma": np.nan, "action_mask": np.ones((3, 2), bool)}
    for changes, match in (
        ({"version": 2}, "version 2"),
        ({"state": np.array([0, 1, 0, 0, 7])}, r"state\[4\] = 7"),
        ({"gamma": 2.0}, "gamma"),
        ({"reward": None}, "lacks the array 'reward'"),
        ({"action_mask": np.ones(3, bool)}, "valid dataset"),
    ):
        np.savez(path, **{name: value for name, value in (arrays | changes).items() if value is not None})
        with pytest.raises(FileFormatError, match=match):
            OfflineDataset.load(path)


@pytest.mark.parametrize(
    ("changes", "error", "argument", "index"),
    [
        ({"state": [0, 1, 0, 0, 3]}, StateIndexError, "state", 4),
        ({"state": [0, -1, 0, 0, 1]}, StateIndexError, "state", 1),
        ({"state": [0.0, 1.0, 0.0, 0.0, 1.0]}, InputError, "state", None),
        ({"action": [1, 0, 2, 0, 0]}, StateIndexError, "action", 2),
        ({"successor": [1, 2, 0, 1, 5]}, StateIndexError, "successor", 4),
        ({"successor": [1, 2, 0, 1]}, ShapeError, "successor", None),
        ({"episode": [0, 0, 1, 1, -1]}, StateIndexError, "episode", 4),
        ({"step": [[0], [1]]}, ShapeError, "step", None),
        ({"reward": [1, 2, np.nan, 0, 0]}, InputError, "reward", 2),
        ({"reward": [1, 2]}, ShapeError, "reward", None),
        ({"terminal": [0, 1, 2, 0, 0]}, InputError, "terminal", 2),
        ({"terminal": [False]}, ShapeError, "terminal", None),
        ({"n_states": 0}, InputError, "n_states", None),
        ({"gamma": 1.5}, DiscountError, "gamma", None),
        ({"action_mask": np.ones((2, 2), bool)}, ShapeError, "action_mask", None),
        ({"action_mask": np.array([[1, 1], [0, 0], [1, 1]], bool)}, InputError, "action_mask", 1),
        ({"action_mask": np.array([[1, 0], [1, 1], [1, 1]], bool)}, InputError, "action", 0),
    ],
)
def test_bad_columns(changes, error, argument, index):
    with pytest.raises(error) as caught:
        example(**changes)
    assert caught.value.argument == argument
    assert caught.value.index == index


def test_empty_data():
    nothing = dict.fromkeys(COLUMNS, np.zeros(0, dtype=int))
    with pytest.raises(InputError, match="n_states"):
        OfflineDataset(**nothing)
    empty = OfflineDataset(**nothing, n_states=2, n_actions=1)
    assert len(empty) == empty.n_episodes == 0
    assert empty.counts().shape == (2, 1, 2)
    model = empty.empirical_model(0.9, unvisited="absorbing")
    assert isinstance(model, TabularMDP)
    assert model.initial is None
    with pytest.raises(UnknownOptionError, match="unvisited"):
        empty.empirical_model(0.9, unvisited="ignore")


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_collect_returns_as_many_steps_as_asked(n):
    simulator = EpisodicSimulator(uneven(), seed=0, horizon=20)
    data = collect(simulator, [0, 1, 0], n)
    assert len(data) == n
    whole = EpisodicSimulator(uneven(), seed=0, horizon=20).rollout([0, 1, 0], simulator.episodes)
    assert simulator.queries == len(whole) >= n
    np.testing.assert_array_equal(data.state, whole.state[:n])
    with pytest.raises(InputError, match="n must"):
        collect(simulator, [0, 1, 0], 0)
