"""Soft dynamic programming: the softmax policies of a finite horizon whose utilities are linear in features.

Everything below is one pass over the horizon. With ``phi_h`` the features of a step, discount included:

    V_h(s) = log sum_a exp(theta . phi_h(s, a) + E V_{h+1}(s'))            values
    pi_h(a | s) = exp(theta . phi_h(s, a) + E V_{h+1}(s') - V_h(s))         policy
    x_h(s, a) = Pr(s_h = s, a_h = a)                                        visits
    g_h(s, a) = phi_h(s, a) + E mu_{h+1}(s'),   mu_h(s) = sum_a pi_h(a | s) g_h(s, a)

``mu_h = grad V_h`` is the expected sum of features from step ``h`` on. Differentiating once more, with
``grad pi_h(a | s) = pi_h(a | s) (g_h(s, a) - mu_h(s))``, the Hessian of ``V_0`` at the start is
``sum_h sum_s Pr(s_h = s) Cov_{a ~ pi_h}(g_h(s, a))``: along a path the Hessians of the later values add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit._typing import Bools, Floats, Ints
from mdpkit.models import FiniteHorizonMDP, TabularMDP
from mdpkit.models.rows import DenseRows

__all__ = ["SoftModel", "Step", "read_steps"]


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """The transitions of one step, pair by pair: ``P`` is ``(N, S)``, dense or compressed."""

    P: Any
    state_ptr: Ints
    pair_state: Ints
    pair_action: Any

    def over_actions(self, values: Floats) -> Floats:
        """Sum numbers of the pairs, ``(N,)``, over the actions of each state."""
        return np.asarray(np.add.reduceat(values, self.state_ptr[:-1]))

    def average(self, pi: Floats, rows: Floats) -> Floats:
        """``sum_a pi(a | s) rows[s, a]`` for rows of shape ``(N, d)``."""
        weights = sp.csr_array((pi, np.arange(len(pi)), self.state_ptr), shape=(len(self.state_ptr) - 1, len(pi)))
        return np.asarray(weights @ rows)

    def first_best(self, q: Floats) -> tuple[Floats, Ints]:
        """Return the largest ``q`` of each state and the first pair that has it."""
        top = np.maximum.reduceat(q, self.state_ptr[:-1])
        best = np.flatnonzero(q == top[self.pair_state])
        return top, best[np.diff(self.pair_state[best], prepend=-1) > 0]

    def probability(self, pairs: Ints, successors: Ints) -> Floats:
        """Look up transition probabilities."""
        if isinstance(self.P, np.ndarray):
            return np.asarray(self.P[pairs, successors])
        n_pairs, n_states = self.P.shape
        # Keys of the entries are increasing, because rows and their columns are.
        keys = np.repeat(np.arange(n_pairs), np.diff(self.P.indptr)) * n_states + self.P.indices
        wanted = pairs * n_states + successors
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, self.P.data[place], 0.0)


def read_steps(problem: FiniteHorizonMDP) -> tuple[Step, ...]:
    """Read the transitions; a stage that is played several times is read once."""

    def read(stage: TabularMDP) -> Step:
        P = stage.rows.matrix if isinstance(stage.rows, DenseRows) else stage.rows.csr()
        return Step(P, stage.state_ptr, stage.pair_state, stage.pair_action)

    known = {stage: read(stage) for stage in set(problem.stages)}
    return tuple(known[stage] for stage in problem.stages)


@dataclass(frozen=True, eq=False, slots=True)
class SoftModel:
    """Transitions, features and the law of the first state.

    Attributes
    ----------
    steps : tuple of Step
        One for each of the ``H`` steps; repeated steps are the same object, and so are repeated `bases`.
    bases : tuple of ndarray, shape (N, d)
        Features of the pairs, before discounting.
    weights : ndarray, shape (H,)
        Discounts ``gamma^h``.
    start : ndarray, shape (S,)
        Law of the first state.
    """

    steps: tuple[Step, ...]
    bases: tuple[Floats, ...]
    weights: Floats
    start: Floats

    @property
    def n_features(self) -> int:
        """Number of features ``d``."""
        return int(self.bases[0].shape[1])

    def in_coordinates(self, shift: Floats, basis: Floats) -> SoftModel:
        """Return the same model with features ``(phi - shift) @ basis``."""
        moved = {id(base): (base - shift) @ basis for base in self.bases}
        return replace(self, bases=tuple(moved[id(base)] for base in self.bases))

    def reached(self) -> list[Bools]:
        """Tell for each step which states some policy can reach."""
        reach = [self.start > 0.0]
        for step in self.steps[:-1]:
            reach.append(np.asarray(reach[-1][step.pair_state].astype(np.float64) @ step.P) > 0.0)
        return reach

    def live(self) -> dict[int, Bools]:
        """Tell for each array of features, known by its `id`, the pairs that can be reached at a step that uses it."""
        found: dict[int, Bools] = {}
        for base, step, states in zip(self.bases, self.steps, self.reached(), strict=True):
            mask = states[step.pair_state]
            found[id(base)] = found[id(base)] | mask if id(base) in found else mask
        return found

    def silenced(self) -> SoftModel:
        """Return the same model with features 0 where nothing leads, so that what stands there has no say in scales."""
        live = self.live()
        quiet = {id(base): np.where(live[id(base)][:, None], base, 0.0) for base in self.bases}
        return replace(self, bases=tuple(quiet[id(base)] for base in self.bases))

    def values(self, theta: Floats) -> tuple[Floats, list[Floats]]:
        """Return the soft values, ``(H+1, S)``, and the probability of every pair given its state, step by step."""
        utility = {id(base): base @ theta for base in self.bases}
        H = len(self.steps)
        V = np.zeros((H + 1, len(self.start)))
        policy: list[Floats] = [np.empty(0)] * H
        for h in range(H - 1, -1, -1):
            step = self.steps[h]
            q = self.weights[h] * utility[id(self.bases[h])] + step.P @ V[h + 1]
            top = np.maximum.reduceat(q, step.state_ptr[:-1])
            grown = np.exp(q - top[step.pair_state])
            total = step.over_actions(grown)
            V[h] = top + np.log(total)
            policy[h] = grown / total[step.pair_state]
        return V, policy

    def visits(self, policy: list[Floats]) -> list[Floats]:
        """Return the probability of being at every pair, step by step."""
        found, states = [], self.start
        for step, pi in zip(self.steps, policy, strict=True):
            found.append(states[step.pair_state] * pi)
            states = np.asarray(found[-1] @ step.P)
        return found

    def moments(self, visits: list[Floats]) -> Floats:
        """Return the expected sum of features, ``(d,)``."""
        total = np.zeros(self.n_features)
        for weight, base, x in zip(self.weights, self.bases, visits, strict=True):
            total += weight * (x @ base)
        return total

    def curvature(self, policy: list[Floats], visits: list[Floats]) -> Floats:
        """Return the Hessian of ``start . V_0``, ``(d, d)``: how much of the features' variance the actions make."""
        d = self.n_features
        mu, information = np.zeros((len(self.start), d)), np.zeros((d, d))
        for h in range(len(self.steps) - 1, -1, -1):
            step = self.steps[h]
            g = self.weights[h] * self.bases[h] + step.P @ mu
            mu = step.average(policy[h], g)
            # Centered before squaring: moments would cancel where features are large and alike.
            deviation = np.sqrt(visits[h])[:, None] * (g - mu[step.pair_state])
            information += deviation.T @ deviation
        return information

    def transition_noise(self, policy: list[Floats], visits: list[Floats]) -> Floats:
        """Return ``sum_h sum_{s,a} x_h(s, a) Cov_{s' ~ P_h}(mu_{h+1}(s'))``: the variance that the transitions make.

        Together with `curvature` it is the covariance of the features of one trajectory given its first state.
        """
        d = self.n_features
        mu, noise = np.zeros((len(self.start), d)), np.zeros((d, d))
        for h in range(len(self.steps) - 1, -1, -1):
            step = self.steps[h]
            ahead = step.P @ mu
            arrivals, center = np.asarray(visits[h] @ step.P), visits[h] @ ahead
            after, before = mu - center, ahead - center
            noise += (after * arrivals[:, None]).T @ after - (before * visits[h][:, None]).T @ before
            mu = step.average(policy[h], self.weights[h] * self.bases[h] + ahead)
        return noise

    def extreme(self, u: Floats) -> tuple[float, Floats]:
        """Return ``max_pi u . phi(pi)`` and the expected features ``phi(pi)`` of a policy that attains it."""
        utility = {id(base): base @ u for base in self.bases}
        choices: list[Ints] = []
        V = np.zeros(len(self.start))
        for h in range(len(self.steps) - 1, -1, -1):
            step = self.steps[h]
            V, choice = step.first_best(self.weights[h] * utility[id(self.bases[h])] + step.P @ V)
            choices.append(choice)
        states, phi = self.start, np.zeros(self.n_features)
        for h, choice in enumerate(reversed(choices)):
            phi += self.weights[h] * (states @ self.bases[h][choice])
            states = np.asarray(states @ self.steps[h].P[choice])
        return float(self.start @ V), phi

    def spread(self, u: Floats) -> float:
        """Bound by how much the utility ``u . phi`` of two trajectories can differ."""
        width = {id(base): float(np.ptp(base @ u)) for base in self.bases}
        return float(sum(weight * width[id(base)] for weight, base in zip(self.weights, self.bases, strict=True)))
