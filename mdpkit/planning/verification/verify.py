"""`verify`: prove or refute the claims of a solution from the model alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models.policies import is_deterministic, policy_pairs, policy_weights
from mdpkit.planning.directed import add_up
from mdpkit.planning.discounted.solver import check_discounted
from mdpkit.planning.finite_horizon.backward_induction import read_plan
from mdpkit.planning.objectives import Discounted
from mdpkit.planning.solution import Solution, Verification
from mdpkit.planning.verification.backup import Backup
from mdpkit.planning.verification.pair_bounds import pair_bounds

__all__ = ["verify"]


def verify(
    problem: TabularMDP | FiniteHorizonMDP, solution: Solution, objective: Discounted | None = None
) -> Verification:
    """Check every claim of a solution without trusting the solver.

    The Bellman operator is monotone, so ``lower <= T lower`` proves ``lower <= V*`` and ``T upper <= upper`` proves
    ``V* <= upper``. Both backups are bounded in exact rational arithmetic for models of up to 20 000 transitions and in
    doubled precision with outward rounding beyond. Claims that are true but not of this form are compared with an
    enclosure derived anew. Proved are: ``lower <= V* <= upper`` (or ``V^pi`` for an evaluated policy),
    ``lower <= V <= upper``, the policy is one of the model's and loses at most ``policy_loss``, actions marked as not
    optimal are not, and ``converged`` is true only if the half width meets ``tol``.

    Parameters
    ----------
    problem : TabularMDP or FiniteHorizonMDP
        The model.
    solution : Solution
        What is claimed about it.
    objective : Discounted, optional
        As for `solve`.

    Returns
    -------
    Verification
        ``ok`` is True only if everything was proved. In exact arithmetic with up to 1000 states its ``lower`` and
        ``upper`` are, state by state, the doubles next to the exact value.

    Examples
    --------
    >>> import dataclasses, mdpkit
    >>> mdp = mdpkit.problems.river_swim(6, gamma=0.95)
    >>> solution = mdpkit.solve(mdp)
    >>> mdpkit.verify(mdp, solution).ok
    True
    >>> mdpkit.verify(mdp, dataclasses.replace(solution, lower=solution.lower + 1e-3)).message
    'refuted: lower[0] = 4.6703001606... exceeds the exact value, which is at most 4.6693001606...'
    """
    if objective is not None and not isinstance(objective, Discounted):
        raise UnknownOptionError(f"verify does not know the objective {objective!r}", argument="objective")
    if isinstance(problem, FiniteHorizonMDP):
        derived = _finite_horizon(problem, solution)
    elif isinstance(problem, TabularMDP):
        derived = _discounted(problem, solution)
    else:
        raise UnknownOptionError(f"verify does not know problems of type {type(problem).__name__}", argument="problem")
    if isinstance(derived, str):
        nothing = np.full(np.shape(solution.V), np.nan)
        return Verification(False, nothing, nothing, False, derived)
    problems = _judge(solution, derived)
    if problems:
        return Verification(False, derived.lower, derived.upper, derived.exact, problems)
    arithmetic = "exact rational arithmetic" if derived.exact else "outward-rounded doubled precision"
    what = "V*" if solution.quantity == "optimal" else "the policy's value"
    message = (
        f"proved in {arithmetic}: the enclosure contains {what} (half width {solution.half_width:.3g}) "
        f"and the policy loses at most {solution.policy_loss:.3g}"
    )
    return Verification(True, derived.lower, derived.upper, derived.exact, message)


@dataclass(frozen=True, slots=True)
class Derived:
    """What the model alone implies."""

    lower: Floats
    upper: Floats
    optimal_upper: Floats
    policy_lower: Floats
    not_optimal: Bools | None
    exact: bool


def _judge(solution: Solution, derived: Derived) -> str:
    """Return the first claim that is refuted or not proved, or an empty string."""
    claims = (
        ("lower", solution.lower, derived.upper, solution.lower <= derived.lower, 1.0),
        ("upper", solution.upper, derived.lower, solution.upper >= derived.upper, -1.0),
    )
    for name, claimed, opposite, proved, sign in claims:
        wrong = ~(sign * (claimed - opposite) <= 0.0)
        if wrong.any():
            where = _first(wrong)
            verb, bound = ("exceeds", "at most") if name == "lower" else ("is below", "at least")
            return (
                f"refuted: {name}{where} = {_digits(claimed, where)} {verb} the exact value, "
                f"which is {bound} {_digits(opposite, where)}"
            )
        if not proved.all():
            where = _first(~proved)
            return f"not proved: {name}{where} = {_digits(claimed, where)} is tighter than this check can prove"
    outside = ~((solution.lower <= solution.V) & (solution.upper >= solution.V))
    if outside.any():
        where = _first(outside)
        return f"refuted: V{where} = {_digits(solution.V, where)} lies outside the claimed enclosure"
    loss = _loss(derived.optimal_upper, derived.policy_lower)
    if not loss <= solution.policy_loss:
        return f"not proved: policy_loss = {solution.policy_loss!r}; the policy may lose {loss!r}"
    if derived.not_optimal is not None and solution.optimal_actions is not None:
        shape = np.shape(solution.optimal_actions)
        if shape != derived.not_optimal.shape:
            return f"refuted: optimal_actions has shape {shape}, the model needs {derived.not_optimal.shape}"
        unfounded = ~solution.optimal_actions & ~derived.not_optimal
        if unfounded.any():
            return f"not proved: optimal_actions{_first(unfounded)} is False, but the action may be optimal"
    if solution.converged and not solution.half_width <= solution.tol * (1 + 1e-12):
        return f"refuted: converged is True, but the half width {solution.half_width!r} exceeds tol {solution.tol!r}"
    return ""


def _discounted(model: TabularMDP, solution: Solution) -> Derived | str:
    check_discounted(model.gamma)
    misfit = _misfit(solution, (model.n_states,))
    if misfit:
        return misfit
    pairs = pair_bounds(model, check_discounted(model.gamma))
    try:
        weights = _weights(model, solution.policy)
    except InputError as error:
        return f"refuted: {error}"
    best, of_policy = Backup(model, pairs, None), Backup(model, pairs, weights)
    if solution.quantity == "policy":
        lower, upper, _ = of_policy.prove(solution)
        optimal_upper = best.enclose(solution.V)[1]
        if not _loss(optimal_upper, lower) <= solution.policy_loss:
            optimal_upper = best.enclose(best.polish(solution.V))[1]
        return Derived(lower, upper, optimal_upper, lower, None, pairs.exact)
    lower, upper, q_high = best.prove(solution)
    policy_lower = of_policy.enclose(solution.V)[0]
    if not _loss(upper, policy_lower) <= solution.policy_loss:
        policy_lower = of_policy.enclose(of_policy.polish(solution.V))[0]
    not_optimal = model.scatter(np.where(q_high < lower[model.pair_state], 1.0, 0.0), fill=1.0) > 0.0
    return Derived(lower, upper, upper, policy_lower, not_optimal, pairs.exact)


def _loss(optimal_upper: Floats, policy_lower: Floats) -> float:
    return float(np.max(add_up(optimal_upper, -policy_lower)))


def _finite_horizon(problem: FiniteHorizonMDP, solution: Solution) -> Derived | str:
    H, S = problem.horizon, problem.n_states
    misfit = _misfit(solution, (H + 1, S))
    if misfit:
        return misfit
    try:
        plan = read_plan(problem, solution.policy)
        weights = [_weights(stage, rule) for stage, rule in zip(problem.stages, plan, strict=True)]
    except InputError as error:
        return f"refuted: {error}"
    pairs = {id(stage): pair_bounds(stage, problem.gamma) for stage in set(problem.stages)}
    low, high, policy_low, policy_high = (np.empty((H + 1, S)) for _ in range(4))
    for array in (low, high, policy_low, policy_high):
        array[H] = problem.terminal_values
    not_optimal = np.ones((H, S, problem.n_actions), dtype=bool)
    for h in range(H - 1, -1, -1):
        stage = problem.stages[h].with_discount(0.0)
        bound = pairs[id(problem.stages[h])]
        best, mine = Backup(stage, bound, None), Backup(stage, bound, weights[h])
        q_low, q_high = bound.bounds(low[h + 1])[0], bound.bounds(high[h + 1])[1]
        low[h], high[h] = best.states(q_low, q_high)
        my_low, my_high = bound.bounds(policy_low[h + 1])[0], bound.bounds(policy_high[h + 1])[1]
        policy_low[h], policy_high[h] = mine.states(my_low, my_high)
        not_optimal[h, stage.pair_state, stage.pair_action] = q_high < low[h][stage.pair_state]
    exact = all(bound.exact for bound in pairs.values())
    if solution.quantity == "policy":
        return Derived(policy_low, policy_high, high, policy_low, None, exact)
    return Derived(low, high, high, policy_low, not_optimal, exact)


def _misfit(solution: Solution, shape: tuple[int, ...]) -> str:
    """Say what cannot even be compared with the model."""
    for name in ("V", "lower", "upper"):
        found = np.asarray(getattr(solution, name))
        if found.shape != shape:
            return f"refuted: {name} has shape {found.shape}, the model needs {shape}"
        if not np.isfinite(found).all():
            where = _first(~np.isfinite(found))
            return f"refuted: {name}{where} = {found[tuple(where)]!r} is not a finite number"
    return ""


def _weights(model: TabularMDP, policy: Any) -> Floats:
    if not is_deterministic(policy):
        policy_weights(model, policy)
        # The policy is the table as given, each row divided by its exact sum, and not what that division rounds to.
        return np.asarray(policy, dtype=np.float64)[model.pair_state, model.pair_action]
    weights = np.zeros(model.n_pairs)
    weights[policy_pairs(model, policy)] = 1.0
    return weights


def _first(mask: Bools) -> list[int]:
    return [int(i) for i in np.argwhere(mask)[0]]


def _digits(values: Floats, where: list[int]) -> str:
    return repr(float(values[tuple(where)]))
