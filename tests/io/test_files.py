"""Reading and writing: nothing may be lost, and a bad file is named by its line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdpkit import TabularMDP, io, problems
from mdpkit.errors import DiscountError, FileFormatError, InputError, UnknownOptionError

HEADER = "idstatefrom,idaction,idstateto,probability,reward\n"


@st.composite
def outcome_models(draw):
    """Small models with action sets that differ, repeated successors and awkward doubles."""
    n = draw(st.integers(1, 5))
    reward = st.floats(-1e12, 1e12)
    columns = [[], [], [], [], []]
    for s in range(n):
        for a in draw(st.sets(st.integers(0, 3), min_size=1, max_size=3)):
            targets = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4))
            weights = np.array([draw(st.integers(1, 1000)) for _ in targets], dtype=float)
            for t, p in zip(targets, weights / weights.sum(), strict=True):
                for column, value in zip(columns, (s, a, p, draw(reward), t), strict=True):
                    column.append(value)
    return TabularMDP.from_outcomes(*columns, draw(st.none() | st.floats(0, 1)), n_states=n)


def assert_same_outcomes(first, second):
    for name in ("pair", "prob", "reward", "successor"):
        np.testing.assert_array_equal(getattr(first.outcomes, name), getattr(second.outcomes, name))
    np.testing.assert_array_equal(first.pair_state, second.pair_state)
    np.testing.assert_array_equal(first.pair_action, second.pair_action)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(model=outcome_models(), suffix=st.sampled_from(["csv", "npz", "CSV"]))
def test_round_trips_lose_no_bit(tmp_path, model, suffix):
    path = tmp_path / f"model.{suffix}"
    io.write(model, path)
    again = io.read(path, gamma=model.gamma)
    assert_same_outcomes(model, again)
    assert again.gamma == model.gamma
    assert np.all(np.abs(again.pair_reward - model.pair_reward) <= 2 * model.reward_error)


@pytest.mark.parametrize("entry", problems.catalogue(), ids=lambda entry: entry.name)
@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_named_problems_survive(tmp_path, entry, suffix):
    model = entry.example()
    path = tmp_path / f"{entry.name}.{suffix}"
    io.write(model, path)
    again = io.read(path, gamma=model.gamma)
    assert_same_outcomes(model, again)
    if suffix == "npz":
        np.testing.assert_array_equal(again.pair_reward, model.pair_reward)
        assert (again.state_names, again.action_names) == (model.state_names, model.action_names)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_gamma_of_the_reader_replaces_the_stored_one(tmp_path):
    path = tmp_path / "forest.npz"
    io.write(problems.forest(gamma=0.9), path)
    assert io.read(path).gamma == 0.9
    assert io.read(path, gamma=0.5).gamma == 0.5


def test_csv_of_craam2_with_a_quoted_header(tmp_path):
    path = tmp_path / "quoted.csv"
    path.write_text(
        '"idstatefrom","idaction","idstateto","probability","reward"\n0,0,0,0.7,0\n0,0,1,0.3,0\n1,0,1,0.3,10000\n1,0,0,0.7,0\n'
    )
    model = io.read(path, gamma=0.9)
    assert model.transition(0, 0).tolist() == [0.7, 0.3]
    assert model.reward(1, 0) == pytest.approx(3000, rel=1e-15)  # 0.3 * 10000


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "header"),
        ("a,b,c\n1,2,3\n", 1, "found a, b, c"),
        (HEADER, 1, "no line follows"),
        (HEADER + "0,0,0,1\n", 2, "expected 5 fields, found 4"),
        (HEADER + "0,0,0,1,0\n0,0,0,1,0,7\n", 3, "expected 5 fields, found 6"),
        (HEADER + "0,0,0,1,0,7\n0,1,0,1,0,7\n", 2, "expected 5 fields, found 6"),
        (HEADER + "0,0,0,1,0\n\n0,x,0,1,0\n", 4, "idaction must be an integer, found 'x'"),
        (HEADER + "0,0,0,one,0\n", 2, "probability must be a number, found 'one'"),
        (HEADER + "0,0,0,1,0\n0,1,0.5,1,0\n", 3, "idstateto must be an integer, found '0.5'"),
        (HEADER + "0,0,0,1,\n", 2, "reward must be a number, found ''"),
        (HEADER + "0,0,0,1,inf\n", 2, "reward = inf is out of range"),
        (HEADER + "0,0,99999999999999999999,1,0\n", 2, "out of range"),
        (HEADER + "0,0,0,1,0\n0,1,-1,1,0\n", 3, "idstateto = -1 is out of range"),
        (HEADER + "0,4000000000,0,1,0\n", 2, "idaction = 4000000000 is out of range"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=f"line {line}: .*{message}") as caught:
        io.read(path)
    assert caught.value.index == line


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0,0,0,0.5,0\n", "sums to 0.5"),
        ("0,0,0,1.5,0\n0,0,0,-0.5,1\n", "negative"),
        ("0,0,2,1,0\n2,0,0,1,0\n", "no line for state 1"),
        ("0,0,2,0.5,0\n0,0,0,0.5,0\n2,0,0,1,0\n", "state 1 has no action"),
        ("0,0,1,1,0\n", "no line for state 1"),
        ("0,0,0,1,0\n2000000000,0,0,1,0\n", "no line for state 1"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path, lines, message):
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + lines)
    with pytest.raises(FileFormatError, match=message):
        io.read(path)


def test_binary_junk_is_refused(tmp_path):
    for name in ("junk.csv", "junk.npz"):
        (tmp_path / name).write_bytes(bytes(range(128, 256)) * 3)
        with pytest.raises(FileFormatError, match=name):
            io.read(tmp_path / name)


def test_other_refusals(tmp_path):
    for call in (lambda p: io.read(p), lambda p: io.write(problems.forest(), p)):
        with pytest.raises(UnknownOptionError, match=r"\.csv, \.npz"):
            call(tmp_path / "model.pkl")
    with pytest.raises(FileNotFoundError):
        io.read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="TabularMDP"):
        io.write("model", tmp_path / "model.csv")
    io.write(problems.forest(), tmp_path / "forest.csv")
    with pytest.raises(DiscountError, match="gamma"):
        io.read(tmp_path / "forest.csv", gamma=2)
