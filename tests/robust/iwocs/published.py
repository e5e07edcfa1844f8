"""IWOCS written down a second time, for tiny finite sets, by enumerating all policies and kernels.

Nothing is solved: the values of every policy in every kernel of its rows come from one batch of dense linear systems,
and each step of the algorithm reads its answer off that table. Like `iwocs` it stops on the best bounds so far, where
the published rule compares those of one iteration. Ties (within 1e-9) go to the lowest action and row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

TIE, TOLERANCE = 1e-9, 1e-8


@dataclass(frozen=True)
class Twin:
    """One problem: candidate rows ``(S, A, K, S)`` and rewards ``(S, A)``."""

    rows: Any
    rewards: Any
    gamma: float

    @cached_property
    def policies(self) -> Any:
        """All deterministic policies."""
        return np.array(list(product(range(self.rows.shape[1]), repeat=len(self.rows))))

    @cached_property
    def choices(self) -> Any:
        """All ways for nature to pick a row in every state."""
        return np.array(list(product(range(self.rows.shape[2]), repeat=len(self.rows))))

    @cached_property
    def values(self) -> Any:
        """Values of every policy under every choice, shape ``(policies, choices, S)``."""
        S = len(self.rows)
        s = np.arange(S)
        P = self.rows[s, self.policies[:, None, :], self.choices[None]]
        r = np.broadcast_to(self.rewards[s, self.policies][:, None], P.shape[:3])
        return np.linalg.solve(np.eye(S) - self.gamma * P, r[..., None])[..., 0]

    def worst(self, policy: Any) -> Any:
        """Worst-case values of a policy."""
        return self.values[np.argmax((self.policies == policy).all(axis=1))].min(axis=0)

    def action_values(self, model: Any) -> Any:
        """``Q*`` of a model, given by its row of every pair ``(S, A)``."""
        S = len(self.rows)
        picked = model[np.arange(S), self.policies]
        index = (picked * self.rows.shape[2] ** np.arange(S - 1, -1, -1)).sum(axis=1)
        best = self.values[np.arange(len(index)), index].max(axis=0)
        P = np.take_along_axis(self.rows, model[:, :, None, None], axis=2)[:, :, 0]
        return self.rewards + self.gamma * P @ best

    def hull_values(self, models: list[Any]) -> Any:
        """``V*`` of the hull: nature may pick, in every state, the row of any of the models."""
        S = len(self.rows)
        best = np.full(S, -np.inf)
        for policy, values in zip(self.policies, self.values, strict=True):
            rows = [{int(model[s, policy[s]]) for model in models} for s in range(S)]
            allowed = [all(k in rows[s] for s, k in enumerate(choice)) for choice in self.choices]
            best = np.maximum(best, values[allowed].min(axis=0))
        return best

    def hull_action_values(self, models: list[Any]) -> Any:
        """``Q*`` of the hull."""
        best = self.hull_values(models)
        return np.min(
            [
                self.rewards + self.gamma * np.take_along_axis(self.rows, m[:, :, None, None], axis=2)[:, :, 0] @ best
                for m in models
            ],
            axis=0,
        )

    def iwocs(self, policy_step: str, off_policy: str) -> tuple[str, list[float], list[float]]:
        """Return how a run from the first rows ends in state 0, and its upper and lower ends."""
        S = len(self.rows)
        models = [np.zeros(self.rewards.shape, dtype=int)]
        upper: list[float] = []
        lower: list[float] = []
        q = np.full(self.rewards.shape, np.inf)
        while True:
            q = (
                np.minimum(q, self.action_values(models[-1]))
                if policy_step == "min_q"
                else self.hull_action_values(models)
            )
            policy = (q >= q.max(axis=1, keepdims=True) - TIE).argmax(axis=1)
            V = self.worst(policy)
            upper.append(float(q[0].max()))
            lower.append(float(V[0]))
            z = self.rows @ V
            new = (z <= z.min(axis=2, keepdims=True) + TIE).argmax(axis=2)
            if off_policy == "keep":
                kept = models[-1].copy()
                kept[np.arange(S), policy] = new[np.arange(S), policy]
                new = kept
            if min(upper) - max(lower) <= TOLERANCE:
                return "certified", upper, lower
            if any(np.array_equal(new, model) for model in models):
                return "stalled", upper, lower
            models.append(new)
