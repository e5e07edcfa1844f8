r"""Optimal entropic value at risk: a certified search over the risk aversion.

With :math:`\theta = 1/b` the objective is :math:`h(\theta) = \mathrm{ERM}^*_{1/\theta} + \theta \log \tau`. For a
fixed policy it is concave in :math:`\theta`; the maximum over policies is not. It is bounded on an interval by a
backward pass over *lines*: if the next values lie below lines in :math:`\theta`, then an action's entropic risk of them
is still concave (a log-sum-exp perspective) and lies below its tangent, and the largest of the actions' tangents lies
below its chord. The gap shrinks with the square of the width, so few intervals are ever split.
"""

from __future__ import annotations

import heapq
import warnings
from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.risk.endless import mean_optimal, return_range
from mdpkit.distributional.risk.erm import actions_of, entropic_values, followed_by
from mdpkit.distributional.risk.forward import law_of_rule, markov_rule
from mdpkit.distributional.risk.problem import RiskProblem, check_level, check_tol, read_problem, steps_until
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.errors import ConvergenceWarning
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["EntropicSolution", "maximize_evar"]

MOST_EVALUATIONS = 20_000
"""Backward passes after which the search stops with the certificate it has."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EntropicSolution(RiskSolution):
    """A `RiskSolution` of `maximize_evar`.

    Attributes
    ----------
    parameter : float
        The maximizing risk aversion ``b``; infinite where the supremum is only a limit, 0 at ``tau = 1``.
    upper : float
        Certified upper bound on the optimum.
    """

    parameter: float
    upper: float


def maximize_evar(
    mdp: TabularMDP | FiniteHorizonMDP,
    tau: float,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    tol: float = 1e-9,
) -> EntropicSolution:
    r"""Maximize the entropic value at risk of the return over all history-dependent policies.

    .. math:: \max_\pi \mathrm{EVaR}_\tau(G^\pi)
        = \sup_{b > 0} \Bigl\{ \max_\pi \mathrm{ERM}_b(G^\pi) + \frac{\log\tau}{b} \Bigr\},

    a lower bound on the optimal CVaR of the same level. The outer problem is not concave; a branch and bound search
    certifies it.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    tau : float
        Level in ``(0, 1]``; at 1 the mean is maximized.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution, or state 0 if it has none.
    horizon : int, optional
        Number of steps. None takes that of a `FiniteHorizonMDP`, and the infinite horizon of a discounted `TabularMDP`.
    tol : float, default 1e-9
        Gap, relative to one plus the size of the value, at which the search stops.

    Returns
    -------
    EntropicSolution
        ``upper - value = error_bound``. Status "limit" where the supremum is the best worst case, reached only as ``b``
        grows; ``parameter`` is then infinite and the policy maximizes the least possible return.

    Raises
    ------
    InputError
        A level, horizon or state outside its range.
    NotWellPosedError
        No horizon and no discounting.

    Warns
    -----
    ConvergenceWarning
        The gap is still larger than `tol` after 20,000 evaluations; ``upper`` is valid all the same.

    Notes
    -----
    Each evaluation is a backward pass, ``O(H M)`` for ``M`` outcomes; some tens to hundreds are needed. The search runs
    over :math:`0 \le 1/b \le (\mathbb E^* - \min^*)/(-\log\tau)`, beyond which the objective is below the best worst
    case. Over an infinite horizon the mean is maximized once what is left cannot change a return by more than ``tol``.

    References
    ----------
    .. [1] A. Ahmadi-Javid, "Entropic value-at-risk: a new coherent risk measure", *Journal of Optimization Theory and
       Applications* 155, 2012.
    .. [2] J. L. Hau, M. Petrik, M. Ghavamzadeh, "Entropic risk optimization in discounted MDPs", AISTATS 2023 (the
       search over ``b``; the certificate by lines is ours).

    Examples
    --------
    >>> from mdpkit.distributional import maximize_evar
    >>> from mdpkit.problems.risk import two_step_gamble
    >>> solution = maximize_evar(two_step_gamble(), 0.75, horizon=2)
    >>> round(solution.value, 9), round(solution.parameter, 2)
    (1.280553014, 0.91)
    >>> maximize_evar(two_step_gamble(), 0.5, horizon=2).parameter
    inf
    """
    level, tol = check_level(tau), check_tol(tol)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=True)
    tail = None if problem.horizon is not None else mean_optimal(mdp)
    if tail is None:
        steps, ending, rest = problem.steps(), problem.ending, 0.0
    else:
        low, high = return_range(problem)
        steps = steps_until(problem, high - low, tol)
        ending, rest = tail.values, problem.gamma**steps * (high - low + tail.error)
    search = _Search(problem, level, steps, ending, tol)
    value, b, pairs, upper = search.run()
    law, reached = None, 0
    if tail is None:
        law, reached = law_of_rule(problem, markov_rule(pairs))
        # The law's own best b can only do better than the one the search ended with.
        value = max(value, law.evar(level))
        upper = max(upper, value)
    gap = upper - value
    limit = b == np.inf
    certified = gap <= tol * (1.0 + abs(value))
    if not certified:
        warnings.warn(
            f"EVaR is certified within {gap:.2g} only, tol = {tol:g}, after {search.evaluations} evaluations",
            ConvergenceWarning,
            stacklevel=2,
        )
    return EntropicSolution(
        value=value,
        policy=actions_of(problem, pairs) if tail is None else followed_by(problem, pairs, tail),
        law=law,
        stock=None,
        error_bound=gap + rest,
        policy_loss=gap + rest,
        status=("limit" if limit else "within_tolerance") if certified else "max_iter",
        message="The supremum is the best worst case, reached as b grows without bound."
        if limit
        else f"Certified within {gap + rest:.2g} by {search.evaluations} evaluations; b = {b:.6g}.",
        objective=f"EVaR_{level:g}",
        work={"evaluations": search.evaluations, "reached": reached},
        parameter=b,
        upper=upper + rest,
    )


class _Search:
    """Branch and bound over ``theta = 1/b``."""

    def __init__(self, problem: RiskProblem, tau: float, steps: int, ending: Floats, tol: float) -> None:
        self.problem = problem
        self.log_tau = float(np.log(tau))
        self.steps = steps
        self.ending = ending
        self.tol = tol
        self.evaluations = 0

    def run(self) -> tuple[float, float, Ints, float]:
        """Return value, ``b``, pairs and a certified upper bound."""
        mean, mean_pairs = entropic_values(self.problem, 0.0, self.steps, self.ending)
        if self.log_tau == 0.0:
            return mean, 0.0, mean_pairs, mean
        least, pairs = _worst_case(self.problem, self.steps, self.ending)
        best, b = least, np.inf
        widest = (mean - least) / -self.log_tau
        if widest <= 0.0:
            return best, b, pairs, best
        heap = [(-mean, 0.0, widest)]
        while -heap[0][0] > best + self.tol * (1.0 + abs(best)) and self.evaluations < MOST_EVALUATIONS:
            _, low, high = heapq.heappop(heap)
            middle = (low + high) / 2
            for left, right in ((low, middle), (middle, high)):
                theta = (left + right) / 2
                value, found = entropic_values(self.problem, 1.0 / theta, self.steps, self.ending)
                value += theta * self.log_tau
                self.evaluations += 1
                if value > best + 1e-12 * (1.0 + abs(best)):
                    best, b, pairs = value, 1.0 / theta, found
                heapq.heappush(heap, (-max(self.bound(left, right), value), left, right))
        return best, b, pairs, max(best, -heap[0][0])

    def bound(self, left: float, right: float) -> float:
        """Return an upper bound on the objective for ``left <= theta <= right``."""
        gamma, theta = self.problem.gamma, (left + right) / 2
        # The line of a state: its value at theta and its slope.
        value, slope = self.ending, np.zeros(self.problem.n_states)
        for t in range(self.steps - 1, -1, -1):
            stage = self.problem.stage(t)
            x = stage.reward + gamma * value[stage.successor]
            tangents = _tangents(
                stage.prob, x, gamma * slope[stage.successor], stage.ptr[:-1], stage.owner, theta, gamma**t
            )
            ends = [
                np.maximum.reduceat(tangents[0] + (at - theta) * tangents[1], stage.state_ptr[:-1])
                for at in (left, right)
            ]
            value, slope = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / (right - left)
        states = np.flatnonzero(self.problem.start)
        owner = np.zeros(len(states), dtype=np.int64)
        top, rise = _tangents(
            self.problem.start[states], value[states], slope[states], np.array([0]), owner, theta, 1.0
        )
        return max(float(top[0] + (at - theta) * rise[0] + at * self.log_tau) for at in (left, right))


def _tangents(
    prob: Floats, x: Floats, slope: Floats, first: Ints, owner: Ints, theta: float, discount: float
) -> tuple[Floats, Floats]:
    """Return the entropic risk at ``b = discount/theta``, and its slope in theta, of laws whose atoms are lines."""
    b = discount / theta
    least = np.minimum.reduceat(x, first)
    excess = x - least[owner]
    tilted = prob * np.exp(-b * excess)
    total = np.add.reduceat(tilted, first)
    log_total = np.where(total > 0.5, np.log1p(np.add.reduceat(prob * np.expm1(-b * excess), first)), np.log(total))
    risk = least - log_total / b
    carried = np.add.reduceat(tilted * slope, first) / total
    divergence = -log_total - b * np.add.reduceat(tilted * excess, first) / total
    return risk, np.maximum(divergence, 0.0) / discount + carried


def _worst_case(problem: RiskProblem, steps: int, ending: Floats) -> tuple[float, Ints]:
    """Return the largest least possible return, and pairs that attain it."""
    pairs = np.empty((steps, problem.n_states), dtype=np.int64)
    v = ending
    for t in range(steps - 1, -1, -1):
        stage = problem.stage(t)
        v, pairs[t] = stage.choose(
            np.minimum.reduceat(stage.reward + problem.gamma * v[stage.successor], stage.ptr[:-1])
        )
    return float(v[problem.start > 0.0].min()), pairs
