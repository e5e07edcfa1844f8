"""What must hold for every named problem: shapes, laws, seeds, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mdpkit import problems
from mdpkit.errors import DiscountError, InputError
from mdpkit.models import TabularMDP
from mdpkit.problems.garnet import distinct_successors


def rows(model):
    return model.rows.csr().toarray()


# ------------------------------------------------------------------ the catalogue


def test_catalogue_lists_every_public_problem():
    public = set(problems.__all__) - {"Problem", "catalogue"}
    entries = problems.catalogue()
    assert [entry.name for entry in entries] == sorted(public)
    assert all(entry.build is getattr(problems, entry.name) for entry in entries)


@pytest.mark.parametrize("entry", problems.catalogue(), ids=lambda entry: entry.name)
def test_every_entry_builds_a_proper_model(entry):
    model = entry.example()
    assert isinstance(model, TabularMDP)
    np.testing.assert_allclose(rows(model).sum(axis=1), 1.0, atol=1e-15 * model.n_states)
    assert len(model.action_names) == model.n_actions
    assert entry.summary == entry.build.__doc__.splitlines()[0]
    assert entry.summary.endswith(".")
    assert entry.parameters.startswith("(")
    assert all(name in entry.parameters for name in entry.small)


@pytest.mark.parametrize("entry", [e for e in problems.catalogue() if e.name != "gambler"], ids=lambda e: e.name)
def test_discount_is_a_parameter_and_checked(entry):
    assert entry.build(**entry.small, gamma=None).gamma is None
    assert entry.build(**entry.small, gamma=0.5).gamma == 0.5
    with pytest.raises(DiscountError, match=r"1\.5"):
        entry.build(**entry.small, gamma=1.5)


# ------------------------------------------------------------------ refusals

REFUSED = [
    (problems.forest, {"n_states": 1}, "n_states"),
    (problems.forest, {"n_states": 3.0}, "n_states"),
    (problems.forest, {"fire_probability": 1.01}, "fire_probability"),
    (problems.forest, {"r_wait": math.nan}, "r_wait"),
    (problems.forest, {"r_cut": "much"}, "r_cut"),
    (problems.river_swim, {"n_states": True}, "n_states"),
    (problems.river_swim, {"up": 0.7, "down": 0.4}, "up"),
    (problems.river_swim, {"first_up": -0.1}, "first_up"),
    (problems.river_swim, {"large_reward": math.inf}, "large_reward"),
    (problems.chain, {"n_states": 0}, "n_states"),
    (problems.chain, {"n_states": 5, "success_probability": math.nan}, "success_probability"),
    (problems.garnet, {"n_states": 5, "n_actions": 2, "branching": 6, "seed": 0}, "branching"),
    (problems.garnet, {"n_states": 5, "n_actions": 2, "branching": 0, "seed": 0}, "branching"),
    (problems.garnet, {"n_states": 5, "n_actions": 0, "branching": 1, "seed": 0}, "n_actions"),
    (problems.garnet, {"n_states": 5, "n_actions": 2, "branching": 2, "seed": -1}, "seed"),
    (problems.garnet, {"n_states": 5, "n_actions": 2, "branching": 2, "seed": None}, "seed"),
    (problems.inventory, {"capacity": 0}, "capacity"),
    (problems.inventory, {"demand": [0.5, 0.6]}, "demand"),
    (problems.inventory, {"demand": [1.5, -0.5]}, "demand"),
    (problems.inventory, {"demand": []}, "demand"),
    (problems.inventory, {"demand": ["a"]}, "demand"),
    (problems.inventory, {"fixed_cost": -1}, "fixed_cost"),
    (problems.machine_replacement, {"n_levels": 1}, "n_levels"),
    (problems.machine_replacement, {"repair_probability": 0.95}, "repair_probability"),
    (problems.machine_replacement, {"failure_cost": -2}, "failure_cost"),
    (problems.gambler, {"goal": 1}, "goal"),
    (problems.gambler, {"win_probability": 2}, "win_probability"),
    (problems.grid_world, {"n_rows": 0}, "n_rows"),
    (problems.grid_world, {"n_rows": 3, "n_cols": -1}, "n_cols"),
    (problems.grid_world, {"n_rows": 3, "slip": 1.5}, "slip"),
    (problems.grid_world, {"n_rows": 3, "goal": (3, 0)}, "goal"),
    (problems.grid_world, {"n_rows": 3, "goal": 8}, "goal"),
    (problems.grid_world, {"n_rows": 3, "walls": [(2, 2)]}, "goal"),
    (problems.grid_world, {"n_rows": 3, "walls": [(0, 0)]}, "start"),
    (problems.grid_world, {"n_rows": 3, "walls": [(0.5, 1)]}, "walls"),
    (problems.grid_world, {"n_rows": 3, "pits": [(2, 2)]}, "pits"),
    (problems.grid_world, {"n_rows": 3, "pits": [(0, -1)]}, "pits"),
    (problems.grid_world, {"n_rows": 3, "pit_fraction": 2}, "pit_fraction"),
    (problems.grid_world, {"n_rows": 3, "seed": "x"}, "seed"),
]


@pytest.mark.parametrize(("build", "arguments", "named"), REFUSED)
def test_bad_parameters_are_named(build, arguments, named):
    with pytest.raises(InputError, match=named) as caught:
        build(**arguments)
    assert caught.value.argument == named


# ------------------------------------------------------------------ garnet


@settings(max_examples=60)
@given(n=st.integers(1, 40), m=st.integers(1, 5), share=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_garnet_has_exactly_the_branching_asked_for(n, m, share, seed):
    b = max(1, round(share * n))
    model = problems.garnet(n, m, b, seed=seed)
    assert (np.count_nonzero(rows(model), axis=1) == b).all()
    assert ((model.rewards >= 0) & (model.rewards < 1)).all()


def test_garnet_seeds():
    def content(seed):
        model = problems.garnet(30, 2, 4, seed=seed)
        return rows(model), model.rewards

    for first, second in zip(content(7), content(7), strict=True):
        np.testing.assert_array_equal(first, second)
    for first, second in zip(content(7), content(np.random.default_rng(7)), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(content(7)[1], content(8)[1])
    # A generator moves on, so that two models drawn from it differ.
    rng = np.random.default_rng(7)
    assert not np.array_equal(content(rng)[1], content(rng)[1])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_every_successor_set_is_equally_likely(size):
    # Chi-square over all C(5, size) sets; false-alarm probability 1e-6 per size. With 200000 rows one set that is off
    # by a tenth of its probability gives a noncentrality of 200 and more, against a critical value near 43.
    n_rows = 200_000
    sets = distinct_successors(n_rows, 5, size, np.random.default_rng(12345))
    assert (np.diff(sets, axis=1) > 0).all()
    codes, counts = np.unique((1 << sets).sum(axis=1), return_counts=True)
    assert len(codes) == math.comb(5, size)
    if len(codes) > 1:
        assert stats.chisquare(counts).pvalue > 1e-6


def test_garnet_probabilities_are_uniform_on_the_simplex():
    # The first of b uniform spacings has law Beta(1, b-1). Kolmogorov-Smirnov, false-alarm probability 1e-6; the
    # critical distance for 20000 rows is 0.019, so laws 0.03 apart are told apart practically always.
    model = problems.garnet(10_000, 2, 4, seed=99)
    first = model.rows.csr().data.reshape(-1, 4)[:, 0]
    assert stats.kstest(first, stats.beta(1, 3).cdf).pvalue > 1e-6


def test_garnet_is_dense_where_that_is_cheaper():
    assert "dense" in repr(problems.garnet(8, 2, 4, seed=0))
    assert "sparse" in repr(problems.garnet(80, 2, 4, seed=0))


# ------------------------------------------------------------------ grid world

MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]  # up, right, down, left


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n_rows=st.integers(1, 5), n_cols=st.integers(1, 5), slip=st.sampled_from([0, 0.2, 2 / 3, 1]))
def test_grid_world_against_a_loop_over_cells(data, n_rows, n_cols, slip):
    cells = [(i, j) for i in range(n_rows) for j in range(n_cols)]
    kinds = dict(zip(cells, data.draw(st.lists(st.sampled_from(".....#o"), min_size=25, max_size=25)), strict=False))
    start, goal = data.draw(st.sampled_from(cells)), data.draw(st.sampled_from(cells))
    kinds[start] = kinds[goal] = "."
    walls = [c for c, kind in kinds.items() if kind == "#"]
    pits = [c for c, kind in kinds.items() if kind == "o"]
    model = problems.grid_world(
        n_rows, n_cols, slip=slip, start=start, goal=goal, pits=pits, walls=walls,
        step_reward=-0.5, goal_reward=4, pit_reward=-2,
    )  # fmt: skip
    for s, (i, j) in enumerate(cells):
        if (i, j) in walls or (i, j) in pits or (i, j) == goal:
            assert np.flatnonzero(model.action_mask[s]).tolist() == [0]
            assert model.transition(s, 0)[s] == 1
            assert model.reward(s, 0) == 0
            continue
        for a in range(4):
            row, mean = np.zeros(len(cells)), 0.0
            for turn, p in ((0, 1 - slip), (1, slip / 2), (3, slip / 2)):
                down, right = MOVES[(a + turn) % 4]
                there = (i + down, j + right)
                if there not in kinds or there in walls:
                    there = (i, j)
                row[cells.index(there)] += p
                mean += p * (-0.5 + 4 * (there == goal) - 2 * (there in pits))
            np.testing.assert_allclose(model.transition(s, a), row, atol=1e-15)
            assert model.reward(s, a) == pytest.approx(mean, abs=1e-14)


def test_grid_world_keeps_the_reward_with_the_successor():
    model = problems.grid_world(3, pits=())
    k = model.pair_index("(1, 2)", "down")
    table = model.outcomes
    mine = table.pair == k
    # Goal below with 1/3, the border (stay) and the cell to the left with 1/3 each.
    assert table.successor[mine].tolist() == [4, 5, 8]
    assert table.reward[mine].tolist() == [0, 0, 1]


def test_grid_world_draws_the_pits_asked_for():
    model = problems.grid_world(20, seed=3)
    single = model.action_mask.sum(axis=1) == 1
    assert single.sum() == 1 + 20  # the goal and 5 % of 400 cells
    assert single[399]
    assert not single[0]
    np.testing.assert_array_equal(single, problems.grid_world(20, seed=3).action_mask.sum(axis=1) == 1)
    assert (single != (problems.grid_world(20, seed=4).action_mask.sum(axis=1) == 1)).any()


# ------------------------------------------------------------------ gambler


def test_gambler_action_sets():
    model = problems.gambler(9)
    for s in range(10):
        stakes = list(range(1, min(s, 9 - s) + 1)) or [0]
        assert np.flatnonzero(model.action_mask[s]).tolist() == stakes
    assert model.gamma is None
    assert model.transition("capital 0", "stop")[0] == 1
    assert model.transition("capital 9", "stop")[9] == 1
    assert model.reward("capital 9", "stop") == 0


# ------------------------------------------------------------------ size


def test_large_models_stay_sparse_and_unnamed():
    for model in (
        problems.forest(20_000),
        problems.chain(20_000),
        problems.river_swim(20_000),
        problems.grid_world(150),
    ):
        assert "sparse" in repr(model)
        assert model.state_names is None
        assert model.nnz <= 12 * model.n_states
