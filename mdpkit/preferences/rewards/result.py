"""`RewardFit`: the parameter of a linear reward with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.preferences.rewards.design import PreferenceDesign

__all__ = ["RewardFit"]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class RewardFit:
    r"""Parameter of a reward :math:`\phi \cdot \theta` estimated from comparisons.

    Attributes
    ----------
    theta : ndarray, shape (d,)
        The estimate; of all that fit equally well the one of least norm.
    design : PreferenceDesign
        Second moment of the compared differences.
    information : ndarray, shape (d, d)
        Hessian of the negative log-likelihood at `theta`: the observed information, a sum over comparisons.
    nll : float
        Negative log-likelihood, a sum, without prior.
    rank : int
        Dimension of what the comparisons can see.
    null_basis : ndarray, shape (d, d - rank)
        Orthonormal basis of what they cannot: `theta` is zero along it, and nothing is known there.
    n : float
        Number of comparisons or rankings (total weight).
    n_choices : int
        ``K``; 2 for pairs.
    method : str
        "mle" or "pair_split".
    alpha : float
        Precision of the Gaussian prior.
    norm_bound : float or None
        ``B``: the estimate was sought among ``||theta|| <= B``.
    on_boundary : bool
        Whether that bound is active.
    multiplier : float
        Its Lagrange multiplier: `theta` minimizes the mean loss plus ``multiplier / 2 ||theta||^2``.
    centered : bool
        Whether ``sum theta = 0`` was imposed.
    feature_mean : ndarray, shape (d,)
        Mean feature of what was shown.
    feature_bound, difference_bound : float
        Largest norm of a shown feature, and of a compared difference.
    whole_weights : bool
        Whether all weights are whole numbers, so that they count independent comparisons.
    iterations : int
        Newton steps.
    converged : bool
        Whether the method met its tolerance.
    gradient_norm : float
        Largest entry of the gradient of what was minimized.
    message : str
        A sentence.
    """

    theta: Floats
    design: PreferenceDesign
    information: Floats
    nll: float
    rank: int
    null_basis: Floats
    n: float
    n_choices: int
    method: str
    alpha: float
    norm_bound: float | None
    on_boundary: bool
    multiplier: float
    centered: bool
    feature_mean: Floats
    feature_bound: float
    difference_bound: float
    whole_weights: bool
    iterations: int
    converged: bool
    gradient_norm: float
    message: str
    _cov: Floats | None = None

    @property
    def cov_kind(self) -> str | None:
        """What `cov` is: "observed", "laplace", "sandwich", or None on the boundary of the ball."""
        if self._cov is None:
            return None
        if self.method == "pair_split":
            return "sandwich"
        return "laplace" if self.alpha > 0.0 else "observed"

    @property
    def cov(self) -> Floats:
        """Asymptotic covariance of `theta`, shape ``(d, d)``, zero along `null_basis`.

        Raises
        ------
        InputError
            The norm bound is active: the usual asymptotics do not hold on the boundary.
        """
        if self._cov is None:
            raise InputError(
                f"theta lies on the boundary ||theta|| = {self.norm_bound:g}, where there are no standard errors",
                argument="norm_bound",
                value=self.norm_bound,
            )
        return self._cov

    @property
    def stderr(self) -> Floats:
        """Standard errors of `theta`, shape ``(d,)``; zero means *not seen* where `rank` is below ``d``."""
        return np.asarray(np.sqrt(np.diagonal(self.cov)))

    def contrast(self, first: Floats, second: Floats) -> tuple[float, float]:
        """Return the difference of two rewards and its standard error, infinite where the data cannot see it.

        Parameters
        ----------
        first, second : array_like, shape (d,)
            Features of the alternatives.
        """
        x = as_floats(first, "first") - as_floats(second, "second")
        if x.shape != self.theta.shape:
            raise ShapeError(f"first must have shape {self.theta.shape}, found {x.shape}", argument="first")
        unseen = float(np.linalg.norm(self.null_basis.T @ x))
        if self.alpha == 0.0 and unseen > 1e-9 * max(1.0, float(np.linalg.norm(x))):
            return float(x @ self.theta), float("inf")
        return float(x @ self.theta), float(np.sqrt(max(float(x @ self.cov @ x), 0.0)))

    def __repr__(self) -> str:
        bound = "" if self.norm_bound is None else f", norm_bound={self.norm_bound:g}"
        state = ("" if not self.on_boundary else " (active)") + ("" if self.converged else ", not converged")
        what = "comparisons" if self.n_choices == 2 else f"rankings of {self.n_choices}"
        return f"RewardFit(d={len(self.theta)}, rank={self.rank}, {self.n:g} {what}, {self.method}{bound}{state})"
