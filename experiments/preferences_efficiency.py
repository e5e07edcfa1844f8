"""What splitting rankings into pairs costs, by the number of items and how far their utilities are apart; exact.

Items have no features (one-hot vectors); their utilities are equally spaced.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit import bounds
from mdpkit.preferences import pl_efficiency, pl_efficiency_equal

SPREADS = np.arange(0.0, 8.01, 0.25)
"""Utility of the best item less that of the worst."""
GRID = [{"K": K} for K in range(2, 13)]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Compare the asymptotic covariances of both estimates at every spread."""
    K = config["K"]
    lines = [pl_efficiency(np.eye(K), spread * np.linspace(-0.5, 0.5, K)) for spread in SPREADS]
    fraction = pl_efficiency_equal(K)
    return {
        "spread": SPREADS,
        "trace_ratio": np.array([line.trace_ratio for line in lines]),
        "design_ratio": np.array([line.ratio for line in lines]),
        # relative to the largest eigenvalue: splitting never helps, in any direction
        "least_excess": np.array([_least_excess(line.pair_split_cov, line.mle_cov) for line in lines]),
        "rank": np.array([line.rank for line in lines]),
        "numerator": fraction.numerator,
        "denominator": fraction.denominator,
        "closed_form": float(bounds.pair_splitting_efficiency(n_choices=K)),
    }


def _least_excess(larger: np.ndarray, smaller: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(larger - smaller)[0] / np.linalg.norm(larger, 2))
