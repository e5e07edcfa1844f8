"""Plots of laws and of policies over (state, stock): what is drawn is what was given."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

import mdpkit.plotting as mp
from mdpkit.distributional import DiscreteLaw
from mdpkit.errors import InputError, NotStochasticError, ShapeError

mpl.use("agg")

LAW = DiscreteLaw([0, 1, 3], [0.5, 0.25, 0.25])
EXACT = DiscreteLaw([0, 2], [Fraction(1, 4), Fraction(3, 4)])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_cdf_is_right_continuous_steps():
    ax = mp.law_cdf({"A": LAW, "B": EXACT}, marks={"A": LAW.cvar(0.6), "target": 2.5})
    ax.figure.canvas.draw()
    first, second, own, target = ax.get_lines()
    assert first.get_drawstyle() == second.get_drawstyle() == "steps-post"
    # Between two points, steps-post holds the level of the left one: the CDF there.
    x, level = first.get_data()
    np.testing.assert_allclose(x[1:-1], LAW.x)
    np.testing.assert_allclose(level, [0, 0.5, 0.75, 1, 1])
    for at, height in zip(x[1:-1], level[1:-1], strict=True):
        assert LAW.cdf(at) == height
    np.testing.assert_allclose(second.get_ydata(), [0, 0.25, 1, 1])
    assert own.get_color() == first.get_color()
    assert target.get_color() not in (first.get_color(), second.get_color())
    assert own.get_xdata()[0] == LAW.cvar(0.6)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B"]
    assert ax.get_xlabel() == "return"


def test_stems():
    ax = mp.law_stems(LAW, marks={"mean": LAW.mean()})
    ax.figure.canvas.draw()
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, 1], np.column_stack([LAW.x, LAW.p]))
    np.testing.assert_allclose(segments[:, 0, 1], 0.0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mean"]
    again = mp.law_stems(EXACT, ax=ax)
    assert again is ax
    plain = mp.law_stems(DiscreteLaw.point(2))
    plain.figure.canvas.draw()
    assert plain.get_legend() is None


def test_points_and_large_laws_draw():
    mp.law_cdf({"sure": DiscreteLaw.point(Fraction(3))}).figure.canvas.draw()
    n = 20_000
    ax = mp.law_stems(DiscreteLaw(np.arange(n), np.full(n, 1 / n)))
    assert len(ax.get_lines()) == 0
    assert len(ax.collections[0].get_segments()) == n


def test_policy_over_stock():
    ax = mp.policy_over_stock([[0, 2, 2], [-1, 0, 0]], [-4.0, -1.0, 0.0], state_names=["left", "right"])
    ax.figure.canvas.draw()
    mesh = ax.collections[0]
    np.testing.assert_array_equal(mesh.get_array().filled(-1), [[0, 2, 2], [-1, 0, 0]])
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], [-5.5, -2.5, -0.5, 0.5])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["left", "right"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["action 0", "action 2"]
    colors = mesh.cmap(mesh.norm(np.array([0, 2])))
    shown = [patch.get_facecolor() for patch in ax.get_legend().get_patches()]
    np.testing.assert_allclose(colors, shown)
    single = mp.policy_over_stock([[-1]], [2])
    single.figure.canvas.draw()
    assert single.get_legend() is None


def law(x, p):
    return SimpleNamespace(x=x, p=p)


@pytest.mark.parametrize(
    ("build", "kind", "argument"),
    [
        (lambda: mp.law_cdf({}), ShapeError, "laws"),
        (lambda: mp.law_cdf({"a": [1, 2]}), InputError, "laws"),
        (lambda: mp.law_cdf({"a": law([0, 1], [1.0])}), ShapeError, "laws"),
        (lambda: mp.law_cdf({"a": law([1, 0], [0.5, 0.5])}), InputError, "laws"),
        (lambda: mp.law_cdf({"a": law([0, np.inf], [0.5, 0.5])}), InputError, "laws"),
        (lambda: mp.law_cdf({"a": law([0, 1], [0.5, 0.6])}), NotStochasticError, "laws"),
        (lambda: mp.law_cdf({"a": LAW}, marks={"a": np.nan}), InputError, "marks"),
        (lambda: mp.law_stems(3), InputError, "law"),
        (lambda: mp.law_stems(DiscreteLaw.point((0, 1))), ShapeError, "law"),
        (lambda: mp.law_stems(law([0, 1], [1.5, -0.5])), NotStochasticError, "law"),
        (lambda: mp.policy_over_stock([0, 1], [0, 1]), ShapeError, "actions"),
        (lambda: mp.policy_over_stock([[0.5]], [0]), InputError, "actions"),
        (lambda: mp.policy_over_stock([[0, -2]], [0, 1]), InputError, "actions"),
        (lambda: mp.policy_over_stock([[0, 1]], [0]), ShapeError, "stocks"),
        (lambda: mp.policy_over_stock([[0, 1]], [1, 0]), InputError, "stocks"),
        (lambda: mp.policy_over_stock([[0, 1]], [0, 1], action_names=["a"]), ShapeError, "action_names"),
        (lambda: mp.policy_over_stock([[0, 1]], [0, 1], state_names=[]), ShapeError, "state_names"),
    ],
)
def test_bad_input(build, kind, argument):
    with pytest.raises(kind) as caught:
        build()
    assert type(caught.value) is kind
    assert caught.value.argument == argument
