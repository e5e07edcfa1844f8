"""What a `TabularMDP` lets its users read: sizes, names, rewards, transitions, outcomes."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Bools, Floats, Ints, SmallInts
from mdpkit.errors import InputError
from mdpkit.models import _construct as construct
from mdpkit.models.outcomes import Outcomes
from mdpkit.models.rows import Rows, SparseRows


class TabularViews:
    """The stored arrays of a `TabularMDP` and every read-only view of them."""

    __slots__ = (
        "_action_names",
        "_gamma",
        "_initial",
        "_n_actions",
        "_outcome_reward",
        "_outcome_table",
        "_pair_action",
        "_reward",
        "_reward_error",
        "_rows",
        "_state_names",
        "_state_ptr",
    )
    _rows: Rows
    _state_ptr: Ints
    _pair_action: SmallInts
    _n_actions: int
    _reward: Floats
    _reward_error: Floats | None
    _outcome_reward: Floats | None
    _outcome_table: Outcomes | None
    _gamma: float | None
    _initial: Floats | None
    _state_names: tuple[str, ...] | None
    _action_names: tuple[str, ...] | None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"{type(self).__name__} is immutable; use with_rewards() or with_discount() for a changed model"
        )

    # ---------------------------------------------------------------- what it is

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return self._rows.n_columns

    @property
    def n_actions(self) -> int:
        """Number of action ids ``A`` (a state may own fewer)."""
        return self._n_actions

    @property
    def n_pairs(self) -> int:
        """Number of state-action pairs ``N``."""
        return self._rows.n_rows

    @property
    def nnz(self) -> int:
        """Number of transitions with positive probability."""
        return self._rows.nnz

    @property
    def gamma(self) -> float | None:
        """Discount factor, or None for an undiscounted model."""
        return self._gamma

    @property
    def initial(self) -> Floats | None:
        """Initial distribution, shape ``(S,)``, or None."""
        return self._initial

    @property
    def state_names(self) -> tuple[str, ...] | None:
        """Names of the states, or None."""
        return self._state_names

    @property
    def action_names(self) -> tuple[str, ...] | None:
        """Names of the actions, or None."""
        return self._action_names

    @property
    def rows(self) -> Rows:
        """The transition probabilities, one row per pair (`SparseRows` or `DenseRows`)."""
        return self._rows

    @property
    def state_ptr(self) -> Ints:
        """State ``s`` owns the pairs ``state_ptr[s]:state_ptr[s+1]``; shape ``(S+1,)``."""
        return self._state_ptr

    @property
    def pair_state(self) -> Ints:
        """State of each pair, shape ``(N,)``."""
        return np.repeat(np.arange(self.n_states), np.diff(self._state_ptr))

    @property
    def pair_action(self) -> SmallInts:
        """Action id of each pair, shape ``(N,)``, increasing within a state."""
        return self._pair_action

    @property
    def pair_reward(self) -> Floats:
        """Expected reward of each pair, shape ``(N,)``."""
        return self._reward

    @property
    def reward_error(self) -> Floats:
        """Bounds on the rounding made when rewards on transitions were averaged, shape ``(N,)``."""
        return np.broadcast_to(0.0, (self.n_pairs,)) if self._reward_error is None else self._reward_error

    @property
    def rewards(self) -> Floats:
        """Expected rewards as an ``(S, A)`` array, ``-inf`` where a pair does not exist."""
        return self.scatter(self._reward)

    @property
    def action_mask(self) -> Bools:
        """``(S, A)`` booleans: does the state have the action."""
        mask = np.zeros((self.n_states, self.n_actions), dtype=bool)
        mask[self.pair_state, self._pair_action] = True
        return mask

    @property
    def outcomes(self) -> Outcomes:
        """The joint law of reward and successor of every pair, as columns (built on each call, ``O(nnz)``)."""
        if self._outcome_table is not None:
            return self._outcome_table
        rows = self._rows
        if isinstance(rows, SparseRows):
            pair = np.repeat(np.arange(rows.n_rows), np.diff(rows.row_ptr))
            prob, successor = rows.prob, rows.col.astype(np.int64)
            reward = self._reward[pair] if self._outcome_reward is None else self._outcome_reward
        else:
            pair, successor = np.nonzero(rows.matrix)
            prob = rows.matrix[pair, successor]
            reward = self._reward[pair] if self._outcome_reward is None else self._outcome_reward[pair, successor]
        return Outcomes(pair, prob, reward, successor)

    @property
    def has_random_rewards(self) -> bool:
        """Whether rewards vary given the pair, so that `outcomes` says more than `rewards`."""
        return self._outcome_table is not None or self._outcome_reward is not None

    # ---------------------------------------------------------------- looking things up

    def state_index(self, state: int | str) -> int:
        """Return the index of a state given by index or name."""
        return construct.resolve(state, self.n_states, self._state_names, "state")

    def action_index(self, action: int | str) -> int:
        """Return the id of an action given by id or name."""
        return construct.resolve(action, self.n_actions, self._action_names, "action")

    def pair_index(self, state: int | str, action: int | str) -> int:
        """Return the index of a pair; `InputError` if the state does not have the action."""
        s, a = self.state_index(state), self.action_index(action)
        start, stop = self._state_ptr[s], self._state_ptr[s + 1]
        k = int(start + np.searchsorted(self._pair_action[start:stop], a))
        if k == stop or self._pair_action[k] != a:
            available = ", ".join(str(b) for b in self._pair_action[start:stop])
            raise InputError(
                f"state {state!r} has no action {action!r}; it has {available}",
                argument="action",
                index=s,
                value=a,
            )
        return k

    def transition(self, state: int | str, action: int | str) -> Floats:
        """Return the law of the successor of a pair, shape ``(S,)``."""
        successors, probabilities = self._rows.row(self.pair_index(state, action))
        law = np.zeros(self.n_states)
        law[successors] = probabilities
        return law

    def reward(self, state: int | str, action: int | str) -> float:
        """Return the expected reward of a pair."""
        return float(self._reward[self.pair_index(state, action)])

    def scatter(self, values: Floats, fill: float = -np.inf) -> Floats:
        """Spread one number per pair, shape ``(N,)``, over an ``(S, A)`` array."""
        if self.n_pairs == self.n_states * self.n_actions:
            return np.array(values).reshape(self.n_states, self.n_actions)
        table = np.full((self.n_states, self.n_actions), fill)
        table[self.pair_state, self._pair_action] = values
        return table

    def __repr__(self) -> str:
        parts = [f"S={self.n_states:,}", f"A={self.n_actions:,}"]
        if self.n_pairs != self.n_states * self.n_actions:
            parts.append(f"pairs={self.n_pairs:,}")
        parts += [
            f"nnz={self.nnz:,}",
            f"gamma={self.gamma}",
            "sparse" if isinstance(self._rows, SparseRows) else "dense",
        ]
        if self.has_random_rewards:
            parts.append("random rewards")
        for label, names in (("states", self._state_names), ("actions", self._action_names)):
            if names is not None:
                shown = names if len(names) <= 6 else (*names[:2], "...", names[-1])
                parts.append(f"{label}={', '.join(shown)}")
        return f"{type(self).__name__}({', '.join(parts)})"
