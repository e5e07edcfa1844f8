"""The best mean of the best cases: optimal optimistic CVaR, for which it may pay to randomize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.risk.forward import law_of_rule
from mdpkit.distributional.risk.piecewise import MAX_BREAKPOINTS, stock_values
from mdpkit.distributional.risk.policies import LookaheadPolicy
from mdpkit.distributional.risk.problem import check_level, read_problem
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.models import FiniteHorizonMDP, MixturePolicy, TabularMDP

__all__ = ["OptimisticSolution", "maximize_ocvar"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OptimisticSolution(RiskSolution):
    """A `RiskSolution` of `maximize_ocvar`, with the policies that are mixed.

    Attributes
    ----------
    policies : tuple of policies
        One or two deterministic stock policies; the first keeps the share of large returns small, the second large.
    weights : tuple of float
        Probability of following each for the whole episode.
    best_deterministic : policy
        The better of the deterministic policies found; not proved to be the best of all deterministic policies.
    best_deterministic_value : float
        Its own optimistic CVaR, at most ``value``.
    """

    policies: tuple[Any, ...]
    weights: tuple[float, ...]
    best_deterministic: Any
    best_deterministic_value: float


def maximize_ocvar(
    mdp: TabularMDP | FiniteHorizonMDP,
    tau: float,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    max_breakpoints: int = MAX_BREAKPOINTS,
) -> OptimisticSolution:
    r"""Maximize the optimistic CVaR, the mean of the best share of returns, over all randomized history policies.

    .. math:: \sup_\pi \mathrm{OCVaR}_\tau(G^\pi) = \min_{c_0} D(c_0), \qquad
        D(c_0) = -c_0 + \tfrac1\tau \max_\pi \mathbb E \max(c_0 + G^\pi, 0).

    The functional is concave in the law, so that a coin tossed before the first step can beat every deterministic
    policy. ``D`` is convex; where it is least, two greedy policies (those of either side) suffice.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    tau : float
        Level in ``(0, 1]``; at 1 the mean is maximized.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution, or state 0 if it has none.
    horizon : int
        Number of steps; a `FiniteHorizonMDP` brings its own.
    max_breakpoints : int, default 2_000_000
        Cap on the breakpoints of the stock values.

    Returns
    -------
    OptimisticSolution
        Exact. ``policy`` is a stock policy, or a `MixturePolicy` of two; ``law`` is its law.

    Raises
    ------
    InputError
        A level, horizon or state outside its range, or no horizon.
    ExplosionError
        Too many breakpoints.

    Notes
    -----
    ``D`` is piecewise linear and its breakpoints are exact, so the minimizer is a breakpoint: minus a reachable return,
    or a point where two policies cross. With ``P`` for a law, a mixture is optimal if and only if
    :math:`P(c_0 + G > 0) \le \tau \le P(c_0 + G \ge 0)`, which fixes the weight.

    References
    ----------
    .. [1] B. Ávila Pires et al., "Optimizing return distributions with distributional dynamic programming", *Journal of
       Machine Learning Research*, 2025, arXiv 2501.13028 (optimistic CVaR as an objective; the mixing is ours).

    Examples
    --------
    >>> from mdpkit.distributional import maximize_ocvar
    >>> from mdpkit.problems.risk import lottery_choice
    >>> solution = maximize_ocvar(lottery_choice(), 0.5, horizon=1)
    >>> round(solution.value, 12), solution.best_deterministic_value
    (2.0, 1.5)
    >>> [round(weight, 12) for weight in solution.weights]
    [0.666666666667, 0.333333333333]
    """
    level = check_level(tau)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=False)
    values = stock_values(problem, 0.0, 1.0, cap=max_breakpoints)
    z, v = values.root.z, values.root.v
    least = int(np.argmin(v / level - z))
    stock = float(z[least])
    # Greedy anywhere inside a straight piece is optimal on all of it: no need to come close to the kink.
    inside = (np.append(z[0] - 1.0, z[:-1])[least] + stock) / 2, (np.append(z[1:], z[-1] + 1.0)[least] + stock) / 2
    low, high = (LookaheadPolicy(values, float(c)) for c in inside)
    (low_law, reached), (high_law, more) = (law_of_rule(problem, policy.choose) for policy in (low, high))
    weight = _share_of_low(low_law, high_law, -stock, level)
    policies, weights = _used((low, high), (weight, 1.0 - weight))
    laws = [law for law, share in ((low_law, weight), (high_law, 1.0 - weight)) if share > 0.0]
    law = laws[0] if len(laws) == 1 else DiscreteLaw.mixture(weights, laws)
    own = [(float(low_law.ocvar(level)), low), (float(high_law.ocvar(level)), high)]
    best_value, best = max(own, key=lambda pair: pair[0])
    mixing = f"two policies with weights {weights[0]:.6g} and {weights[1]:.6g}" if len(weights) == 2 else "one policy"
    return OptimisticSolution(
        value=float(law.ocvar(level)),
        policy=policies[0] if len(policies) == 1 else MixturePolicy(policies, weights),
        law=law,
        stock=stock,
        error_bound=0.0,
        policy_loss=0.0,
        status="optimal",
        message=f"Exact over {problem.horizon} steps and all randomized policies: {mixing}.",
        objective=f"OCVaR_{level:g}",
        work={"breakpoints": values.breakpoints, "reached": reached + more},
        policies=policies,
        weights=weights,
        best_deterministic=best,
        best_deterministic_value=best_value,
    )


def _share_of_low(low: DiscreteLaw, high: DiscreteLaw, threshold: float, tau: float) -> float:
    """Return the largest weight of `low` with ``P(G >= threshold) >= tau``; 1 if it needs no help."""
    slack = 1e-11 * (1.0 + abs(threshold))
    reach_low, reach_high = (float(law.p[law.x >= threshold - slack].sum()) for law in (low, high))
    if reach_low >= tau - 1e-12:
        return 1.0
    # At most `tau` of the high law's mass may lie strictly above for it to do alone.
    if float(high.p[high.x > threshold + slack].sum()) <= tau + 1e-12:
        return 0.0
    return min(1.0, max(0.0, (reach_high - tau) / (reach_high - reach_low)))


def _used(policies: tuple[Any, ...], weights: tuple[float, ...]) -> tuple[tuple[Any, ...], tuple[float, ...]]:
    kept = [(policy, weight) for policy, weight in zip(policies, weights, strict=True) if weight > 0.0]
    return tuple(policy for policy, _ in kept), tuple(weight for _, weight in kept)
