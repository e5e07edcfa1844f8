"""Small problems for inverse planning, and slow twins: lists of trajectories, soft values in loops, a flow program."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

import mdpkit
from mdpkit.feedback import OfflineDataset


@dataclass(frozen=True)
class Case:
    """A problem with ``P`` (H, S, A, S), a mask of its pairs (H, S, A), features (H, S, A, d) and a parameter."""

    P: Any
    mask: Any
    initial: Any
    gamma: float
    features: Any
    theta: Any

    @property
    def problem(self) -> mdpkit.FiniteHorizonMDP:
        """The problem, with rewards that must not matter."""
        r = np.where(self.mask, 7.0, -np.inf)
        return mdpkit.FiniteHorizonMDP(self.P, r, gamma=self.gamma, initial=self.initial)

    def pairs(self, h: int, s: int) -> list[int]:
        """Return the actions of a state."""
        return np.flatnonzero(self.mask[h, s]).tolist()


@st.composite
def cases(draw: Any, *, sure: bool, max_steps: int = 3, max_features: int = 3) -> Case:
    """Draw up to three steps, states and actions; probabilities in quarters, whole features: ties and duplicates."""
    H, S, A, d = (draw(st.integers(1, n)) for n in (max_steps, 3, 3, max_features))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if sure:
        P = np.eye(S)[rng.integers(S, size=(H, S, A))]
    else:
        P = rng.multinomial(4, np.full(S, 1 / S), size=(H, S, A)) / 4.0
    mask = rng.random((H, S, A)) < 0.7
    mask[:, np.arange(S), rng.integers(A, size=S)] = True
    features = rng.integers(-2, 3, size=(H, S, A, d)).astype(float)
    if draw(st.booleans()):
        features[..., -1] = features[..., 0]
    initial = rng.multinomial(4, np.full(S, 1 / S)) / 4.0
    theta = rng.integers(-3, 4, size=d) / 2.0
    return Case(P, mask, initial, draw(st.sampled_from([1.0, 0.5])), features, theta)


@dataclass(frozen=True)
class Path:
    """A trajectory: its first state, its pairs, its features and the probability of its transitions."""

    start: int
    pairs: tuple[tuple[int, int, int], ...]
    phi: Any
    chance: float
    end: int


def paths(case: Case) -> list[Path]:
    """List every trajectory that starts where the initial distribution allows."""
    H, S, _, d = case.features.shape

    def extend(path: Path, h: int) -> list[Path]:
        if h == H:
            return [path]
        found = []
        for a in case.pairs(h, path.end):
            phi = path.phi + case.gamma**h * case.features[h, path.end, a]
            for after in np.flatnonzero(case.P[h, path.end, a]).tolist():
                chance = path.chance * case.P[h, path.end, a, after]
                found += extend(Path(path.start, (*path.pairs, (h, path.end, a)), phi, chance, after), h + 1)
        return found

    starts = [s for s in range(S) if case.initial[s] > 0]
    return [path for s in starts for path in extend(Path(s, (), np.zeros(d), 1.0, s), 0)]


def soft_policy(case: Case, theta: Any) -> tuple[Any, Any]:
    """Return ``V`` and the policy, state by state."""
    H, S, A, _ = case.features.shape
    V, policy = np.zeros((H + 1, S)), np.zeros((H, S, A))
    for h in reversed(range(H)):
        for s in range(S):
            own = case.pairs(h, s)
            q = np.array([case.gamma**h * (case.features[h, s, a] @ theta) + case.P[h, s, a] @ V[h + 1] for a in own])
            V[h, s] = np.logaddexp.reduce(q)
            policy[h, s, own] = np.exp(q - V[h, s])
    return V, policy


def law(case: Case, policy: Any) -> tuple[list[Path], Any]:
    """Return the trajectories and their probabilities under a policy."""
    found = paths(case)
    chosen = [np.prod([policy[pair] for pair in path.pairs]) for path in found]
    starts = np.array([case.initial[path.start] * path.chance for path in found])
    return found, starts * chosen


def mean_features(case: Case, policy: Any) -> Any:
    """Return the expected features by summing over trajectories."""
    found, weights = law(case, policy)
    return weights @ np.array([path.phi for path in found])


def dataset(case: Case, chosen: list[Path]) -> OfflineDataset:
    """Write trajectories down, with rewards that must not matter."""
    columns: dict[str, list[int]] = {name: [] for name in ("episode", "step", "state", "action", "successor")}
    for episode, path in enumerate(chosen):
        states = [s for _, s, _ in path.pairs] + [path.end]
        for h, s, a in path.pairs:
            for name, value in zip(columns, (episode, h, s, a, states[h + 1]), strict=True):
                columns[name].append(value)
    _, S, A, _ = case.features.shape
    return OfflineDataset(**columns, reward=np.full(len(columns["step"]), 3.0), n_states=S, n_actions=A)


def deterministic_policies(case: Case) -> list[Any]:
    """List all deterministic policies as probability tables."""
    H, S, A, _ = case.features.shape
    own = [case.pairs(h, s) for h in range(H) for s in range(S)]
    return [np.eye(A)[list(choice)].reshape(H, S, A) for choice in product(*own)]


def flow_margin(case: Case, mean: Any) -> float | None:
    """Return the optimum of ``max t s.t. x a flow, Phi x = mean, x >= t`` on pairs in reach, None if infeasible.

    One linear program over all visits, with none of the decompositions of the package.
    """
    H, S, _, d = case.features.shape
    reach = np.zeros((H, S), dtype=bool)
    reach[0] = case.initial > 0
    for h in range(1, H):
        for s in np.flatnonzero(reach[h - 1]):
            reach[h] |= (case.P[h - 1, s, case.pairs(h - 1, s)] > 0).any(axis=0)
    columns = [(h, s, a) for h in range(H) for s in np.flatnonzero(reach[h]) for a in case.pairs(h, s)]
    A = np.zeros((H * S + d, len(columns) + 1))
    b = np.concatenate([case.initial, np.zeros((H - 1) * S), mean])
    for k, (h, s, a) in enumerate(columns):
        A[h * S + s, k] += 1.0
        if h + 1 < H:
            A[(h + 1) * S : (h + 2) * S, k] -= case.P[h, s, a]
        A[H * S :, k] = case.gamma**h * case.features[h, s, a]
    above = np.hstack([-np.eye(len(columns)), np.ones((len(columns), 1))])
    bounds = [(0, None)] * len(columns) + [(0, 1)]
    objective = np.append(np.zeros(len(columns)), -1.0)
    result = linprog(objective, A_ub=above, b_ub=np.zeros(len(columns)), A_eq=A, b_eq=b, bounds=bounds)
    assert result.status in (0, 2)
    return None if result.status == 2 else -result.fun
