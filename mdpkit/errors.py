"""The exceptions and warnings of mdpkit.

Everything the package raises on purpose derives from `MDPKitError`. Bad input is an `InputError`, which is also a
`ValueError` and carries, beside its sentence, the name of the argument, the first offending index and the value found.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AssumptionError",
    "CertificateError",
    "ConvergenceWarning",
    "DisconnectedComparisonGraphError",
    "DiscountError",
    "DuplicatePairError",
    "EmptyActionSetError",
    "ExplosionError",
    "FileFormatError",
    "InfeasibleError",
    "InputError",
    "MDPKitError",
    "MLENotAttainedError",
    "MissingDependencyError",
    "NonFiniteRewardError",
    "NotCallableError",
    "NotStochasticError",
    "NotWellPosedError",
    "PolicyError",
    "ShapeError",
    "StateIndexError",
    "SupportWarning",
    "UnknownOptionError",
    "UnsupportedObjective",
    "UnsupportedObjectiveError",
]


class MDPKitError(Exception):
    """Base class of every error mdpkit raises on purpose."""


class InputError(MDPKitError, ValueError):
    """Bad input, found before any work started.

    Parameters
    ----------
    message : str
        The sentence shown to the user.
    argument : str, optional
        Name of the offending argument.
    index : object, optional
        First offending index within that argument.
    value : object, optional
        The value found there.
    """

    def __init__(
        self, message: str, *, argument: str | None = None, index: object = None, value: object = None
    ) -> None:
        super().__init__(message)
        self.argument = argument
        self.index = index
        self.value = value


class ShapeError(InputError):
    """An array has the wrong number of axes or the wrong length."""


class NotStochasticError(InputError):
    """A probability is negative or not a number, or a row does not sum to one."""


class EmptyActionSetError(InputError):
    """A state has no action."""


class DuplicatePairError(InputError):
    """The same state-action pair was given twice."""


class StateIndexError(InputError):
    """A state index lies outside ``0..S-1`` (or an action index outside ``0..A-1``)."""


class NonFiniteRewardError(InputError):
    """A reward is NaN or infinite (``-inf`` is allowed only to forbid a pair of a product-form model)."""


class DiscountError(InputError):
    """The discount factor is missing or outside its range."""


class PolicyError(InputError):
    """A policy uses an action its state does not have, or is not a probability distribution."""


class NotWellPosedError(InputError):
    """The problem has no finite or no unique answer."""


class InfeasibleError(InputError):
    """The constraints cannot be met."""


class AssumptionError(InputError):
    """A theorem is evaluated on an instance that violates one of its assumptions."""


class MLENotAttainedError(NotWellPosedError):
    """The likelihood of comparison data has no maximum: some utilities would have to be infinite.

    Parameters
    ----------
    message : str
        The sentence shown to the user.
    components : tuple of ndarray of int, optional
        For items: the groups between which utilities run away, from the best to the worst.
    direction : ndarray, optional
        A direction along which the likelihood never falls: every winner moves at least as far along it as its losers.
    """

    def __init__(self, message: str, *, components: Any = None, direction: Any = None) -> None:
        super().__init__(message, argument="data")
        self.components = components
        self.direction = direction


class DisconnectedComparisonGraphError(MLENotAttainedError):
    """Some groups of items never met: no amount of such data says how their utilities compare."""


class UnknownOptionError(InputError):
    """A method or a keyword does not exist."""


class NotCallableError(InputError, TypeError):
    """A function was expected and something else was given."""


class UnsupportedObjectiveError(InputError):
    """The algorithm cannot optimize this objective; the message names the condition that fails and what to use."""


UnsupportedObjective = UnsupportedObjectiveError
"""Short name of `UnsupportedObjectiveError`."""


class FileFormatError(InputError):
    """A file is truncated, corrupted or of another format."""


class MissingDependencyError(MDPKitError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class ExplosionError(MDPKitError, MemoryError):
    """An exact computation would hold more atoms or stocks than its cap allows; nothing was dropped in silence.

    Parameters
    ----------
    message : str
        The sentence shown to the user.
    argument : str
        Name of the argument that sets the cap.
    count : int
        How many are needed, or how many were reached when the computation gave up.
    cap : int
        How many are allowed.
    """

    def __init__(self, message: str, *, argument: str, count: int, cap: int) -> None:
        super().__init__(message)
        self.argument = argument
        self.count = count
        self.cap = cap


class CertificateError(MDPKitError, RuntimeError):
    """Two certified bounds contradict each other: a bug in mdpkit or memory corruption, never bad input."""


class ConvergenceWarning(UserWarning):
    """A solver stopped before it met its tolerance; the enclosure it returns is still valid."""


class SupportWarning(UserWarning):
    """A grid does not contain all returns: mass is moved to its ends and means are biased."""
