"""Graphs of small models: states, actions, probabilities and rewards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.models import TabularMDP
from mdpkit.models.policies import is_deterministic, policy_pairs, policy_weights
from mdpkit.plotting._layout import RADIUS, Layout, arrange, curve, point_on
from mdpkit.plotting.style import COLORS, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MAX_STATES", "model_graph"]

MAX_STATES = 12
"""Larger graphs are not readable."""

FADED = "#BBBBBB"
_HALO = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.85}


def model_graph(
    mdp: TabularMDP, *, policy: Any = None, layout: str = "auto", digits: int = 3, ax: Axes | None = None
) -> Axes:
    """Draw a small model as a graph.

    Circles are states. A small node at the end of a stem is an action, with its name and its expected reward (left
    out if 0); from there one arrow per possible successor, labelled with its probability (left out if 1). A double
    circle is a terminal state.

    Parameters
    ----------
    mdp : TabularMDP
        The model, at most 12 states.
    policy : array_like of int, shape (S,), or float, shape (S, A), optional
        Actions the policy does not take are faded.
    layout : {"auto", "line", "circle"}, default "auto"
        "auto" puts models that move between neighbors only on a line.
    digits : int, default 3
        Significant digits of probabilities and rewards.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure of fitting size.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        The model has more than 12 states.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> import mdpkit
    >>> mdp = mdpkit.TabularMDP([[[0.5, 0.5]], [[0.0, 1.0]]], r=[[1.0], [0.0]], state_names=["up", "down"])
    >>> ax = mdpkit.plotting.model_graph(mdp)
    >>> [text.get_text() for text in ax.texts]
    ['up', 'down', '0, r = 1', '0.5', '0.5']
    """
    import matplotlib.pyplot as plt

    if mdp.n_states > MAX_STATES:
        raise InputError(
            f"mdp has {mdp.n_states} states; graphs of more than {MAX_STATES} are not readable",
            argument="mdp",
            value=mdp.n_states,
        )
    if layout not in ("auto", "line", "circle"):
        raise UnknownOptionError(
            f'layout must be "auto", "line" or "circle", found {layout!r}', argument="layout", value=layout
        )
    taken = np.ones(mdp.n_pairs, dtype=bool) if policy is None else _taken(mdp, policy)
    terminal = _terminal_states(mdp)
    places = arrange(mdp, layout)
    with style():
        if ax is None:
            extent = np.ptp(np.vstack([places.states, places.actions]), axis=0) + 1.6
            ax = plt.subplots(figsize=tuple(np.clip(0.95 * extent, 2.6, 14.0)))[1]
        ax.set_aspect("equal")
        ax.axis("off")
        _draw_states(ax, mdp, places, terminal)
        pairs = np.flatnonzero(~terminal[mdp.pair_state]).tolist()
        inks = [_ink(mdp, k, bool(taken[k]), highlight=policy is not None) for k in pairs]
        labels: list[Floats] = []
        for k, ink in zip(pairs, inks, strict=True):
            _draw_action(ax, mdp, places, k, ink, digits, labels)
        for k, ink in zip(pairs, inks, strict=True):
            _draw_moves(ax, mdp, places, k, ink, digits, labels)
        everything = np.vstack([places.states, places.actions])
        low, high = everything.min(axis=0), everything.max(axis=0)
        ax.set_xlim(low[0] - 0.95, high[0] + 0.95)
        ax.set_ylim(low[1] - 0.6, high[1] + 0.6)
    return ax


def _draw_states(ax: Axes, mdp: TabularMDP, places: Layout, terminal: Bools) -> None:
    from matplotlib.patches import Circle

    for s, (x, y) in enumerate(places.states):
        ax.add_patch(Circle((x, y), RADIUS, fc="#F2F2F2", ec="black", lw=1.2, zorder=3))
        if terminal[s]:
            ax.add_patch(Circle((x, y), 0.85 * RADIUS, fill=False, ec="black", lw=0.8, zorder=3))
        name = str(s) if mdp.state_names is None else mdp.state_names[s]
        size = min(10.0, 46.0 / max(len(name), 1) + 1.5)
        ax.text(x, y, name, ha="center", va="center", fontsize=size, zorder=4)


@dataclass(frozen=True)
class _Ink:
    """How a pair is drawn; faded pairs lie below the others."""

    line: str
    text: str
    width: float
    weight: str
    depth: float


def _ink(mdp: TabularMDP, k: int, taken: bool, *, highlight: bool) -> _Ink:
    if not taken:
        return _Ink(FADED, "#888888", 1.3, "normal", 1.0)
    color = COLORS[int(mdp.pair_action[k]) % len(COLORS)]
    return _Ink(color, color, 2.2 if highlight else 1.3, "bold" if highlight else "normal", 2.0)


def _draw_action(
    ax: Axes, mdp: TabularMDP, places: Layout, k: int, ink: _Ink, digits: int, labels: list[Floats]
) -> None:
    """Draw stem, node and name of a pair; add the rough box of the name, (center, half width), to the labels."""
    s, a = int(mdp.pair_state[k]), int(mdp.pair_action[k])
    own, node = places.states[s], places.actions[k]
    ax.plot(*np.stack([own, node], axis=1), color=ink.line, lw=ink.width, zorder=ink.depth, solid_capstyle="butt")
    ax.plot(*node, marker="o", ms=6, color=ink.line, zorder=ink.depth + 0.5)
    up = (node - own) / np.linalg.norm(node - own)
    name = str(a) if mdp.action_names is None else mdp.action_names[a]
    reward = float(mdp.pair_reward[k])
    noise = 1e-14 * float(np.max(np.abs(mdp.pair_reward)))
    text = name if abs(reward) <= noise else f"{name}, r = {reward:.{digits}g}"
    half = 0.04 * len(text)
    sideways, upward = np.sign(up) * (np.abs(up) >= 0.5)
    # Beyond the node; where that is taken, above or below it.
    beyond = node + 0.14 * up + np.array([half * sideways, 0.08 * upward])
    candidates = [beyond, node + np.array([0.0, 0.22]), node - np.array([0.0, 0.22])]
    x, y = next((c for c in candidates if _is_free(c, half, labels)), beyond)
    labels.append(np.array([x, y, half]))
    ax.text(
        x, y, text, ha="center", va="center", color=ink.text, fontsize=9, fontweight=ink.weight, zorder=5, bbox=_HALO
    )


def _draw_moves(
    ax: Axes, mdp: TabularMDP, places: Layout, k: int, ink: _Ink, digits: int, labels: list[Floats]
) -> None:
    """Draw an arrow per successor of a pair; its probability goes where no other label is."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    s = int(mdp.pair_state[k])
    for target, p in zip(*mdp.rows.row(k), strict=True):
        home = int(target) == s
        node = places.actions[k]
        bend = _bend(places, s, int(target), node)
        turn = _home_side(mdp, places, k)
        points = curve(node, places.states[target], places.states[s], bend=bend, home=home, turn=turn)
        ax.add_patch(
            FancyArrowPatch(
                path=Path(points, [Path.MOVETO, Path.CURVE3, Path.CURVE3]),
                arrowstyle="-|>",
                mutation_scale=11,
                shrinkA=0,
                shrinkB=0,
                color=ink.line,
                lw=ink.width,
                zorder=ink.depth,
            )
        )
        if p < 1.0:
            text = f"{p:.{digits}g}"
            half = 0.036 * len(text)
            candidates = [
                point_on(points, t) for t in ((0.5,) if home else (0.36, 0.3, 0.44, 0.24, 0.52, 0.6, 0.16, 0.7, 0.78))
            ]
            x, y = next((c for c in candidates if _is_free(c, half, labels)), candidates[0])
            labels.append(np.array([x, y, half]))
            ax.text(x, y, text, ha="center", va="center", color=ink.text, fontsize=8, zorder=5, bbox=_HALO)


def _is_free(where: Floats, half: float, labels: list[Floats]) -> bool:
    """Say whether a label of this half width would cover none of the others."""
    return all(abs(where[1] - y) > 0.2 or abs(where[0] - x) > half + other for x, y, other in labels)


def _bend(places: Layout, s: int, target: int, node: Floats) -> float:
    """Bow of a curve, as a share of its length: on a line, longer moves rise over the states between."""
    if not places.on_line:
        # Bow outward: the circle's center is the origin.
        way, middle = places.states[target] - node, places.states[target] + node
        return 0.12 if middle[1] * way[0] - middle[0] * way[1] >= 0 else -0.12
    away = target - s
    above = 1.0 if node[1] > 0 else -1.0
    return float(above * np.sign(away) * (0.1 if abs(away) <= 1 else 0.32))


def _home_side(mdp: TabularMDP, places: Layout, k: int) -> float:
    """Side of the stem a self-loop takes: away from where the other arrows go (always the left on a line)."""
    if places.on_line:
        return 1.0
    own = places.states[mdp.pair_state[k]]
    stem = places.actions[k] - own
    others = np.sum(places.states[mdp.rows.row(k)[0]] - own, axis=0)
    return -1.0 if stem[0] * others[1] - stem[1] * others[0] > 0 else 1.0


def _taken(mdp: TabularMDP, policy: Any) -> Bools:
    if is_deterministic(policy):
        chosen = np.zeros(mdp.n_pairs, dtype=bool)
        chosen[policy_pairs(mdp, policy)] = True
        return chosen
    return np.asarray(policy_weights(mdp, policy) > 0.0)


def _terminal_states(mdp: TabularMDP) -> Bools:
    """States whose only action stays put and earns nothing."""
    single = np.diff(mdp.state_ptr) == 1
    first = mdp.state_ptr[:-1]
    stays = np.array([np.array_equal(mdp.rows.row(int(k))[0], [s]) for s, k in enumerate(first)], dtype=bool)
    return np.asarray(single & stays & (mdp.pair_reward[first] == 0.0))
