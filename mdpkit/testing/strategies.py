"""Hypothesis strategies: small models drawn as irregular as the constructors allow, shrinking to readable ones.

What goes wrong in code about MDPs goes wrong at ties, duplicate actions, absorbing and terminal states, states with
fewer actions, entries that are zero or nearly so, and discount factors 0 and almost 1. All of these are drawn often.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._typing import Floats
from mdpkit.feedback import EpisodicSimulator, OfflineDataset, PairList
from mdpkit.models import FiniteHorizonMDP, LinearMDP, TabularMDP
from mdpkit.testing import _draw as draw
from mdpkit.testing._arguments import count
from mdpkit.testing._draw import st

__all__ = [
    "finite_horizon_mdps",
    "linear_mdps",
    "offline_datasets",
    "policies",
    "preference_data",
    "tabular_mdps",
    "value_functions",
]

GAMMAS = (0.5, 0.0, 0.9, 0.999)
REWARDS = (0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 10.0)


def tabular_mdps(
    *,
    max_states: int = 5,
    max_actions: int = 3,
    gammas: Sequence[float | None] = GAMMAS,
    rewards: Sequence[float] = REWARDS,
    random_rewards: bool | None = None,
) -> st.SearchStrategy[TabularMDP]:
    """Draw `TabularMDP` models, dense and sparse.

    Probabilities are multiples of 1/8, or 1e-9 and the rest; some states are absorbing or terminal, some lack actions,
    some actions repeat another one exactly. A failing example prints the source that builds it, and shrinks to one
    state, one action, reward 0.

    Parameters
    ----------
    max_states, max_actions : int
        Largest numbers of states and actions, at least 1.
    gammas : sequence of float or None
        Discount factors to choose from, simplest first.
    rewards : sequence of float
        Rewards to choose from, simplest first.
    random_rewards : bool, optional
        Whether rewards may vary given the pair, also with the same successor. None draws both kinds.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Raises
    ------
    InputError
        A size is not positive, or there is nothing to choose from.

    References
    ----------
    .. [1] D. R. MacIver, Z. Hatfield-Dodds et al., "Hypothesis: a new approach to property-based testing", *Journal of
       Open Source Software* 4(43), 2019.

    Examples
    --------
    The rows of every model are laws:

    >>> from hypothesis import given, settings
    >>> from mdpkit.testing import tabular_mdps
    >>> @settings(max_examples=20, database=None)
    ... @given(tabular_mdps())
    ... def test_rows_are_laws(mdp):
    ...     assert abs(mdp.outcomes.prob.sum() - mdp.n_pairs) < 1e-12
    >>> test_rows_are_laws()
    """
    n = count(max_states, "max_states")
    allowed = draw.read_limits(max_actions, rewards, random_rewards)
    return draw.tabular(n, allowed, draw.choices(gammas, "gammas"))


def finite_horizon_mdps(
    *,
    max_horizon: int = 4,
    max_states: int = 4,
    max_actions: int = 3,
    gammas: Sequence[float] = (1.0, 0.5, 0.0),
    rewards: Sequence[float] = REWARDS,
    random_rewards: bool | None = None,
) -> st.SearchStrategy[FiniteHorizonMDP]:
    """Draw `FiniteHorizonMDP` problems: homogeneous or changing with time, with and without terminal values.

    Parameters
    ----------
    max_horizon : int
        Largest number of steps, at least 1.
    max_states, max_actions, gammas, rewards, random_rewards
        As for `tabular_mdps`.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Raises
    ------
    InputError
        As for `tabular_mdps`.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from mdpkit.testing import finite_horizon_mdps
    >>> @settings(max_examples=20, database=None)
    ... @given(finite_horizon_mdps(max_horizon=3))
    ... def test_horizon(problem):
    ...     assert 1 <= problem.horizon <= 3
    >>> test_horizon()
    """
    sizes = count(max_horizon, "max_horizon"), count(max_states, "max_states")
    return draw.finite_horizon(
        *sizes, draw.read_limits(max_actions, rewards, random_rewards), draw.choices(gammas, "gammas")
    )


def policies(mdp: TabularMDP | FiniteHorizonMDP, *, stochastic: bool | None = None) -> st.SearchStrategy[Any]:
    """Draw policies of a model, using only the actions that each state has.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model; usually ``data.draw(policies(mdp))`` inside a test.
    stochastic : bool, optional
        True draws action probabilities, float ``(S, A)`` or ``(H, S, A)``, multiples of 1/8; False draws action ids,
        int ``(S,)`` or ``(H, S)``; None draws both kinds.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Examples
    --------
    >>> from hypothesis import given, settings, strategies as st
    >>> from mdpkit import problems
    >>> from mdpkit.testing import policies
    >>> mdp = problems.two_state()
    >>> @settings(max_examples=20, database=None)
    ... @given(policies(mdp, stochastic=False))
    ... def test_bad_state_has_one_action(policy):
    ...     assert policy[1] == 0
    >>> test_bad_state_has_one_action()
    """
    masks = [mdp.action_mask] if isinstance(mdp, TabularMDP) else [stage.action_mask for stage in mdp.stages]
    finite = isinstance(mdp, FiniteHorizonMDP)
    if stochastic is None:
        return st.one_of(draw.deterministic(masks, finite), draw.stochastic(masks, finite))
    return draw.stochastic(masks, finite) if stochastic else draw.deterministic(masks, finite)


def value_functions(mdp: TabularMDP | FiniteHorizonMDP) -> st.SearchStrategy[Floats]:
    """Draw arrays of values, shape ``(S,)``, or ``(H + 1, S)`` for a finite horizon: halves, often equal, some large.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model the values belong to.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from mdpkit import problems
    >>> from mdpkit.testing import value_functions
    >>> @settings(max_examples=20, database=None)
    ... @given(value_functions(problems.two_state()))
    ... def test_shape(V):
    ...     assert V.shape == (2,)
    >>> test_shape()
    """
    shape = (mdp.n_states,) if isinstance(mdp, TabularMDP) else (mdp.horizon + 1, mdp.n_states)
    size = int(np.prod(shape))
    value = st.one_of(st.integers(-3, 3).map(float), st.integers(-40, 40).map(lambda k: k / 2), st.just(1e6))
    return st.lists(value, min_size=size, max_size=size).map(lambda values: np.array(values).reshape(shape))


def preference_data(n_items: int, *, max_comparisons: int = 12, max_count: int = 5) -> st.SearchStrategy[PairList]:
    """Draw comparisons as a `PairList`: item ``winners[k]`` beat ``losers[k]`` ``weights[k]`` times.

    Items that never win, never lose or never meet are likely; so is a pair listed twice, in both orders.

    Parameters
    ----------
    n_items : int
        Number of items, at least 2.
    max_comparisons, max_count : int
        Most lines, and most wins in one line; both at least 1.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of `PairList` with at least one line.

    Raises
    ------
    InputError
        A number is too small.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from mdpkit.testing import preference_data
    >>> @settings(max_examples=20, database=None)
    ... @given(preference_data(3))
    ... def test_nobody_beats_itself(data):
    ...     assert (data.winners != data.losers).all()
    >>> test_nobody_beats_itself()
    """
    n, lines = count(n_items, "n_items", least=2), count(max_comparisons, "max_comparisons")
    line = st.tuples(
        st.permutations(range(n)).map(lambda order: (order[0], order[1])),
        st.integers(1, count(max_count, "max_count")),
    ).map(lambda pair: (*pair[0], pair[1]))
    columns = st.lists(line, min_size=1, max_size=lines).map(lambda rows: np.array(rows, dtype=np.int64).T)
    return columns.map(lambda table: PairList(table[0], table[1], table[2].astype(np.float64), n_items=n))


def offline_datasets(mdp: TabularMDP | FiniteHorizonMDP, *, max_episodes: int = 4) -> st.SearchStrategy[OfflineDataset]:
    """Draw logged episodes of a model: a random policy, rolled out by `EpisodicSimulator`.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model; a `TabularMDP` without an initial distribution starts in state 0.
    max_episodes : int, default 4
        Most episodes, of up to 6 steps each for a `TabularMDP`.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of `OfflineDataset`; many pairs are never visited.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from mdpkit import problems
    >>> from mdpkit.testing import offline_datasets
    >>> river = problems.river_swim(3)
    >>> @settings(max_examples=20, database=None)
    ... @given(offline_datasets(river))
    ... def test_counts(data):
    ...     assert data.counts().sum() == len(data)
    >>> test_counts()
    """
    limit = count(max_episodes, "max_episodes")
    if mdp.initial is None:
        mdp = (
            mdp.with_initial(0)
            if isinstance(mdp, TabularMDP)
            else FiniteHorizonMDP.from_stages(
                mdp.stages, gamma=mdp.gamma, initial=0, terminal_values=mdp.terminal_values
            )
        )
    length = 6 if isinstance(mdp, TabularMDP) else mdp.horizon

    def roll(drawn: tuple[Any, int, int, int]) -> OfflineDataset:
        policy, episodes, steps, seed = drawn
        horizon = steps if isinstance(mdp, TabularMDP) else None
        return EpisodicSimulator(mdp, seed=seed, horizon=horizon).rollout(policy, episodes)

    return st.tuples(policies(mdp), st.integers(1, limit), st.integers(1, length), st.integers(0, 2**16)).map(roll)


def linear_mdps(
    *,
    max_states: int = 4,
    max_actions: int = 3,
    max_features: int = 3,
    gammas: Sequence[float | None] = GAMMAS,
) -> st.SearchStrategy[LinearMDP]:
    """Draw `LinearMDP`: ``P = phi @ mu`` is a kernel and ``r = phi @ theta`` lies in [0, 1].

    Features are mixing weights and the rows of ``mu`` distributions, all multiples of 1/8 (soft state aggregation).
    Repeated features, features that are never used and rank-deficient ``phi`` are likely.

    Parameters
    ----------
    max_states, max_actions, max_features : int
        Largest ``S``, ``A`` and ``d``, at least 1.
    gammas : sequence of float or None
        Discount factors to draw from.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Raises
    ------
    InputError
        A size is not positive.

    References
    ----------
    .. [1] C. Jin, Z. Yang, Z. Wang, M. I. Jordan, "Provably efficient reinforcement learning with linear function
       approximation", COLT 2020, Assumption A.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from mdpkit.testing import linear_mdps
    >>> @settings(max_examples=20, database=None)
    ... @given(linear_mdps())
    ... def test_kernel(model):
    ...     assert ((model.phi @ model.mu).sum(axis=-1) == 1.0).all()
    >>> test_kernel()
    """
    sizes = count(max_states, "max_states"), count(max_actions, "max_actions"), count(max_features, "max_features")
    discounts = st.sampled_from(draw.choices(gammas, "gammas"))
    return st.tuples(draw.linear(*sizes), discounts).map(lambda drawn: LinearMDP(*drawn[0], gamma=drawn[1]))
