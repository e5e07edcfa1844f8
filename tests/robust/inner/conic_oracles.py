"""Inner problems of the smooth families as conic programs for Clarabel; nothing here shares code with the solvers.

Every function minimizes ``p.z`` over one row. Payoffs are scaled to [0, 1]; interior-point solutions are good to about
1e-7 of the spread on rows whose masses are above 1e-3.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

ACCURACY = 3e-7
TIGHT = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


def _minimize(z, allowed, within):
    n = len(z)
    low, spread = np.min(z), np.ptp(z)
    p = cp.Variable(n, nonneg=True)
    forbidden = [] if allowed.all() else [p[np.flatnonzero(~allowed)] == 0]
    program = cp.Problem(cp.Minimize(p @ ((z - low) / spread)), [cp.sum(p) == 1, within(p), *forbidden])
    program.solve(solver=cp.CLARABEL, **TIGHT)
    assert program.status in ("optimal", "optimal_inaccurate"), program.status
    return float(low + spread * program.value)


def kl(z, q, kappa, allowed):
    """Exponential cones."""
    assert (q[allowed] > 0.0).all()
    return _minimize(z[allowed], np.ones(allowed.sum(), bool), lambda p: cp.sum(cp.rel_entr(p, q[allowed])) <= kappa)


def reverse_kl(z, q, kappa, allowed):
    """Exponential cones, the other way around."""
    some = np.flatnonzero(q > 0.0)
    return _minimize(z, allowed, lambda p: cp.sum(cp.rel_entr(q[some], p[some])) <= kappa)


def chi_square(z, q, kappa, allowed):
    """A second-order cone."""
    assert (q[allowed] > 0.0).all()
    root = np.sqrt(q[allowed])
    return _minimize(
        z[allowed],
        np.ones(allowed.sum(), bool),
        lambda p: cp.norm2(cp.multiply(1.0 / root, p - q[allowed])) <= np.sqrt(kappa),
    )


def l2(z, q, kappa, allowed):
    """A second-order cone."""
    return _minimize(z, allowed, lambda p: cp.norm2(p - q) <= kappa)
