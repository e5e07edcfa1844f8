"""Plots hold the artists they promise, leave no figure and no setting behind, and refuse what does not fit."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.quiver import Quiver

import mdpkit.plotting as mp
from mdpkit import MDPKitError, TabularMDP
from mdpkit.errors import InputError, PolicyError, ShapeError, UnknownOptionError

INF = np.inf


@pytest.fixture(autouse=True)
def agg():
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    yield
    plt.close("all")


def two_state():
    """Puterman's example of section 3.1."""
    P = [[[0.5, 0.5], [0, 1]], [[0, 1], [0, 1]]]
    return TabularMDP(P, [[5, 10], [-1, -INF]], 0.9, state_names=["good", "bad"], action_names=["stay", "cash in"])


def swim(n_states=6):
    P = np.zeros((n_states, 2, n_states))
    for s in range(n_states):
        P[s, 0, max(s - 1, 0)] += 1.0
        for t, p in ((s - 1, 0.05), (s, 0.6), (s + 1, 0.35)):
            P[s, 1, min(max(t, 0), n_states - 1)] += p
    return TabularMDP(P, np.zeros((n_states, 2)), 0.95, action_names=["left", "right"])


def ring(n_states):
    P = np.zeros((n_states, 2, n_states))
    P[np.arange(n_states), 0, (np.arange(n_states) + 1) % n_states] = 1.0
    P[:, 1] = 1 / n_states
    return TabularMDP(P, np.zeros((n_states, 2)))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def arrows(ax):
    """Tails and steps of all drawn policy arrows."""
    fields = [artist for artist in ax.collections if isinstance(artist, Quiver)]
    if not fields:
        return np.zeros((0, 2)), np.zeros((0, 2))
    return np.vstack([f.XY for f in fields]), np.vstack([np.column_stack([f.U, f.V]) for f in fields])


# ------------------------------------------------------------------ style


def test_style_is_put_back():
    before = mpl.rcParams.copy()
    with mp.style():
        assert mpl.rcParams["svg.fonttype"] == "none"
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(mp.COLORS)
    assert dict(mpl.rcParams) == dict(before)
    with mpl.rc_context():
        mp.use_style()
        assert mpl.rcParams["figure.constrained_layout.use"] is True
    mp.model_graph(two_state())
    mp.value_heatmap(np.zeros(4), (2, 2))
    mp.convergence({"a": [1.0]})
    assert dict(mpl.rcParams) == dict(before)


def test_a_given_axes_is_used_and_no_figure_is_made():
    import matplotlib.pyplot as plt

    axes = Figure().subplots(1, 3)
    assert mp.model_graph(two_state(), ax=axes[0]) is axes[0]
    assert mp.value_heatmap(np.zeros(4), (2, 2), ax=axes[1]) is axes[1]
    assert mp.convergence({"a": [1.0, 0.1]}, ax=axes[2]) is axes[2]
    assert plt.get_fignums() == []


def test_bad_input_leaves_no_figure():
    import matplotlib.pyplot as plt

    for build in (
        lambda: mp.model_graph(ring(13)),
        lambda: mp.model_graph(two_state(), policy=[0, 1]),
        lambda: mp.value_heatmap(np.zeros(3), (2, 2)),
        lambda: mp.value_heatmap(np.zeros(4), (2, 2), policy=[0, 0, 0, 9]),
        lambda: mp.convergence({"a": []}),
    ):
        with pytest.raises(MDPKitError):
            build()
    assert plt.get_fignums() == []


# ------------------------------------------------------------------ heat maps


def test_heat_map_shows_values_labels_and_arrows():
    values = np.array([0.5, 12.25, -3.0, 0.0, 99.0])  # the last state is the appended absorbing one
    ax = mp.value_heatmap(
        values, (2, 2), policy=[2, 1, 3, 0, 0], directions="FrozenLake", labels=["S", " ", "", "G"], terminals=[3, 4]
    )
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.5, 12.25], [-3.0, 0.0]])
    assert sorted(texts(ax)) == sorted([".5", "12.2", "-3", "0", "S", "G"])
    tails, steps = arrows(ax)
    # FrozenLake: 2 is right, 1 is down, 3 is up; rows grow downwards.
    order = np.lexsort((tails[:, 0].round(), tails[:, 1].round()))
    np.testing.assert_array_equal(np.sign(steps[order]), [[1, 0], [0, 1], [0, -1]])
    assert ax.images[0].colorbar.ax.get_ylabel() == "value"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column", "row")


def test_arrows_point_where_the_actions_go():
    """Presets against the documented action order of gymnasium: FrozenLake LDRU, CliffWalking URDL."""
    expected = {"FrozenLake": "LDRU", "CliffWalking": "URDL", "grid_world": "URDL"}
    step = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}
    for preset, letters in expected.items():
        assert [mp.ACTION_ORDERS[preset][a] for a in range(4)] == [step[letter] for letter in letters]
        tails, steps = arrows(mp.value_heatmap(np.zeros(4), (1, 4), policy=np.arange(4), directions=preset))
        order = np.argsort((tails + steps / 2)[:, 0])
        np.testing.assert_array_equal(np.sign(steps[order])[:, ::-1], [step[letter] for letter in letters])


def test_mixed_policies_walls_and_standing_still():
    policy = np.array([[0.25, 0.75, 0, 0], [0, 0, 1, 0], [0.001, 0, 0, 0.999], [1, 0, 0, 0]])
    mask = np.array([False, False, False, True])
    ax = mp.value_heatmap([1.0, 2.0, 3.0, 4.0], (2, 2), policy=policy, walls=mask)
    steps = arrows(ax)[1]
    assert len(steps) == 2 + 1 + 1
    assert ax.images[0].get_array().mask[1, 1]
    assert len(texts(ax)) == 3
    lengths = np.sort(np.linalg.norm(steps, axis=1))
    np.testing.assert_allclose(lengths[1] / lengths[0], 3.0)
    ax = mp.value_heatmap(np.zeros(2), (1, 2), policy=[0, 0], directions={0: (0, 0)})
    assert len(arrows(ax)[1]) == 0
    assert len(ax.collections[0].get_offsets()) == 2


def test_large_grids_print_no_numbers():
    values = np.arange(400.0)
    assert texts(mp.value_heatmap(values, (20, 20), policy=np.zeros(400, dtype=int))) == []
    assert len(texts(mp.value_heatmap(values, (20, 20), print_values=True))) == 400


def test_nan_and_infinite_values_are_left_blank():
    ax = mp.value_heatmap([np.nan, -INF, 1.0, 2.0], (2, 2))
    np.testing.assert_array_equal(ax.images[0].get_array().mask, [[True, True], [False, False]])
    assert texts(ax) == ["1", "2"]
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("build", "kind", "argument"),
    [
        (lambda: mp.value_heatmap(np.zeros(3), (2, 2)), ShapeError, "values"),
        (lambda: mp.value_heatmap(np.zeros((2, 2)), (2, 2)), ShapeError, "values"),
        (lambda: mp.value_heatmap(np.zeros(4), (4,)), ShapeError, "shape"),
        (lambda: mp.value_heatmap(np.zeros(4), (0, 4)), ShapeError, "shape"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), policy=[0, 0]), ShapeError, "policy"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), policy=np.ones((2, 4))), ShapeError, "policy"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), policy=[0, 0, 4, 0]), PolicyError, "policy"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), labels="SF"), ShapeError, "labels"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), walls=[True]), ShapeError, "walls"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), terminals=[-1]), InputError, "terminals"),
        (lambda: mp.value_heatmap(np.zeros(4), (2, 2), terminals=[0.5]), InputError, "terminals"),
        (
            lambda: mp.value_heatmap(np.zeros(4), (2, 2), policy=[0] * 4, directions="Taxi"),
            UnknownOptionError,
            "directions",
        ),
        (lambda: mp.model_graph(ring(13)), InputError, "mdp"),
        (lambda: mp.model_graph(two_state(), layout="tree"), UnknownOptionError, "layout"),
        (lambda: mp.model_graph(two_state(), policy=[0, 1]), PolicyError, "policy"),
        (lambda: mp.model_graph(two_state(), policy=[0]), ShapeError, "policy"),
        (lambda: mp.convergence({}), ShapeError, "errors"),
        (lambda: mp.convergence({"a": [[1.0]]}), ShapeError, "errors"),
        (lambda: mp.convergence({"a": [1.0]}, rate=1.0), InputError, "rate"),
    ],
)
def test_bad_input(build, kind, argument):
    with pytest.raises(kind) as caught:
        build()
    assert type(caught.value) is kind
    assert caught.value.argument == argument
    assert argument in str(caught.value)


# ------------------------------------------------------------------ graphs


def arrow_ends(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]


def circles(ax):
    return [patch for patch in ax.patches if isinstance(patch, Circle)]


def test_two_state_graph():
    ax = mp.model_graph(two_state())
    ax.figure.canvas.draw()
    assert sorted(texts(ax)) == sorted(["good", "bad", "stay, r = 5", "cash in, r = 10", "stay, r = -1", "0.5", "0.5"])
    assert len(arrow_ends(ax)) == two_state().nnz == 4
    assert len(circles(ax)) == 2


def test_river_swim_graph():
    model = swim()
    ax = mp.model_graph(model, policy=[1] * 6)
    ax.figure.canvas.draw()
    assert len(arrow_ends(ax)) == model.nnz
    assert texts(ax).count("left") == texts(ax).count("right") == 6
    assert [t for t in texts(ax) if t.isdigit()] == [str(s) for s in range(6)]
    centers = np.array([circle.center for circle in circles(ax)])
    assert np.all(centers[:, 1] == centers[0, 1])
    bold = {text.get_text() for text in ax.texts if text.get_fontweight() == "bold"}
    assert bold == {"right"}


@pytest.mark.parametrize("model", [two_state(), swim(6), ring(3), ring(8)], ids=["two", "swim", "ring 3", "ring 8"])
def test_graph_names_do_not_cover_each_other(model):
    """State names, action names and nodes keep clear of one another; every arrow ends on the rim of a state."""
    ax = mp.model_graph(model)
    ax.figure.canvas.draw()
    labels = [text for text in ax.texts if not text.get_text().startswith("0.")]
    boxes = [text.get_window_extent() for text in labels]
    for i, box in enumerate(boxes):
        for other in boxes[:i]:
            assert not box.overlaps(other)
        assert ax.figure.bbox.contains(box.x0, box.y0)
        assert ax.figure.bbox.contains(box.x1, box.y1)
    centers = np.array([circle.center for circle in circles(ax)])
    radius = circles(ax)[0].radius
    for arrow in arrow_ends(ax):
        tip = arrow._path_original.vertices[-1]
        assert np.min(np.abs(np.linalg.norm(centers - tip, axis=1) - radius)) < 0.05


def test_terminal_states_are_double_circles():
    P = [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]
    model = TabularMDP(P, [[1.0, 0.0], [0.0, -INF]])
    ax = mp.model_graph(model)
    assert len(circles(ax)) == 3
    assert len(arrow_ends(ax)) == model.nnz - 1


@pytest.mark.parametrize("layout", ["line", "circle"])
@pytest.mark.parametrize("n_states", [1, 2, 5, 12])
def test_every_size_draws(layout, n_states):
    ax = mp.model_graph(ring(n_states), layout=layout, policy=np.full((n_states, 2), 0.5))
    ax.figure.canvas.draw()
    assert len(circles(ax)) == n_states


# ------------------------------------------------------------------ convergence


def test_convergence_draws_curves_and_rate():
    ax = mp.convergence({"exact": [1.0, 0.1, 0.0], "slow": [2.0, 1.8, 1.62]}, rate=0.9, rate_label="theory")
    ax.figure.canvas.draw()
    assert ax.get_yscale() == "log"
    first, _, line = ax.get_lines()
    assert np.isnan(first.get_ydata()[2])
    np.testing.assert_allclose(line.get_ydata(), [1.0, 0.9, 0.81])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["exact", "slow", "theory"]
