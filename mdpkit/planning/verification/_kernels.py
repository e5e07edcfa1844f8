"""Row products in doubled precision (Dekker 1971): no fast-math flag may ever be set here."""

from __future__ import annotations

from typing import Any

from numba import njit

SPLITTER = 134217729.0  # 2^27 + 1


@njit(cache=True, nogil=True)
def doubled_expectation(row_ptr: Any, col: Any, prob: Any, V: Any, high: Any, low: Any, excess: Any) -> None:
    """``sum_j p_j V_j = high + low`` and ``sum_j p_j = 1 + excess``, each far beyond double precision."""
    for k in range(len(row_ptr) - 1):
        total, rest = 0.0, 0.0
        mass, mass_rest = 0.0, 0.0
        for j in range(row_ptr[k], row_ptr[k + 1]):
            p, v = prob[j], V[col[j]]
            # Dekker's product: p * v = product + error exactly.
            product = p * v
            t = SPLITTER * p
            p_high = t - (t - p)
            p_low = p - p_high
            t = SPLITTER * v
            v_high = t - (t - v)
            v_low = v - v_high
            error = ((p_high * v_high - product) + p_high * v_low + p_low * v_high) + p_low * v_low
            # Knuth's sum: total + product = new + carry exactly.
            new = total + product
            shadow = new - total
            carry = (total - (new - shadow)) + (product - shadow)
            rest += carry + error
            total = new
            new = mass + p
            shadow = new - mass
            mass_rest += (mass - (new - shadow)) + (p - shadow)
            mass = new
        high[k] = total
        low[k] = rest
        excess[k] = (mass - 1.0) + mass_rest


@njit(cache=True, nogil=True)
def doubled_expectation_dense(P: Any, V: Any, high: Any, low: Any, excess: Any) -> None:
    """As `doubled_expectation`, for dense rows."""
    for k in range(P.shape[0]):
        total, rest = 0.0, 0.0
        mass, mass_rest = 0.0, 0.0
        for j in range(P.shape[1]):
            p, v = P[k, j], V[j]
            product = p * v
            t = SPLITTER * p
            p_high = t - (t - p)
            p_low = p - p_high
            t = SPLITTER * v
            v_high = t - (t - v)
            v_low = v - v_high
            error = ((p_high * v_high - product) + p_high * v_low + p_low * v_high) + p_low * v_low
            new = total + product
            shadow = new - total
            rest += (total - (new - shadow)) + (product - shadow) + error
            total = new
            new = mass + p
            shadow = new - mass
            mass_rest += (mass - (new - shadow)) + (p - shadow)
            mass = new
        high[k] = total
        low[k] = rest
        excess[k] = (mass - 1.0) + mass_rest
