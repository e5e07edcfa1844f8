"""Episodes follow the model, do not depend on batching, and end where they should."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mdpkit import FiniteHorizonMDP, TabularMDP, problems
from mdpkit.errors import InputError, MissingDependencyError, PolicyError, ShapeError
from mdpkit.feedback import EpisodicSimulator, _kernels
from mdpkit.feedback.dataset import COLUMNS
from tests.feedback.support import assert_law, hoeffding_width, uneven

CATALOGUE = problems.catalogue()


def columns(data):
    return np.column_stack([getattr(data, name).astype(float) for name in COLUMNS])


def with_start(model):
    return model if model.initial is not None else model.with_initial(np.full(model.n_states, 1 / model.n_states))


def uniform(model):
    return model.action_mask / model.action_mask.sum(axis=1, keepdims=True)


class Follow:
    """A policy object that reads a table of action ids, and counts its own steps in its memory."""

    def __init__(self, table):
        self.table = np.asarray(table)

    def act(self, state, t, memory):
        memory = 0 if memory is None else memory + 1
        assert memory == t
        return (self.table[t] if self.table.ndim == 2 else self.table)[state], memory


class Remember:
    """A policy object whose memory is the whole history it was shown; it acts on the parity of what it has seen."""

    def __init__(self):
        self.histories = []

    def act(self, state, t, memory):
        memory = () if memory is None else memory
        assert len(memory) == t
        self.histories.append((memory, state))
        return (1 if state == 1 else 2 * (len(memory) % 2)), memory

    def observe(self, state, t, memory, action, reward, successor):
        return (*memory, (state, action, reward, successor))


# ---------------------------------------------------------------- random numbers


def test_xoshiro_matches_the_published_outputs():
    """First outputs of xoshiro256++ from the state (1, 2, 3, 4), as in the reference code's test of rand_xoshiro."""
    words = tuple(np.uint64(k) for k in (1, 2, 3, 4))
    for expected in (41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205):
        u, *words = _kernels.advance(*map(np.uint64, words))
        assert u == (expected >> 11) * 2.0**-53


def test_splitmix_matches_the_published_outputs():
    """First two outputs of SplitMix64 from the seed 1234567."""
    golden = 0x9E3779B97F4A7C15
    for k, expected in ((1, 6457827717110365317), (2, 3203168211198807973)):
        assert int(_kernels.mix(np.uint64((1234567 + k * golden) % 2**64))) == expected


def test_streams_of_different_episodes_are_independent():
    """Digits drawn uniformly: the first two of an episode and the first of the next fill a 10^3 table evenly."""
    digits = TabularMDP(np.full((10, 1, 10), 0.1), r=np.ones(10), gamma=0.9, initial=np.full(10, 0.1))
    data = EpisodicSimulator(digits, seed=2).rollout(np.zeros(10, dtype=int), 400_001, horizon=1)
    flat = data.state[:-1] * 100 + data.successor[:-1] * 10 + data.state[1:]
    assert_law(np.bincount(flat, minlength=1000), np.full(1000, 1e-3))


# ---------------------------------------------------------------- the law


def test_joint_law_of_reward_and_successor():
    model = uneven()
    data = EpisodicSimulator(model, seed=3).rollout(uniform(model), 300_000, horizon=4)
    table = model.outcomes
    for k in range(model.n_pairs - 1):  # the last pair is the terminal loop
        s, a = int(model.pair_state[k]), int(model.pair_action[k])
        here = (data.state == s) & (data.action == a)
        own = table.pair == k
        outcomes = list(zip(table.reward[own], table.successor[own], strict=True))
        counts = [np.sum(here & (data.reward == r) & (data.successor == t)) for r, t in outcomes]
        assert sum(counts) == here.sum()
        assert_law(np.array(counts), table.prob[own])
    first = data.state[data.step == 0]
    assert_law(np.bincount(first, minlength=3), model.initial)
    chosen = data.action[data.state == 0]
    assert_law(np.bincount(chosen, minlength=3), [0.5, 0, 0.5])


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_occupancy_of_the_stock(entry):
    """Shares of episodes in (s, a) at time t against the exact ones, by Hoeffding's bound over all of them."""
    model = with_start(entry.example())
    policy, H, n = uniform(model), 8, 20_000
    data = EpisodicSimulator(model, seed=11, horizon=H).rollout(policy, n)
    table = model.outcomes
    leaves = np.zeros(model.n_states, dtype=bool)
    origin = model.pair_state[table.pair]
    leaves[origin[(table.successor != origin) | (table.reward != 0)]] = True
    d = model.initial
    rows = model.rows.csr()
    width = hoeffding_width(n, H * model.n_states * model.n_actions)
    for t in range(H):
        occupancy = d[:, None] * policy
        here = data.step == t
        counts = np.bincount(data.state[here] * model.n_actions + data.action[here], minlength=occupancy.size).reshape(
            occupancy.shape
        )
        assert np.max(np.abs(counts / n - occupancy)[leaves]) <= width
        d = occupancy[model.pair_state, model.pair_action] @ rows


def test_time_dependent_stages_and_policies():
    """Step t moves by +1 or +2 according to its stage and its action; the paths are certain."""
    S = 5
    move = np.zeros((3, S, 2, S))
    for h in range(3):
        for s in range(S):
            move[h, s, 0, (s + 1 + h) % S] = 1
            move[h, s, 1, s] = 1
    r = np.arange(3.0)[:, None, None] + np.zeros((3, S, 2))
    problem = FiniteHorizonMDP(move, r, initial=0, terminal_values=np.arange(5.0))
    policy = np.array([[0] * S, [1] * S, [0] * S])
    probabilities = np.eye(2)[policy]
    for chosen in (policy, probabilities, Follow(policy)):
        simulator = EpisodicSimulator(problem, seed=0)
        data = simulator.rollout(chosen, 2)
        assert data.state.tolist() == [0, 1, 1] * 2
        assert data.successor.tolist() == [1, 1, 4] * 2
        assert data.reward.tolist() == [0.0, 1.0, 2.0] * 2
        assert data.episode.tolist() == [0, 0, 0, 1, 1, 1]
        assert not data.terminal.any()
    assert simulator.terminal_values.tolist() == [0, 1, 2, 3, 4]


def test_policy_objects_observe_every_step_that_goes_on():
    policy = Remember()
    data = EpisodicSimulator(uneven(), seed=7, horizon=5).rollout(policy, 200)
    lines = list(zip(data.state, data.action, data.reward, data.successor, strict=True))
    assert len(policy.histories) == len(lines)
    for k, (memory, state) in enumerate(policy.histories):
        t = int(data.step[k])
        assert list(memory) == lines[k - t : k]
        assert state == data.state[k]
    assert max(len(memory) for memory, _ in policy.histories) == 4


# ---------------------------------------------------------------- one stream per episode


@pytest.mark.parametrize("kind", ["deterministic", "stochastic", "object"])
def test_ten_episodes_are_the_first_ten_of_a_hundred(kind):
    model = uneven()
    policy = {"deterministic": [2, 1, 0], "stochastic": uniform(model), "object": Follow([2, 1, 0])}[kind]
    few, many, split = (EpisodicSimulator(model, seed=5, horizon=30) for _ in range(3))
    expected = columns(many.rollout(policy, 100))
    ten = columns(few.rollout(policy, 10))
    np.testing.assert_array_equal(ten, expected[: len(ten)])
    parts = [split.rollout(policy, k) for k in (3, 50, 47)]
    np.testing.assert_array_equal(np.vstack([columns(part) for part in parts]), expected)
    assert split.queries == many.queries == len(expected)
    assert split.episodes == 100


def test_chunks_change_nothing(monkeypatch):
    model = uneven()
    whole = EpisodicSimulator(model, seed=5, horizon=30).rollout([0, 1, 0], 500)
    monkeypatch.setattr("mdpkit.feedback.simulator.CHUNK", 64)
    np.testing.assert_array_equal(
        columns(EpisodicSimulator(model, seed=5, horizon=30).rollout([0, 1, 0], 500)), columns(whole)
    )


def test_step_by_step_is_the_rollout():
    """The compiled loop against reset() and step(), its slow twin."""
    for model in (uneven(), problems.river_swim(6, gamma=0.9)):
        policy = np.argmax(model.action_mask, axis=1)
        data = EpisodicSimulator(model, seed=8, horizon=25).rollout(policy, 40)
        twin = EpisodicSimulator(model, seed=8, horizon=25)
        lines = []
        for e in range(40):
            state, ended, t = twin.reset(), False, 0
            while not ended:
                step = twin.step(policy[state])
                lines.append([e, t, state, policy[state], step.reward, step.state, step.terminated])
                assert not (step.terminated and step.truncated)
                state, ended, t = step.state, step.terminated or step.truncated, t + 1
        np.testing.assert_array_equal(np.array(lines, dtype=float), columns(data))
        assert twin.queries == len(data)


def test_equal_seeds_equal_episodes():
    model = uneven()
    seeds = (1, np.random.default_rng(1), 2)
    runs = [EpisodicSimulator(model, seed=seed, horizon=9).rollout([0, 1, 0], 50) for seed in seeds]
    np.testing.assert_array_equal(columns(runs[0]), columns(runs[1]))
    assert not np.array_equal(columns(runs[0]), columns(runs[2]))


# ---------------------------------------------------------------- ends


def test_terminal_states_end_episodes():
    data = EpisodicSimulator(uneven(), seed=1).rollout([0, 1, 0], 2000, horizon=200)
    last = np.flatnonzero(np.diff(data.episode, append=-1))
    assert data.terminal[last].all()  # staying away for 200 steps has probability 0.6^100
    assert data.terminal.sum() == 2000
    assert (data.successor[data.terminal] == 2).all()
    assert not (data.state == 2).any()


def test_an_absorbing_state_that_pays_is_not_terminal():
    paying = TabularMDP([[[1.0]]], r=[[1.0]], gamma=0.9, initial=0)
    assert len(EpisodicSimulator(paying, seed=0).rollout([0], 3, horizon=4)) == 12
    silent = paying.with_rewards([[0.0]])
    assert len(EpisodicSimulator(silent, seed=0).rollout([0], 3, horizon=4)) == 3
    worth = silent.with_horizon(4, terminal_values=[1.0])
    worth = FiniteHorizonMDP.from_stages(worth.stages, initial=0, terminal_values=[1.0])
    assert len(EpisodicSimulator(worth, seed=0).rollout([0], 3)) == 12


def test_truncation_at_the_horizon():
    simulator = EpisodicSimulator(problems.river_swim(6, gamma=0.9), seed=0, horizon=2)
    assert simulator.reset() == 0
    assert simulator.step(0)[2:] == (False, False)
    assert simulator.step(0)[2:] == (False, True)
    with pytest.raises(InputError, match="reset"):
        simulator.step(0)


@pytest.mark.parametrize("policy", [[0] * 6, Follow([0] * 6)])
def test_a_rollout_ends_the_episode_under_way(policy):
    simulator = EpisodicSimulator(problems.river_swim(6, gamma=0.9), seed=0, horizon=5)
    simulator.reset()
    assert simulator.rollout(policy, 2).episode[0] == 1
    with pytest.raises(InputError, match="reset"):
        simulator.step(0)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("policy", "error", "index"),
    [
        ([1, 1, 0], PolicyError, 0),
        ([0, 1, 3], PolicyError, 2),
        ([0, -1, 0], PolicyError, 1),
        ([[0, 1, 0], [0, 0, 0]], PolicyError, (1, 1)),
        ([0, 1], ShapeError, None),
        ([[0, 1, 0]], ShapeError, None),
        ([[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]], PolicyError, (0, 1)),
        ([[0.5, 0, 0.4], [0, 1, 0], [1, 0, 0]], PolicyError, (0,)),
        ([[1.5, 0, -0.5], [0, 1, 0], [1, 0, 0]], PolicyError, (0, 2)),
        ([[np.nan, 0, 1], [0, 1, 0], [1, 0, 0]], PolicyError, (0, 0)),
        (np.ones((2, 2)), ShapeError, None),
        ("left", ShapeError, None),
    ],
)
def test_bad_policies(policy, error, index):
    simulator = EpisodicSimulator(uneven(), seed=0, horizon=2)
    with pytest.raises(error, match="policy") as caught:
        simulator.rollout(policy, 5)
    assert caught.value.argument == "policy"
    assert caught.value.index == index
    assert simulator.queries == 0


def test_bad_input():
    model = uneven()
    with pytest.raises(InputError, match="initial"):
        EpisodicSimulator(problems.garnet(4, 2, 2, gamma=0.9, seed=0), seed=0)
    with pytest.raises(InputError, match="found ndarray"):
        EpisodicSimulator(np.eye(2), seed=0)
    with pytest.raises(InputError, match="seed"):
        EpisodicSimulator(model, seed=None)
    with pytest.raises(InputError, match="horizon"):
        EpisodicSimulator(model, seed=0, horizon=0)
    with pytest.raises(InputError, match="3 steps"):
        EpisodicSimulator(model.with_horizon(3), seed=0, horizon=4)
    simulator = EpisodicSimulator(model, seed=0)
    with pytest.raises(InputError, match="horizon is required"):
        simulator.rollout([0, 1, 0], 1)
    with pytest.raises(InputError, match="n_episodes"):
        simulator.rollout([0, 1, 0], 0, horizon=1)
    with pytest.raises(InputError, match="reset"):
        simulator.step(0)
    with pytest.raises(InputError, match="exceeds"):
        EpisodicSimulator(model, seed=0, horizon=3).rollout([0, 1, 0], 1, horizon=4)
    state = simulator.reset()
    for action in (-1, 3, 1 - state, 0.0, True, "left"):
        with pytest.raises(PolicyError, match="action"):
            simulator.step(action)
    assert simulator.queries == 0


# ---------------------------------------------------------------- gymnasium


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["river_swim", "frozen", "timed"])
def test_gymnasium_checker(name):
    checker = pytest.importorskip("gymnasium.utils.env_checker")
    model = problems.river_swim(6, gamma=0.9)
    if name == "timed":
        model = FiniteHorizonMDP.from_stages([model, model.with_rewards(np.ones((6, 2)))], initial=0)
    if name == "frozen":
        from mdpkit import io

        model = io.from_gymnasium("FrozenLake-v1", gamma=0.9)
        mask = model.action_mask
        # The checker samples any action, so the end must have them all.
        P = np.zeros((17, 4, 17))
        for s, a in np.argwhere(mask):
            P[s, a] = model.transition(int(s), int(a))
        P[16] = np.eye(17)[16]
        model = TabularMDP(P, np.where(mask, model.rewards, 0.0), 0.9, initial=0)
    checker.check_env(EpisodicSimulator(model, seed=0, horizon=20 if name != "timed" else None).as_gymnasium())


def test_gymnasium_episodes_are_ours():
    pytest.importorskip("gymnasium")
    model = uneven()
    env = EpisodicSimulator(model, seed=0, horizon=10).as_gymnasium()
    twin = EpisodicSimulator(model, seed=123, horizon=10)
    state, info = env.reset(seed=123)
    assert state == twin.reset()
    ended = False
    while not ended:
        np.testing.assert_array_equal(info["action_mask"], model.action_mask[state])
        action = env.action_space.sample(info["action_mask"])
        state, reward, terminated, truncated, info = env.step(action)
        assert (state, reward, terminated, truncated) == twin.step(action)
        ended = terminated or truncated


def test_gymnasium_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, "mdpkit.feedback._gymnasium", raising=False)
    with pytest.raises(MissingDependencyError, match=r"mdpkit\[gym\]"):
        EpisodicSimulator(uneven(), seed=0).as_gymnasium()
