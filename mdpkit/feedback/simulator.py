"""`EpisodicSimulator`: a model that can only be played, episode after episode."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import Bools, Floats
from mdpkit.errors import InputError, MissingDependencyError, PolicyError
from mdpkit.feedback import _kernels as kernels
from mdpkit.feedback.alias import AliasTable
from mdpkit.feedback.dataset import COLUMNS, OfflineDataset
from mdpkit.feedback.environment import Environment, prepare, read_actions, read_probabilities
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import frozen
from mdpkit.models.policies import is_deterministic

__all__ = ["EpisodicSimulator", "Step"]

CHUNK = 1 << 20
"""Lines reserved at a time when episodes may end early and their total length is not known."""


class Step(NamedTuple):
    """What `EpisodicSimulator.step` shows: ``(state, reward, terminated, truncated)``.

    At most one of the two flags is set, and the one that is set ends the episode: `terminated` when a terminal state
    was entered, `truncated` when the horizon was reached anywhere else.
    """

    state: int
    reward: float
    terminated: bool
    truncated: bool


class EpisodicSimulator:
    """Play a model from its initial distribution; the transition law stays hidden.

    A *terminal* state is one that no action leaves and where every reward is 0. Entering it ends the episode; an
    episode that starts in one takes a single step there. All randomness is the simulator's: episode ``e`` has a random
    stream of its own, so that ``rollout(policy, 10)`` returns the first ten episodes of ``rollout(policy, 100)``, and
    acting step by step with the same policy meets the same states.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model, with an initial distribution.
    seed : int or numpy.random.Generator
        Randomness of the environment.
    horizon : int, optional
        Longest episode. A `FiniteHorizonMDP` brings its own; for a `TabularMDP` None means no limit, and then
        `rollout` needs one.

    Attributes
    ----------
    n_states, n_actions : int
        Sizes, known to the learner, as are `gamma`, `horizon`, `action_mask` and `terminal_values`.
    queries : int
        Steps taken so far, by `step` and `rollout` together.
    episodes : int
        Episodes started so far.

    Raises
    ------
    InputError
        The model has no initial distribution, or the seed or horizon is none.

    Notes
    -----
    A step costs ``O(1)`` whatever the number of successors (alias tables); building them costs ``O(nnz)``. Roll-outs
    are compiled: 20 to 30 million steps per second where the tables fit the processor's cache, 3 to 4 million at 10,000
    states. The streams are xoshiro256++, seeded with SplitMix64 from a key drawn from ``seed`` and the number of the
    episode. Rewards are those of the steps: what a `FiniteHorizonMDP` pays after the last one is `terminal_values`,
    which the learner knows.

    References
    ----------
    .. [1] D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM Transactions on
       Mathematical Software 47(4), 2021.

    Examples
    --------
    >>> from mdpkit import problems
    >>> from mdpkit.feedback import EpisodicSimulator
    >>> simulator = EpisodicSimulator(problems.river_swim(6), seed=0, horizon=20)
    >>> simulator.reset()
    0
    >>> state, reward, terminated, truncated = simulator.step(1)
    >>> data = simulator.rollout([1, 1, 1, 1, 1, 1], n_episodes=3)
    >>> data
    OfflineDataset(60 steps of 3 episodes, S=6, A=2)
    >>> simulator.queries
    61
    """

    __slots__ = (
        "__environment",
        "__gamma",
        "__horizon",
        "__key",
        "__mask",
        "__state",
        "__t",
        "__terminal_values",
        "__words",
        "_episodes",
        "_queries",
    )
    __environment: Environment
    __gamma: float | None
    __horizon: int | None
    __mask: Bools
    __terminal_values: Floats

    def __init__(
        self,
        mdp: TabularMDP | FiniteHorizonMDP,
        *,
        seed: int | np.random.Generator,
        horizon: int | None = None,
    ) -> None:
        environment = prepare(mdp)
        limit = None if horizon is None else check_count(horizon, "horizon")
        if isinstance(mdp, FiniteHorizonMDP):
            if limit not in (None, mdp.horizon):
                raise InputError(
                    f"horizon = {limit}, but the problem has {mdp.horizon} steps", argument="horizon", value=limit
                )
            limit = mdp.horizon
            self.__terminal_values = mdp.terminal_values
        else:
            self.__terminal_values = frozen(np.zeros(mdp.n_states))
        exists = environment.pair_of >= 0
        timed = len(environment.stage_of) > 1 and not (exists == exists[0]).all()
        self.__environment = environment
        self.__gamma = mdp.gamma
        self.__horizon = limit
        self.__mask = frozen(exists[environment.stage_of] if timed else exists[0])
        self._queries = 0
        self.__words = np.zeros(4, dtype=np.uint64)
        self._reseed(seed)

    def _reseed(self, seed: int | np.random.Generator) -> None:
        """Start again with episode 0 of another seed; the queries already made still count."""
        self.__key = check_seed(seed).integers(0, 2**64, size=4, dtype=np.uint64)
        self._episodes = 0
        self.__state = -1
        self.__t = 0

    # ---------------------------------------------------------------- what a learner knows

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return int(self.__environment.pair_of.shape[1])

    @property
    def n_actions(self) -> int:
        """Number of action ids ``A``."""
        return int(self.__environment.pair_of.shape[2])

    @property
    def action_mask(self) -> Bools:
        """Which actions each state has, shape ``(S, A)``, or ``(H, S, A)`` where that changes with time."""
        return self.__mask

    @property
    def gamma(self) -> float | None:
        """Discount factor, or None for an undiscounted model."""
        return self.__gamma

    @property
    def horizon(self) -> int | None:
        """Longest episode, or None."""
        return self.__horizon

    @property
    def terminal_values(self) -> Floats:
        """What the last state is worth when the horizon is reached, shape ``(S,)``; zeros for most models."""
        return self.__terminal_values

    @property
    def queries(self) -> int:
        """Number of steps taken so far."""
        return self._queries

    @property
    def episodes(self) -> int:
        """Number of episodes started so far."""
        return self._episodes

    # ---------------------------------------------------------------- step by step

    def reset(self) -> int:
        """Start the next episode and return its first state."""
        environment = self.__environment
        start = environment.start
        self.__state = int(kernels.begin(self.__words, self.__key, self._episodes, start.keep, start.other))
        self.__t = 0
        self._episodes += 1
        return self.__state

    def step(self, action: int) -> Step:
        """Take an action in the current state.

        Parameters
        ----------
        action : int
            Id of an action the current state has.

        Returns
        -------
        Step
            The tuple ``(state, reward, terminated, truncated)``.

        Raises
        ------
        InputError
            No episode is under way.
        PolicyError
            The state does not have this action.
        """
        environment, s, t = self.__environment, self.__state, self.__t
        if s < 0:
            raise InputError("no episode is under way; call reset() first")
        a = int(action) if isinstance(action, (int, np.integer)) and not isinstance(action, bool) else -1
        pair = environment.pair_of[environment.stage(t), s, a] if 0 <= a < self.n_actions else -1
        if pair < 0:
            raise PolicyError(
                f"action = {action!r}, which state {s} does not have", argument="action", index=s, value=action
            )
        table = environment.outcomes
        j = kernels.draw(self.__words, table.row_ptr, table.keep, table.other, pair)
        following = int(environment.successor[j])
        terminated = bool(environment.terminal[following])
        truncated = not terminated and t + 1 == self.__horizon
        self._queries += 1
        self.__t = t + 1
        self.__state = -1 if terminated or truncated else following
        return Step(following, float(environment.reward[j]), terminated, truncated)

    # ---------------------------------------------------------------- many episodes at once

    def rollout(self, policy: Any, n_episodes: int, *, horizon: int | None = None) -> OfflineDataset:
        """Play a policy for several episodes; one that is under way step by step ends here.

        Parameters
        ----------
        policy : array_like or object
            Action ids, shape ``(S,)`` or ``(H, S)``; probabilities, shape ``(S, A)`` or ``(H, S, A)``; or an object
            with ``act(state, t, memory) -> (action, memory)``, asked step by step in Python (slower, and with
            randomness of its own). If it also has ``observe(state, t, memory, action, reward, successor) -> memory``,
            it is shown every step it took.
        n_episodes : int
            Number of episodes.
        horizon : int, optional
            Longest episode, at most that of the simulator; required if the simulator has none.

        Returns
        -------
        OfflineDataset
            One line per step, episode after episode, numbered on from the simulator's earlier episodes.

        Raises
        ------
        PolicyError, ShapeError
            The policy does not fit the model.
        InputError
            There is no horizon, or it exceeds the simulator's.
        """
        n_episodes = check_count(n_episodes, "n_episodes")
        limit = self._limit(horizon)
        self.__state = -1
        if callable(getattr(policy, "act", None)):
            columns = self._ask(policy, n_episodes, limit)
        else:
            columns = self.__play(policy, n_episodes, limit)
        mask = self.__mask if self.__mask.ndim == 2 else self.__mask.any(axis=0)
        return OfflineDataset(
            **columns, n_states=self.n_states, n_actions=self.n_actions, gamma=self.__gamma, action_mask=mask
        )

    def _limit(self, horizon: int | None) -> int:
        if horizon is None:
            if self.__horizon is None:
                raise InputError("horizon is required: neither the model nor the simulator has one", argument="horizon")
            return self.__horizon
        limit = check_count(horizon, "horizon")
        if self.__horizon is not None and limit > self.__horizon:
            raise InputError(
                f"horizon = {limit} exceeds the simulator's {self.__horizon}", argument="horizon", value=limit
            )
        return limit

    def __play(self, policy: Any, n_episodes: int, horizon: int) -> dict[str, Any]:
        """Run the compiled loop, in chunks where the total length is not known beforehand."""
        environment = self.__environment
        stochastic = not is_deterministic(policy)
        actions, empty = np.zeros((1, 1), dtype=np.int64), np.zeros(0, dtype=np.int64)
        table = AliasTable(empty, np.zeros(0), empty)
        if stochastic:
            table = read_probabilities(policy, environment, horizon)
        else:
            actions = read_actions(policy, environment, horizon)
        exact = not environment.terminal.any()
        chunks: list[dict[str, Any]] = []
        left = n_episodes
        while left:
            size = left * horizon if exact else min(left * horizon, max(horizon, CHUNK))
            chunk = {name: np.empty(size, dtype=kind) for name, kind in COLUMNS.items()}
            played, lines = kernels.roll_out(
                self.__key,
                self._episodes,
                left,
                horizon,
                environment.start.keep,
                environment.start.other,
                environment.outcomes.row_ptr,
                environment.outcomes.keep,
                environment.outcomes.other,
                environment.reward,
                environment.successor,
                environment.terminal,
                environment.pair_of,
                environment.stages(horizon),
                actions,
                stochastic,
                table.keep,
                table.other,
                *chunk.values(),
            )
            self._episodes += played
            self._queries += lines
            left -= played
            chunks.append(chunk if lines == size else {name: column[:lines] for name, column in chunk.items()})
        if len(chunks) == 1:
            return chunks[0]
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in COLUMNS}

    def _ask(self, policy: Any, n_episodes: int, horizon: int) -> dict[str, Any]:
        """Ask a policy object for every action."""
        lines: list[tuple[Any, ...]] = []
        observe = getattr(policy, "observe", None)
        for _ in range(n_episodes):
            state, memory = self.reset(), None
            for t in range(horizon):
                action, memory = policy.act(state, t, memory)
                following, reward, terminated, truncated = self.step(action)
                lines.append((self._episodes - 1, t, state, action, reward, following, terminated))
                if terminated or truncated:
                    break
                if observe is not None:
                    memory = observe(state, t, memory, action, reward, following)
                state = following
            self.__state = -1
        return {
            name: np.array(column, dtype=kind)
            for (name, kind), column in zip(COLUMNS.items(), zip(*lines, strict=True), strict=True)
        }

    def as_gymnasium(self) -> Any:
        """Return the simulator as a `gymnasium.Env` with `Discrete` observations and actions.

        ``reset(seed=...)`` of the environment reseeds the simulator. Both report ``info["action_mask"]``, the actions
        of the current state as 0 and 1 (int8), to be passed to ``action_space.sample(mask)``.

        Raises
        ------
        MissingDependencyError
            gymnasium is not installed.
        """
        try:
            from mdpkit.feedback._gymnasium import SimulatorEnv
        except ImportError as error:
            raise MissingDependencyError("as_gymnasium needs gymnasium: pip install 'mdpkit[gym]'") from error
        return SimulatorEnv(self)

    def __repr__(self) -> str:
        return (
            f"EpisodicSimulator(S={self.n_states:,}, A={self.n_actions:,}, horizon={self.__horizon},"
            f" queries={self._queries:,})"
        )
