"""Exact scores of learners: the regret of the policies they played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.errors import InputError
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.planning.evaluation import evaluate_policy
from mdpkit.planning.front import solve

__all__ = ["regret"]


def regret(model: TabularMDP | FiniteHorizonMDP, result: Any) -> Floats:
    """Return what each episode lost by not playing an optimal policy, by exact evaluation.

    Episode ``k`` scores ``mu . (V* - V^{pi_k})`` with the initial distribution ``mu``; `numpy.cumsum` of the result is
    the regret curve. Learners never see the model; this function does.

    Parameters
    ----------
    model : TabularMDP or FiniteHorizonMDP
        The true model, with an initial distribution.
    result : object or sequence
        A learner's result with ``policies`` and, if episodes share policies, ``policy_of_episode`` (ints, one per
        episode); or simply a sequence of policies, one per episode.

    Returns
    -------
    ndarray, shape (K,)
        Regret of each episode; exact up to the certified widths, at least as large as zero up to rounding.

    Raises
    ------
    InputError
        The model has no initial distribution, or the result holds no policies.

    Notes
    -----
    Every distinct policy is evaluated once, with the default tolerance of `evaluate_policy`.

    Examples
    --------
    >>> import mdpkit
    >>> mdp = mdpkit.problems.two_state(gamma=0.9).with_initial(0)
    >>> mdpkit.regret(mdp, [[0, 0], [1, 0]]).round(9).tolist()
    [0.090909091, 0.0]
    """
    if model.initial is None:
        raise InputError("regret needs an initial distribution: model.with_initial(...)", argument="model")
    policies: Sequence[Any] = getattr(result, "policies", result)
    if len(policies) == 0:
        raise InputError("result holds no policies", argument="result")
    played = getattr(result, "policy_of_episode", None)
    index = np.arange(len(policies)) if played is None else np.asarray(played, dtype=np.int64)
    if len(index) and not (index.min() >= 0 and index.max() < len(policies)):
        bad = int(np.argmax((index < 0) | (index >= len(policies))))
        raise InputError(
            f"policy_of_episode[{bad}] = {index[bad]} is outside 0..{len(policies) - 1}",
            argument="policy_of_episode",
            index=bad,
            value=int(index[bad]),
        )
    best = _start_value(model, solve(model).V)
    worth = np.full(len(policies), np.nan)
    for k in np.unique(index):
        worth[k] = _start_value(model, evaluate_policy(model, policies[k]).V)
    return np.asarray(best - worth[index])


def _start_value(model: TabularMDP | FiniteHorizonMDP, V: Floats) -> float:
    return float(np.dot(model.initial, V if V.ndim == 1 else V[0]))  # type: ignore[arg-type]
