"""Testing statements that hold with a probability: exact binomial tails, refusing tests that could not fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import betainc, betaincinv

from mdpkit.errors import InputError
from mdpkit.testing._arguments import count, open_unit, real

__all__ = ["ProbabilityCheck", "assert_holds_with_probability", "minimum_trials"]


@dataclass(frozen=True, slots=True)
class ProbabilityCheck:
    """What `assert_holds_with_probability` saw.

    Attributes
    ----------
    failures, trials : int
        How often the statement failed, in how many trials.
    allowed : int
        The assertion fails if `failures` exceeds this.
    upper : float
        Upper confidence bound on the failure probability at level ``1 - false_alarm`` (Clopper-Pearson).
    power : float
        Probability that the assertion fails if the statement fails twice as often as claimed.
    """

    failures: int
    trials: int
    allowed: int
    upper: float
    power: float


def assert_holds_with_probability(
    trial: Callable[[np.random.Generator], bool],
    probability: float,
    *,
    n_trials: int,
    false_alarm: float = 1e-6,
    seed: int | np.random.Generator,
    allow_low_power: bool = False,
) -> ProbabilityCheck:
    r"""Assert that a statement holds with at least a given probability.

    With ``delta = 1 - probability`` and ``X`` failures among ``n`` independent trials, the assertion fails if more
    failures occurred than

    .. math:: c = \min\{k : \Pr[\mathrm{Bin}(n, \delta) > k] \le \mathrm{false\_alarm}\}.

    A true statement is therefore accused with probability at most `false_alarm`, whatever its true failure
    probability below ``delta``. A test with few trials would accuse nothing; it is refused before it runs.

    Parameters
    ----------
    trial : callable
        ``trial(rng) -> bool``: draws everything random from its own `numpy.random.Generator` and returns True when the
        statement held.
    probability : float
        Claimed probability ``1 - delta``, in ``(0, 1]``. At 1 a single failure refutes.
    n_trials : int
        Number of trials, at least ``minimum_trials(1 - probability, false_alarm=false_alarm)``.
    false_alarm : float, default 1e-6
        Largest probability of accusing a true statement, in ``(0, 1)``.
    seed : int or numpy.random.Generator
        Every trial gets an independent stream spawned from it, so that trial ``k`` is the same for every `n_trials`.
    allow_low_power : bool, default False
        Run with fewer trials all the same.

    Returns
    -------
    ProbabilityCheck
        Failures, trials, allowed failures, the upper confidence bound and the power.

    Raises
    ------
    AssertionError
        The statement fails more often than claimed; the message gives the counts, the exact tail probability and how
        to run the first failing trial again.
    InputError
        Too few trials, an argument out of range, or a `trial` that does not return a bool.

    See Also
    --------
    minimum_trials : how many trials are enough.

    Notes
    -----
    A passing test does not prove the claim; `ProbabilityCheck.upper` says what it excludes. Each call spends its own
    `false_alarm`: a suite of ``m`` such tests raises one with probability at most ``m * false_alarm``.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
       binomial", *Biometrika* 26, 1934.

    Examples
    --------
    Hoeffding's radius for the mean of 30 fair coins holds with probability 0.9; half of it does not.

    >>> import numpy as np
    >>> from mdpkit.testing import assert_holds_with_probability
    >>> radius = np.sqrt(np.log(2 / 0.1) / (2 * 30))
    >>> check = assert_holds_with_probability(
    ...     lambda rng: abs(rng.binomial(30, 0.5) / 30 - 0.5) <= radius, 0.9, n_trials=500, seed=1)
    >>> check.failures <= check.allowed
    True
    >>> assert_holds_with_probability(
    ...     lambda rng: abs(rng.binomial(30, 0.5) / 30 - 0.5) <= radius / 2, 0.9, n_trials=500, seed=1
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AssertionError: the statement failed in ... of 500 trials; at failure probability 0.1 at most 85 are possible ...
    """
    claimed = real(probability, "probability")
    if not 0.0 < claimed <= 1.0:
        raise InputError(
            f"probability must lie in (0, 1], found {probability!r}", argument="probability", value=probability
        )
    # 1 - 0.9 is 0.09999999999999998: the nearest decimal is what the caller means.
    delta = float(f"{1.0 - claimed:.12g}")
    alpha, n = open_unit(false_alarm, "false_alarm"), count(n_trials, "n_trials")
    allowed = int(_allowed(n, delta, alpha))
    power = float(_tail(allowed, n, min(2.0 * delta, 1.0))) if delta else 1.0
    needed = minimum_trials(delta, false_alarm=alpha) if delta else 1
    if n < needed and not allow_low_power:
        raise InputError(
            f"n_trials = {n} is too few to test a failure probability of {delta:g}: a statement that fails twice as"
            f" often would be caught with probability {power:.2g} only; take at least {needed} trials, or pass"
            " allow_low_power=True",
            argument="n_trials",
            value=n,
        )
    failed = _run(trial, n, seed)
    failures = len(failed)
    if failures > allowed:
        # At delta = 0 the tail is zero.
        tail = float(_tail(failures - 1, n, delta)) if delta else 0.0
        raise AssertionError(
            f"the statement failed in {failures} of {n} trials; at failure probability {delta:g} at most {allowed} are"
            f" possible at false-alarm level {alpha:g} (probability of {failures} or more: {tail:.2g});"
            f" {_how_to_repeat(failed[0], seed)}"
        )
    upper = 1.0 if failures == n else float(betaincinv(failures + 1, n - failures, 1.0 - alpha))
    return ProbabilityCheck(failures, n, allowed, upper, power)


def minimum_trials(delta: float, *, false_alarm: float = 1e-6, power: float = 0.9) -> int:
    r"""Return how many trials notice a doubled failure rate.

    The power of the exact test, ``Pr[Bin(n, 2 delta) > c(n)]`` with ``c(n)`` of `assert_holds_with_probability`, is a
    sawtooth in ``n``: it drops whenever ``c`` grows by one. Returned is the number of trials from which on it never
    falls below `power` again.

    Parameters
    ----------
    delta : float
        Claimed failure probability, in ``(0, 1)``. From one half on, the alternative is a statement that always fails.
    false_alarm : float, default 1e-6
        Level of the test, in ``(0, 1)``.
    power : float, default 0.9
        Probability of noticing, in ``(0, 1)``.

    Returns
    -------
    int
        Number of trials.

    Raises
    ------
    InputError
        An argument is out of range.

    Notes
    -----
    About ``50 / delta`` for small `delta` at the defaults: the cost of a test is one over the failure
    probability, so test theorems at a large delta.

    Examples
    --------
    >>> from mdpkit.testing import minimum_trials
    >>> [minimum_trials(delta) for delta in (0.1, 0.05, 0.01)]
    [441, 953, 5058]
    """
    claimed, alpha, wanted = open_unit(delta, "delta"), open_unit(false_alarm, "false_alarm"), open_unit(power, "power")
    return _steady_power(claimed, min(2.0 * claimed, 1.0), alpha, wanted)


def _tail(k: Any, n: Any, p: float) -> Any:
    """Return ``Pr[Bin(n, p) > k]`` for integers ``k >= 0`` as a regularised incomplete beta function."""
    return np.where(np.asarray(k) >= n, 0.0, betainc(np.asarray(k) + 1.0, np.maximum(np.asarray(n) - k, 0.5), p))


def _smallest(holds: Callable[[int], bool], least: int) -> int:
    """Return the smallest integer from `least` on at which a monotone condition holds."""
    step = 1
    while not holds(least + step - 1):
        step *= 2
    low, high = least + step // 2 - 1, least + step - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _allowed(n: int, delta: float, alpha: float) -> int:
    """Return the largest number of failures that is possible at level `alpha`."""
    return _smallest(lambda k: bool(_tail(k, n, delta) <= alpha), 0) if delta else 0


@lru_cache(maxsize=256)
def _steady_power(delta: float, doubled: float, alpha: float, wanted: float) -> int:
    """Return the first number of trials from which on the power stays at or above `wanted`.

    Between two growths of ``c`` the power rises with ``n``, so only the feet of the teeth matter. They rise too, but
    for the rounding of ``n`` to integers: the search ends when they are well clear of `wanted`.
    """
    clear = 1.0 - (1.0 - wanted) / 2.0
    answer, c, foot = 1, 0, 1
    while True:
        # The tooth of c: numbers of trials at which c failures are allowed and no fewer.
        end = _smallest(lambda n, c=c: bool(_tail(c, n, delta) > alpha), foot)  # type: ignore[misc]
        if end > foot:
            at_foot = float(_tail(c, foot, doubled))
            if at_foot >= clear:
                return answer
            if at_foot < wanted:
                answer = min(_smallest(lambda n, c=c: bool(_tail(c, n, doubled) >= wanted), foot), end)  # type: ignore[misc]
        c, foot = c + 1, end


def _run(trial: Callable[[np.random.Generator], bool], n: int, seed: int | np.random.Generator) -> list[int]:
    """Run the trials, one stream each, and return the indices of those that failed."""
    source = seed if isinstance(seed, np.random.Generator) else np.random.SeedSequence(count(seed, "seed", least=0))
    failed = []
    for k in range(n):
        child = source.spawn(1)[0]
        held = trial(child if isinstance(child, np.random.Generator) else np.random.default_rng(child))
        if not isinstance(held, (bool, np.bool_)):
            raise InputError(
                f"trial must return True or False, found {held!r} in trial {k}", argument="trial", index=k, value=held
            )
        if not held:
            failed.append(k)
    return failed


def _how_to_repeat(k: int, seed: int | np.random.Generator) -> str:
    if isinstance(seed, np.random.Generator):
        return f"the first failing trial is number {k}"
    return (
        f"the first failing trial is number {k},"
        f" trial(numpy.random.default_rng(numpy.random.SeedSequence({seed}, spawn_key=({k},))))"
    )
