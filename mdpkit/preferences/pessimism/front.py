"""`pessimistic_policy`: from a fitted reward to the policy with the best guarantee."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from mdpkit._arguments import check_option
from mdpkit._typing import Floats
from mdpkit.bounds._arguments import check_number
from mdpkit.errors import ConvergenceWarning, InputError, ShapeError, UnknownOptionError
from mdpkit.feedback._checks import check_all
from mdpkit.models._checks import as_floats
from mdpkit.preferences.pessimism.conic import solve_conic
from mdpkit.preferences.pessimism.inner import InnerValue, closed_form, feasible, split_value
from mdpkit.preferences.pessimism.result import PessimisticPolicy
from mdpkit.preferences.pessimism.spaces import PolicySpace, read_space
from mdpkit.preferences.rewards import ConfidenceSet, RewardFit
from mdpkit.preferences.rewards.confidence import UNSEEN

__all__ = ["pessimistic_policy"]

METHODS = ("socp", "deterministic", "pointwise")
GAP_TOL = 1e-6
"""A certified gap up to this, relative to the size of the terms of the objective, counts as solved."""
MOST_POLICIES = 1_000_000
CHUNK_ENTRIES = 10_000_000
ROUND_OFF = (0.0, 1e-7, 1e-5)
"""Probabilities up to these are taken for what an interior-point method leaves of a zero, if that does no harm."""


def pessimistic_policy(
    fit: RewardFit,
    problem: Any,
    features: Any = None,
    *,
    radius: float | ConfidenceSet,
    lam: float = 0.0,
    reference: Any = "data_mean",
    method: str = "socp",
    inner: str = "closed_form",
) -> PessimisticPolicy:
    r"""Return the policy whose value is largest in the worst case over a confidence set.

    .. math:: \hat\pi = \arg\max_\pi \min_{\theta \in \Theta} \; (u_\pi - v) \cdot \theta, \qquad
              \Theta = \{\theta : \|\theta - \hat\theta\|_{\Sigma_D + \lambda I} \le f\}

    with the mean feature :math:`u_\pi` of the policy: over contexts, along an episode (a sum over steps), or over the
    normalized discounted occupancy measure.

    Parameters
    ----------
    fit : RewardFit
        The estimate, of `fit_reward`.
    problem : ContextualBandit, FiniteHorizonMDP or TabularMDP
        Where to act; its own rewards are not used. A `TabularMDP` must be discounted.
    features : array_like, shape (X, A, d), (S, A, d) or (H, S, A, d), optional
        Features of the actions; those of a `ContextualBandit` by default.
    radius : float or ConfidenceSet
        ``f``, or a confidence set with everything in it (then `lam` must be 0).
    lam : float, default 0.0
        Ridge of the mean design matrix, the one that the radius was computed for.
    reference : {"data_mean", "zero"} or array_like, shape (d,)
        ``v``. Any fixed vector is allowed, and values for different references are not comparable. "data_mean", the
        mean feature of what was compared, penalizes only what leads away from the data; for an episode it is the mean
        feature of the compared trajectories. "zero" penalizes the norm of the feature itself.
    method : {"socp", "deterministic", "pointwise"}
        "socp": over all policies, exactly; the best one may have to randomize. "deterministic": enumeration, at most a
        million policies. "pointwise": greedy for the lower confidence bound of each decision by itself, which is a
        lower bound of the objective but not its maximum.
    inner : {"closed_form", "exact"}
        Whether the worst case is over the ellipsoid, or also over the norm bound (and ``sum theta = 0``) of the fit, a
        smaller set and a better guarantee. Not for "pointwise".

    Returns
    -------
    PessimisticPolicy
        Policy, guarantee, estimate, and a certified bound on what a better policy could add.

    Raises
    ------
    InputError, ShapeError, UnknownOptionError
        An argument does not fit; too many policies to enumerate.
    InfeasibleError
        ``lam`` is 0 and every policy differs from the reference where nothing was compared.

    Warns
    -----
    ConvergenceWarning
        The certified gap of "socp" exceeds 1e-6 of the size of the objective.

    Notes
    -----
    The objective is concave in the occupancy measure and not a sum over states, so neither dynamic programming with a
    bonus per step nor a maximum per context solves it. The program has one variable per decision and ``d`` more.

    References
    ----------
    .. [1] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or K-wise
       comparisons", ICML 2023, arXiv 2301.11270 (Algorithm 1, Theorem 3.2 and section 5).

    Examples
    --------
    Two actions with independent features and equal estimates: mixing halves the variance, and pays.

    >>> from mdpkit.feedback import LinearPairs
    >>> from mdpkit.models import ContextualBandit
    >>> from mdpkit.preferences import ConfidenceSet, fit_reward, pessimistic_policy
    >>> import numpy as np
    >>> fit = fit_reward(LinearPairs(np.eye(2)[[0, 1] * 2], np.zeros((4, 2)), [1, 1, 0, 0], [3, 3, 1, 1]))
    >>> bandit = ContextualBandit(np.eye(2)[None], [1.0])
    >>> best = pessimistic_policy(fit, bandit, radius=0.5, reference="zero")
    >>> best.policy.round(3).tolist(), round(best.lower, 6)
    ([[0.5, 0.5]], 0.598612)
    >>> round(pessimistic_policy(fit, bandit, radius=0.5, reference="zero", method="deterministic").lower, 6)
    0.391506
    """
    check_option(method, "method", METHODS)
    check_option(inner, "inner", ("closed_form", "exact"))
    if method == "pointwise" and inner == "exact":
        raise UnknownOptionError('method="pointwise" has a closed form only', argument="inner", value=inner)
    region = _read_region(fit, radius, lam)
    v = _read_reference(fit, reference)
    if inner == "exact" and region.norm_bound is None and not region.centered:
        raise InputError('inner="exact" needs a fit with norm_bound or center=True', argument="inner")
    space = read_space(problem, features, len(fit.theta))
    judge = Judge(region, v, exact=inner == "exact")
    find = {"socp": _conic, "deterministic": _enumerated, "pointwise": _pointwise}[method]
    policy, least, extra = find(space, judge)
    u = space.mean_feature(policy)
    candidates = [least.worst, *extra]
    gap = min(max(space.greedy(theta)[1] - float(v @ theta) - least.value, 0.0) for theta in candidates)
    scale = max(1.0, abs(least.value), float(np.linalg.norm(u - v) * np.linalg.norm(region.center)))
    converged = method != "socp" or gap <= GAP_TOL * scale
    message = _describe(method, gap)
    if not converged:
        warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return PessimisticPolicy(
        policy=policy,
        lower=least.value,
        value=float((u - v) @ fit.theta),
        gap=gap,
        worst=least.worst,
        feature=u,
        reference=v,
        region=region,
        method=method,
        inner=inner,
        converged=converged,
        message=message,
    )


def _describe(method: str, gap: float) -> str:
    if method == "deterministic":
        return f"the best deterministic policy; a randomized one could add at most {gap:.3g}"
    if method == "pointwise":
        return f"greedy decision by decision, not the optimum; another policy could add up to {gap:.3g}"
    return f"no policy has a lower confidence bound more than {gap:.3g} above this one"


class Judge:
    """The pessimistic value of mean features."""

    def __init__(self, region: ConfidenceSet, reference: Floats, *, exact: bool) -> None:
        self.region, self.reference, self.exact = region, reference, exact

    def __call__(self, u: Floats) -> InnerValue:
        """Return the inner minimum at one mean feature, as a valid lower bound."""
        c = u - self.reference
        simple = closed_form(self.region, c, float(np.linalg.norm(u) + np.linalg.norm(self.reference)))
        if not self.exact or simple.value == float(c @ self.region.center):
            return simple
        found = solve_conic(self.region, self.reference, u, ball=True)
        value = split_value(self.region, c, found.second, found.shift)
        best = max(value, simple.value)
        return InnerValue(best, feasible(self.region, found.worst, ball=True))

    def many(self, U: Floats, share: Any = 1.0) -> Floats:
        """Return the closed form at many mean features, shape ``(m, d)``, each less its share of the reference."""
        s, basis = self.region.spectrum()
        v = np.multiply.outer(share, self.reference)
        C = U - v
        inside = C @ basis
        # the residual itself: a difference of squared lengths would leave rounding of the same size
        size = np.linalg.norm(U, axis=1) + np.linalg.norm(v, axis=-1)
        blind = np.linalg.norm(C - inside @ basis.T, axis=1) > UNSEEN * size
        values = C @ self.region.center - self.region.radius * np.sqrt(np.sum(inside * inside / s, axis=1))
        return np.where(blind, -math.inf, values)


def _conic(space: PolicySpace, judge: Judge) -> tuple[Any, InnerValue, list[Floats]]:
    found = solve_conic(judge.region, judge.reference, space, ball=judge.exact)
    assert found.x is not None
    best: tuple[Any, InnerValue] | None = None
    # an interior-point method leaves a little everywhere; take that away where the guarantee does not suffer
    seen: list[Any] = []
    for threshold in reversed(ROUND_OFF):
        policy = _tidy(space.to_policy(found.x), threshold)
        if any(np.array_equal(policy, other) for other in seen):
            continue
        seen.append(policy)
        least = judge(space.mean_feature(policy))
        if best is None or least.value > best[1].value + 1e-15 * max(1.0, abs(least.value)):
            best = policy, least
    assert best is not None
    return best[0], best[1], [feasible(judge.region, found.worst, ball=judge.exact)]


def _tidy(policy: Floats, threshold: float) -> Any:
    kept = np.where(policy > threshold, policy, 0.0)
    kept /= np.sum(kept, axis=-1, keepdims=True)
    return np.argmax(kept, axis=-1) if (np.max(kept, axis=-1) == 1.0).all() else kept


def _enumerated(space: PolicySpace, judge: Judge) -> tuple[Any, InnerValue, list[Floats]]:
    options = [choice for _, choice in space.choices()]
    count = math.prod(len(choice) for choice in options)
    most = 1000 if judge.exact else MOST_POLICIES
    if count > most:
        raise InputError(
            f'method="deterministic" would enumerate {count:,} policies, more than {most:,}; use method="socp"',
            argument="method",
            value=count,
        )
    sizes = [len(choice) for choice in options]
    rows = max(1, CHUNK_ENTRIES // max(len(options) ** 2 * space.features.shape[1], len(space.features)))
    best, actions = -math.inf, np.array([choice[0] for choice in options])
    for first in range(0, count, rows):
        index = np.stack(np.unravel_index(np.arange(first, min(first + rows, count)), sizes), axis=1)
        block = np.stack([choice[index[:, k]] for k, choice in enumerate(options)], axis=1)
        U = space.mean_features(block)
        values = np.array([judge(u).value for u in U]) if judge.exact else judge.many(U)
        k = int(np.argmax(values))
        if values[k] > best:
            best, actions = float(values[k]), block[k]
    policy = space.deterministic(actions)
    return policy, judge(space.mean_feature(policy)), []


def _pointwise(space: PolicySpace, judge: Judge) -> tuple[Any, InnerValue, list[Floats]]:
    bonus = judge.many(space.features, space.share)
    if not np.isfinite(bonus).all():
        raise InputError(
            'method="pointwise" needs lam > 0: some decisions differ from the reference where nothing was compared',
            argument="lam",
        )
    policy = space.pointwise(bonus)
    return policy, judge(space.mean_feature(policy)), []


def _read_region(fit: Any, radius: Any, lam: Any) -> ConfidenceSet:
    if not isinstance(fit, RewardFit):
        raise InputError(f"fit must be a RewardFit of fit_reward, found {type(fit).__name__}", argument="fit")
    lam = check_number(lam, "lam")
    if isinstance(radius, ConfidenceSet):
        if lam:
            raise InputError("lam is part of the ConfidenceSet given as radius", argument="lam", value=lam)
        if radius.center.shape != fit.theta.shape:
            raise ShapeError(
                f"radius is a set in dimension {len(radius.center)}, the fit has d = {len(fit.theta)}",
                argument="radius",
            )
        return radius
    f = check_number(radius, "radius")
    matrix = fit.design.to_mean().regularized(lam)
    return ConfidenceSet(fit.theta, matrix, f, fit.norm_bound, fit.centered, "given")


def _read_reference(fit: RewardFit, reference: Any) -> Floats:
    if isinstance(reference, str):
        if reference == "data_mean":
            return fit.feature_mean
        if reference == "zero":
            return np.zeros(len(fit.theta))
        raise UnknownOptionError(
            f'reference must be "data_mean", "zero" or a vector, found {reference!r}',
            argument="reference",
            value=reference,
        )
    v = as_floats(reference, "reference")
    if v.shape != fit.theta.shape:
        raise ShapeError(f"reference must have shape {fit.theta.shape}, found {v.shape}", argument="reference")
    check_all(v, "reference", np.isfinite, "a reference must be finite")
    return v
