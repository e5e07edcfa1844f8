"""Optimal entropic risk: one backward pass in which risk aversion shrinks with time."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.laws.entropic import check_aversion
from mdpkit.distributional.risk.endless import Tail, mean_optimal, return_range
from mdpkit.distributional.risk.forward import law_of_rule, markov_rule
from mdpkit.distributional.risk.problem import RiskProblem, Stage, check_tol, read_problem, steps_until
from mdpkit.distributional.risk.solution import RiskSolution
from mdpkit.models import FiniteHorizonMDP, NonStationaryPolicy, TabularMDP

__all__ = ["maximize_erm"]


def maximize_erm(
    mdp: TabularMDP | FiniteHorizonMDP,
    b: float,
    *,
    initial_state: int | str | None = None,
    horizon: int | None = None,
    tol: float = 1e-9,
) -> RiskSolution:
    r"""Maximize the entropic risk measure :math:`-\tfrac1b \log \mathbb E\, e^{-b G}` of the return.

    .. math:: v_t(s) = \max_a \mathrm{ERM}_{b\gamma^t}\bigl(R + \gamma v_{t+1}(S')\bigr)

    over the joint law of reward and successor. The result is optimal over all history-dependent policies; the policy is
    deterministic and Markov, but depends on time unless :math:`\gamma = 1`: the further away a reward, the less a risk
    averse agent minds that it is random.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    b : float
        Risk aversion, positive and finite; in units of one over reward.
    initial_state : int or str, optional
        Where episodes start; by default the model's initial distribution, or state 0 if it has none.
    horizon : int, optional
        Number of steps. None takes that of a `FiniteHorizonMDP`, and the infinite horizon of a discounted `TabularMDP`.
    tol : float, default 1e-9
        Accuracy over an infinite horizon: from some step on the mean is maximized instead.

    Returns
    -------
    RiskSolution
        With a horizon: exact, ``policy`` of shape ``(H, S)``. Without: within ``error_bound <= tol``, ``policy`` a
        `NonStationaryPolicy` that ends with a mean-optimal one, ``law`` None.

    Raises
    ------
    InputError
        ``b``, the horizon or the state outside its range.
    NotWellPosedError
        No horizon and no discounting.

    Notes
    -----
    ``O(M)`` per step for ``M`` outcomes, and no overflow for any ``b``. Playing the mean-optimal policy from step ``T``
    costs at most :math:`b \gamma^{2T} (G_{\max} - G_{\min})^2 / 8`, by Hoeffding's lemma.

    References
    ----------
    .. [1] J. L. Hau, M. Petrik, M. Ghavamzadeh, "Entropic risk optimization in discounted MDPs", AISTATS 2023.

    Examples
    --------
    >>> from mdpkit.distributional import maximize_erm
    >>> from mdpkit.problems.risk import sure_or_coin
    >>> solution = maximize_erm(sure_or_coin(), 4.0, horizon=6)
    >>> round(solution.value, 12), solution.policy[:, 0].tolist()
    (0.799206525576, [0, 0, 0, 1, 1, 1])
    """
    aversion = check_aversion(b)
    tol = check_tol(tol)
    problem = read_problem(mdp, horizon=horizon, initial_state=initial_state, endless=True)
    if problem.horizon is not None:
        value, pairs = entropic_values(problem, aversion, problem.horizon, problem.ending)
        law, reached = law_of_rule(problem, markov_rule(pairs))
        return RiskSolution(
            value=value,
            policy=actions_of(problem, pairs),
            law=law,
            stock=None,
            error_bound=0.0,
            policy_loss=0.0,
            status="optimal",
            message=f"Exact over {problem.horizon} steps.",
            objective=f"ERM_{aversion:g}",
            work={"reached": reached, "steps": problem.horizon},
        )
    low, high = return_range(problem)
    spread = high - low
    # Hoeffding's bound falls with gamma^{2T}, hence the square roots.
    steps = steps_until(problem, float(np.sqrt(aversion / 8.0)) * spread, float(np.sqrt(tol)))
    tail = mean_optimal(mdp)
    value, pairs = entropic_values(problem, aversion, steps, tail.values)
    bound = aversion * problem.gamma ** (2 * steps) * spread**2 / 8.0 + tail.error * problem.gamma**steps
    return RiskSolution(
        value=value,
        policy=followed_by(problem, pairs, tail),
        law=None,
        stock=None,
        error_bound=bound,
        policy_loss=bound,
        status="within_tolerance",
        message=f"Risk averse for {steps} steps, the mean from then on; at most {bound:.2g} too high.",
        objective=f"ERM_{aversion:g}",
        work={"steps": steps},
    )


def entropic_values(problem: RiskProblem, b: float, steps: int, ending: Floats) -> tuple[float, Ints]:
    """Return the optimal entropic risk over so many steps and the optimal pairs, shape ``(steps, S)``."""
    pairs = np.empty((steps, problem.n_states), dtype=np.int64)
    v = ending
    for t in range(steps - 1, -1, -1):
        stage = problem.stage(t)
        v, pairs[t] = stage.choose(_pair_risks(stage, stage.reward + problem.gamma * v[stage.successor], b, problem, t))
    states = problem.start > 0.0
    start = np.array([0])
    return float(_risks(problem.start[states], v[states], start, np.zeros(states.sum(), dtype=np.int64), b)[0]), pairs


def followed_by(problem: RiskProblem, pairs: Ints, tail: Tail) -> NonStationaryPolicy:
    """Return the policy that plays a table of pairs and maximizes the mean ever after."""
    return NonStationaryPolicy([*actions_of(problem, pairs), tail.policy])


def actions_of(problem: RiskProblem, pairs: Ints) -> Ints:
    """Return the actions of a table of pairs, shape ``(H, S)``."""
    rows = [problem.stage(t).action[row] for t, row in enumerate(pairs)]
    return np.array(rows, dtype=np.int64).reshape(pairs.shape)


def _pair_risks(stage: Stage, x: Floats, b: float, problem: RiskProblem, t: int) -> Floats:
    return _risks(stage.prob, x, stage.ptr[:-1], stage.owner, b * problem.gamma**t)


def _risks(prob: Floats, x: Floats, first: Ints, owner: Ints, b: float) -> Floats:
    """Return the entropic risk of several laws, one after the other; `first` says where each begins."""
    least = np.minimum.reduceat(x, first)
    excess = x - least[owner]
    if b * float(excess.max()) < 1e-18:  # the mean, to rounding
        return np.asarray(least + np.add.reduceat(prob * excess, first))
    # Near zero 1 + (...) would lose all digits of a small b; far from it, expm1 would cancel.
    small = np.add.reduceat(prob * np.expm1(-b * excess), first)
    large = np.add.reduceat(prob * np.exp(-b * excess), first)
    log_mean = np.where(small > -0.5, np.log1p(np.maximum(small, -0.5)), np.log(large))
    return np.asarray(least - log_mean / b)
