"""The policies of a finite-horizon problem."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.models import FiniteHorizonMDP
from mdpkit.planning import occupancy_measure, solve
from mdpkit.preferences.pessimism.spaces.base import PolicySpace, normalized_rows

__all__ = ["EpisodicSpace"]


class EpisodicSpace(PolicySpace):
    """Finite horizon: ``u = sum_h gamma^h sum d_h(s, a) phi_h(s, a)``, the occupancies ``d_h`` being laws."""

    def __init__(self, problem: FiniteHorizonMDP, features: Floats) -> None:
        assert problem.initial is not None
        self.problem, self.initial = problem, problem.initial
        H, S, A = problem.horizon, problem.n_states, problem.n_actions
        self.shape = (H, S, A)
        self.mask: Bools = np.stack([stage.action_mask for stage in problem.stages])
        self.pairs = [(stage.pair_state, stage.pair_action) for stage in problem.stages]
        per_stage = features if features.ndim == 4 else np.broadcast_to(features, (H, *features.shape))
        self.plain = np.concatenate([per_stage[h][s, a] for h, (s, a) in enumerate(self.pairs)])
        discount = np.concatenate([np.full(len(s), problem.gamma**h) for h, (s, _) in enumerate(self.pairs)])
        self.features = discount[:, None] * self.plain
        self.share = discount / float(np.sum(problem.gamma ** np.arange(H)))
        sizes = [len(s) for s, _ in self.pairs]
        blocks: list[list[Any]] = [[None] * H for _ in range(H)]
        for h, (s, _) in enumerate(self.pairs):
            blocks[h][h] = sp.csr_array((np.ones(sizes[h]), (s, np.arange(sizes[h]))), shape=(S, sizes[h]))
            if h + 1 < H:
                blocks[h + 1][h] = -sp.csr_array(problem.stages[h].rows.csr().T)
        self.constraints = sp.csr_array(sp.block_array(blocks))
        self.start = np.concatenate([problem.initial, np.zeros((H - 1) * S)])

    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy."""
        visits = occupancy_measure(self.problem, policy)  # gamma^h included
        kept = np.concatenate([visits[h][s, a] for h, (s, a) in enumerate(self.pairs)])
        return np.asarray(kept @ self.plain)

    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a greedy policy and an upper bound on the maximum."""
        return self._plan(self.features @ theta)

    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""
        return self._plan(bonus)[0]

    def _plan(self, rewards: Floats) -> tuple[Any, float]:
        """Maximize the sum of rewards of the decisions, by backward induction on the exact model."""
        first, stages = 0, []
        for stage in self.problem.stages:
            stages.append(stage.with_rewards(stage.scatter(rewards[first : first + stage.n_pairs], fill=-np.inf)))
            first += stage.n_pairs
        solution = solve(FiniteHorizonMDP.from_stages(stages, initial=self.problem.initial))
        return solution.policy, float(self.initial @ solution.upper[0])

    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""
        visits, first = np.zeros(self.shape), 0
        for h, (s, a) in enumerate(self.pairs):
            visits[h, s, a] = x[first : first + len(s)]
            first += len(s)
        return normalized_rows(visits, self.mask)

    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions, each with its actions."""
        return self._reachable

    @cached_property
    def _reachable(self) -> list[tuple[Any, Ints]]:
        """The decisions at states that some policy reaches; enumeration asks for them block by block."""
        found: list[tuple[Any, Ints]] = []
        reached = self.initial > 0.0
        for h, stage in enumerate(self.problem.stages):
            found += [((h, int(s)), np.flatnonzero(self.mask[h, s])) for s in np.flatnonzero(reached)]
            rows = stage.rows.csr()[np.flatnonzero(reached[stage.pair_state])]
            reached = np.asarray(rows.sum(axis=0)).reshape(-1) > 0.0
        return found

    def deterministic(self, actions: Ints) -> Any:
        """Return the policy with these actions."""
        policy = np.argmax(self.mask, axis=2)
        for (where, _), action in zip(self.choices(), actions, strict=True):
            policy[where] = action
        return policy

    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features of deterministic policies."""
        steps, states = np.array([where for where, _ in self.choices()]).T
        first, total = 0, np.zeros((len(actions), self.features.shape[1]))
        visits: Any = np.broadcast_to(self.initial, (len(actions), self.shape[1]))
        for h, stage in enumerate(self.problem.stages):
            s = states[steps == h]
            row = np.full(self.shape[1:], -1)
            row[self.pairs[h]] = np.arange(stage.n_pairs)
            pairs, weight = row[s, actions[:, steps == h]], visits[:, s]
            total += np.einsum("ms,msd->md", weight, self.features[first + pairs])
            flow = np.zeros((len(actions), stage.n_pairs))
            np.put_along_axis(flow, pairs, weight, axis=1)
            visits = flow @ stage.rows.csr()
            first += stage.n_pairs
        return total
