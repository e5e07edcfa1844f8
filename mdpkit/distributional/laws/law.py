"""`DiscreteLaw`: a probability law with finitely many atoms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from mdpkit._arguments import check_count, check_seed
from mdpkit.distributional.laws import functionals
from mdpkit.distributional.laws.entropic import entropic_risk, entropic_value_at_risk
from mdpkit.distributional.laws.merging import (
    MAX_ATOMS,
    Array,
    Atoms,
    as_array,
    canonical,
    check_atoms,
    check_finite,
    check_probabilities,
    is_rational,
    to_fractions,
)
from mdpkit.errors import InputError, NotCallableError, ShapeError

__all__ = ["DiscreteLaw"]

SHOWN_ATOMS = 6
"""Laws with at most this many atoms are printed in full."""


class DiscreteLaw:
    """A law with finitely many atoms, of a real number or of a vector.

    Small outcomes are bad (rewards): `cvar`, `erm` and `evar` look at the lower tail. The law is immutable; operations
    return new laws. In *exact mode*, atoms and probabilities are fractions, nothing is ever rounded, and functionals
    that are rational return fractions.

    Parameters
    ----------
    x : array_like, shape (n,) or (n, m)
        Atoms in any order, duplicates allowed; rows are vectors (a joint law).
    p : array_like, shape (n,)
        Probabilities. Floats must sum to one within 1e-8 and are divided by their sum, fractions exactly. Atoms of
        probability zero are dropped, no others ever.
    exact : bool, optional
        Whether to compute in fractions; by default when `x` and `p` hold integers and at least one fraction. True takes
        doubles at their exact binary value.
    merge_tol : float, optional
        Float atoms within this distance of each other (in every coordinate) become one at their weighted mean; by
        default ``1e-12 (1 + max |x|)``. Fractions merge only when equal.
    max_atoms : int, default 2_000_000
        Cap on the number of atoms after merging.

    Attributes
    ----------
    x : ndarray, shape (n,) or (n, m)
        Distinct atoms, increasing (lexicographically for vectors); read-only.
    p : ndarray, shape (n,)
        Their probabilities, positive, sum one; read-only.
    exact : bool
        Whether `x` and `p` are object arrays of `fractions.Fraction`.
    merged_error : float
        Bound on the W1 distance (Euclidean norm for vectors) to the law as given, caused by merging close atoms,
        inherited through mixtures and affine maps; 0 in exact mode.

    Raises
    ------
    NotStochasticError
        A probability is negative or they do not sum to one.
    InputError
        An atom or probability is not a finite number.
    ShapeError
        Shapes do not fit, or there is no atom.
    ExplosionError
        More than `max_atoms` atoms (also a `MemoryError`).

    Notes
    -----
    Quantile levels are compared to cumulative probabilities with tolerance 1e-12 (none in exact mode), because sums
    such as 0.1 + 0.2 tie with levels such as 0.3 in the mathematics and not in floating point.

    Examples
    --------
    >>> from mdpkit.distributional import DiscreteLaw
    >>> law = DiscreteLaw([3, 0, 1], [0.25, 0.5, 0.25])
    >>> law
    DiscreteLaw({0: 0.5, 1: 0.25, 3: 0.25})
    >>> law.mean(), law.quantile(0.5), law.upper_quantile(0.5)
    (1.0, 0.0, 1.0)
    >>> round(law.cvar(0.6), 12)  # a sixth: the atom 1 counts with the tenth that is left
    0.166666666667
    >>> from fractions import Fraction
    >>> DiscreteLaw([3, 0, 1], [Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)]).cvar(Fraction(3, 5))
    Fraction(1, 6)
    """

    x: Array
    p: Array
    exact: bool
    merged_error: float

    def __init__(
        self,
        x: Any,
        p: Any,
        *,
        exact: bool | None = None,
        merge_tol: float | None = None,
        max_atoms: int = MAX_ATOMS,
    ) -> None:
        if merge_tol is not None and not (np.isfinite(merge_tol) and merge_tol >= 0.0):
            raise InputError(
                f"merge_tol must be nonnegative, found {merge_tol!r}", argument="merge_tol", value=merge_tol
            )
        cap = check_count(max_atoms, "max_atoms")
        self._fill(canonical(*check_atoms(x, p, exact=exact), merge_tol=merge_tol, max_atoms=cap))

    def _fill(self, atoms: Atoms) -> None:
        x, p, merged_error = atoms
        x.flags.writeable = p.flags.writeable = False
        self.__dict__.update(x=x, p=p, exact=p.dtype.kind == "O", merged_error=merged_error)

    @classmethod
    def _from_canonical(cls, x: Array, p: Array, merged_error: float) -> DiscreteLaw:
        """Wrap atoms that are sorted, distinct and of positive probability already."""
        law = cls.__new__(cls)
        law._fill(Atoms(x, p, merged_error))
        return law

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a DiscreteLaw is immutable; {name!r} cannot be set")

    # ------------------------------------------------------------------ making laws

    @classmethod
    def point(cls, x: Any) -> DiscreteLaw:
        """Return the law of a constant, a number or a vector; exact if it holds a fraction.

        Examples
        --------
        >>> DiscreteLaw.point(2)
        DiscreteLaw({2: 1})
        """
        return cls([x], [1])

    @classmethod
    def mixture(
        cls, weights: Any, laws: Sequence[DiscreteLaw], *, merge_tol: float | None = None, max_atoms: int = MAX_ATOMS
    ) -> DiscreteLaw:
        """Return the law of drawing one of the laws with the given probabilities, then from it.

        Parameters
        ----------
        weights : array_like, shape (k,)
            Probabilities of the laws.
        laws : sequence of DiscreteLaw, length k
            All of the same dimension. The mixture is exact if all of them and the weights are.
        merge_tol, max_atoms
            As in `DiscreteLaw`.

        Examples
        --------
        >>> DiscreteLaw.mixture([0.5, 0.5], [DiscreteLaw.point(0), DiscreteLaw([0, 1], [0.5, 0.5])])
        DiscreteLaw({0: 0.75, 1: 0.25})
        """
        given = as_array(weights, "weights")
        if given.ndim != 1 or len(given) != len(laws) or len(laws) == 0:
            raise ShapeError(
                f"weights must have one entry per law, found shape {given.shape} for {len(laws)} laws",
                argument="weights",
                value=given.shape,
            )
        for i, law in enumerate(laws):
            if not isinstance(law, DiscreteLaw):
                raise InputError(
                    f"laws must hold DiscreteLaw, found {law!r} at index {i}", argument="laws", index=i, value=law
                )
            if law.x.shape[1:] != laws[0].x.shape[1:]:
                raise ShapeError(
                    f"laws must have one dimension, found {law.x.shape[1:]} at index {i} after {laws[0].x.shape[1:]}",
                    argument="laws",
                    index=i,
                    value=law.x.shape[1:],
                )
        check_finite(given, "weights")
        exact = is_rational(given) and all(law.exact for law in laws)
        given = check_probabilities(to_fractions(given) if exact else given.astype(np.float64), "weights")
        parts = list(laws) if exact else [law.to_float() for law in laws]
        x = np.concatenate([law.x for law in parts])
        p = np.concatenate([w * law.p for w, law in zip(given, parts, strict=True)])
        done = canonical(x, p, merge_tol=merge_tol, max_atoms=max_atoms)
        inherited = sum(float(w) * law.merged_error for w, law in zip(given, parts, strict=True))
        return cls._from_canonical(done.x, done.p, done.merged_error + inherited)

    def affine(self, shift: Any = 0, scale: Any = 1) -> DiscreteLaw:
        """Return the law of ``shift + scale * X``; for vectors, coordinate by coordinate.

        Parameters
        ----------
        shift, scale : number, or array_like of shape (m,) for vectors
            Any finite numbers. The result is exact if the law, `shift` and `scale` are.

        Examples
        --------
        >>> DiscreteLaw([0, 1], [0.5, 0.5]).affine(2, -0.5)
        DiscreteLaw({1.5: 0.5, 2: 0.5})
        """
        moves = {"shift": as_array(shift, "shift"), "scale": as_array(scale, "scale")}
        for name, move in moves.items():
            check_finite(move, name)
            if move.shape not in ((), self.x.shape[1:]):
                raise ShapeError(
                    f"{name} must be a number{self._per_coordinate()}, found shape {move.shape}",
                    argument=name,
                    value=move.shape,
                )
        exact = self.exact and all(is_rational(move) for move in moves.values())
        b, g = (to_fractions(move) if exact else move.astype(np.float64) for move in moves.values())
        source = self if exact else self.to_float()
        x = np.asarray(b + g * source.x)
        p = source.p
        if x.ndim == 1 and g < 0:
            x, p = x[::-1], p[::-1]
        check_finite(x, "scale")
        if x.ndim == 1 and np.all(x[1:] > x[:-1]):
            # Distinct stays distinct: a copy, not worth a sort and a merge.
            return self._from_canonical(x.copy(), p.copy(), abs(float(g)) * self.merged_error)
        done = canonical(x, p, merge_tol=None, max_atoms=MAX_ATOMS)
        grow = float(np.max(np.abs(g.astype(float)), initial=0.0)) * self.merged_error
        return self._from_canonical(done.x, done.p, done.merged_error + grow)

    def to_float(self) -> DiscreteLaw:
        """Return the law in float64; itself if it is already."""
        if not self.exact:
            return self
        # Distinct fractions may round to the same double, so this merges (equal doubles only).
        return DiscreteLaw(self.x.astype(np.float64), self.p.astype(np.float64), merge_tol=0.0, max_atoms=len(self))

    def marginal(self, coordinate: int) -> DiscreteLaw:
        """Return the law of one coordinate of a vector."""
        if self.x.ndim == 1:
            raise ShapeError("marginal needs a law of vectors, this one is of numbers", argument="coordinate")
        k = check_count(coordinate, "coordinate", least=0, most=self.x.shape[1] - 1)
        done = canonical(self.x[:, k].copy(), self.p, merge_tol=None, max_atoms=len(self))
        return self._from_canonical(done.x, done.p, done.merged_error + self.merged_error)

    # ------------------------------------------------------------------ reading them

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.p)

    def __eq__(self, other: object) -> bool:
        """Compare atoms and probabilities, digit by digit."""
        if not isinstance(other, DiscreteLaw):
            return NotImplemented
        return np.array_equal(self.x, other.x) and np.array_equal(self.p, other.p)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if len(self) <= SHOWN_ATOMS:
            keys = self.x.tolist() if self.x.ndim == 1 else [tuple(row) for row in self.x.tolist()]
            inside = ", ".join(f"{_show(x)}: {_show(p)}" for x, p in zip(keys, self.p.tolist(), strict=True))
            return f"DiscreteLaw({{{inside}}})"
        if self.x.ndim == 2:
            return f"DiscreteLaw({len(self)} atoms in {self.x.shape[1]} dimensions)"
        return f"DiscreteLaw({len(self)} atoms on [{_show(self.x[0])}, {_show(self.x[-1])}], mean {_show(self.mean())})"

    def mean(self) -> Any:
        """Return the expectation; of vectors, coordinate by coordinate."""
        return _scalar(self.p @ self.x)

    def var(self) -> Any:
        """Return the variance, from centered atoms; of vectors, coordinate by coordinate."""
        return _scalar(self.p @ (self.x - self.p @ self.x) ** 2)

    def covariance(self) -> Array:
        """Return the covariance matrix of a law of vectors, shape (m, m)."""
        if self.x.ndim == 1:
            raise ShapeError("covariance needs a law of vectors, this one is of numbers; use var", argument="self")
        centered = self.x - self.p @ self.x
        return np.asarray((centered.T * self.p) @ centered)

    def moment(self, k: int) -> Any:
        """Return the raw moment ``E X^k``, k >= 0; of vectors, coordinate by coordinate."""
        return _scalar(self.p @ self.x ** check_count(k, "k", least=0))

    def expect(self, f: Callable[[Any], Any]) -> Any:
        """Return ``E f(X)``; `f` is called once per atom with a number or, for vectors, an array of shape (m,).

        Examples
        --------
        >>> DiscreteLaw([-1, 2], [0.5, 0.5]).expect(lambda x: min(x, 0))
        -0.5
        """
        if not callable(f):
            raise NotCallableError(f"f must be callable, found {f!r}", argument="f", value=f)
        values = as_array([f(x) for x in (self.x.tolist() if self.x.ndim == 1 else self.x)], "f")
        if values.shape != self.p.shape:
            raise ShapeError(f"f must return a number, found shape {values.shape[1:]}", argument="f")
        bad = np.flatnonzero(values != values)
        if len(bad):
            at = self.x[bad[0]]
            raise InputError(f"f must return numbers, found NaN at {at}", argument="f", index=at, value=np.nan)
        return _scalar(self.p @ values)

    def sample(self, n: int, seed: int | np.random.Generator) -> Array:
        """Draw `n` independent atoms, shape (n,) or (n, m)."""
        count = check_count(n, "n", least=0)
        return np.asarray(self.x[np.searchsorted(self._cumulative, check_seed(seed).random(count), side="right")])

    # ------------------------------------------------------------------ laws of numbers

    @cached_property
    def _cumulative(self) -> Array:
        return functionals.cumulative(self.p)

    def _need_scalar(self, what: str) -> None:
        if self.x.ndim == 2:
            raise ShapeError(f"{what} needs a law of numbers; take a marginal first", argument="self")

    def _per_coordinate(self) -> str:
        return f" or have shape ({self.x.shape[1]},)" if self.x.ndim == 2 else ""

    def cdf(self, x: Any) -> Any:
        """Return ``P(X <= x)`` for a number or an array of them."""
        self._need_scalar("cdf")
        index = np.searchsorted(self.x, x, side="right")
        return _scalar(np.concatenate([self._cumulative[:1] * 0, self._cumulative])[index])

    def quantile(self, u: Any) -> Any:
        """Return the lower quantile ``inf {x : P(X <= x) >= u}``, u in [0, 1], number or array; the least atom at 0."""
        self._need_scalar("quantile")
        return _scalar(self.x[functionals.lower_index(self._cumulative, functionals.check_levels(u, self.exact))])

    def upper_quantile(self, u: Any) -> Any:
        """Return the upper quantile ``sup {x : P(X < x) <= u}``, u in [0, 1], number or array; the largest atom at 1.

        At ``u = tau`` this is the value at risk VaR+ of Hau et al. (2023).
        """
        self._need_scalar("upper_quantile")
        return _scalar(self.x[functionals.upper_index(self._cumulative, functionals.check_levels(u, self.exact))])

    def cvar(self, tau: Any) -> Any:
        r"""Return the mean of the worst fraction tau in (0, 1], ``(1/tau) int_0^tau F^{-1}(u) du``.

        Equal to ``max_x { x + E min(X - x, 0) / tau }`` (Rockafellar and Uryasev 2000); the mean at tau = 1, the least
        atom for tau up to its probability. A tied or split atom counts with the fraction that is left for it.
        """
        self._need_scalar("cvar")
        return functionals.lower_tail_mean(self.x, self.p, self._cumulative, functionals.check_tau(tau, self.exact))

    def ocvar(self, tau: Any) -> Any:
        """Return the mean of the best fraction tau in (0, 1], ``-CVaR_tau(-X)`` (optimistic CVaR)."""
        self._need_scalar("ocvar")
        p = self.p[::-1]
        level = functionals.check_tau(tau, self.exact)
        return -functionals.lower_tail_mean(-self.x[::-1], p, functionals.cumulative(p), level)

    def erm(self, b: float) -> float:
        """Return the entropic risk ``-(1/b) log E exp(-b X)``, risk aversion b > 0 (the mean as b goes to 0)."""
        self._need_scalar("erm")
        return entropic_risk(self.x, self.p, b)

    def evar(self, tau: float) -> float:
        """Return the entropic value at risk ``sup_{b > 0} { ERM_b + log(tau) / b }``, tau in (0, 1].

        It lies between the least atom and ``CVaR_tau``. Where ``P(X = min) >= tau`` the supremum is the least atom and
        is reached only as b grows to infinity (`evar_parameter` is infinite); at tau = 1 it is the mean.
        """
        self._need_scalar("evar")
        return entropic_value_at_risk(self.x, self.p, float(functionals.check_tau(tau, False)))[0]

    def evar_parameter(self, tau: float) -> float:
        """Return the b that attains `evar`: infinite where only the limit does, 0 at tau = 1 (the mean)."""
        self._need_scalar("evar_parameter")
        return entropic_value_at_risk(self.x, self.p, float(functionals.check_tau(tau, False)))[1]


def _scalar(value: Any) -> Any:
    """Return a plain number for what is not an array of numbers."""
    if isinstance(value, np.ndarray):
        return value if value.ndim else value.item()
    return value.item() if isinstance(value, np.generic) else value


def _show(value: Any) -> str:
    """Print a number as briefly as its kind allows."""
    if isinstance(value, tuple):
        return f"({', '.join(_show(v) for v in value)})"
    return str(value) if isinstance(value, Fraction) else f"{value:.6g}"
