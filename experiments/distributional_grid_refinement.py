"""Stock grids that round down, interpolate and round up, as their spacing shrinks."""

from __future__ import annotations

from typing import Any

from mdpkit.bounds import stock_grid_enclosure_error
from mdpkit.distributional import Utility, stock_value_iteration
from mdpkit.problems.risk import sure_or_coin

STEPS = (0.08, 0.02, 0.005)
CONFIGS = {
    "quick": {"configs": [{"step": h} for h in STEPS], "n_seeds": 1},
    "paper": {"configs": [{"step": h} for h in (*STEPS, 0.00125)], "n_seeds": 1},
}
GAMMA = 0.7
TOL = 1e-12


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the three values at every stock of the grid."""
    mdp = sure_or_coin(gamma=GAMMA)
    h = config["step"]
    modes = {
        mode: stock_value_iteration(mdp, Utility.cvar(), step=h, mode=mode, tol=TOL)
        for mode in ("floor", "linear", "ceil")
    }
    return {
        "stock": modes["linear"].grid,
        **{mode: solution.V[0] for mode, solution in modes.items()},
        "enclosure_bound": 2.0 * float(stock_grid_enclosure_error(gamma=GAMMA, step=h)),
    }
