"""Inner problems solved by linear programs, by enumeration and in fractions; nothing here shares code with the solvers.

Every function minimizes ``p.z`` over one row; for cooperative nature pass negated payoffs. Programs see payoffs scaled
to [0, 1], so the accuracy of HiGHS (1e-9 here) is relative to the spread of the payoffs.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

OPTIONS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def _minimize(z, costs, **program):
    """Solve ``min costs(unit payoffs)``, undoing the scaling of ``z``."""
    low, spread = np.min(z), np.max(z) - np.min(z)
    if spread == 0.0:
        return float(low)
    found = linprog(costs((z - low) / spread), method="highs", options=OPTIONS, **program)
    assert found.status == 0, found.message
    return float(low + spread * found.fun)


def l1(z, q, kappa, w=None, allowed=None):
    """Minimize over ``sum w |p - q| <= kappa`` with ``t >= |p - q|``."""
    n = len(z)
    w = np.ones(n) if w is None else w
    allowed = np.ones(n, dtype=bool) if allowed is None else allowed
    eye, zero = np.eye(n), np.zeros(n)
    return _minimize(
        z,
        lambda unit: np.concatenate([unit, zero]),
        A_ub=np.vstack([np.hstack([eye, -eye]), np.hstack([-eye, -eye]), np.concatenate([zero, w])]),
        b_ub=np.concatenate([q, -q, [kappa]]),
        A_eq=np.concatenate([np.ones(n), zero])[None],
        b_eq=[1.0],
        bounds=[(0.0, 1.0 if a else 0.0) for a in allowed] + [(0.0, None)] * n,
    )


def interval(z, lower, upper):
    """Minimize over ``lower <= p <= upper``."""
    return _minimize(z, lambda unit: unit, A_eq=np.ones((1, len(z))), b_eq=[1.0], bounds=np.stack([lower, upper], 1))


def linf(z, q, kappa, w=None, allowed=None):
    """Minimize over ``w |p - q| <= kappa``, as inequalities of the program and not as intervals."""
    n = len(z)
    w = np.ones(n) if w is None else w
    allowed = np.ones(n, dtype=bool) if allowed is None else allowed
    weighted = np.diag(w)
    return _minimize(
        z,
        lambda unit: unit,
        A_ub=np.vstack([weighted, -weighted]),
        b_ub=np.concatenate([kappa + w * q, kappa - w * q]),
        A_eq=np.ones((1, n)),
        b_eq=[1.0],
        bounds=[(0.0, 1.0 if a else 0.0) for a in allowed],
    )


def cvar(z, q, level):
    """Mean of the worst share of ``q`` (Rockafellar and Uryasev): ``max_eta eta - E (eta - z)_+ / level``."""
    return max(float(eta - q @ np.maximum(eta - z, 0.0) / level) for eta in z[q > 0.0])


def contamination(z, q, epsilon, allowed=None):
    """Minimize over ``p = (1 - epsilon) q + epsilon x``."""
    n = len(z)
    allowed = np.ones(n, dtype=bool) if allowed is None else allowed
    return _minimize(
        z,
        lambda unit: unit,
        A_eq=np.ones((1, n)),
        b_eq=[1.0],
        bounds=[((1.0 - epsilon) * m, 1.0 if a else 0.0) for m, a in zip(q, allowed, strict=True)],
    )


def wasserstein(z, q, metric, kappa):
    """Minimize over transport plans of cost at most kappa out of ``q``."""
    n = len(z)
    return _minimize(
        z,
        lambda unit: np.tile(unit, n),
        A_ub=metric.reshape(1, -1),
        b_ub=[kappa],
        A_eq=np.kron(np.eye(n), np.ones(n)),
        b_eq=q,
        bounds=(0.0, None),
    )


def transport_cost(p, q, metric):
    """Return the cheapest cost of moving ``q`` to ``p``."""
    n = len(p)
    both = np.vstack([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))])
    found = linprog(metric.reshape(-1), A_eq=both, b_eq=np.concatenate([q, p]), bounds=(0.0, None), method="highs")
    assert found.status == 0, found.message
    return float(found.fun)


def l1_vertices(z, q, kappa, w):
    """Smallest ``p.z`` over the vertices of a weighted L1 ball in the simplex, for n <= 3.

    The ball is ``sum s_i w_i (p_i - q_i) <= kappa`` for all signs s; a vertex has n - 1 active inequalities.
    """
    n = len(z)
    signs = [np.array(s) * w for s in itertools.product([-1.0, 1.0], repeat=n)]
    faces = [(s, kappa + float(s @ q)) for s in signs] + [(-row, 0.0) for row in np.eye(n)]
    best = np.inf
    for active in itertools.combinations(faces, n - 1):
        system = np.vstack([np.ones(n)] + [row for row, _ in active])
        if abs(np.linalg.det(system)) < 1e-9:
            continue
        p = np.linalg.solve(system, [1.0] + [side for _, side in active])
        if all(float(row @ p) <= side + 1e-9 for row, side in faces):
            best = min(best, float(p @ z))
    return best


def l1_exact(z, q, kappa, w):
    """Weighted L1 in fractions: the dual function at every price where anything can change.

    Strong duality: ``max_{lam >= 0} -lam kappa + min_p (p.z + lam sum w |p - q|)``, concave and piecewise linear in
    lam with kinks where two entries tie. The inner minimum is over plans: each ``i`` stays or sends its mass to ``j``.
    """
    z, q, w = ([Fraction(float(x)) for x in row] for row in (z, q, w))
    total = sum(q)
    q = [x / total for x in q]
    kappa, n = Fraction(float(kappa)), len(z)
    prices = {Fraction(0)}
    for i, j in itertools.permutations(range(n), 2):
        for weight in (w[i] + w[j], w[j] - w[i]):
            if weight != 0 and (z[i] - z[j]) / weight > 0:
                prices.add((z[i] - z[j]) / weight)

    def dual(price):
        cheapest = [min([z[i]] + [z[j] + price * (w[i] + w[j]) for j in range(n) if j != i]) for i in range(n)]
        return sum(m * c for m, c in zip(q, cheapest, strict=True)) - price * kappa

    return max(dual(price) for price in prices)


def interval_exact(z, lower, upper):
    """Interval sets in fractions: ``max_eta eta + sum lower (z - eta)_+ - upper (eta - z)_+``, at the payoffs."""
    z, lower, upper = ([Fraction(float(x)) for x in row] for row in (z, lower, upper))
    return max(
        eta + sum(lo * max(x - eta, 0) - up * max(eta - x, 0) for x, lo, up in zip(z, lower, upper, strict=True))
        for eta in z
    )
