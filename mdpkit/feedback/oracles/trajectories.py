"""`TrajectoryOracle`: says which of two episodes is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mdpkit._arguments import check_count
from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import InputError, ShapeError
from mdpkit.feedback.dataset import OfflineDataset
from mdpkit.feedback.linear_preferences import LinearPairs, LinearRankings
from mdpkit.feedback.oracles.comparison import ComparisonOracle
from mdpkit.feedback.oracles.features import Trajectories, read_features, read_trajectories
from mdpkit.models import FiniteHorizonMDP, LinearMDP, TabularMDP
from mdpkit.models._checks import frozen

__all__ = ["TrajectoryOracle"]


class TrajectoryOracle(ComparisonOracle):
    r"""Compare trajectories of an episodic problem; what `ComparisonOracle` returns for a decision process.

    The hidden utility of a trajectory is the discounted sum of the *expected* rewards of its state-action pairs, and
    the learner knows its features:

    .. math:: u(\tau) = \sum_h \gamma^h r_h(s_h, a_h), \quad \phi(\tau) = \sum_h \gamma^h \phi_h(s_h, a_h)

    Parameters
    ----------
    model : FiniteHorizonMDP, TabularMDP or LinearMDP
        The problem; a discount factor of None counts as 1.
    features : array_like, shape (S, A, d) or (H, S, A, d), optional
        Features of the pairs. A `LinearMDP` brings its own; for the others the default is one indicator per pair,
        ``d = S*A``, or per step and pair, ``d = H*S*A``, where the rewards change with time.
    link : {"btl", "pl"}, default "btl"
        "btl" answers comparisons of two trajectories only, "pl" also ranks more.
    seed : int or numpy.random.Generator
        Randomness of the answers.

    Attributes
    ----------
    features : ndarray, shape (S, A, d) or (H, S, A, d)
        Features of the pairs, known to the learner, as are `gamma`, `horizon`, `n_states` and `n_actions`.
    queries : int
        Comparisons and rankings answered so far; a ranking counts once.

    Raises
    ------
    InputError, ShapeError, UnknownOptionError
        The model is none or has terminal values, the features do not fit it, or the link is unknown.

    See Also
    --------
    ComparisonOracle : the choice models, with their reference.
    trajectory_features : the features of trajectories, as a learner computes them.

    Notes
    -----
    Rewards observed along the way play no part. Nothing requires the rewards to be linear in the features that are
    given; with the default they are. Terminal values are refused, because sums over steps cannot see the last state.

    References
    ----------
    .. [1] A. Pacchiano, A. Saha, J. Lee, "Dueling RL: reinforcement learning with trajectory preferences", AISTATS
       2023.
    .. [2] B. Zhu, J. Jiao, M. I. Jordan, "Principled reinforcement learning with human feedback from pairwise or
       K-wise comparisons", ICML 2023.

    Examples
    --------
    Swimming up the river beats drifting down it, on the average.

    >>> from mdpkit import problems
    >>> from mdpkit.feedback import ComparisonOracle, EpisodicSimulator
    >>> river = problems.river_swim(6).with_horizon(100)
    >>> simulator = EpisodicSimulator(river, seed=0)
    >>> up, down = simulator.rollout([1] * 6, 20), simulator.rollout([0] * 6, 20)
    >>> oracle = ComparisonOracle(river, seed=1)
    >>> data = oracle.duels(up, down)
    >>> data, data.y.mean() > 0.5, oracle.queries
    (LinearPairs(20 comparisons, d=12), np.True_, 20)
    """

    __slots__ = ("__exists", "__rewards", "_features", "_gamma", "_horizon")

    def __init__(
        self,
        model: FiniteHorizonMDP | TabularMDP | LinearMDP,
        *,
        features: Any = None,
        link: str = "btl",
        seed: int | np.random.Generator,
    ) -> None:
        if not isinstance(model, (FiniteHorizonMDP, TabularMDP, LinearMDP)):
            raise InputError(
                f"model must be a FiniteHorizonMDP, TabularMDP or LinearMDP, found {type(model).__name__}",
                argument="model",
            )
        self._gamma = model.gamma
        self._horizon = None if isinstance(model, TabularMDP) else model.horizon
        self.__rewards, self.__exists = _read_rewards(model)
        if features is None and isinstance(model, LinearMDP):
            features = model.phi
        self._features: Floats | None = None if features is None else self._fit(read_features(features))
        self._open(link, seed)

    def _fit(self, table: Floats) -> Floats:
        """Check that features have the sizes of the model; the steps they have bound those of a model without end."""
        S, A = self.n_states, self.n_actions
        H = "H" if self._horizon is None else self._horizon
        if table.shape[-3:-1] != (S, A) or (table.ndim == 4 and self._horizon not in (None, len(table))):
            raise ShapeError(
                f"features must have shape ({S}, {A}, d) or ({H}, {S}, {A}, d), found {table.shape}",
                argument="features",
            )
        if table.ndim == 4:
            self._horizon = len(table)
        return table

    # ---------------------------------------------------------------- what a learner knows

    @property
    def features(self) -> Floats:
        """Features of the pairs, ``(S, A, d)`` or ``(H, S, A, d)``; indicators are built on each call, ``O(d^2)``."""
        if self._features is None:
            K, S, A = self.__rewards.shape
            return np.eye(K * S * A).reshape((K, S, A, -1) if K > 1 else (S, A, -1))
        known: Floats = frozen(self._features)
        return known

    @property
    def dimension(self) -> int:
        """Number of features ``d``."""
        return int(self.__rewards.size if self._features is None else self._features.shape[-1])

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return int(self.__rewards.shape[1])

    @property
    def n_actions(self) -> int:
        """Number of actions ``A``."""
        return int(self.__rewards.shape[2])

    @property
    def gamma(self) -> float | None:
        """Discount factor, or None for an undiscounted model."""
        return self._gamma

    @property
    def horizon(self) -> int | None:
        """Longest trajectory, or None."""
        return self._horizon

    # ---------------------------------------------------------------- questions

    def compare(self, first: OfflineDataset, second: OfflineDataset, n: int = 1) -> Ints:
        """Return how often each episode of `first` beat that of `second` in ``n`` independent comparisons.

        Parameters
        ----------
        first, second : OfflineDataset
            Trajectories, the k-th episode against the k-th, in order of first appearance.
        n : int, default 1
            Comparisons of each pair.

        Returns
        -------
        ndarray of int64, shape (n_episodes,)
            Wins of the first; the second won the other ``n``.

        Raises
        ------
        StateIndexError, ShapeError, InputError
            The datasets do not fit the model or each other, or ``n`` is no count.
        """
        utilities, _ = self.__read({"first": first, "second": second})
        return self._count_wins(utilities[:, 0], utilities[:, 1], check_count(n, "n", least=0))

    def duels(self, first: OfflineDataset, second: OfflineDataset) -> LinearPairs:
        """Compare each episode of `first` with that of `second` once.

        Parameters
        ----------
        first, second : OfflineDataset
            Trajectories, the k-th episode against the k-th, in order of first appearance.

        Returns
        -------
        LinearPairs
            The features of the two and who won, one line per comparison.

        Raises
        ------
        StateIndexError, ShapeError, InputError
            The datasets do not fit the model or each other.
        """
        utilities, features = self.__read({"first": first, "second": second})
        return LinearPairs(features[:, 0], features[:, 1], self._first_wins(utilities[:, 0], utilities[:, 1]))

    def rank(self, data: Sequence[OfflineDataset]) -> LinearRankings:
        """Rank the k-th episodes of several datasets, for every k once.

        Parameters
        ----------
        data : sequence of OfflineDataset
            At least two, with the same number of episodes, taken in order of first appearance.

        Returns
        -------
        LinearRankings
            The features of the trajectories, best first.

        Raises
        ------
        UnknownOptionError
            More than two datasets under the "btl" link.
        StateIndexError, ShapeError, InputError
            The datasets do not fit the model or each other.
        """
        chosen = {f"data[{k}]": one for k, one in enumerate(data)}
        self._check_size(len(chosen), "data", "datasets")
        utilities, features = self.__read(chosen)
        return LinearRankings(np.take_along_axis(features, self._order(utilities)[:, :, None], axis=1))

    # ---------------------------------------------------------------- reading

    def __read(self, datasets: dict[str, OfflineDataset]) -> tuple[Floats, Floats]:
        """Return the utilities ``(n, K)`` and features ``(n, K, d)`` of the episodes of K named datasets."""
        utilities: list[Floats] = []
        features: list[Floats] = []
        table = self._features
        for name, data in datasets.items():
            trajectories = read_trajectories(data, name, self.n_states, self.n_actions, self._horizon)
            self.__check_pairs(trajectories, name)
            if features and trajectories.n != len(features[0]):
                raise ShapeError(
                    f"{name} must have {len(features[0])} episodes like {next(iter(datasets))}, found {trajectories.n}",
                    argument=name,
                    value=trajectories.n,
                )
            visits = trajectories.visits(self.__rewards.shape, self._gamma)
            utilities.append(visits @ self.__rewards.reshape(-1))
            # The indicators of pairs are the visits themselves; a table of them would have d^2 entries.
            features.append(visits.toarray() if table is None else trajectories.total(table, self._gamma))
        return np.stack(utilities, axis=1), np.stack(features, axis=1)

    def __check_pairs(self, trajectories: Trajectories, name: str) -> None:
        """Refuse a pair that the model does not have."""
        stage = trajectories.step if len(self.__exists) > 1 else 0
        exists = self.__exists[stage, trajectories.state, trajectories.action]
        if not exists.all():
            line = int(np.argmin(exists))
            a, s, h = (int(column[line]) for column in (trajectories.action, trajectories.state, trajectories.step))
            at = f" at step {h}" if len(self.__exists) > 1 else ""
            raise InputError(
                f"{name}.action[{line}] = {a}, which state {s} does not have{at}",
                argument=f"{name}.action",
                index=line,
                value=a,
            )

    def __repr__(self) -> str:
        return (
            f"TrajectoryOracle(S={self.n_states:,}, A={self.n_actions:,}, H={self._horizon}, d={self.dimension:,},"
            f" link={self._link}, queries={self._queries:,})"
        )


def _read_rewards(model: FiniteHorizonMDP | TabularMDP | LinearMDP) -> tuple[Floats, Bools]:
    """Return expected rewards and which pairs exist: each ``(1, S, A)``, or ``(H, S, A)`` if it changes with time."""
    if isinstance(model, LinearMDP):
        return (model.phi @ model.theta)[None], np.ones((1, model.n_states, model.n_actions), dtype=bool)
    if isinstance(model, TabularMDP):
        stages: Sequence[TabularMDP] = (model,)
    else:
        if model.terminal_values.any():
            s = int(np.argmax(model.terminal_values != 0))
            value = float(model.terminal_values[s])
            raise InputError(
                f"model.terminal_values[{s}] = {value!r}, which the features of a trajectory, sums over its steps,"
                " cannot see; move it into the rewards of the last step",
                argument="model",
                index=s,
                value=value,
            )
        stages = model.stages[:1] if model.is_homogeneous else model.stages
    rewards = np.stack([stage.rewards for stage in stages])
    exists = np.stack([stage.action_mask for stage in stages])
    # A pair that some steps lack (reward -inf there) has no second reward to differ from.
    reward = rewards.max(axis=0)
    if (rewards == reward)[exists].all():
        rewards = reward[None]
    return np.where(np.isfinite(rewards), rewards, 0.0), exists[:1] if (exists == exists[0]).all() else exists
