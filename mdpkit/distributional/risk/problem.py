"""What risk optimization reads of a model: outcomes by pair, the discount, the horizon and where episodes start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.distributional.evaluation.process import check_model, read_discount, read_horizon
from mdpkit.distributional.evaluation.result import state_index
from mdpkit.errors import InputError, NotWellPosedError
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["RiskProblem", "Stage", "check_level", "check_tol", "read_problem", "reward_lattice", "steps_until"]

LARGEST_DENOMINATOR = 10_000
"""Rewards that are multiples of a fraction with at most this denominator are said to lie on a lattice."""

MOST_REWARDS = 10_000
"""More distinct rewards than this are not looked at for a lattice."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Stage:
    """One step: state ``s`` owns pairs ``state_ptr[s]:state_ptr[s+1]``, pair ``k`` outcomes ``ptr[k]:ptr[k+1]``."""

    state_ptr: Ints
    ptr: Ints
    action: Ints
    prob: Floats
    reward: Floats
    successor: Ints

    def pairs(self, state: int) -> range:
        """Return the pairs of a state."""
        return range(int(self.state_ptr[state]), int(self.state_ptr[state + 1]))

    def outcomes(self, pair: int) -> slice:
        """Return where the outcomes of a pair are."""
        return slice(int(self.ptr[pair]), int(self.ptr[pair + 1]))

    @property
    def owner(self) -> Ints:
        """Pair of each outcome, shape ``(M,)``."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))

    def expect(self, values: Floats) -> Floats:
        """Average a number per outcome over the outcomes of each pair, shape ``(N,)``."""
        return np.asarray(np.add.reduceat(self.prob * values, self.ptr[:-1]))

    def choose(self, q: Floats) -> tuple[Floats, Ints]:
        """Return the largest value of each state and the first pair within ``1e-12 (1 + |value|)`` of it."""
        best = np.maximum.reduceat(q, self.state_ptr[:-1])
        slack = best - 1e-12 * (1.0 + np.abs(best))
        close = np.flatnonzero(q >= np.repeat(slack, np.diff(self.state_ptr)))
        return best, close[np.searchsorted(close, self.state_ptr[:-1])]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class RiskProblem:
    """A decision problem in plain arrays.

    Attributes
    ----------
    stages : tuple of Stage
        The stages of times 0, 1, ...; a single one is repeated.
    gamma : float
        Discount factor in ``(0, 1]``.
    horizon : int or None
        Number of steps; None for the return over all times, which needs ``gamma < 1``.
    start : ndarray, shape (S,)
        Distribution of the initial state.
    ending : ndarray, shape (S,)
        What the last state is worth.
    terminal : ndarray of bool, shape (S,)
        States that are never left, pay nothing and are worth nothing at the end.
    """

    stages: tuple[Stage, ...]
    gamma: float
    horizon: int | None
    start: Floats
    ending: Floats
    terminal: Bools

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return len(self.start)

    def stage(self, t: int) -> Stage:
        """Return the stage of time ``t``."""
        return self.stages[min(t, len(self.stages) - 1)]

    def steps(self) -> int:
        """Return the number of steps of a problem that has a horizon."""
        assert self.horizon is not None
        return self.horizon


def read_problem(
    mdp: TabularMDP | FiniteHorizonMDP,
    *,
    horizon: int | None,
    initial_state: int | str | None,
    endless: bool,
) -> RiskProblem:
    """Check a model, a horizon and an initial state, and read them.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    horizon : int, optional
        Number of steps, at least 0.
    initial_state : int or str, optional
        Initial state; by default the model's initial distribution, or state 0 if it has none.
    endless : bool
        Whether the caller can do without a horizon.

    Raises
    ------
    InputError
        The horizon is missing or none, or the state does not exist.
    NotWellPosedError
        No horizon and no discounting.
    """
    model = check_model(mdp)
    limit = read_horizon(model, horizon)
    gamma = float(read_discount(model, None, exact=False))
    if limit is None and not endless:
        raise InputError("horizon is required: this method works backward from the last step", argument="horizon")
    if limit is None and gamma == 1.0:
        raise NotWellPosedError("without discounting a horizon is required, found horizon=None", argument="horizon")
    finite = isinstance(model, FiniteHorizonMDP)
    models = model.stages if isinstance(model, FiniteHorizonMDP) else (model,)
    read = {id(stage): _stage(stage) for stage in models}
    stages = tuple(read[id(stage)] for stage in models)
    ending = np.asarray(model.terminal_values) if isinstance(model, FiniteHorizonMDP) else np.zeros(model.n_states)
    terminal = ending == 0.0
    for stage in read.values():
        alive = (stage.successor != _outcome_state(stage)) | (stage.reward != 0.0)
        terminal[_outcome_state(stage)[alive]] = False
    if finite and len(read) == 1:
        stages = stages[:1]
    return RiskProblem(stages, gamma, limit, _start(model, initial_state), ending, terminal)


def check_level(tau: Any) -> float:
    """Return a risk level in ``(0, 1]``."""
    real = isinstance(tau, (int, float, np.floating, np.integer)) or hasattr(tau, "numerator")
    if not real or isinstance(tau, bool) or not 0.0 < float(tau) <= 1.0:
        raise InputError(f"tau must lie in (0, 1], found {tau!r}", argument="tau", value=tau)
    return float(tau)


def check_tol(tol: Any) -> float:
    """Return a tolerance, positive and finite."""
    number = not isinstance(tol, (bool, str)) and hasattr(tol, "__float__")
    if not number or not 0.0 < float(tol) < math.inf:
        raise InputError(f"tol must be a positive number, found {tol!r}", argument="tol", value=tol)
    return float(tol)


def reward_lattice(problem: RiskProblem) -> float | None:
    """Return a number that all undiscounted rewards are multiples of, up to rounding; None if there is none."""
    if problem.gamma != 1.0:
        return None
    rewards = np.unique(np.concatenate([problem.ending, *(stage.reward for stage in problem.stages)]))
    if len(rewards) > MOST_REWARDS:
        return None
    short = [Fraction(float(r)).limit_denominator(LARGEST_DENOMINATOR) for r in rewards]
    if any(abs(float(s) - r) > 1e-14 * (1.0 + abs(r)) for s, r in zip(short, rewards.tolist(), strict=True)):
        return None
    denominator = math.lcm(*(s.denominator for s in short))
    step = math.gcd(*(int(s * denominator) for s in short))
    return step / denominator if step and denominator <= LARGEST_DENOMINATOR else None


def steps_until(problem: RiskProblem, error: float, tol: float) -> int:
    """Return the least ``T`` with ``gamma^T error <= tol``, for ``gamma < 1``."""
    if error <= tol:
        return 0
    return max(0, math.ceil(math.log(tol / error) / math.log(problem.gamma)))


def _stage(model: TabularMDP) -> Stage:
    table = model.outcomes
    ptr = np.concatenate([[0], np.cumsum(np.bincount(table.pair, minlength=model.n_pairs))]).astype(np.int64)
    return Stage(
        np.asarray(model.state_ptr),
        ptr,
        np.asarray(model.pair_action, dtype=np.int64),
        np.asarray(table.prob),
        np.asarray(table.reward),
        np.asarray(table.successor),
    )


def _outcome_state(stage: Stage) -> Ints:
    return np.repeat(np.arange(len(stage.state_ptr) - 1), np.diff(stage.state_ptr))[stage.owner]


def _start(model: TabularMDP | FiniteHorizonMDP, initial_state: int | str | None) -> Floats:
    if initial_state is None and model.initial is not None:
        return np.asarray(model.initial)
    start = np.zeros(model.n_states)
    start[0 if initial_state is None else state_index(model, initial_state)] = 1.0
    return start
