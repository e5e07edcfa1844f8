"""From a problem and its features to its policies."""

from __future__ import annotations

from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.feedback._checks import check_all
from mdpkit.models import ContextualBandit, FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import as_floats
from mdpkit.preferences.pessimism.spaces.bandit import BanditSpace
from mdpkit.preferences.pessimism.spaces.base import PolicySpace
from mdpkit.preferences.pessimism.spaces.discounted import DiscountedSpace
from mdpkit.preferences.pessimism.spaces.episodic import EpisodicSpace

__all__ = ["mean_feature", "read_space"]


def mean_feature(problem: Any, policy: Any, features: Any = None) -> Floats:
    r"""Return the mean feature of a policy: all that a linear reward needs to know of it.

    Parameters
    ----------
    problem : ContextualBandit, FiniteHorizonMDP or TabularMDP
        As for `pessimistic_policy`.
    policy : array_like
        Action ids ``(X,)``, ``(S,)`` or ``(H, S)``, or probabilities with one more axis for the actions.
    features : array_like, shape (X, A, d), (S, A, d) or (H, S, A, d), optional
        Features of the actions; those of a `ContextualBandit` by default.

    Returns
    -------
    ndarray, shape (d,)
        The mean over contexts; the expected (discounted) sum over the steps of an episode; the mean over the normalized
        discounted occupancy measure.

    Raises
    ------
    InputError, ShapeError, PolicyError
        An argument does not fit.

    Examples
    --------
    >>> from mdpkit.preferences import mean_feature
    >>> from mdpkit.problems.preferences import greedy_failure
    >>> mean_feature(greedy_failure(), [[0.5, 0, 0, 0.5]]).tolist()
    [0.5, 1.0, 0.0]
    """
    block = problem.features if features is None and isinstance(problem, ContextualBandit) else features
    d = 0 if block is None else int(np.shape(block)[-1]) if np.ndim(block) else 0
    return read_space(problem, features, d).mean_feature(policy)


def read_space(problem: Any, features: Any, d: int) -> PolicySpace:
    """Check a problem and its features, and return its policies."""
    if isinstance(problem, ContextualBandit):
        block = problem.features if features is None else _read(features, (*problem.features.shape[:2],), d)
        if block.shape[2] != d:
            raise ShapeError(f"features have d = {block.shape[2]}, the fit has d = {d}", argument="features")
        return BanditSpace(block, problem.distribution)
    if not isinstance(problem, (FiniteHorizonMDP, TabularMDP)):
        raise InputError(
            f"problem must be a ContextualBandit, FiniteHorizonMDP or TabularMDP, found {type(problem).__name__}",
            argument="problem",
        )
    if features is None:
        raise InputError("features are required for this kind of problem", argument="features")
    if problem.initial is None:
        raise InputError(
            "problem has no initial distribution; pass initial= to the model or use with_initial()", argument="problem"
        )
    shape = (problem.n_states, problem.n_actions)
    if isinstance(problem, FiniteHorizonMDP):
        return EpisodicSpace(problem, _read(features, shape, d, horizon=problem.horizon))
    if problem.gamma is None or not problem.gamma < 1.0:
        raise DiscountError(
            "a TabularMDP must be discounted, gamma < 1; for a fixed number of steps use a FiniteHorizonMDP",
            argument="problem",
            value=problem.gamma,
        )
    return DiscountedSpace(problem, _read(features, shape, d))


def _read(features: Any, shape: tuple[int, ...], d: int, horizon: int | None = None) -> Floats:
    block = as_floats(features, "features")
    allowed = [(*shape, d)] + ([] if horizon is None else [(horizon, *shape, d)])
    if block.shape not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ShapeError(f"features must have shape {wanted}, found {block.shape}", argument="features")
    check_all(block, "features", np.isfinite, "features must be finite")
    return block
