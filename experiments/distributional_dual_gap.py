"""What the dual risk-level recursion claims, what its policy has, and what is optimal, on two-step gambles."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit.distributional import dual_level_cvar, maximize_cvar
from mdpkit.problems.risk import two_step_gamble

GAMBLES = ((2.0, 1.0, 0.0, 4.0), (2.0, 1.0, 0.0, 3.0))
"""First prize, safe reward, and what the gamble pays: the gap is at its known value in the first."""
CONFIGS = {
    preset: {"configs": [{"gamble": list(gamble), "n_levels": n} for gamble in GAMBLES], "n_seeds": 1}
    for preset, n in (("quick", 19), ("paper", 199))
}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve at equally spaced levels; 3/4 is one of them."""
    first, safe, low, high = config["gamble"]
    mdp = two_step_gamble(first, safe, low, high)
    n = config["n_levels"]
    taus = np.arange(1, n + 1) / (n + 1)
    exact = [maximize_cvar(mdp, tau, horizon=2).value for tau in taus.tolist()]
    dual = [dual_level_cvar(mdp, tau, horizon=2) for tau in taus.tolist()]
    return {
        "high": high,
        "tau": taus,
        "exact": np.array(exact),
        "claimed": np.array([solution.value for solution in dual]),
        "attained": np.array([solution.policy_value for solution in dual]),
    }
