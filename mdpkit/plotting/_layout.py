"""Where the states and actions of a model graph go, and the curves between them: plain geometry, no drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP

RADIUS = 0.36
STEM = 0.95
"""Distance of an action's node from the center of its state."""
SPACING = 2.5


@dataclass(frozen=True, eq=False)
class Layout:
    """Positions in data units: states ``(S, 2)``, action nodes ``(N, 2)``."""

    states: Floats
    actions: Floats
    on_line: bool


def arrange(model: TabularMDP, layout: str) -> Layout:
    """Place states on a line or a circle, and each action's node around its state."""
    successors = [model.rows.row(k)[0] for k in range(model.n_pairs)]
    state = model.pair_state
    if layout == "auto":
        reach = max(int(np.max(np.abs(s - state[k]))) for k, s in enumerate(successors))
        layout = "line" if reach <= 1 else "circle"
    n = model.n_states
    if layout == "line":
        states = np.column_stack([SPACING * np.arange(n), np.zeros(n)])
        angles = _fans_on_line(model)
    else:
        radius = 1.3 * SPACING / (2 * np.sin(np.pi / n)) if n > 1 else 0.0
        turn = np.pi / 2 - 2 * np.pi * np.arange(n) / n
        states = radius * np.column_stack([np.cos(turn), np.sin(turn)])
        angles = _fans_on_circle(model, states, turn, successors)
    actions = states[state] + STEM * np.column_stack([np.cos(angles), np.sin(angles)])
    return Layout(states, actions, layout == "line")


def _fans_on_line(model: TabularMDP) -> Floats:
    """Put even actions above the line and odd ones below, fanned out where several share a side."""
    angles = np.zeros(model.n_pairs)
    for s in range(model.n_states):
        mine = np.flatnonzero(model.pair_state == s)
        for side in (0, 1):
            here = mine[model.pair_action[mine] % 2 == side]
            fan = np.deg2rad(62.0) * (np.arange(len(here)) - (len(here) - 1) / 2)
            angles[here] = (np.pi / 2 - fan) if side == 0 else (-np.pi / 2 + fan)
    return angles


def _fans_on_circle(
    model: TabularMDP, states: Floats, turn: Floats, successors: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]
) -> Floats:
    """Let actions that only stay point outward and the others towards where they lead, at least 50 degrees apart."""
    wanted = np.zeros(model.n_pairs)
    for k, s in enumerate(model.pair_state):
        targets, weights = model.rows.row(k)
        away = targets != s
        outward = turn[s]
        if not away.any():
            wanted[k] = outward
            continue
        heading = np.average(states[targets[away]], axis=0, weights=weights[away]) - states[s]
        toward = np.mod(np.arctan2(heading[1], heading[0]) - outward + np.pi, 2 * np.pi) - np.pi
        # Turned outward, away from the crowded middle and from the straight way back.
        wanted[k] = outward + np.sign(toward) * max(abs(toward) - np.deg2rad(60.0), 0.0)
    gap = np.deg2rad(58.0)
    for s in range(model.n_states):
        mine = np.flatnonzero(model.pair_state == s)
        # Angles measured from the outward direction; actions in order of where they want to point.
        relative = np.mod(wanted[mine] - turn[s] + np.pi, 2 * np.pi) - np.pi
        order = np.argsort(relative, kind="stable")
        spread = relative[order]
        narrow = min(gap, 2 * np.pi / len(mine))
        for _ in range(100):
            short = narrow - np.diff(spread)
            push = np.where(short > 1e-9, short / 2, 0.0)
            if not push.any():
                break
            spread[:-1] -= push
            spread[1:] += push
        wanted[mine[order]] = spread + turn[s]
    return wanted


def curve(start: Floats, center: Floats, own: Floats, *, bend: float, home: bool, turn: float = 1.0) -> Floats:
    """Return a quadratic Bezier curve from an action node to the rim of a state, control points ``(3, 2)``.

    ``own`` is the center of the state the action belongs to; ``home`` says that the curve returns to it, on
    the left of the stem for ``turn = 1``, on its right for ``turn = -1``.
    """
    if home:
        stem = (start - own) / np.linalg.norm(start - own)
        side = turn * np.array([-stem[1], stem[0]])
        angle = np.deg2rad(48.0)
        end = own + (RADIUS + 0.03) * (np.cos(angle) * stem + np.sin(angle) * side)
        return np.array([start, own + 0.85 * STEM * stem + 0.62 * side, end])
    way = center - start
    length = float(np.linalg.norm(way))
    control = start + 0.5 * way + bend * length * np.array([-way[1], way[0]]) / length
    arrive = center - control
    end = center - (RADIUS + 0.03) * arrive / np.linalg.norm(arrive)
    return np.array([start, control, end])


def point_on(points: Floats, t: float) -> Floats:
    """Evaluate a quadratic Bezier curve."""
    return np.asarray((1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2])
