"""The best quantile: value at risk by dynamic programming on quantile functions."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.laws.merging import MAX_ATOMS
from mdpkit.distributional.risk.backward import backward_laws, start_law
from mdpkit.distributional.risk.forward import law_of_rule
from mdpkit.distributional.risk.policies import ThresholdPolicy
from mdpkit.distributional.risk.problem import check_level, read_problem
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["highest_quantiles", "maximize_var"]


def maximize_var(
    mdp: TabularMDP | FiniteHorizonMDP,
    tau: float,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    max_atoms: int = MAX_ATOMS,
) -> RiskSolution:
    r"""Maximize the value at risk, the upper quantile of the return, over all history-dependent policies.

    .. math:: \max_\pi \sup\{x : P(G^\pi < x) \le \tau\} = \max\{x : \max_\pi P(G^\pi \ge x) \ge 1 - \tau\} .

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    tau : float
        Level in ``(0, 1]``; at 1 the largest possible return is maximized.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution, or state 0 if it has none.
    horizon : int
        Number of steps; a `FiniteHorizonMDP` brings its own.
    max_atoms : int, default 2_000_000
        Cap on the atoms of each law.

    Returns
    -------
    RiskSolution
        Exact. ``value`` is the upper quantile of ``law``; the policy maximizes the probability of reaching it.

    Raises
    ------
    InputError
        A level, horizon or state outside its range, or no horizon.
    ExplosionError
        Too many atoms.

    Notes
    -----
    Backward in time, the quantile function of a state is the pointwise maximum over actions of those of
    :math:`R + \gamma X`, ``X`` the law of the successor. These laws belong to no single policy: each says which
    probabilities of reaching a level can be had, one level at a time. The policy aims at the level that was found.

    References
    ----------
    .. [1] J. L. Hau, E. Delage, M. Ghavamzadeh, M. Petrik, "On dynamic programming decompositions of static risk
       measures in Markov decision processes", NeurIPS 2023, arXiv 2304.12477, section 5.

    Examples
    --------
    >>> from mdpkit.distributional import maximize_var
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> maximize_var(two_step_gamble(), 0.5, horizon=2).value
    3.0
    """
    level = check_level(tau)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=False)
    laws, atoms = backward_laws(problem, highest_quantiles, max_atoms)
    target = float(start_law(problem, laws[0]).upper_quantile(level))
    # In units of time 0, as the policy counts its rewards.
    tails = [[_tail(law, problem.gamma**t) for law in row] for t, row in enumerate(laws)]
    policy = ThresholdPolicy(problem, tails, target)
    law, reached = law_of_rule(problem, policy.choose)
    return RiskSolution(
        value=float(law.upper_quantile(level)),
        policy=policy,
        law=law,
        stock=-target,
        error_bound=0.0,
        policy_loss=0.0,
        status="optimal",
        message=f"Exact over {problem.horizon} steps; {target:.6g} is reached with probability "
        f"{float(law.p[law.x >= target - 1e-11 * (1.0 + abs(target))].sum()):.6g}.",
        objective=f"VaR_{level:g}",
        work={"atoms": atoms, "reached": reached},
    )


def highest_quantiles(laws: list[DiscreteLaw]) -> DiscreteLaw:
    """Return the law whose quantile function is the pointwise maximum of those of the given laws."""
    levels = np.sort(np.concatenate([law.cdf(law.x) for law in laws]))
    # The level 1 is exact; others that tie in the mathematics differ by rounding.
    levels = levels[np.append(np.diff(levels) > 1e-12, True)]
    middles = levels - np.diff(levels, prepend=0.0) / 2
    x = np.max([law.quantile(middles) for law in laws], axis=0)
    return DiscreteLaw(x, np.diff(levels, prepend=0.0))


def _tail(law: DiscreteLaw, discount: float) -> tuple[Floats, Floats]:
    """Return scaled atoms and the probabilities of reaching at least each, then 0 beyond the last."""
    reach = np.append(np.cumsum(law.p[::-1])[::-1], 0.0)
    reach[0] = 1.0
    return discount * law.x, reach
