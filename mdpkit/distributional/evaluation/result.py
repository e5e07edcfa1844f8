"""What `return_law` and `joint_return_law` return."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mdpkit._typing import Floats, Ints
from mdpkit.distributional.evaluation.approximate import Approximation
from mdpkit.distributional.evaluation.exact import ExactLaws, truncation_error
from mdpkit.distributional.evaluation.process import Array, Process, fractions
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.laws.merging import Atoms
from mdpkit.errors import ConvergenceWarning, InputError, StateIndexError
from mdpkit.models import FiniteHorizonMDP, TabularMDP

__all__ = ["ReturnLaws"]


@dataclass(frozen=True, eq=False, slots=True)
class ReturnLaws:
    """The law of the return of a policy, one per start.

    Attributes
    ----------
    laws : mapping of int to DiscreteLaw
        The law from each state; of one state only if `initial_state` was given.
    error_bound : float
        Bound on the W1 distance (Euclidean for vectors) between any of the laws and the true one, from projections,
        unfinished iterations, truncation and merged atoms; what plain rounding of float64 adds is not counted. 0 if
        exact.
    truncation_error : float
        The part of it due to stopping after `horizon` steps a return that goes on; it also bounds the W_inf distance.
    merged_error : float
        The part of it due to merging atoms that only rounding keeps apart.
    method : str
        "exact", "categorical" or "quantile".
    horizon : int or None
        Number of steps; None for the return over all times.
    converged : bool
        False if the iteration stopped at `max_iter`; `error_bound` holds all the same.
    status : str
        "exact", "truncated", "approximate" or "max_iter".
    message : str
        The same as a sentence.
    iterations : int
        Sweeps over all states; 0 for a direct solve and for roll-forward enumeration.
    n_atoms : int
        Most atoms held at a time, all states together (triples of state, accumulated reward and memory for policy
        objects).
    initial : ndarray, shape (S,), or None
        Initial distribution of the model.
    state_names : tuple of str, or None
        Names of the states.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.distributional import return_law
    >>> coin = mdpkit.TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0, 1], [0, 0], gamma=0.5)
    >>> result = return_law(coin, [0], horizon=2)
    >>> result
    ReturnLaws(truncated: exact, 1 start, error_bound 0.5)
    >>> result.law(0)
    DiscreteLaw({0: 0.25, 0.5: 0.25, 1: 0.25, 1.5: 0.25})
    """

    laws: Mapping[int, DiscreteLaw]
    error_bound: float
    truncation_error: float
    merged_error: float
    method: str
    horizon: int | None
    converged: bool
    status: str
    message: str
    iterations: int
    n_atoms: int
    initial: Floats | None
    state_names: tuple[str, ...] | None

    def law(self, state: int | str | None = None) -> DiscreteLaw:
        """Return the law from one state.

        Parameters
        ----------
        state : int or str, optional
            The start, by index or name. None means the only start there is, else the initial distribution of the
            model, whose law is the mixture.

        Raises
        ------
        InputError
            The law from this state was not computed, or None says nothing.
        """
        if state is None:
            if len(self.laws) == 1:
                return next(iter(self.laws.values()))
            if self.initial is None:
                raise InputError(
                    "state is required: there are several starts and the model has no initial distribution",
                    argument="state",
                )
            used = np.flatnonzero(self.initial).tolist()
            parts = [self.laws[s] for s in used]
            weights: Array = fractions(self.initial[used]) if parts[0].exact else self.initial[used]
            return DiscreteLaw.mixture(weights / weights.sum(), parts)
        if isinstance(state, str):
            if self.state_names is None or state not in self.state_names:
                raise StateIndexError(f"there is no state named {state!r}", argument="state", value=state)
            state = self.state_names.index(state)
        if state not in self.laws:
            raise StateIndexError(
                f"state = {state!r} is none of the starts, {_range(self.laws)}", argument="state", value=state
            )
        return self.laws[state]

    def means(self) -> Any:
        """Return the mean of every law, in the order of `laws`, shape ``(n,)`` or ``(n, m)``."""
        return np.array([law.mean() for law in self.laws.values()])

    def __repr__(self) -> str:
        starts = "1 start" if len(self.laws) == 1 else f"{len(self.laws):,} starts"
        return f"ReturnLaws({self.status}: {self.method}, {starts}, error_bound {self.error_bound:.3g})"


def exact_result(
    mdp: TabularMDP | FiniteHorizonMDP, found: ExactLaws, horizon: int, *, sweeps: int | None = None
) -> ReturnLaws:
    """Return laws that hold all their atoms."""
    message = f"The laws of the return over {horizon} steps hold all their atoms."
    truncated = found.truncation_error
    if truncated > 0.0:
        message += f" The return goes on after that; its laws are within {truncated:.3g} of these."
    return ReturnLaws(
        laws={s: as_law(atoms) for s, atoms in found.atoms.items()},
        error_bound=found.merged_error + truncated,
        truncation_error=truncated,
        merged_error=found.merged_error,
        method="exact",
        horizon=horizon,
        converged=True,
        status="truncated" if truncated > 0.0 else "exact",
        message=message,
        iterations=horizon if sweeps is None else sweeps,
        n_atoms=found.peak_atoms,
        initial=mdp.initial,
        state_names=mdp.state_names,
    )


def approximate_result(
    mdp: TabularMDP | FiniteHorizonMDP,
    process: Process,
    done: Approximation,
    starts: Ints | None,
    method: str,
    make: Callable[[Floats], DiscreteLaw],
) -> ReturnLaws:
    """Return laws of fixed size; `make` turns the parameters of a state into its law."""
    laws = {s: make(done.parameters[s]) for s in (range(process.n_states) if starts is None else starts.tolist())}
    merged = max(law.merged_error for law in laws.values())
    truncated = 0.0
    if process.horizon is not None and not process.asked and not process.terminal.all():
        truncated = truncation_error(process, process.horizon)
    bound = done.error_bound + truncated + merged
    message = f"The {method} laws are within {bound:.3g} of the laws of the return in W1."
    if not done.converged:
        message = f"The sweeps ended at max_iter = {done.iterations}. {message}"
        warnings.warn(message, ConvergenceWarning, stacklevel=5)
    return ReturnLaws(
        laws=laws,
        error_bound=bound,
        truncation_error=truncated,
        merged_error=merged,
        method=method,
        horizon=process.horizon,
        converged=done.converged,
        status="approximate" if done.converged else "max_iter",
        message=message,
        iterations=done.iterations,
        n_atoms=done.parameters.size,
        initial=mdp.initial,
        state_names=mdp.state_names,
    )


def state_index(mdp: TabularMDP | FiniteHorizonMDP, state: int | str) -> int:
    """Return the index of the initial state asked for."""
    model = mdp.stages[0] if isinstance(mdp, FiniteHorizonMDP) else mdp
    try:
        return int(model.state_index(state))
    except InputError as error:
        error.argument = "initial_state"
        error.args = (f"initial_state: {error}",)
        raise


def as_law(atoms: Atoms) -> DiscreteLaw:
    """Wrap canonical atoms; probabilities that sum to one up to rounding are divided by their sum."""
    total = atoms.p.sum()
    p: Array = atoms.p if total == 1 else np.asarray(atoms.p / total)
    return DiscreteLaw._from_canonical(atoms.x, p, atoms.merged_error)


def _range(laws: Mapping[int, DiscreteLaw]) -> str:
    keys = sorted(laws)
    return str(keys[0]) if len(keys) == 1 else f"{keys[0]}..{keys[-1]}"
