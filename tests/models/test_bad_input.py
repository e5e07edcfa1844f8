"""What must be rejected (solvers spec, section 8): the right exception, naming argument, first bad index and value."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from mdpkit import FiniteHorizonMDP, MarkovRewardProcess, MDPKitError, TabularMDP
from mdpkit.errors import (
    DiscountError,
    DuplicatePairError,
    EmptyActionSetError,
    FileFormatError,
    InputError,
    NonFiniteRewardError,
    NotStochasticError,
    PolicyError,
    ShapeError,
    StateIndexError,
    UnknownOptionError,
)

INF, NAN = np.inf, np.nan
P = np.array([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
R = np.array([[5.0, 10.0], [-1.0, 2.0]])
ANY = object()


def refuse(kind, build, *, argument, index=ANY, value=ANY, mentions=()):
    """Build something wrong and check the exception; return its message."""
    with pytest.raises(kind) as caught:
        build()
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, ValueError)
    assert isinstance(error, MDPKitError)
    assert error.argument == argument
    if index is not ANY:
        assert error.index == index
    if value is not ANY:
        assert error.value == value or (error.value != error.value and value != value)
    message = str(error)
    for part in (argument, *mentions):
        assert str(part) in message
    return message


def put(array, index, value):
    changed = np.array(array, dtype=float)
    changed[index] = value
    return changed


# ------------------------------------------------------------------ probabilities


@pytest.mark.parametrize("bad", [NAN, -0.25, INF, -1e-300])
@pytest.mark.parametrize("sparse", [False, True])
def test_probability(bad, sparse):
    broken = put(P, (1, 0, 1), bad)
    block = sp.csr_array(broken.reshape(4, 2)) if sparse else broken
    refuse(
        NotStochasticError,
        lambda: TabularMDP(block, R),
        argument="P",
        index=(1, 0, 1),
        value=bad,
        mentions=["P[1, 0, 1]", repr(bad)],
    )


def test_probability_in_pairs_and_outcomes():
    rows = put(P.reshape(4, 2), (2, 1), -0.5)
    # Pairs given in reverse: the index is the user's, not that of the sorted pair.
    refuse(
        NotStochasticError,
        lambda: TabularMDP.from_pairs([1, 1, 0, 0], [1, 0, 1, 0], rows, np.zeros(4)),
        argument="P",
        index=(2, 1),
        value=-0.5,
        mentions=["P[2, 1]"],
    )
    refuse(
        NotStochasticError,
        lambda: TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, NAN], [0, 0], [0, 0]),
        argument="prob",
        index=1,
        value=NAN,
        mentions=["prob[1]"],
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_row_sum(sparse):
    def build(off, **options):
        block = put(P, (0, 1, 1), 1.0 + off)
        return TabularMDP(sp.csr_array(block.reshape(4, 2)) if sparse else block, R, **options)

    refuse(
        NotStochasticError,
        lambda: build(1e-6),
        argument="P",
        index=(0, 1),
        value=1.0 + 1e-6,
        mentions=["P[0, 1]", "sums to 1.000001", "renormalize"],
    )
    message = refuse(NotStochasticError, lambda: build(-0.5), argument="P", index=(0, 1), value=0.5)
    assert "absorbing" in message
    assert build(1e-9).transition(0, 1)[1] == 1.0
    assert build(9e-4, sum_to_one="renormalize").transition(0, 1)[1] == 1.0
    np.testing.assert_array_equal(build(-9e-4, sum_to_one="renormalize").transition(0, 0), [0.5, 0.5])
    refuse(NotStochasticError, lambda: build(2e-3, sum_to_one="renormalize"), argument="P", index=(0, 1))
    refuse(NotStochasticError, lambda: build(-1.0), argument="P", index=(0, 1), value=0.0)


def test_row_sum_of_outcomes():
    refuse(
        NotStochasticError,
        lambda: TabularMDP.from_outcomes([0, 1, 1], [0, 0, 1], [1.0, 1.0, 0.25], [0, 0, 0], [0, 1, 1]),
        argument="prob",
        index=(1, 1),
        value=0.25,
        mentions=["prob of pair [1, 1] sums to 0.25"],
    )
    refuse(NotStochasticError, lambda: TabularMDP.from_outcomes([0], [0], [0.0], [0], [0]), argument="prob", value=0.0)


def test_option_of_row_sums():
    refuse(
        UnknownOptionError,
        lambda: TabularMDP(P, R, sum_to_one="yes"),
        argument="sum_to_one",
        value="yes",
        mentions=["'yes'"],
    )


# ------------------------------------------------------------------ action sets and indices


@pytest.mark.parametrize("state", [0, 1, 2])
def test_empty_action_set(state):
    """First, interior and trailing states."""
    P3, mask = np.full((3, 2, 3), 1 / 3), np.arange(3) != state
    refuse(
        EmptyActionSetError,
        lambda: TabularMDP(P3, np.where(mask[:, None], np.ones((3, 2)), -INF)),
        argument="r",
        index=state,
        mentions=[f"state {state}"],
    )
    owners = np.flatnonzero(mask)
    refuse(
        EmptyActionSetError,
        lambda: TabularMDP.from_pairs(owners, [0, 0], P3[owners, 0], [0, 0]),
        argument="state",
        index=state,
        value=0,
        mentions=[f"state {state}"],
    )
    refuse(
        EmptyActionSetError,
        lambda: TabularMDP.from_outcomes(owners, [0, 0], [1, 1], [0, 0], owners[::-1], n_states=3),
        argument="state",
        index=state,
    )


def test_duplicate_pair():
    refuse(
        DuplicatePairError,
        lambda: TabularMDP.from_pairs([1, 0, 1], [0, 0, 0], np.eye(2)[[1, 0, 1]], [0, 0, 0]),
        argument="state",
        index=2,
        value=(1, 0),
        mentions=["state 1", "action 0", "position 2"],
    )


@pytest.mark.parametrize("bad", [-1, 2, 10**12])
def test_index_out_of_range(bad):
    eye, names = np.eye(2), ["a", "b"]
    refuse(
        StateIndexError,
        lambda: TabularMDP.from_pairs([0, bad], [0, 0], eye, [0, 0]),
        argument="state",
        index=1,
        value=bad,
        mentions=[f"state[1] = {bad}"],
    )
    refuse(
        StateIndexError,
        lambda: TabularMDP.from_pairs([0, 1], [0, bad], eye, [0, 0], action_names=names),
        argument="action",
        index=1,
        value=bad,
        mentions=[f"action[1] = {bad}"],
    )
    refuse(
        StateIndexError,
        lambda: TabularMDP.from_outcomes([0, 1], [0, 0], [1, 1], [0, 0], [bad, 1], n_states=2),
        argument="successor",
        index=0,
        value=bad,
        mentions=[f"successor[0] = {bad}"],
    )
    refuse(StateIndexError, lambda: TabularMDP(P, R, initial=bad), argument="initial", value=bad)
    refuse(StateIndexError, lambda: TabularMDP(P, R).reward(bad, 0), argument="state", value=bad)
    refuse(StateIndexError, lambda: TabularMDP(P, R).reward(0, bad), argument="action", value=bad)


@pytest.mark.parametrize("bad", [-1, 2])
def test_sparse_successor_out_of_range(bad):
    block = sp.csr_array(P.reshape(4, 2))
    block.indices[3] = bad  # scipy checks indices only when it builds a matrix
    refuse(
        StateIndexError, lambda: TabularMDP(block, R), argument="P", index=(1, 0, bad), value=bad, mentions=[str(bad)]
    )


def test_lookups():
    model = TabularMDP(P, put(R, (1, 1), -INF), state_names=["a", "b"])
    refuse(StateIndexError, lambda: model.reward("c", 0), argument="state", value="c", mentions=["'c'"])
    refuse(StateIndexError, lambda: model.reward(0.5, 0), argument="state", value=0.5)
    refuse(InputError, lambda: model.reward("b", 1), argument="action", index=1, value=1)


def test_indices_must_be_integers():
    for column in ([0.0, 1.0], [False, True], ["0", "1"]):
        refuse(InputError, lambda c=column: TabularMDP.from_pairs(c, [0, 0], np.eye(2), [0, 0]), argument="state")
    refuse(ShapeError, lambda: TabularMDP.from_pairs([[0, 1]], [0, 0], np.eye(2), [0, 0]), argument="state")
    refuse(ShapeError, lambda: TabularMDP.from_pairs([[0], [1, 2]], [0, 0], np.eye(2), [0, 0]), argument="state")


# ------------------------------------------------------------------ rewards


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_reward(bad):
    cases = [
        (lambda: TabularMDP(P, [0.0, bad]), (1,)),
        (lambda: TabularMDP(P, put(np.zeros((2, 2, 2)), (1, 0, 1), bad)), (1, 0, 1)),
        (lambda: TabularMDP(P, sp.csr_array(put(np.zeros((4, 2)), (2, 1), bad))), (1, 0, 1)),
        (lambda: TabularMDP.from_pairs([1, 0], [0, 0], np.eye(2), [0.0, bad]), 1),
        (lambda: TabularMDP.from_pairs([1, 0], [0, 0], np.eye(2), [[0, 0], [bad, 0]]), (1, 0)),
        (lambda: TabularMDP(P, R).with_rewards(put(R, (1, 0), bad)), (1, 0)),
        (lambda: TabularMDP(P, put(R, (0, 0), -INF)).with_rewards(put(R, (1, 0), bad)), (1, 0)),
        (lambda: TabularMDP(P, R).with_rewards(put(np.zeros((2, 2, 2)), (1, 0, 1), bad)), (1, 0, 1)),
    ]
    if bad != -INF:  # -inf forbids a pair here
        cases.append((lambda: TabularMDP(P, put(R, (1, 0), bad)), (1, 0)))
        cases.append((lambda: TabularMDP(P, put(put(R, (0, 0), -INF), (1, 0), bad)), (1, 0)))
    for build, index in cases:
        refuse(NonFiniteRewardError, build, argument="r", index=index, value=bad, mentions=[repr(bad)])
    refuse(
        NonFiniteRewardError,
        lambda: TabularMDP.from_outcomes([0, 1], [0, 0], [1, 1], [0, bad], [0, 1]),
        argument="reward",
        index=1,
        value=bad,
    )
    refuse(NonFiniteRewardError, lambda: MarkovRewardProcess(np.eye(2), [0, bad]), argument="r", index=1, value=bad)


# ------------------------------------------------------------------ discount, initial, names


@pytest.mark.parametrize("gamma", [-0.1, 1.5, NAN, INF, "a", "0.9", [0.9, 0.8], -1e-17])
def test_discount(gamma):
    for build in (
        lambda: TabularMDP(P, R, gamma),
        lambda: TabularMDP.from_pairs([0, 1], [0, 0], np.eye(2), [0, 0], gamma),
        lambda: TabularMDP.from_outcomes([0], [0], [1], [0], [0], gamma),
        lambda: TabularMDP(P, R).with_discount(gamma),
        lambda: MarkovRewardProcess(np.eye(2), [0, 0], gamma),
        lambda: FiniteHorizonMDP(P, R, horizon=2, gamma=gamma),
    ):
        refuse(DiscountError, build, argument="gamma", value=gamma, mentions=[repr(gamma)])


@pytest.mark.parametrize("gamma", [0, 1, 0.0, 1.0, None, np.float32(0.5)])
def test_discounts_that_are_legal(gamma):
    assert TabularMDP(P, R, gamma).gamma == gamma


def test_initial():
    refuse(ShapeError, lambda: TabularMDP(P, R, initial=[1.0]), argument="initial", mentions=["(1,)"])
    refuse(
        NotStochasticError, lambda: TabularMDP(P, R, initial=[1.5, -0.5]), argument="initial", index=(1,), value=-0.5
    )
    refuse(NotStochasticError, lambda: TabularMDP(P, R, initial=[0.5, 0.4]), argument="initial", value=0.9)
    refuse(StateIndexError, lambda: TabularMDP(P, R, initial="good"), argument="initial", value="good")
    named = TabularMDP(P, R, state_names=["bad", "good"], initial="good")
    assert named.initial.tolist() == [0.0, 1.0]
    assert named.with_initial("bad").initial.tolist() == [1.0, 0.0]


def test_names():
    refuse(ShapeError, lambda: TabularMDP(P, R, state_names=["a"]), argument="state_names", mentions=["2", "1"])
    refuse(ShapeError, lambda: TabularMDP(P, R, action_names=list("abc")), argument="action_names")
    refuse(InputError, lambda: TabularMDP(P, R, state_names=["a", "a"]), argument="state_names", index=1, value="a")


# ------------------------------------------------------------------ shapes


@pytest.mark.parametrize(
    ("build", "argument", "found"),
    [
        (lambda: TabularMDP(P[0], R), "P", "(2, 2)"),
        (lambda: TabularMDP(np.ones((2, 2, 3)), R), "P", "(2, 2, 3)"),
        (lambda: TabularMDP(np.ones((0, 2, 0)), np.ones((0, 2))), "P", "(0, 2, 0)"),
        (lambda: TabularMDP(sp.csr_array(np.ones((3, 2)) / 2), R), "P", "(3, 2)"),
        (lambda: TabularMDP([sp.eye_array(2), sp.eye_array(3)], R), "P", "(3, 3)"),
        (lambda: TabularMDP("P", R), "P", "numeric"),
        (lambda: TabularMDP([[1.0], [1.0, 2.0]], R), "P", "numeric"),
        (lambda: TabularMDP(P.astype(complex), R), "P", "complex"),
        (lambda: TabularMDP(sp.csr_array(P.reshape(4, 2).astype(complex)), R), "P", "complex"),
        (lambda: TabularMDP(P, np.zeros(3)), "r", "(3,)"),
        (lambda: TabularMDP(P, np.zeros((2, 3))), "r", "(2, 3)"),
        (lambda: TabularMDP(P, np.zeros((2, 2, 3))), "r", "(2, 2, 3)"),
        (lambda: TabularMDP(P, sp.csr_array((2, 2))), "r", "(2, 2)"),
        (lambda: TabularMDP(P, R).with_rewards(np.zeros(5)), "r", "(5,)"),
        (lambda: TabularMDP.from_pairs([0], [0], P, [0]), "P", "(2, 2, 2)"),
        (lambda: TabularMDP.from_pairs([], [], np.zeros((0, 2)), []), "P", "(0, 2)"),
        (lambda: TabularMDP.from_pairs([0], [0, 0], np.eye(2), [0, 0]), "state", "1"),
        (lambda: TabularMDP.from_pairs([0, 1], [0], np.eye(2), [0, 0]), "action", "1"),
        (lambda: TabularMDP.from_pairs([0, 1], [0, 0], np.eye(2), [0, 0, 0]), "r", "(3,)"),
        (lambda: TabularMDP.from_outcomes([0], [0], [1.0, 0.0], [0], [0]), "prob", "(2,)"),
        (lambda: TabularMDP.from_outcomes([0], [0], [1.0], [[0]], [0]), "reward", "(1, 1)"),
        (lambda: TabularMDP.from_outcomes([], [], [], [], []), "state", "empty"),
        (lambda: MarkovRewardProcess(np.ones((2, 3)), [0, 0]), "P", "(2, 3)"),
        (lambda: MarkovRewardProcess(np.eye(2), [0]), "r", "(1,)"),
    ],
)
def test_shape(build, argument, found):
    refuse(ShapeError, build, argument=argument, mentions=[found])


# ------------------------------------------------------------------ policies


def test_policies():
    model = TabularMDP(P, put(R, (1, 1), -INF))
    for action in (1, 2, -1):
        refuse(
            PolicyError, lambda a=action: model.under_policy([0, a]), argument="policy", index=1, value=action,
            mentions=[f"policy[1] = {action}"],
        )  # fmt: skip
    for row, index, value in (
        ([-0.5, 1.5], (0, 0), -0.5),
        ([NAN, 1.0], (0, 0), NAN),
        ([0.5, 0.25], 0, 0.75),
        ([INF, 0.0], 0, INF),
    ):
        refuse(
            PolicyError, lambda x=row: model.under_policy([x, [1.0, 0.0]]), argument="policy", index=index, value=value,
            mentions=[repr(value)],
        )  # fmt: skip
    refuse(PolicyError, lambda: model.under_policy([[1.0, 0], [0.5, 0.5]]), argument="policy", index=(1, 1), value=0.5)
    for shape in ([0], [0, 0, 0], [[0, 1]], [[1.0, 0.0]], [0.0, 0.0], [[0.5, 0.5], [1.0]]):
        refuse(ShapeError, lambda x=shape: model.under_policy(x), argument="policy")


# ------------------------------------------------------------------ finite horizon


def test_horizon():
    refuse(InputError, lambda: FiniteHorizonMDP(P, R), argument="horizon")
    for horizon in (0, -1, 2.0, True, "3"):
        refuse(InputError, lambda h=horizon: FiniteHorizonMDP(P, R, horizon=h), argument="horizon", value=horizon)
    four = np.stack([P, P, P])
    assert FiniteHorizonMDP(four, R).horizon == FiniteHorizonMDP(four, R, horizon=3).horizon == 3
    refuse(ShapeError, lambda: FiniteHorizonMDP(four, R, horizon=2), argument="horizon", value=2, mentions=["3"])
    refuse(ShapeError, lambda: FiniteHorizonMDP(four, np.zeros((2, 2, 2))), argument="r", mentions=["(2, 2, 2)"])
    refuse(ShapeError, lambda: FiniteHorizonMDP(np.zeros((0, 2, 2, 2)), R), argument="P")
    refuse(ShapeError, lambda: FiniteHorizonMDP(P[0], R, horizon=2), argument="P", mentions=["(2, 2)"])
    refuse(ShapeError, lambda: FiniteHorizonMDP(P, np.zeros((2, 2, 2, 2)), horizon=3), argument="r")
    refuse(DiscountError, lambda: FiniteHorizonMDP(P, R, horizon=2, gamma=None), argument="gamma")


def test_terminal_values():
    refuse(ShapeError, lambda: FiniteHorizonMDP(P, R, horizon=2, terminal_values=[0.0]), argument="terminal_values")
    refuse(
        NonFiniteRewardError,
        lambda: FiniteHorizonMDP(P, R, horizon=2, terminal_values=[0.0, INF]),
        argument="terminal_values",
        index=1,
        value=INF,
    )


def test_errors_name_the_step():
    four = np.stack([P, P, P])
    refuse(
        NotStochasticError,
        lambda: FiniteHorizonMDP(put(four, (2, 0, 1, 1), 0.5), R),
        argument="P",
        index=(0, 1),
        value=0.5,
        mentions=["step 2"],
    )
    refuse(
        NonFiniteRewardError,
        lambda: FiniteHorizonMDP(four, put(np.zeros((3, 2, 2)), (1, 0, 1), NAN)),
        argument="r",
        index=(0, 1),
        mentions=["step 1"],
    )


@pytest.mark.parametrize("form", ["dense", "sparse", "list"])
def test_rewards_that_could_be_read_two_ways(form):
    """S = H: (S, A, S) is told from (H, S, A) by shape, and refused when both fit."""

    def kernel(n_states, n_actions):
        dense = np.full((n_states, n_actions, n_states), 1 / n_states)
        if form == "dense":
            return dense
        if form == "sparse":
            return sp.csr_array(dense.reshape(-1, n_states))
        return [sp.csr_array(dense[:, a]) for a in range(n_actions)]

    refuse(ShapeError, lambda: FiniteHorizonMDP(kernel(2, 2), np.zeros((2, 2, 2)), horizon=2), argument="r")
    arrival = np.arange(12.0).reshape(2, 3, 2)
    problem = FiniteHorizonMDP(kernel(2, 3), arrival, horizon=2)
    assert problem.is_homogeneous
    np.testing.assert_array_equal(problem.stages[0].rewards, arrival.mean(axis=2))
    by_step = np.arange(12.0).reshape(2, 2, 3)
    problem = FiniteHorizonMDP(kernel(2, 3), by_step, horizon=2)
    np.testing.assert_array_equal(problem.stages[1].rewards, by_step[1])


def test_stages():
    one, two = TabularMDP(P, R), TabularMDP(np.ones((1, 1, 1)), [[0.0]])
    refuse(InputError, lambda: FiniteHorizonMDP.from_stages([]), argument="stages")
    refuse(ShapeError, lambda: FiniteHorizonMDP.from_stages([one, one, two]), argument="stages", index=2)


# ------------------------------------------------------------------ files


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.npz"
    TabularMDP(P, np.arange(8.0).reshape(2, 2, 2), 0.9, initial=[0.3, 0.7], state_names=["a", "b"]).save(path)
    return path


def test_truncated_files(saved):
    raw = saved.read_bytes()
    for size in range(0, len(raw), max(1, len(raw) // 60)):
        saved.write_bytes(raw[:size])
        with pytest.raises(FileFormatError, match=r"model\.npz"):
            TabularMDP.load(saved)


def test_flipped_bytes_are_noticed_or_harmless(saved):
    """A damaged file is refused, or (dates and other unused zip fields) gives the same model; nothing else."""
    raw, good = saved.read_bytes(), TabularMDP.load(saved)
    refused = []
    for position in range(0, len(raw), 3):
        damaged = bytearray(raw)
        damaged[position] ^= 0xFF if position % 2 else 0x01
        saved.write_bytes(damaged)
        try:
            model = TabularMDP.load(saved)
        except FileFormatError as error:
            refused.append(error)
        else:
            assert repr(model) == repr(good)
            np.testing.assert_array_equal(model.outcomes.prob, good.outcomes.prob)
            np.testing.assert_array_equal(model.outcomes.reward, good.outcomes.reward)
            np.testing.assert_array_equal(model.pair_reward, good.pair_reward)
            np.testing.assert_array_equal(model.initial, good.initial)
    for error in refused:
        assert (error.argument, error.value) == ("path", str(saved))
        assert str(saved) in str(error)
    assert len(refused) > len(raw) // 3 // 2  # most of the file is data under a checksum


def rewrite(path, **changes):
    with np.load(path) as archive:
        data = {key: archive[key] for key in archive.files}
    data |= {key: value for key, value in changes.items() if value is not None}
    for key in [key for key, value in changes.items() if value is None]:
        del data[key]
    data["contents"] = np.array(sorted(data))
    np.savez(path, **data)


def test_a_lost_array_is_noticed(saved):
    with np.load(saved) as archive:
        data = {key: archive[key] for key in archive.files if key != "state_names"}
    np.savez(saved, **data)
    with pytest.raises(FileFormatError, match="lacks the array 'state_names'"):
        TabularMDP.load(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": np.array(99)},
        {"version": None},
        {"version": np.array("x")},
        {"format": np.array("other")},
        {"format": None},
        {"reward": None},
        {"reward": np.zeros(4)},
        {"reward": np.zeros(3)},
        {"P": None},
        {"P": -np.eye(2)},
        {"gamma": np.array(2.0)},
        {"gamma": np.array("x")},
        {"pair_state": np.array([0, 0, 1, 7])},
        {"pair_state": np.zeros((2, 2), dtype=int)},
        {"transition_reward": np.zeros((4, 2))},
        {"transition_reward": np.zeros(3)},
        {"transition_reward": np.full((4, 2), NAN)},
        {"state_names": np.array(["a", "a"])},
        {"n_actions": np.array([1, 2])},
    ],
    ids=str,
)
def test_files_that_hold_something_else(saved, changes):
    rewrite(saved, **changes)
    with pytest.raises(FileFormatError) as caught:
        TabularMDP.load(saved)
    assert caught.value.argument == "path"
    assert str(saved) in str(caught.value)


def test_foreign_files(tmp_path):
    path = tmp_path / "foreign"
    np.savez(tmp_path / "other.npz", x=np.arange(3))
    with (tmp_path / "array.npy").open("wb") as stream:
        np.save(stream, np.arange(3))
    contents = [
        b"",
        b"state,action\n0,0\n",
        b"PK\x03\x04",
        (tmp_path / "other.npz").read_bytes(),
        (tmp_path / "array.npy").read_bytes(),
    ]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="foreign"):
            TabularMDP.load(path)
    with pytest.raises(FileNotFoundError):
        TabularMDP.load(tmp_path / "missing.npz")


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def broken(stream, **arrays):
        stream.write(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", broken)
    with pytest.raises(OSError, match="disk full"):
        TabularMDP(P, R).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_stray_indices_are_refused_before_arrays_of_their_size_are_made():
    refuse(
        EmptyActionSetError,
        lambda: TabularMDP.from_outcomes([0], [0], [1.0], [0.0], [10**12]),
        argument="state",
        index=1,
    )
    refuse(
        StateIndexError,
        lambda: TabularMDP.from_outcomes([0], [2**31], [1.0], [0.0], [0]),
        argument="action",
        index=0,
        value=2**31,
    )
