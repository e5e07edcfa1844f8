"""Confidence sets for a linear reward: the semi-norm radius, and the ellipsoid it belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtri

from mdpkit._arguments import check_option
from mdpkit._typing import Floats
from mdpkit.bounds import preference_curvature, preference_seminorm_radius
from mdpkit.bounds._arguments import check_level, check_number, check_positive
from mdpkit.errors import AssumptionError, InputError, ShapeError
from mdpkit.models._checks import as_floats
from mdpkit.preferences.rewards.result import RewardFit

__all__ = ["ConfidenceSet", "confidence_set", "seminorm_radius"]

FORMS = ("explicit", "paper", "wald")
CONVENTIONS = ("data", "2LB", "paper")
UNSEEN = 1e-8
"""What leaves the range of a singular design counts beyond this share: solvers and rounding leave less."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class ConfidenceSet:
    r"""An ellipsoid of parameters, :math:`\{\theta : \|\theta - \hat\theta\|_A \le f\}`, and a ball if one is known.

    Attributes
    ----------
    center : ndarray, shape (d,)
        The estimate.
    matrix : ndarray, shape (d, d)
        ``A``; singular where nothing is known, and the set is unbounded there.
    radius : float
        ``f``.
    norm_bound : float or None
        Parameters have at most this norm.
    centered : bool
        Parameters sum to zero.
    form : str
        Where the radius comes from.
    """

    center: Floats
    matrix: Floats
    radius: float
    norm_bound: float | None
    centered: bool
    form: str

    def norm(self, u: Any) -> float:
        """Return ``||u||_A``."""
        x = self._vector(u)
        return math.sqrt(max(float(x @ self.matrix @ x), 0.0))

    def dual_norm(self, u: Any, *, scale: float = 0.0) -> float:
        """Return ``||u||_{A^{-1}}``: how ``u . theta`` varies per unit of radius; infinite where ``A`` is blind.

        Parameters
        ----------
        u : array_like, shape (d,)
            A direction.
        scale : float, default 0.0
            Size of the numbers that `u` is a difference of, where that is more than its own: what rounding leaves of
            them is not taken for a direction that the data have not seen.
        """
        x = self._vector(u)
        s, U = self.spectrum()
        y = U.T @ x
        if float(np.linalg.norm(x - U @ y)) > UNSEEN * max(float(np.linalg.norm(x)), scale):
            return math.inf
        return math.sqrt(float(np.sum(y * y / s)))

    def lower(self, u: Any, *, scale: float = 0.0) -> float:
        """Return the least that ``u . theta`` can be on the ellipsoid, ``u . center - radius ||u||_{A^{-1}}``.

        With ``u`` the mean feature of a policy minus a reference it is the lower confidence bound of that policy; see
        `mean_feature`. Parameters are those of `dual_norm`.
        """
        return float(self._vector(u) @ self.center) - self.radius * self.dual_norm(u, scale=scale)

    def contains(self, theta: Any, *, slack: float = 0.0) -> bool:
        """Return whether a parameter is in the set, ball included."""
        x = self._vector(theta)
        inside = self.norm(x - self.center) <= self.radius + slack
        if self.norm_bound is not None:
            inside &= float(np.linalg.norm(x)) <= self.norm_bound + slack
        return bool(
            inside and (not self.centered or abs(float(np.sum(x))) <= slack + 1e-9 * max(1.0, float(np.abs(x).sum())))
        )

    def spectrum(self) -> tuple[Floats, Floats]:
        """Return the eigenvalues of ``A`` that are not zero, and their eigenvectors as columns."""
        s, U = np.linalg.eigh(self.matrix)
        seen = s > len(s) * np.finfo(float).eps * max(float(s[-1]), 0.0)
        return s[seen], U[:, seen]

    def _vector(self, u: Any) -> Floats:
        x = as_floats(u, "u")
        if x.shape != self.center.shape:
            raise ShapeError(f"u must have shape {self.center.shape}, found {x.shape}", argument="u")
        return x

    def __repr__(self) -> str:
        ball = "" if self.norm_bound is None else f", norm_bound={self.norm_bound:g}"
        return f"ConfidenceSet(d={len(self.center)}, radius={self.radius:.6g}, {self.form}{ball})"


def confidence_set(
    fit: RewardFit,
    *,
    delta: float,
    lam: float = 0.0,
    form: str = "explicit",
    norm_bound: float | None = None,
    gamma_convention: str = "data",
    feature_bound: float | None = None,
    C: float = 1.0,
) -> ConfidenceSet:
    r"""Return the parameters that comparisons do not rule out.

    "explicit" and "paper": :math:`\|\theta - \hat\theta\|_{\Sigma_D + \lambda I} \le f` with the radius of
    `seminorm_radius`. "wald": :math:`n\,\|\theta - \hat\theta\|^2_{H/n} \le \chi^2_{r, 1 - \delta}` with the observed
    information ``H`` of rank ``r``, which is right only as ``n`` grows.

    Parameters
    ----------
    fit, delta, lam, form, norm_bound, gamma_convention, feature_bound, C
        As for `seminorm_radius`.

    Returns
    -------
    ConfidenceSet

    Examples
    --------
    >>> from mdpkit.feedback import LinearPairs
    >>> from mdpkit.preferences import confidence_set, fit_reward
    >>> fit = fit_reward(LinearPairs([[1.0]] * 100, [[0.0]] * 100, [1] * 60 + [0] * 40), norm_bound=1)
    >>> region = confidence_set(fit, delta=0.05)
    >>> region
    ConfidenceSet(d=1, radius=0.82221, explicit, norm_bound=1)
    >>> region.contains([0.0]), region.contains([1.1])
    (True, False)
    """
    radius = seminorm_radius(
        fit,
        delta=delta,
        lam=lam,
        form=form,
        norm_bound=norm_bound,
        gamma_convention=gamma_convention,
        feature_bound=feature_bound,
        C=C,
    )
    matrix = fit.information / fit.n if form == "wald" else fit.design.to_mean().regularized(lam)
    bound = fit.norm_bound if norm_bound is None else float(norm_bound)
    return ConfidenceSet(fit.theta, matrix, radius, bound, fit.centered, form)


def seminorm_radius(
    fit: RewardFit,
    *,
    delta: float,
    lam: float = 0.0,
    form: str = "explicit",
    norm_bound: float | None = None,
    gamma_convention: str = "data",
    feature_bound: float | None = None,
    C: float = 1.0,
) -> float:
    r"""Return how far the estimate may be from the truth, in the norm of what was compared.

    With probability at least ``1 - delta``, :math:`\|\hat\theta - \theta^*\|_{\Sigma_D + \lambda I} \le f`.

    Parameters
    ----------
    fit : RewardFit
        An estimate with a norm bound, for "explicit" and "paper".
    delta : float
        Failure probability, in (0, 1).
    lam : float, default 0.0
        Ridge of the *mean* design matrix. Of the order ``1 / n`` it costs nothing; a fixed one adds up to
        ``2 sqrt(lam) B``.
    form : {"explicit", "paper", "wald"}
        "explicit": a theorem with all its constants, `mdpkit.bounds.preference_seminorm_radius`. "paper":
        :math:`C \sqrt{(d + \log(1/\delta)) / (\gamma^2 n) + \lambda B^2}`, ``K^4`` times the first term for rankings,
        with a constant ``C`` that is not known: for comparison with published curves. "wald": the radius in the norm
        of the observed information per comparison, asymptotic only.
    norm_bound : float, optional
        ``B``, a bound on the true parameter; that of `fit` by default.
    gamma_convention : {"data", "2LB", "paper"}
        Over which range of utility differences the logistic loss is curved by ``gamma``: "data" takes ``B`` times the
        largest compared difference, "2LB" twice ``L B``, both rigorous; "paper" takes ``L B`` (for rankings ``exp(-4 L
        B)``), which is not.
    feature_bound : float, optional
        ``L``; the largest norm of a shown feature by default.
    C : float, default 1.0
        Constant of "paper". Values below what a theorem would need give no guarantee.

    Returns
    -------
    float

    Raises
    ------
    AssumptionError
        The estimate lies outside the ball, weights are not whole numbers, or there is a prior, so that the theorem does
        not apply; for "wald", the estimate lies on the boundary.
    InputError, UnknownOptionError
        An argument is missing or outside its range.

    Notes
    -----
    The design is held fixed: the statement is about the randomness of the answers given what was compared, and needs
    comparisons that were not chosen in view of earlier answers. Pair splitting has the radius of pairs: the mean of the
    dependent pairs of a ranking is no wider than one of them.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or K-wise
       comparisons", ICML 2023, arXiv 2301.11270 (Lemma 3.1 and Theorem 4.1).

    Examples
    --------
    >>> from mdpkit.feedback import LinearPairs
    >>> from mdpkit.preferences import fit_reward, seminorm_radius
    >>> fit = fit_reward(LinearPairs([[1.0]] * 100, [[0.0]] * 100, [1] * 60 + [0] * 40), norm_bound=1)
    >>> [round(seminorm_radius(fit, delta=0.05, form=form), 4) for form in ("explicit", "paper")]
    [0.8222, 1.0167]
    """
    check_option(form, "form", FORMS)
    check_option(gamma_convention, "gamma_convention", CONVENTIONS)
    delta, lam = check_level(delta), check_number(lam, "lam")
    if fit.n <= 0.0:
        raise InputError("fit was made from no comparisons", argument="fit")
    if form == "wald":
        if fit.cov_kind is None:
            raise AssumptionError(
                "the estimate lies on the boundary of its ball, where the Wald ellipsoid is wrong; fit with a larger"
                ' norm_bound, or use form="explicit"',
                argument="fit",
            )
        return math.sqrt(float(chdtri(fit.rank, delta)) / fit.n)
    B = _ball(fit, norm_bound)
    L = fit.feature_bound if feature_bound is None else check_positive(feature_bound, "feature_bound")
    if fit.feature_bound * (1.0 - 1e-12) > L:
        raise AssumptionError(
            f"feature_bound = {L!r}, but a feature of norm {fit.feature_bound!r} was shown",
            argument="feature_bound",
            value=L,
        )
    K = 2 if fit.method == "pair_split" else fit.n_choices
    gamma = _curvature(fit, K, L * B, fit.difference_bound * B, gamma_convention)
    if form == "paper":
        width = len(fit.theta) + math.log(1.0 / delta)
        return check_positive(C, "C") * math.sqrt((K**4 if K > 2 else 1) * width / (gamma**2 * fit.n) + lam * B**2)
    if not fit.whole_weights:
        raise AssumptionError(
            "weights are not whole numbers, so they do not count independent comparisons", argument="fit"
        )
    if fit.alpha > 0.0:
        raise AssumptionError("the estimate has a prior (alpha > 0); the theorem is about alpha = 0", argument="fit")
    return float(
        preference_seminorm_radius(
            n=int(fit.n),
            d_eff=fit.design.effective_dimension(lam),
            delta=delta,
            lam=lam,
            curvature=gamma,
            norm_bound=B,
            n_choices=K,
        )
    )


def _ball(fit: RewardFit, norm_bound: float | None) -> float:
    B = fit.norm_bound if norm_bound is None else check_positive(norm_bound, "norm_bound")
    if B is None:
        raise InputError("norm_bound is required: the estimate was fitted without one", argument="norm_bound")
    norm = float(np.linalg.norm(fit.theta))
    if norm > B * (1.0 + 1e-9):
        raise AssumptionError(
            f"norm_bound = {B!r}, but the estimate has norm {norm!r}; fit again with this bound",
            argument="norm_bound",
            value=B,
        )
    return B


def _curvature(fit: RewardFit, K: int, product: float, reach: float, convention: str) -> float:
    if convention == "paper":
        return math.exp(-4.0 * product) if K > 2 else float(preference_curvature(utility_range=product))
    reach = reach if convention == "data" else 2.0 * product
    return float(preference_curvature(utility_range=reach, n_choices=K))
