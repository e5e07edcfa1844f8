"""The dual risk-level recursion for CVaR: an upper bound, kept as a baseline with a known flaw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.laws.merging import MAX_ATOMS
from mdpkit.distributional.risk.backward import action_laws, backward_laws, start_law
from mdpkit.distributional.risk.piecewise import Curve, maximum
from mdpkit.distributional.risk.problem import RiskProblem, check_level, read_problem
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["DualLevelPolicy", "DualLevelSolution", "dual_level_cvar"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DualLevelSolution(RiskSolution):
    """A `RiskSolution` of `dual_level_cvar`: what the recursion claims, and what its policy has.

    Attributes
    ----------
    value : float
        What the recursion claims: an upper bound on the optimal CVaR, attained by no policy in general.
    policy_value : float
        The CVaR of `law`, the law of the policy it yields: at most ``value``, and possibly less than the optimum.
    """

    policy_value: float


def dual_level_cvar(
    mdp: TabularMDP | FiniteHorizonMDP,
    tau: float,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    max_atoms: int = MAX_ATOMS,
) -> DualLevelSolution:
    r"""Bound the optimal CVaR from above by the dual risk-level recursion. **Not a solver; use** `maximize_cvar`.

    .. math:: V_t(s, y) = \max_a \min_{\xi} \mathbb E\, \xi \bigl(R + \gamma V_{t+1}(S', y \xi)\bigr), \qquad
        0 \le \xi \le 1/y, \quad \mathbb E\, \xi = 1 .

    For a fixed policy the recursion is the CVaR of its return. Maximizing inside of it lets the adversary's choice of
    levels meet a different policy at every level, and the result can exceed what any policy attains: 20/9 against 2 on
    ``two_step_gamble(2, 1, 0, 4)`` at 3/4, no matter how finely levels are resolved. Nor need the policy it yields be
    optimal.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    tau : float
        Level in ``(0, 1]``.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution, or state 0 if it has none.
    horizon : int
        Number of steps; a `FiniteHorizonMDP` brings its own.
    max_atoms : int, default 2_000_000
        Cap on the atoms of each law.

    Returns
    -------
    DualLevelSolution
        ``value`` is the upper bound, ``law`` and ``policy_value`` belong to ``policy``; ``error_bound`` is the
        difference, which bounds how far the policy is from optimal.

    Raises
    ------
    InputError
        A level, horizon or state outside its range, or no horizon.
    ExplosionError
        Too many atoms.

    Notes
    -----
    No grid of levels is used: :math:`y V_t(s, y)` is the integrated quantile function of a law, the inner minimum mixes
    laws, and the maximum is the upper envelope, whose slopes are the atoms of another law.

    References
    ----------
    .. [1] Y. Chow, A. Tamar, S. Mannor, M. Pavone, "Risk-sensitive and robust decision-making: a CVaR optimization
       approach", NeurIPS 2015, arXiv 1506.02188 (the recursion).
    .. [2] J. L. Hau, E. Delage, M. Ghavamzadeh, M. Petrik, "On dynamic programming decompositions of static risk
       measures in Markov decision processes", NeurIPS 2023, arXiv 2304.12477 (the flaw).

    Examples
    --------
    >>> from mdpkit.distributional import dual_level_cvar, maximize_cvar
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> bound = dual_level_cvar(two_step_gamble(2, 1, 0, 4), 0.75, horizon=2)
    >>> round(bound.value, 9), bound.policy_value, maximize_cvar(two_step_gamble(2, 1, 0, 4), 0.75, horizon=2).value
    (2.222222222, 2.0, 2.0)
    """
    level = check_level(tau)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=False)
    laws, atoms = backward_laws(problem, _envelope, max_atoms)
    claim = float(start_law(problem, laws[0]).cvar(level))
    policy = DualLevelPolicy(problem, laws, level)
    law = policy.law()
    attained = float(law.cvar(level))
    return DualLevelSolution(
        value=claim,
        policy=policy,
        law=law,
        stock=None,
        error_bound=max(0.0, claim - attained),
        policy_loss=max(0.0, claim - attained),
        status="upper_bound",
        message=f"An upper bound on the optimal CVaR, not its value; the policy has {attained:.6g}.",
        objective=f"dual level bound of CVaR_{level:g}",
        work={"atoms": atoms},
        policy_value=attained,
    )


class DualLevelPolicy:
    """The policy of the dual recursion; its memory is the level at which the present state is judged.

    At state ``s`` and level ``y`` it takes the action whose integrated quantile function is largest at ``y``. With
    ``x`` the ``y``-quantile of that action's law, an outcome passes on the level
    ``P(R + gamma X < x | outcome) + theta P(R + gamma X = x | outcome)``, one theta for all outcomes, such that levels
    average to ``y``.
    """

    __slots__ = ("_laws", "_levels", "_problem")

    def __init__(self, problem: RiskProblem, laws: list[list[DiscreteLaw]], tau: float) -> None:
        self._problem = problem
        self._laws = laws
        states = np.flatnonzero(problem.start)
        split = _split([laws[0][s] for s in states.tolist()], problem.start[states], tau)
        self._levels = dict(zip(states.tolist(), split, strict=True))

    def act(self, state: int, t: int, memory: float | None) -> tuple[int, float]:
        """Return the action at a state and time, judged at the level in `memory`."""
        level = self._levels[state] if memory is None else memory
        return int(self._problem.stage(t).action[self._choose(t, state, level)]), level

    def observe(self, state: int, t: int, memory: float, action: int, reward: float, successor: int) -> float:
        """Return the level after an outcome."""
        stage = self._problem.stage(t)
        pair = next(k for k in stage.pairs(state) if stage.action[k] == action)
        at = stage.outcomes(pair)
        levels = self._pass_on(t, pair, memory)
        here = (stage.reward[at] == reward) & (stage.successor[at] == successor)
        return float(levels[np.flatnonzero(here)[0]])

    def law(self) -> DiscreteLaw:
        """Return the law of the return."""
        known: dict[tuple[int, int, float], DiscreteLaw] = {}
        states = np.flatnonzero(self._problem.start).tolist()
        laws = [self._law(0, s, self._levels[s], known) for s in states]
        return DiscreteLaw.mixture(self._problem.start[states], laws)

    def _law(self, t: int, state: int, level: float, known: dict[tuple[int, int, float], DiscreteLaw]) -> DiscreteLaw:
        problem = self._problem
        if t == problem.horizon or problem.terminal[state]:
            return DiscreteLaw.point(float(problem.ending[state]))
        key = (t, state, round(level, 12))
        if key not in known:
            stage = problem.stage(t)
            pair = self._choose(t, state, level)
            at = stage.outcomes(pair)
            rest = zip(
                stage.reward[at].tolist(), stage.successor[at].tolist(), self._pass_on(t, pair, level), strict=True
            )
            laws = [self._law(t + 1, s, float(y), known).affine(r, problem.gamma) for r, s, y in rest]
            known[key] = DiscreteLaw.mixture(stage.prob[at], laws)
        return known[key]

    def _choose(self, t: int, state: int, level: float) -> int:
        stage = self._problem.stage(t)
        laws = action_laws(stage, state, self._laws[t + 1], self._problem.gamma, MAX_ATOMS)
        # At level 0 the recursion looks at the least atom only.
        worth = np.array([law.cvar(level) if level > 0.0 else law.x[0] for law in laws])
        tie = 1e-12 * (1.0 + abs(worth.max()))
        return int(stage.state_ptr[state]) + int(np.argmax(worth >= worth.max() - tie))

    def _pass_on(self, t: int, pair: int, level: float) -> Floats:
        stage = self._problem.stage(t)
        at = stage.outcomes(pair)
        moved = [
            self._laws[t + 1][s].affine(r, self._problem.gamma)
            for r, s in zip(stage.reward[at].tolist(), stage.successor[at].tolist(), strict=True)
        ]
        return _split(moved, stage.prob[at], level)

    def __repr__(self) -> str:
        return f"DualLevelPolicy(horizon={self._problem.horizon})"


def _split(laws: list[DiscreteLaw], weights: Floats, level: float) -> Floats:
    """Return the levels of the parts of a mixture below its `level`-quantile; their average is `level`."""
    mixed = DiscreteLaw.mixture(weights, laws)
    x = float(mixed.quantile(level))
    slack = 1e-11 * (1.0 + abs(x))
    below = np.array([law.p[law.x < x - slack].sum() for law in laws])
    at = np.array([law.p[np.abs(law.x - x) <= slack].sum() for law in laws])
    share = (level - weights @ below) / max(float(weights @ at), 1e-300)
    return np.asarray(np.clip(below + min(max(share, 0.0), 1.0) * at, 0.0, 1.0))


def _envelope(laws: list[DiscreteLaw]) -> DiscreteLaw:
    """Return the law whose integrated quantile function is the upper envelope of those of the given laws."""
    best = _integrated(laws[0])
    for law in laws[1:]:
        best = maximum(best, _integrated(law))
    return DiscreteLaw(best.slopes()[1:-1], np.diff(best.z))


def _integrated(law: DiscreteLaw) -> Curve:
    """Return ``y -> int_0^y F^{-1}`` on [0, 1]; the slopes beyond serve no purpose but to be those of no atom."""
    z: Any = np.concatenate([[0.0], law.cdf(law.x)])
    v = np.concatenate([[0.0], np.cumsum(law.x * law.p)])
    return Curve(z, v, -1e300, 1e300)
