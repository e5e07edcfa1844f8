"""G-optimal designs in the plane: where to sample, and how much."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit.regression import g_optimal_design

TOL = 1e-6
GRID = [{"cloud": name} for name in ("polygon", "gaussian", "three")]
CONFIGS = {"quick": {"configs": GRID, "n_seeds": 1}, "paper": {"configs": GRID, "n_seeds": 1}}


def cloud(name: str, seed: int) -> np.ndarray:
    """Return features in the plane."""
    if name == "polygon":
        angle = 2 * np.pi * np.arange(7) / 7
        return np.column_stack([np.cos(angle), np.sin(angle)])
    if name == "three":
        return np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    return np.random.default_rng(seed).standard_normal((400, 2)) @ np.array([[1.0, 0.6], [0.0, 0.5]])


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Compute one design."""
    features = cloud(config["cloud"], seed)
    design = g_optimal_design(features, tol=TOL)
    G = np.asarray(design.G)
    return {
        "x": features[:, 0],
        "y": features[:, 1],
        "rho": np.asarray(design.rho),
        "g_max": float(design.g_max),
        "core": len(design.core),
        "log_det": float(design.log_det),
        "G_xx": G[0, 0],
        "G_xy": G[0, 1],
        "G_yy": G[1, 1],
    }
