"""Optimal values and policies of three gymnasium worlds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mdpkit.plotting import style, value_heatmap
from mdpkit.sweeps import Claim

TITLE = "Optimal values and policies of gymnasium's toy-text worlds"
CAPTION = (
    "Optimal values at discount 0.99 with the greedy actions: FrozenLake 8x8 (S start, H hole, G goal), CliffWalking "
    "(C cliff), and some rows of Taxi's policy table. Every solution was verified from the model alone."
)
FAMILY = "planning"
SOURCE = "gymnasium's tables, solved exactly"
PAPER = "gymnasium's tables"
EXPERIMENTS = ("gridworld_values",)
TAXI_ROWS = (
    "taxi (0, 0), passenger at Red, to Blue",
    "taxi (2, 2), passenger at Green, to Yellow",
    "taxi (4, 4), passenger in taxi, to Red",
    "taxi (0, 4), passenger in taxi, to Green",
    "taxi (3, 1), passenger at Yellow, to Red",
    "taxi (4, 3), passenger at Blue, to Green",
)


def draw(tables: dict[str, pd.DataFrame]) -> tuple[Figure, list[Claim]]:
    """Draw two heat maps and a table."""
    data = tables["gridworld_values"]
    lake, cliff, taxi = (
        data[data["problem"] == name].sort_values("state") for name in ("frozen_lake", "cliff_walking", "taxi")
    )
    with style():
        figure = Figure(figsize=(12, 5.6))
        grid = figure.add_gridspec(2, 2, width_ratios=(1.0, 1.2), height_ratios=(1, 1))
        left = figure.add_subplot(grid[:, 0])
        _world(left, lake, (8, 8), "FrozenLake", terminals="HG")
        left.set_title("FrozenLake 8x8 (slippery)")
        top = figure.add_subplot(grid[0, 1])
        # The table has entries for the cliff and for standing on the goal, which no episode ever visits.
        _world(top, cliff, (4, 12), "CliffWalking", walls="CG")
        top.set_title("CliffWalking")
        _taxi_table(figure.add_subplot(grid[1, 1]), taxi)
    return figure, _claims(data, cliff)


def _world(
    ax, run: pd.DataFrame, shape: tuple[int, int], directions: str, terminals: str = "", walls: str = ""
) -> None:
    cells = run.iloc[: shape[0] * shape[1]]
    tiles = [name.split()[-1] for name in cells["name"]]
    value_heatmap(
        cells["V"].to_numpy(),
        shape,
        policy=cells["action"].to_numpy(dtype=np.int64),
        directions=directions,
        labels=["" if tile in ".F" else tile for tile in tiles],
        terminals=np.array([tile in terminals for tile in tiles]),
        walls=np.array([tile in walls for tile in tiles]),
        value_label="optimal value",
        ax=ax,
    )


def _taxi_table(ax, run: pd.DataFrame) -> None:
    rows = run[run["name"].isin(TAXI_ROWS)]
    columns = (rows["name"], rows["action_name"], rows["V"])
    cells = [[name, action, f"{value:.3f}"] for name, action, value in zip(*columns, strict=True)]
    table = ax.table(
        cells,
        colLabels=["state", "optimal action", "value"],
        colWidths=[0.62, 0.22, 0.16],
        loc="upper center",
        cellLoc="left",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1.0, 1.35)
    for (row, _), cell in table.get_celld().items():
        cell.set_linewidth(0.4)
        if row == 0:
            cell.set_text_props(weight="bold")
    ax.axis("off")
    ax.set_title(f"Taxi: {len(rows)} of {len(run) - 1} rows of the policy table")


def _claims(data: pd.DataFrame, cliff: pd.DataFrame) -> list[Claim]:
    unverified = int((~data.groupby("problem")["verified"].all()).sum())
    gamma = float(cliff["gamma"].iloc[0])
    start = cliff[cliff["name"].str.endswith("S")].iloc[0]
    # Up, eleven to the right, down: thirteen steps of reward -1.
    closed_form = -(1.0 - gamma**13) / (1.0 - gamma)
    return [
        Claim(
            "every solution is proved from its model in rational arithmetic (worlds that are not)",
            unverified,
            0,
            held=unverified == 0 and bool(data["exact_arithmetic"].all()),
            source="mdpkit.verify",
        ),
        Claim(
            f"CliffWalking: the start is worth thirteen steps, -(1 - gamma^13) / (1 - gamma) = {closed_form:.6f}"
            " (distance)",
            abs(float(start["V"]) - closed_form),
            1e-10,
            held=abs(float(start["V"]) - closed_form) <= 1e-10,
            source="closed form of a deterministic path",
        ),
    ]
