"""What the figures on preferences share: a claim about a rate, and bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mdpkit.errors import InputError
from mdpkit.sweeps import Claim
from mdpkit.testing import assert_rate
from paper_figures._rates import FALSE_ALARM

SLOPE = -0.5


def rate_claim(what: str, run: pd.DataFrame, column: str, tolerance: float, source: str) -> Claim:
    """State that the mean error falls like n^(-1/2); each seed, its datasets averaged, is one repeat."""
    table = run.pivot_table(index="n", columns="seed", values=column)
    n = table.index.to_numpy(float)
    try:
        check = assert_rate(n, table.to_numpy(), SLOPE, tolerance=tolerance, false_alarm=FALSE_ALARM)
        slope, held, interval = check.slope, True, f"[{check.lower:.3f}, {check.upper:.3f}]"
    except (AssertionError, InputError) as failure:
        slope, held, interval = float(np.polyfit(np.log(n), np.log(table.mean(axis=1)), 1)[0]), False, f"({failure})"
    return Claim(
        f"{what}: from {n[0]:.0f} to {n[-1]:.0f} the mean error falls like n^(-1/2), slope within {tolerance:g}; its "
        f"interval at level 1e-6 is {interval}",
        slope,
        SLOPE,
        held=held,
        kind="statistical",
        uncertainty=FALSE_ALARM,
        source=source,
    )


def seen(sentence: str, value: float) -> Claim:
    """Describe what was seen."""
    return Claim(sentence, value, None, held=True, kind="descriptive", source="measured")


def error_band(ax: Any, run: pd.DataFrame, column: str, *, color: str, marker: str = "o", label: str | None) -> None:
    """Draw the mean by ``n``, and the band that holds 80 % of the datasets."""
    groups = run.groupby("n")[column]
    spread = groups.quantile([0.1, 0.9]).unstack()
    n = spread.index.to_numpy(float)
    ax.fill_between(n, spread[0.1], spread[0.9], color=color, alpha=0.15, linewidth=0)
    ax.plot(n, groups.mean(), marker=marker, markersize=4, color=color, label=label)
