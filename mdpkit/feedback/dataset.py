"""`OfflineDataset`: logged transitions, one line per step."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from mdpkit._arguments import check_count
from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import FileFormatError, InputError, ShapeError, UnknownOptionError
from mdpkit.feedback._checks import check_column, check_indices
from mdpkit.models import TabularMDP
from mdpkit.models._checks import check_discount, frozen
from mdpkit.models._file import read_arrays, write_arrays

if TYPE_CHECKING:
    import pandas as pd

    from mdpkit.feedback.simulator import EpisodicSimulator

__all__ = ["OfflineDataset", "collect"]

COLUMNS: dict[str, Any] = {
    "episode": np.int64,
    "step": np.int64,
    "state": np.int64,
    "action": np.int64,
    "reward": np.float64,
    "successor": np.int64,
    "terminal": np.bool_,
}
"""The columns in their order."""

FORMAT = "mdpkit.OfflineDataset"
VERSION = 1


class OfflineDataset:
    """Columns of observed steps; line ``i`` says that `action` in `state` paid `reward` and led to `successor`.

    Parameters
    ----------
    episode, step : array_like of int, shape (n,)
        Number of the episode and position in it.
    state, action, successor : array_like of int, shape (n,)
        Where, what, and where to.
    reward : array_like, shape (n,)
        Finite rewards.
    terminal : array_like of bool, shape (n,), optional
        Whether `successor` ends the episode for good (not: whether a horizon was reached); False by default.
    n_states, n_actions : int, optional
        Sizes of the problem; the largest index plus one by default.
    gamma : float, optional
        Discount factor of the problem, if known.
    action_mask : array_like of bool, shape (S, A), optional
        Which actions each state has; all by default.

    Raises
    ------
    ShapeError, StateIndexError, InputError
        Naming the column, the first offending line and the value found.

    Notes
    -----
    Columns are read-only and not copied when they already have the right type (int64, float64, bool).

    Examples
    --------
    >>> from mdpkit.feedback import OfflineDataset
    >>> data = OfflineDataset(episode=[0, 0], step=[0, 1], state=[0, 1], action=[1, 0], reward=[0.0, 1.0],
    ...                       successor=[1, 1], n_states=2, n_actions=2)
    >>> data.counts()[0, 1]
    array([0, 1])
    """

    __slots__ = (
        "action",
        "action_mask",
        "episode",
        "gamma",
        "n_actions",
        "n_states",
        "reward",
        "state",
        "step",
        "successor",
        "terminal",
    )
    episode: Ints
    step: Ints
    state: Ints
    action: Ints
    reward: Floats
    successor: Ints
    terminal: Bools

    def __init__(
        self,
        episode: Any,
        step: Any,
        state: Any,
        action: Any,
        reward: Any,
        successor: Any,
        terminal: Any = None,
        *,
        n_states: int | None = None,
        n_actions: int | None = None,
        gamma: float | None = None,
        action_mask: Any = None,
    ) -> None:
        n_states = None if n_states is None else check_count(n_states, "n_states")
        n_actions = None if n_actions is None else check_count(n_actions, "n_actions")
        self.state = frozen(check_indices(state, "state", n_states, "state"))
        n = len(self.state)
        self.action = frozen(check_indices(action, "action", n_actions, "action"))
        self.successor = frozen(check_indices(successor, "successor", n_states, "state"))
        self.episode = frozen(check_indices(episode, "episode", None, "episode"))
        self.step = frozen(check_indices(step, "step", None, "step"))
        self.reward = frozen(check_column(reward, "reward", n, np.isfinite, "rewards must be finite"))
        self.terminal = frozen(_flags(np.zeros(n, dtype=bool) if terminal is None else terminal))
        for name in COLUMNS:
            if len(getattr(self, name)) != n:
                raise ShapeError(
                    f"{name} must have shape ({n},) like state, found ({len(getattr(self, name))},)", argument=name
                )
        if n == 0 and (n_states is None or n_actions is None):
            raise InputError("an empty dataset needs n_states and n_actions", argument="state")
        self.n_states = n_states or int(max(np.max(self.state), np.max(self.successor))) + 1
        self.n_actions = n_actions or int(np.max(self.action)) + 1
        self.gamma = check_discount(gamma)
        self.action_mask: Bools = frozen(self._read_mask(action_mask))

    def _read_mask(self, action_mask: Any) -> Bools:
        shape = (self.n_states, self.n_actions)
        if action_mask is None:
            return np.ones(shape, dtype=bool)
        mask: Bools = np.asarray(action_mask)
        if mask.shape != shape or mask.dtype != np.bool_:
            raise ShapeError(
                f"action_mask must be bool of shape {shape}, found {mask.dtype} of shape {mask.shape}",
                argument="action_mask",
            )
        if not mask.any(axis=1).all():
            s = int(np.argmin(mask.any(axis=1)))
            raise InputError(f"action_mask[{s}] leaves state {s} without an action", argument="action_mask", index=s)
        if not mask.all() and not (seen := mask[self.state, self.action]).all():
            line = int(np.argmin(seen))
            raise InputError(
                f"action[{line}] = {self.action[line]}, which state {self.state[line]} does not have",
                argument="action",
                index=line,
                value=int(self.action[line]),
            )
        return mask

    def __len__(self) -> int:
        return len(self.state)

    @property
    def n_episodes(self) -> int:
        """Number of different episodes."""
        first = np.flatnonzero(np.diff(self.episode, prepend=-1))
        return len(np.unique(self.episode[first]))

    def __repr__(self) -> str:
        return (
            f"OfflineDataset({len(self):,} steps of {self.n_episodes:,} episodes, S={self.n_states:,},"
            f" A={self.n_actions:,})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the columns as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in COLUMNS})

    # ---------------------------------------------------------------- statistics

    def counts(self, *, sparse: bool = False) -> Any:
        """Count the transitions.

        Parameters
        ----------
        sparse : bool, default False
            Return a `scipy.sparse.csr_array` of shape ``(S*A, S)``, row ``s*A + a``, instead of a dense array.

        Returns
        -------
        ndarray of int64, shape (S, A, S), or csr_array
            How often each pair led to each successor.
        """
        S, A = self.n_states, self.n_actions
        pair = self.state * A + self.action
        if not sparse:
            return np.bincount(pair * S + self.successor, minlength=S * A * S).reshape(S, A, S)
        ones = np.ones(len(self), dtype=np.int64)
        return sp.coo_array((ones, (pair, self.successor)), shape=(S * A, S)).tocsr()

    def empirical_model(self, gamma: float | None = None, *, unvisited: str = "error") -> TabularMDP:
        """Return the plug-in model: observed frequencies of reward and successor, pair by pair.

        Parameters
        ----------
        gamma : float, optional
            Discount factor; that of the dataset by default.
        unvisited : {"error", "absorbing"}, default "error"
            What a pair that was never tried becomes: an error, or a self-loop with reward 0 (pessimistic only where
            rewards are not negative). Pairs outside `action_mask` do not exist. A state that was entered as `terminal`
            needs no visits: it is absorbing with reward 0 by what the data say.

        Returns
        -------
        TabularMDP
            The initial distribution is that of the observed first steps (``step == 0``), if there are any.

        Raises
        ------
        InputError
            A pair was never tried and `unvisited` is "error".

        Notes
        -----
        ``P(s' | s, a) = N(s, a, s') / N(s, a)``, the maximum-likelihood model; random rewards keep their joint law
        with the successor. Time ``O(n log n)``.

        References
        ----------
        .. [1] A. Agarwal, S. Kakade and L. F. Yang, "Model-based reinforcement learning with a generative model is
           minimax optimal", COLT 2020.
        """
        if unvisited not in ("error", "absorbing"):
            raise UnknownOptionError(
                f'unvisited must be "error" or "absorbing", found {unvisited!r}', argument="unvisited", value=unvisited
            )
        A = self.n_actions
        pair = self.state * A + self.action
        order = np.lexsort((self.reward, self.successor, pair))
        pair, successor, reward = pair[order], self.successor[order], self.reward[order]
        new = np.ones(len(pair), dtype=bool)
        new[1:] = (np.diff(pair) != 0) | (np.diff(successor) != 0) | (np.diff(reward) != 0)
        first = np.flatnonzero(new)
        times = np.diff(first, append=len(pair))
        visits = np.bincount(pair, minlength=self.n_states * A)
        loops = np.flatnonzero(self.action_mask.reshape(-1) & (visits == 0))
        ends = np.zeros(self.n_states, dtype=bool)
        ends[self.successor[self.terminal]] = True
        missing = loops[~ends[loops // A]]
        if unvisited == "error" and len(missing):
            s, a = (int(i) for i in divmod(missing[0], A))
            raise InputError(
                f"the pair (state {s}, action {a}) was never tried, nor were {len(missing) - 1} others; pass"
                ' unvisited="absorbing" to make them self-loops with reward 0',
                argument="unvisited",
                index=(s, a),
                value=0,
            )
        pair = pair[first]
        starts = np.bincount(self.state[self.step == 0], minlength=self.n_states)
        return TabularMDP.from_outcomes(
            np.concatenate([pair, loops]) // A,
            np.concatenate([pair, loops]) % A,
            np.concatenate([times / visits[pair], np.ones(len(loops))]),
            np.concatenate([reward[first], np.zeros(len(loops))]),
            np.concatenate([successor[first], loops // A]),
            self.gamma if gamma is None else gamma,
            n_states=self.n_states,
            initial=starts / np.sum(starts) if starts.any() else None,
        )

    # ---------------------------------------------------------------- files

    def save(self, path: str | PathLike[str]) -> None:
        """Write one compressed ``.npz`` file; it appears whole or not at all."""
        arrays = {name: getattr(self, name) for name in (*COLUMNS, "action_mask")} | {
            "format": np.array(FORMAT),
            "version": np.array(VERSION),
            "gamma": np.array(np.nan if self.gamma is None else self.gamma),
        }
        write_arrays(path, arrays)

    @staticmethod
    def load(path: str | PathLike[str]) -> OfflineDataset:
        """Read a dataset written by `save`; `FileFormatError` if the file is damaged or something else."""
        data = read_arrays(path)
        where: dict[str, Any] = {"argument": "path", "value": str(path)}
        if str(data.get("format")) != FORMAT:
            raise FileFormatError(f"{path} is an .npz file, but not a saved OfflineDataset", **where)
        try:
            if int(data["version"]) > VERSION:
                raise FileFormatError(f"{path} has format version {data['version']}, newer than {VERSION}", **where)
            S, A = data["action_mask"].shape
            gamma = float(data["gamma"])
            return OfflineDataset(
                **{name: data[name] for name in (*COLUMNS, "action_mask")},
                n_states=S,
                n_actions=A,
                gamma=None if np.isnan(gamma) else gamma,
            )
        except KeyError as error:
            raise FileFormatError(f"{path} lacks the array {error}", **where) from error
        except FileFormatError:
            raise
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise FileFormatError(f"{path} does not hold a valid dataset: {error}", **where) from error


def collect(simulator: EpisodicSimulator, policy: Any, n: int, *, horizon: int | None = None) -> OfflineDataset:
    """Return exactly ``n`` steps of a behavior policy, the last episode cut off where they end.

    Parameters
    ----------
    simulator : EpisodicSimulator
        Where to play; it counts all steps it plays, those cut off included.
    policy : array_like or object
        As for `EpisodicSimulator.rollout`.
    n : int
        Number of steps.
    horizon : int, optional
        Longest episode; that of the simulator by default.

    Returns
    -------
    OfflineDataset

    Examples
    --------
    >>> from mdpkit import problems
    >>> from mdpkit.feedback import EpisodicSimulator, collect
    >>> simulator = EpisodicSimulator(problems.river_swim(6), seed=0, horizon=20)
    >>> collect(simulator, [[0.5, 0.5]] * 6, 1000)
    OfflineDataset(1,000 steps of 50 episodes, S=6, A=2)
    """
    n = check_count(n, "n")
    parts: list[OfflineDataset] = []
    length, episodes = 0, 0
    while length < n:
        # One episode tells how long they are; afterwards ask for about as many as are missing.
        wanted = 1 if episodes == 0 else -(-(n - length) * episodes // length)
        parts.append(simulator.rollout(policy, wanted, horizon=horizon))
        length += len(parts[-1])
        episodes += wanted
    last = parts[-1]
    columns = {name: np.concatenate([getattr(part, name) for part in parts])[:n] for name in COLUMNS}
    return OfflineDataset(
        **columns, n_states=last.n_states, n_actions=last.n_actions, gamma=last.gamma, action_mask=last.action_mask
    )


def _flags(values: Any) -> Bools:
    flags = np.asarray(values)
    if flags.ndim != 1:
        raise ShapeError(f"terminal must have one axis, found shape {flags.shape}", argument="terminal")
    if flags.dtype != np.bool_:
        good = np.isin(flags, (0, 1)) if flags.dtype.kind in "iu" else np.zeros(flags.shape, dtype=bool)
        if not good.all():
            line = int(np.argmin(good))
            raise InputError(
                f"terminal[{line}] = {flags[line]!r}: flags are True or False",
                argument="terminal",
                index=line,
                value=flags[line],
            )
        flags = flags.astype(bool)
    return flags
