"""`Utility`: the objectives that dynamic programming on return laws can optimize, with the conditions they meet."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Floats
from mdpkit.errors import InputError, NotCallableError

__all__ = ["Utility"]

N_POINTS = 32
"""Points at which declared properties of a utility are checked."""

TOLERANCE = 1e-9
"""Relative error up to which a declared property counts as true."""


class Utility:
    """An expected utility ``U_f(nu) = E f(X)``, with what is known about ``f``.

    An objective is optimized by `optimize_stock` whatever ``f`` is. The stationary solvers for infinite horizons also
    need ``f`` Lipschitz and indifferent to the discount; of the functions of one variable, those that are so for every
    discount are exactly ``f(x) = f(0) + k_pos max(x, 0) + k_neg min(x, 0)``.

    Parameters
    ----------
    f : callable, optional
        A function of one number (or, for `dimension` m > 1, of an array of shape ``(m,)``) that returns a real number;
        in exact mode it is handed `fractions.Fraction`. Leave it out when slopes are given.
    lipschitz : float, optional
        Lipschitz constant of ``f`` (Euclidean norm). None means not known, unless the slopes tell.
    homogeneous : bool, default False
        Whether ``f(a x) - f(0) = a (f(x) - f(0))`` for every ``a > 0``. Checked at 32 fixed points.
    k_pos, k_neg : float, optional
        Slopes right and left of 0; both together or neither. They imply the two conditions above.
    dimension : int, default 1
        Number of coordinates of the stock.

    Attributes
    ----------
    f, lipschitz, homogeneous, k_pos, k_neg, dimension
        As given or derived: a homogeneous function of one variable has slopes, and slopes a Lipschitz constant.

    Raises
    ------
    NotCallableError
        `f` is not callable.
    InputError
        `f` and slopes together, or neither; a slope or constant that is not a finite number; a declared property that
        fails at one of the 32 points.

    References
    ----------
    .. [1] B. Avila Pires et al., "Optimizing Return Distributions with Distributional Dynamic Programming",
       Journal of Machine Learning Research, 2025, section 4 (conditions on the objective).

    Examples
    --------
    >>> from mdpkit.distributional import Utility
    >>> Utility.cvar()
    Utility(k_pos=0, k_neg=1)
    >>> distance = Utility(lambda x: -abs(x), homogeneous=True)
    >>> distance.k_pos, distance.k_neg, distance.lipschitz
    (-1.0, 1.0, 1.0)
    """

    __slots__ = ("dimension", "f", "homogeneous", "k_neg", "k_pos", "lipschitz")

    def __init__(
        self,
        f: Callable[[Any], Any] | None = None,
        *,
        lipschitz: float | None = None,
        homogeneous: bool = False,
        k_pos: float | None = None,
        k_neg: float | None = None,
        dimension: int = 1,
    ) -> None:
        self.f = f
        self.dimension = check_count(dimension, "dimension")
        self.homogeneous = bool(homogeneous)
        self.lipschitz = None if lipschitz is None else _finite(lipschitz, "lipschitz")
        if self.lipschitz is not None and self.lipschitz < 0:
            raise InputError(
                f"lipschitz must be at least 0, found {lipschitz!r}", argument="lipschitz", value=lipschitz
            )
        self.k_pos = None if k_pos is None else _finite(k_pos, "k_pos")
        self.k_neg = None if k_neg is None else _finite(k_neg, "k_neg")
        if (k_pos is None) != (k_neg is None):
            missing = "k_pos" if k_pos is None else "k_neg"
            raise InputError(f"{missing} is missing: give both slopes or neither", argument=missing)
        if f is not None and not callable(f):
            raise NotCallableError(f"f must be a function, found {type(f).__name__}", argument="f", value=f)
        if (f is None) == (k_pos is None):
            raise InputError("a utility is given by f or by its slopes k_pos and k_neg: one of the two", argument="f")
        if f is None and dimension != 1:
            raise InputError("slopes belong to utilities of one number; give f", argument="dimension", value=dimension)
        if f is not None:
            self._check_declarations()
        if self.homogeneous and self.dimension == 1 and f is not None:
            zero = self._number(0.0)
            self.k_pos, self.k_neg = self._number(1.0) - zero, zero - self._number(-1.0)
        if self.k_pos is not None and self.k_neg is not None:
            self.homogeneous = True
            steepest = max(abs(self.k_pos), abs(self.k_neg))
            self.lipschitz = steepest if self.lipschitz is None else max(steepest, self.lipschitz)

    # ---------------------------------------------------------------- the usual ones

    @classmethod
    def mean(cls) -> Utility:
        """Return ``f(x) = x``: expected return."""
        return cls(k_pos=1.0, k_neg=1.0)

    @classmethod
    def cvar(cls) -> Utility:
        """Return ``f(x) = min(x, 0)``, the utility that `maximize_cvar` optimizes over its stock."""
        return cls(k_pos=0.0, k_neg=1.0)

    @classmethod
    def ocvar(cls) -> Utility:
        """Return ``f(x) = max(x, 0)``, the utility behind the optimistic CVaR."""
        return cls(k_pos=1.0, k_neg=0.0)

    @classmethod
    def target(cls) -> Utility:
        """Return ``f(x) = -|x|``: with the stock ``-g``, steer the return to ``g``."""
        return cls(k_pos=-1.0, k_neg=1.0)

    # ---------------------------------------------------------------- values

    @property
    def nondecreasing(self) -> bool:
        """Whether ``f`` is known never to decrease (both slopes at least 0)."""
        return self.k_pos is not None and self.k_neg is not None and self.k_pos >= 0 and self.k_neg >= 0

    @property
    def at_zero(self) -> float:
        """``f(0)``."""
        return 0.0 if self.f is None else self._number(0.0 if self.dimension == 1 else np.zeros(self.dimension))

    def __call__(self, x: Any) -> Any:
        """Return ``f(x)`` for one number, or one array of shape ``(m,)``."""
        if self.f is not None:
            return self.f(x)
        assert self.k_pos is not None
        assert self.k_neg is not None
        slope = self.k_pos if x > 0 else self.k_neg
        return (Fraction(slope) if isinstance(x, Rational) else slope) * x

    def values(self, x: Any) -> Any:
        """Return ``f`` of every stock: shape ``(n,)`` for stocks ``(n,)`` or ``(n, m)``; Fractions stay Fractions."""
        if x.dtype == object:
            exact = np.empty(len(x), dtype=object)
            for i, point in enumerate(x):
                value = self(point)
                exact[i] = Fraction(value) if isinstance(value, Rational) else Fraction(self._real(value, point))
            return exact
        if self.f is None:
            return np.where(x > 0, x * self.k_pos, x * self.k_neg)
        points = x.tolist() if x.ndim == 1 else x
        return np.array([self._real(self.f(point), point) for point in points], dtype=np.float64)

    def _number(self, x: Any) -> float:
        return self._real(self(x), x)

    @staticmethod
    def _real(value: Any, point: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"f({point}) = {value!r} is not a real number", argument="f", index=point, value=value
            ) from error
        if not np.isfinite(number):
            raise InputError(f"f({point}) = {number!r} is not finite", argument="f", index=point, value=number)
        return number

    # ---------------------------------------------------------------- declared properties

    def _check_declarations(self) -> None:
        """Check homogeneity and the Lipschitz constant at fixed points; both are promises the solvers rely on."""
        if not self.homogeneous and self.lipschitz is None:
            return
        points = check_points(self.dimension)
        known = [self._number(x) for x in self._unpacked(points)]
        if self.homogeneous:
            zero = self.at_zero
            for k, (x, fx) in enumerate(zip(points, known, strict=True)):
                a = (0.5, 0.9, 0.3, 0.75)[k % 4]
                found, wanted = self._number(self._unpacked([a * x])[0]) - zero, a * (fx - zero)
                if not abs(found - wanted) <= TOLERANCE * (1 + abs(wanted)):
                    raise InputError(
                        f"f is declared homogeneous, but f({a} x) - f(0) = {found!r} and {a} (f(x) - f(0)) = "
                        f"{wanted!r} at x = {self._unpacked([x])[0]}",
                        argument="homogeneous",
                        index=k,
                        value=found,
                    )
        if self.lipschitz is not None:
            for k in range(1, N_POINTS):
                distance = float(np.linalg.norm(points[k] - points[k - 1]))
                if abs(known[k] - known[k - 1]) > self.lipschitz * distance * (1 + TOLERANCE) + TOLERANCE:
                    raise InputError(
                        f"lipschitz = {self.lipschitz:g}, but f changes by {abs(known[k] - known[k - 1]):g} over a "
                        f"distance of {distance:g} at x = {self._unpacked([points[k]])[0]}",
                        argument="lipschitz",
                        index=k,
                        value=self.lipschitz,
                    )

    def _unpacked(self, points: Any) -> list[Any]:
        """Return points as ``f`` takes them: numbers in one dimension, arrays otherwise."""
        return [float(x[0]) for x in points] if self.dimension == 1 else list(points)

    def __repr__(self) -> str:
        if self.f is None:
            return f"Utility(k_pos={self.k_pos:g}, k_neg={self.k_neg:g})"
        facts = [getattr(self.f, "__name__", type(self.f).__name__)]
        if self.dimension > 1:
            facts.append(f"dimension={self.dimension}")
        if self.lipschitz is not None:
            facts.append(f"lipschitz={self.lipschitz:g}")
        if self.homogeneous:
            facts.append("homogeneous")
        return f"Utility({', '.join(facts)})"


def check_points(dimension: int) -> Floats:
    """Return the 32 points of the checks, on both sides of 0 and over five orders of magnitude, shape ``(32, m)``."""
    if dimension == 1:
        size = np.geomspace(1e-4, 10.0, N_POINTS // 2)
        return np.concatenate([-size[::-1], size])[:, None]
    k = np.arange(1, N_POINTS + 1)
    directions = np.sin(np.outer(k, 1.0 + np.sqrt(2.0) * np.arange(dimension)))
    return np.asarray(directions * np.geomspace(1e-3, 10.0, N_POINTS)[:, None])


def _finite(value: Any, argument: str) -> float:
    if isinstance(value, (bool, str)):
        raise InputError(f"{argument} must be a finite number, found {value!r}", argument=argument, value=value)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{argument} must be a finite number, found {value!r}", argument=argument) from error
    if not np.isfinite(number):
        raise InputError(f"{argument} must be a finite number, found {value!r}", argument=argument, value=value)
    return number
