"""Policies as a convex set of mean features: what pessimism plans over.

A policy enters its own value only through its mean feature ``u``. The set of mean features is the image of the
occupancy measures, which linear constraints describe; each class here says how, for one kind of problem.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.errors import DiscountError, InputError, PolicyError, ShapeError
from mdpkit.models import ContextualBandit, FiniteHorizonMDP, TabularMDP
from mdpkit.models._checks import ROW_SUM_TOLERANCE, as_floats
from mdpkit.planning import occupancy_measure, solve

__all__ = ["BanditSpace", "DiscountedSpace", "EpisodicSpace", "PolicySpace", "mean_feature", "read_space"]

TINY = 1e-12
"""A state visited less than this has no say in the mean feature; its actions are drawn uniformly."""


class PolicySpace(ABC):
    """Occupancy measures ``x >= 0`` with ``constraints @ x = start``, and mean features ``u = x @ features``.

    Attributes
    ----------
    features : ndarray, shape (N, d)
        Feature of each decision, a (stage, state, action) that exists.
    constraints : sparse array, shape (m, N)
        Flow constraints.
    start : ndarray, shape (m,)
        Their right-hand side.
    share : ndarray, shape (N,)
        Part of the reference that each decision is compared with: ``x @ share`` is one for every policy.
    """

    features: Floats
    constraints: sp.csr_array
    start: Floats
    share: Floats

    @abstractmethod
    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy, shape ``(d,)``."""

    @abstractmethod
    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a policy that maximizes ``u . theta``, and an upper bound on that maximum."""

    @abstractmethod
    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""

    @abstractmethod
    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""

    @abstractmethod
    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions a deterministic policy makes: where, and between which actions."""

    @abstractmethod
    def deterministic(self, actions: Ints) -> Any:
        """Return the deterministic policy with these actions at its `choices`."""

    @abstractmethod
    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features, shape ``(m, d)``, of the deterministic policies in the rows of ``(m, choices)``."""


class BanditSpace(PolicySpace):
    """Contextual bandit: ``u = sum_x q(x) sum_a pi(a|x) phi(x, a)``."""

    def __init__(self, features: Floats, distribution: Floats) -> None:
        X, A, d = features.shape
        self.shape, self.q = (X, A), distribution
        self.features = features.reshape(X * A, d)
        self.constraints = sp.csr_array(sp.kron(sp.eye_array(X), np.ones((1, A))))
        self.start, self.share = distribution, np.ones(X * A)

    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy."""
        weights = np.zeros(self.shape)
        given = np.asarray(policy)
        if given.shape == self.shape[:1] and given.dtype.kind in "iu":
            known = (given >= 0) & (given < self.shape[1])
            if not known.all():
                x = int(np.argmin(known))
                raise PolicyError(
                    f"policy[{x}] = {given[x]} is outside 0..{self.shape[1] - 1}",
                    argument="policy",
                    index=x,
                    value=int(given[x]),
                )
            weights[np.arange(self.shape[0]), given] = 1.0
        elif given.shape == self.shape:
            weights[:] = given
            wrong = ~((weights >= 0.0).all(axis=1) & (np.abs(np.sum(weights, axis=1) - 1.0) <= ROW_SUM_TOLERANCE))
            if wrong.any():
                x = int(np.argmax(wrong))
                raise PolicyError(
                    f"policy[{x}] = {weights[x].tolist()} is not a distribution", argument="policy", index=x
                )
        else:
            raise ShapeError(
                f"policy must hold action ids, shape ({self.shape[0]},), or probabilities, shape {self.shape}; found"
                f" {given.dtype} of shape {given.shape}",
                argument="policy",
            )
        return np.asarray((weights * self.q[:, None]).reshape(-1) @ self.features)

    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a greedy policy and an upper bound on the maximum."""
        rewards = (self.features @ theta).reshape(self.shape)
        return np.argmax(rewards, axis=1), float(self.q @ np.max(rewards, axis=1))

    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""
        return normalized_rows(x.reshape(self.shape), np.ones(self.shape, dtype=bool))

    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""
        return np.argmax(bonus.reshape(self.shape), axis=1)

    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions, each with its actions."""
        return [(x, np.arange(self.shape[1])) for x in np.flatnonzero(self.q > 0.0)]

    def deterministic(self, actions: Ints) -> Any:
        """Return the policy with these actions."""
        policy = np.zeros(self.shape[0], dtype=np.int64)
        policy[self.q > 0.0] = actions
        return policy

    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features of deterministic policies."""
        seen = np.flatnonzero(self.q > 0.0)
        return np.asarray(np.einsum("x,mxd->md", self.q[seen], self.features[seen * self.shape[1] + actions]))


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


class DiscountedSpace(PolicySpace):
    """Discounted problem: ``u`` is the mean over the normalized occupancy measure, which sums to one."""

    def __init__(self, problem: TabularMDP, features: Floats) -> None:
        assert problem.initial is not None
        assert problem.gamma is not None
        self.problem, self.gamma = problem, float(problem.gamma)
        self.shape = (problem.n_states, problem.n_actions)
        s, a = problem.pair_state, problem.pair_action
        self.features = np.ascontiguousarray(features[s, a])
        N = len(s)
        leave = sp.csr_array((np.ones(N), (s, np.arange(N))), shape=(problem.n_states, N))
        self.constraints = sp.csr_array(leave - self.gamma * problem.rows.csr().T)
        self.start, self.share = (1.0 - self.gamma) * problem.initial, np.ones(N)

    def mean_feature(self, policy: Any) -> Floats:
        """Return the exact mean feature of a policy."""
        visits = occupancy_measure(self.problem, policy, normalized=True)
        return np.asarray(visits[self.problem.pair_state, self.problem.pair_action] @ self.features)

    def greedy(self, theta: Floats) -> tuple[Any, float]:
        """Return a greedy policy and an upper bound on the maximum."""
        return self._plan(self.features @ theta)

    def pointwise(self, bonus: Floats) -> Any:
        """Return the policy that is greedy for a reward of each decision."""
        return self._plan(bonus)[0]

    def _plan(self, rewards: Floats) -> tuple[Any, float]:
        solution = solve(self.problem.with_rewards(self.problem.scatter(rewards, fill=-np.inf)), tol=1e-12)
        return solution.policy, float(self.start @ solution.upper)

    def to_policy(self, x: Floats) -> Any:
        """Return the policy of an occupancy measure."""
        visits = np.zeros(self.shape)
        visits[self.problem.pair_state, self.problem.pair_action] = x
        return normalized_rows(visits, self.problem.action_mask)

    def choices(self) -> list[tuple[Any, Ints]]:
        """Return the decisions, each with its actions."""
        return [(s, np.flatnonzero(row)) for s, row in enumerate(self.problem.action_mask)]

    def deterministic(self, actions: Ints) -> Any:
        """Return the policy with these actions."""
        return actions

    def mean_features(self, actions: Ints) -> Floats:
        """Return the mean features of deterministic policies."""
        S = self.shape[0]
        row = np.full(self.shape, -1)
        row[self.problem.pair_state, self.problem.pair_action] = np.arange(len(self.features))
        pairs = row[np.arange(S), actions]
        kernels = self.problem.rows.csr().toarray()[pairs]
        systems = np.eye(S) - self.gamma * np.swapaxes(kernels, 1, 2)
        visits = np.linalg.solve(systems, np.broadcast_to(self.start[:, None], (len(actions), S, 1)))[..., 0]
        return np.asarray(np.einsum("ms,msd->md", visits, self.features[pairs]))


def normalized_rows(visits: Floats, mask: Bools) -> Floats:
    """Return action probabilities; uniform over what exists where nobody comes."""
    visits = np.maximum(visits, 0.0) * mask
    total = np.sum(visits, axis=-1, keepdims=True)
    uniform = mask / np.sum(mask, axis=-1, keepdims=True)
    return np.asarray(np.where(total > TINY, visits / np.maximum(total, TINY), uniform))


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
    good = np.isfinite(block)
    if not good.all():
        where = tuple(int(i) for i in np.unravel_index(int(np.argmin(good)), block.shape))
        raise InputError(
            f"features[{', '.join(map(str, where))}] = {float(block[where])!r}: features must be finite",
            argument="features",
            index=where,
            value=float(block[where]),
        )
    return block
