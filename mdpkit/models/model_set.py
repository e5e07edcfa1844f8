"""`ModelSet`: finitely many models, of which nature picks one for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mdpkit.errors import DiscountError, InputError, ShapeError
from mdpkit.models.robust_mdp import RobustMDP
from mdpkit.models.tabular import TabularMDP
from mdpkit.models.uncertainty import FiniteSet

__all__ = ["ModelSet"]


class ModelSet:
    """A finite, non-rectangular set of models: nature picks one for the whole trajectory, unknown to the agent.

    One scalar parameter that moves many rows at once (a wind) gives such a set. Finding the best policy for it is
    NP-hard in general; `mdpkit.robust.iwocs` brackets its value.

    Parameters
    ----------
    models : sequence of TabularMDP
        At least one; all with the same states, state-action pairs and discount factor (below 1). Rewards may differ.

    Raises
    ------
    InputError, ShapeError, DiscountError
        Naming the first model that does not fit the first one.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.models import ModelSet
    >>> calm, windy = (mdpkit.problems.river_swim(4, gamma=0.9, up=p) for p in (0.35, 0.1))
    >>> ModelSet([calm, windy])
    ModelSet(2 models of 4 states and 2 actions, gamma=0.9)
    """

    family = "mdpkit.robust"

    models: tuple[TabularMDP, ...]

    def __init__(self, models: Sequence[TabularMDP]) -> None:
        chosen = tuple(models)
        if not chosen:
            raise InputError("models must hold at least one model", argument="models")
        first = chosen[0]
        for i, model in enumerate(chosen):
            if not isinstance(model, TabularMDP):
                raise InputError(
                    f"models[{i}] is a {type(model).__name__}, not a TabularMDP", argument="models", index=i
                )
            if model.gamma is None or model.gamma >= 1.0 or model.gamma != first.gamma:
                raise DiscountError(
                    f"models[{i}] has gamma = {model.gamma}; all must share one below 1 (models[0] has {first.gamma})",
                    argument="models",
                    index=i,
                    value=model.gamma,
                )
            same = (
                model.n_states == first.n_states
                and np.array_equal(model.state_ptr, first.state_ptr)
                and np.array_equal(model.pair_action, first.pair_action)
            )
            if not same:
                raise ShapeError(f"models[{i}] has other states or actions than models[0]", argument="models", index=i)
        object.__setattr__(self, "models", chosen)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("ModelSet is immutable; build a new set")

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[TabularMDP]:
        return iter(self.models)

    def __getitem__(self, index: int) -> TabularMDP:
        return self.models[index]

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return self.models[0].n_states

    @property
    def n_actions(self) -> int:
        """Number of action ids ``A``."""
        return self.models[0].n_actions

    @property
    def gamma(self) -> float:
        """Discount factor."""
        gamma = self.models[0].gamma
        assert gamma is not None  # the constructor refused None
        return gamma

    def rectangular_hull(self, *, nature: str = "adversarial") -> RobustMDP:
        """Return the (s,a)-rectangular problem in which nature picks a model anew for every pair.

        It gives nature more freedom, so its value bounds the static value of this set from below. The rewards must be
        the same in all models.
        """
        first = self.models[0]
        for i, model in enumerate(self.models):
            if not np.array_equal(model.pair_reward, first.pair_reward) or model.has_random_rewards:
                raise InputError(
                    f"models[{i}] has other rewards than models[0], or rewards that depend on the successor; the hull "
                    "of such models is not implemented",
                    argument="models",
                    index=i,
                )
        return RobustMDP(first, FiniteSet([_product_form(model) for model in self.models]), nature=nature)

    def __repr__(self) -> str:
        sizes = f"{self.n_states:,} states and {self.n_actions:,} actions"
        return f"ModelSet({len(self)} models of {sizes}, gamma={self.gamma:g})"


def _product_form(model: TabularMDP) -> Any:
    """Return the rows as a sparse ``(S*A, S)`` matrix; rows of missing pairs are empty."""
    import scipy.sparse as sp

    rows = model.rows.csr().tocoo()
    position = model.pair_state * model.n_actions + model.pair_action
    shape = (model.n_states * model.n_actions, model.n_states)
    return sp.csr_array((rows.data, (position[rows.row], rows.col)), shape=shape)
