"""Optimizing any utility of the return over a horizon: dynamic programming on states and stocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Ints
from mdpkit.bounds import return_truncation_error
from mdpkit.distributional.evaluation.process import (
    check_model,
    fractions,
    outcome_probabilities,
    read_discount,
    read_horizon,
)
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.stock.conditions import check_utility
from mdpkit.distributional.stock.policy import PlanPolicy
from mdpkit.distributional.stock.reachable import Array, Level, Moves, Rounding, expand, ragged, reach
from mdpkit.distributional.stock.utility import Utility
from mdpkit.errors import InputError, ShapeError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import UNIT_ROUNDOFF, as_floats

__all__ = ["StockPlan", "optimize_stock"]

TIE = 1e-12
"""Float action values within ``TIE (1 + |value|)`` of the best tie; the lowest action id wins."""

MAX_STOCKS = 2_000_000


@dataclass(frozen=True, eq=False, slots=True)
class StockPlan:
    """An optimal policy on states and stocks, and the law of the return it earns.

    Attributes
    ----------
    value : float or Fraction
        ``max E f(c_0 + G)`` over all policies with memory.
    policy : PlanPolicy
        Attains it; its memory is the accumulated reward ``c_0 + sum_{k<t} gamma^k r_k``.
    law : DiscreteLaw
        Law of the return ``G`` under `policy` (without ``c_0``).
    stock : float, Fraction or tuple
        The stock ``c_0``.
    initial_state : int
        Where it starts.
    horizon : int
        Number of steps.
    n_stocks : int
        Pairs of state and stock that can be met, all times together.
    n_moves : int
        Outcomes looked at.
    stock_error : float
        Bound on how far rounding moved any total reward; 0 in exact mode.
    error_bound : float
        Bound on the error of `value`, rounding included: 0 in exact mode, NaN if ``f`` has no known Lipschitz constant
        (a jump of ``f`` may then turn rounding into anything; use ``exact=True``).
    truncation_error : float
        Bound on how much the optimal value over an infinite horizon may differ,
        ``L gamma^H max|r| / (1 - gamma)``; infinite where nothing is known, 0 where the horizon is the problem's own.
    status : str
        "optimal".
    message : str
        The same as a sentence.
    """

    value: Any
    policy: PlanPolicy
    law: DiscreteLaw
    stock: Any
    initial_state: int
    horizon: int
    n_stocks: int
    n_moves: int
    stock_error: float
    error_bound: float
    truncation_error: float
    status: str
    message: str

    def __repr__(self) -> str:
        return f"StockPlan({self.status}: value {float(self.value):.6g}, H={self.horizon}, {self.n_stocks:,} stocks)"


def optimize_stock(
    mdp: TabularMDP | FiniteHorizonMDP,
    utility: Utility,
    *,
    horizon: int | None = None,
    stock: Any,
    initial_state: int | str | None = None,
    exact: bool = False,
    rewards: Any = None,
    gamma: Any = None,
    max_stocks: int = MAX_STOCKS,
) -> StockPlan:
    r"""Maximize ``E f(c_0 + G)`` over all policies, for any utility ``f`` and a finite horizon.

    Backwards over states and accumulated rewards: ``V_H(s, y) = f(y)``,
    ``V_t(s, y) = max_a sum_j p_j V_{t+1}(s_j, y + gamma^t r_j)``, ``value = V_0(s_0, c_0)``. The utility needs no
    property at all, because time is part of the state.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model; ``gamma = None`` counts as 1.
    utility : Utility
        What to maximize, in the coordinates of the stock.
    horizon : int
        Number of steps ``H >= 0``; may be left out for a `FiniteHorizonMDP`.
    stock : number or sequence of m numbers
        Initial stock ``c_0``, in units of the reward.
    initial_state : int or str, optional
        Index or name of the first state; by default the model's initial state, or state 0 if it has none.
    exact : bool, default False
        Compute in fractions (the model's doubles at their exact value): slow, and without any rounding.
    rewards : array_like, shape (m, S, A, S) or (m, M), optional
        Vector rewards in place of the model's: per transition, or per line of ``mdp.outcomes``.
    gamma : number, optional
        Discount factor in ``(0, 1]`` in place of the model's; a fraction in exact mode.
    max_stocks : int, default 2_000_000
        Cap on the pairs of state and stock, all times together.

    Returns
    -------
    StockPlan

    Raises
    ------
    UnsupportedObjectiveError
        The objective is not an expected utility.
    InputError, ShapeError, StateIndexError
        An argument does not fit.
    ExplosionError
        More than `max_stocks` pairs can be met.

    See Also
    --------
    stock_value_iteration : infinite horizons, for utilities with two slopes.

    Notes
    -----
    Time and memory ``O(outcomes of all pairs that can be met)``, with a sort per step: exponential in ``H`` for generic
    rewards and discounts, ``O(H * range / spacing)`` stocks for rewards on a lattice and ``gamma = 1``. Float stocks
    that agree in 11 digits relative to the largest are one stock; `StockPlan.stock_error` bounds what that has moved.

    References
    ----------
    .. [1] N. Bäuerle and J. Ott, "Markov decision processes with average-value-at-risk criteria", Mathematical Methods
       of Operations Research 74, 2011 (the augmented state).
    .. [2] B. Avila Pires et al., "Optimizing Return Distributions with Distributional Dynamic Programming", Journal of
       Machine Learning Research, 2025, section 3.

    Examples
    --------
    A coin pays 0 or 2; then 1 for sure, or a coin between 0 and 3. To keep the return above 3 as well as one can,
    gamble after 0 and be content after 2:

    >>> from mdpkit import TabularMDP
    >>> from mdpkit.distributional import Utility, optimize_stock
    >>> mdp = TabularMDP.from_outcomes([0, 0, 1, 1, 1, 2], [0, 0, 0, 1, 1, 0], [0.5, 0.5, 1, 0.5, 0.5, 1],
    ...                                [0, 2, 1, 0, 3, 0], [1, 1, 2, 2, 2, 2], gamma=1.0)
    >>> plan = optimize_stock(mdp, Utility.cvar(), horizon=2, stock=-3)
    >>> plan.value, plan.law
    (-0.75, DiscreteLaw({0: 0.25, 3: 0.75}))
    """
    model = check_model(mdp)
    steps = read_horizon(model, horizon)
    if steps is None:
        raise InputError("horizon is required: the model has none", argument="horizon")
    discount = read_discount(model, gamma, exact=exact)
    cap = check_count(max_stocks, "max_stocks")
    c0 = _read_stock(stock, exact)
    if (rewards is None) != (c0.ndim == 0):
        raise ShapeError(
            "stock must be one number; vectors go with vector rewards (rewards=)"
            if rewards is None
            else "stock must hold one number per coordinate of rewards",
            argument="stock",
            value=stock,
        )
    chosen = check_utility(utility, dimension=len(c0) if c0.ndim else 1)
    stages = model.stages if isinstance(model, FiniteHorizonMDP) else (model,) * steps
    start = _first_state(model, initial_state)
    tables = {id(stage): _read_moves(stage, rewards, len(c0) if c0.ndim else 0, exact) for stage in stages}
    moves = [tables[id(stage)] for stage in stages]
    ending = _read_ending(model, exact, vectors=rewards is not None)
    discounts = [discount**t for t in range(steps + 1)]

    largest = [float(np.max(np.abs(step.reward), initial=0)) for step in moves]
    scale = float(np.max(np.abs(c0))) + sum(float(d) * r for d, r in zip(discounts, largest, strict=False))
    scale += float(discounts[-1]) * float(np.max(np.abs(ending), initial=0))
    rounding = None if exact else Rounding(scale)
    levels, moved = reach(start, c0, moves, discounts, rounding, cap)

    last = levels[-1]
    total = last.stock + discounts[-1] * ending[last.state] if (ending != 0).any() else last.stock
    if rounding is not None:
        total = rounding.snap(total)
    utilities = chosen.values(total)
    value, choices = _backward(levels, moves, utilities, exact)
    law = _law(levels, moves, choices, total, c0, rounding)
    # Adding the discounted reward rounds twice, and the power of gamma t times.
    stock_error = 0.0 if exact else moved + UNIT_ROUNDOFF * scale * (steps + 3) * (steps + 1)
    highest = float(np.max(np.abs(utilities.astype(np.float64))))
    return StockPlan(
        value=value,
        policy=PlanPolicy(levels, moves, choices, discounts, rounding),
        law=law,
        stock=_plain(c0),
        initial_state=start,
        horizon=steps,
        n_stocks=sum(len(level) for level in levels),
        n_moves=sum(len(level.child) for level in levels),
        stock_error=stock_error,
        error_bound=_error_bound(chosen, stock_error, highest, moves, exact),
        truncation_error=_truncation(chosen, model, moves, float(discount), steps),
        status="optimal",
        message=f"One backward pass over {steps} steps and {sum(map(len, levels)):,} pairs of state and stock.",
    )


def _backward(levels: list[Level], moves: list[Moves], utilities: Array, exact: bool) -> tuple[Any, list[Ints]]:
    """Return ``V_0(s_0, c_0)`` and the pair chosen by every member of every level but the last."""
    V = utilities
    choices: list[Ints] = []
    for level, step in zip(reversed(levels[:-1]), reversed(moves), strict=True):
        _, outcome = expand(level, step)
        first = step.state_ptr[level.state]
        n_pairs = step.state_ptr[level.state + 1] - first
        owner, pair = ragged(first, n_pairs)
        lengths = np.diff(step.pair_ptr)[pair]
        Q = np.add.reduceat(step.prob[outcome] * V[level.child], np.cumsum(lengths) - lengths)
        begin = np.cumsum(n_pairs) - n_pairs
        V = np.maximum.reduceat(Q, begin)
        tie = 0 if exact else TIE * (1.0 + np.abs(V))
        good = np.flatnonzero((V - tie)[owner] <= Q)
        _, lowest = np.unique(owner[good], return_index=True)
        choices.append(pair[good[lowest]])
    return (V[0] if exact else float(V[0])), choices[::-1]


def _law(
    levels: list[Level], moves: list[Moves], choices: list[Ints], total: Array, c0: Array, rounding: Rounding | None
) -> DiscreteLaw:
    """Return the law of ``G`` under the chosen pairs, forwards in time."""
    exact = rounding is None
    mass: Any = fractions([1]) if exact else np.ones(1)
    for level, step, choice, following in zip(levels[:-1], moves, choices, levels[1:], strict=True):
        used = np.flatnonzero(mass != 0)
        owner, outcome = ragged(step.pair_ptr[choice[used]], np.diff(step.pair_ptr)[choice[used]])
        member = used[owner]
        child = level.child[level.begin[member] + outcome - step.first[level.state[member]]]
        flow = mass[member] * step.prob[outcome]
        if exact:
            mass = fractions(np.zeros(len(following)))
            np.add.at(mass, child, flow)
        else:
            mass = np.bincount(child, weights=flow, minlength=len(following))
    atoms = total - c0
    return DiscreteLaw(atoms if exact else rounding.snap(atoms), mass, exact=exact)  # type: ignore[union-attr]


def _error_bound(utility: Utility, stock_error: float, highest: float, moves: list[Moves], exact: bool) -> float:
    if exact:
        return 0.0
    if utility.lipschitz is None:
        return float("nan")
    arithmetic = sum(int(np.max(np.diff(step.pair_ptr))) + 3 for step in moves) * 2 * UNIT_ROUNDOFF * highest
    # Probabilities are those stored, which sum to one up to rounding.
    return float(
        utility.lipschitz * stock_error * np.sqrt(utility.dimension) + arithmetic + 4 * UNIT_ROUNDOFF * highest
    )


def _truncation(utility: Utility, model: Any, moves: list[Moves], gamma: float, steps: int) -> float:
    if isinstance(model, FiniteHorizonMDP):
        return 0.0
    if gamma == 1.0 or utility.lipschitz is None:
        return float("inf")
    table = moves[0].reward if moves else model.outcomes.reward
    size = np.abs(table) if table.ndim == 1 else np.linalg.norm(table.astype(np.float64), axis=1)
    return float(
        return_truncation_error(gamma=gamma, horizon=steps, reward_max=float(np.max(size)), lipschitz=utility.lipschitz)
    )


def _read_moves(stage: TabularMDP, rewards: Any, m: int, exact: bool) -> Moves:
    outcomes = stage.outcomes
    reward: Array = outcomes.reward if rewards is None else _vector_rewards(stage, rewards, m)
    return Moves(
        state_ptr=stage.state_ptr,
        pair_ptr=np.searchsorted(outcomes.pair, np.arange(stage.n_pairs + 1)),
        pair_action=stage.pair_action,
        prob=outcome_probabilities(stage) if exact else outcomes.prob,
        reward=fractions(reward) if exact else reward,
        successor=outcomes.successor,
        paid=outcomes.reward,
    )


def _vector_rewards(stage: TabularMDP, rewards: Any, m: int) -> Array:
    """Return side rewards as one row per outcome, shape ``(M, m)``."""
    outcomes = stage.outcomes
    table = as_floats(rewards, "rewards")
    S, A = stage.n_states, stage.n_actions
    if table.shape == (m, S, A, S):
        pair = outcomes.pair
        table = table[:, stage.pair_state[pair], stage.pair_action[pair], outcomes.successor]
    elif table.shape != (m, len(outcomes)):
        raise ShapeError(
            f"rewards must have shape ({m}, {S}, {A}, {S}) or ({m}, {len(outcomes)}), one number per coordinate of the "
            f"stock and transition or outcome; found {table.shape}",
            argument="rewards",
        )
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        k, line = (int(i) for i in bad[0])
        raise InputError(
            f"rewards of coordinate {k} at outcome {line} must be finite, found {float(table[k, line])!r}",
            argument="rewards",
            index=(k, line),
            value=float(table[k, line]),
        )
    return np.ascontiguousarray(table.T)


def _read_ending(model: TabularMDP | FiniteHorizonMDP, exact: bool, *, vectors: bool) -> Array:
    ending = model.terminal_values if isinstance(model, FiniteHorizonMDP) else np.zeros(model.n_states)
    if vectors and ending.any():
        raise InputError("vector rewards do not go with terminal_values", argument="rewards")
    return fractions(ending) if exact else ending


def _read_stock(stock: Any, exact: bool) -> Array:
    """Return ``c_0`` as an array without axes, or of shape ``(m,)``."""
    array = np.asarray(stock, dtype=object)
    for index, value in np.ndenumerate(array):
        number = not isinstance(value, (bool, np.bool_, str)) and hasattr(value, "__float__")
        if not number or not np.isfinite(float(value)):
            raise InputError(
                f"stock must hold finite numbers, found {value!r}", argument="stock", index=index, value=value
            )
    if array.ndim > 1 or array.size == 0:
        raise ShapeError(f"stock must be a number or m numbers, found shape {array.shape}", argument="stock")
    return fractions(array) if exact else array.astype(np.float64)


def _plain(stock: Array) -> Any:
    return stock.item() if stock.ndim == 0 else tuple(stock.tolist())


def _first_state(model: TabularMDP | FiniteHorizonMDP, initial_state: int | str | None) -> int:
    """Return the state given, or the one where the model surely starts; a plan has one initial stock."""
    if initial_state is not None:
        return (model.stages[0] if isinstance(model, FiniteHorizonMDP) else model).state_index(initial_state)
    if model.initial is None:
        return 0
    support = np.flatnonzero(model.initial)
    if len(support) > 1:
        raise InputError(
            f"the model starts in one of {len(support)} states; a plan starts in one: give initial_state",
            argument="initial_state",
        )
    return int(support[0])
