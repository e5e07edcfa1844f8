"""`StrengthFit`: utilities of items with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError, ShapeError, StateIndexError
from mdpkit.feedback._checks import check_indices
from mdpkit.preferences.strengths.uncertainty import Uncertainty

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StrengthFit"]

DENSE_ITEMS = 2000
"""Up to so many items a contrast reads the covariance matrix; beyond, it solves one linear system."""


@dataclass(frozen=True, eq=False, repr=False)
class StrengthFit:
    """Utilities of items estimated from comparisons.

    Attributes
    ----------
    params : ndarray, shape (N,)
        Utilities on the natural-log scale. They sum to zero, in each of the `components` if there are several; with a
        prior they are centered by it.
    nll : float
        Negative log-likelihood at `params`, prior not included.
    method : str
        The estimator.
    alpha : float
        Precision of the Gaussian prior, 0 for none.
    iterations : int
        Steps of the method.
    converged : bool
        Whether it met its stopping rule.
    gradient_norm : float
        Largest entry of the gradient of what was minimized, in votes: by how much expected and observed wins differ.
    components : tuple of ndarray of int
        Groups of items whose utilities are comparable, from the best to the worst; one group unless
        ``on_infinite="component"`` was needed.
    tie_parameter : float or None
        ``nu`` of Davidson's model.
    tie_stderr : float or None
        Standard error of ``log nu``.
    message : str
        A sentence.
    """

    params: Floats
    nll: float
    method: str
    alpha: float
    iterations: int
    converged: bool
    gradient_norm: float
    components: tuple[Ints, ...]
    message: str
    tie_parameter: float | None = None
    tie_stderr: float | None = None
    _uncertainty: Uncertainty | None = field(default=None)

    @property
    def n_items(self) -> int:
        """Number of items ``N``."""
        return len(self.params)

    @property
    def strengths(self) -> Floats:
        """Strengths ``exp(params)``, divided by their sum."""
        e = np.exp(self.params - np.max(self.params))
        return np.asarray(e / np.sum(e))

    # ---------------------------------------------------------------- uncertainty

    @property
    def cov_kind(self) -> str | None:
        """What `cov` is.

        "observed" (inverse observed information), "laplace" (the same with the prior: an approximate posterior),
        "sandwich" (valid although the pairs of a ranking depend on each other), or None for methods without one.
        """
        return None if self._uncertainty is None else self._uncertainty.kind

    @cached_property
    def cov(self) -> Floats:
        """Covariance of `params`, shape ``(N, N)``; NaN between components. Computed when first asked for, ``O(N^3)``.

        Without a prior it is the covariance of *centered* utilities and singular along their common shift; prefer
        `contrast`, which does not depend on the centering.

        Raises
        ------
        InputError
            The method has no standard errors.
        """
        return self._known().matrix()

    @property
    def stderr(self) -> Floats:
        """Standard errors of `params`, shape ``(N,)``."""
        return np.sqrt(np.diagonal(self.cov))

    def contrast(self, i: int, j: int) -> tuple[float, float]:
        """Return ``params[i] - params[j]`` and its standard error.

        The standard error takes ``O(N^3)`` once up to 2000 items, and one sparse linear system beyond. Both are NaN
        for items of different components.

        Raises
        ------
        StateIndexError, InputError
            There is no such item, or the method has no standard errors.
        """
        a, b = (self._item(k, name) for k, name in ((i, "i"), (j, "j")))
        if self._component_of[a] != self._component_of[b]:
            return float("nan"), float("nan")
        known = self._known()
        direction = np.zeros(self.n_items)
        direction[a] += 1.0
        direction[b] -= 1.0
        if self.n_items <= DENSE_ITEMS or "cov" in self.__dict__:
            items = np.array([a, b])
            block = self.cov[np.ix_(items, items)]
            variance = float(block[0, 0] + block[1, 1] - 2.0 * block[0, 1])
        else:
            variance = known.variance(direction)
        return float(self.params[a] - self.params[b]), float(np.sqrt(max(variance, 0.0)))

    def _known(self) -> Uncertainty:
        if self._uncertainty is None:
            raise InputError(
                f'method="{self.method}" is not the maximum-likelihood estimate and has no standard errors;'
                ' use method="newton"',
                argument="method",
                value=self.method,
            )
        return self._uncertainty

    @cached_property
    def _component_of(self) -> Ints:
        label = np.zeros(self.n_items, dtype=np.int64)
        for k, items in enumerate(self.components):
            label[items] = k
        return label

    # ---------------------------------------------------------------- reading

    def probability(self, i: int, j: int) -> float:
        """Return the fitted probability that `i` beats `j`; NaN for items of different components.

        With a tie parameter it is the probability of a win; ties have the rest.
        """
        a, b = (self._item(k, name) for k, name in ((i, "i"), (j, "j")))
        if a == b:
            raise InputError(f"j = {b}: no item is compared with itself", argument="j", value=b)
        if self._component_of[a] != self._component_of[b]:
            return float("nan")
        gap = float(self.params[a] - self.params[b])
        if self.tie_parameter is None:
            return float(expit(gap))
        return float(1.0 / (1.0 + np.exp(-gap) + self.tie_parameter * np.exp(-gap / 2)))

    def ranking(self) -> Ints:
        """Return the items from the best to the worst, component by component; ties by number."""
        return np.concatenate([items[np.argsort(-self.params[items], kind="stable")] for items in self.components])

    def to_frame(self, names: Sequence[object] | None = None) -> pd.DataFrame:
        """Return a table of the items, best first, with utilities and standard errors where there are any."""
        import pandas as pd

        if names is not None and len(names) != self.n_items:
            raise ShapeError(f"names must hold {self.n_items} names, found {len(names)}", argument="names")
        order = self.ranking()
        columns: dict[str, Any] = {
            "rank": np.arange(1, self.n_items + 1),
            "item": order if names is None else [names[k] for k in order],
            "utility": self.params[order],
        }
        if self._uncertainty is not None:
            columns["stderr"] = self.stderr[order]
        return pd.DataFrame(columns)

    def _item(self, k: Any, name: str) -> int:
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise StateIndexError(f"{name} must be the number of an item, found {k!r}", argument=name, value=k)
        return int(check_indices([int(k)], name, self.n_items, "item")[0])

    def __repr__(self) -> str:
        prior = f", alpha={self.alpha:g}" if self.alpha else ""
        groups = f", {len(self.components)} components" if len(self.components) > 1 else ""
        ties = "" if self.tie_parameter is None else f", nu={self.tie_parameter:.4g}"
        state = "" if self.converged else ", not converged"
        return f"StrengthFit({self.n_items:,} items, nll={self.nll:.6g}, {self.method}{prior}{ties}{groups}{state})"
