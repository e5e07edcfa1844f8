"""The Bellman backup of a model, or of one policy, bounded from both sides; what `verify` stands on."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from mdpkit._typing import Bools, Floats
from mdpkit.models import MarkovRewardProcess, TabularMDP
from mdpkit.planning.directed import add_down, add_up, round_down, round_up
from mdpkit.planning.discounted.absorbing import absorbing_states
from mdpkit.planning.discounted.bellman import bellman_operator, process_operator
from mdpkit.planning.discounted.linear_solvers import DENSE_LIMIT, factorize
from mdpkit.planning.discounted.modified_policy_iteration import modified_policy_iteration
from mdpkit.planning.discounted.policy_iteration import policy_iteration
from mdpkit.planning.run import Run
from mdpkit.planning.solution import Solution
from mdpkit.planning.verification.pair_bounds import DoubledPairs, ExactPairs, mixture_bounds

POLISHING_SWEEPS = 20
POLISHING_CAP = 2000
EXACT_REFINEMENTS = 5


class Backup:
    """The optimal Bellman backup of a model (``weights=None``) or that of one policy, bounded from both sides."""

    def __init__(self, model: TabularMDP, pairs: ExactPairs | DoubledPairs, weights: Floats | None) -> None:
        self.model = model
        self.pairs = pairs
        self.weights = weights
        self.gamma = model.gamma or 0.0

    def states(self, q_low: Floats, q_high: Floats) -> tuple[Floats, Floats]:
        """Reduce bounds on pair values to bounds on states."""
        start = self.model.state_ptr[:-1]
        if self.weights is None:
            return np.maximum.reduceat(q_low, start), np.maximum.reduceat(q_high, start)
        if np.isin(self.weights, (0.0, 1.0)).all():
            chosen = np.flatnonzero(self.weights)
            return q_low[chosen], q_high[chosen]
        return mixture_bounds(self.model.state_ptr, self.weights, q_low, q_high)

    def prove(self, solution: Solution) -> tuple[Floats, Floats, Floats]:
        """Return a proved enclosure, as tight as the claimed one if that is true, and upper bounds on pair values."""
        below, above = self.pairs.bounds(solution.lower), self.pairs.bounds(solution.upper)
        lower, upper, q_high = self.states(*below)[0], self.states(*above)[1], above[1]
        proved_below = bool(np.all(solution.lower <= lower))
        proved_above = bool(np.all(upper <= solution.upper))
        if isinstance(self.pairs, ExactPairs) and self.model.n_states <= DENSE_LIMIT:
            fresh_lower, fresh_upper = self.refine(self.pairs, solution.V)
        elif not (proved_below and proved_above):
            fresh_lower, fresh_upper = self.enclose(self.polish(solution.V))
        else:
            return lower, upper, q_high
        lower = np.maximum(lower, fresh_lower) if proved_below else fresh_lower
        upper = np.minimum(upper, fresh_upper) if proved_above else fresh_upper
        q_high = self.pairs.bounds(upper)[1]
        return lower, upper, q_high

    def enclose(self, V: Floats) -> tuple[Floats, Floats]:
        """Return bounds on the fixed point from any ``V`` (MacQueen-Porteus, rounded outward)."""
        W_low, W_high = self.states(*self.pairs.bounds(V))
        factor = Fraction(self.gamma) / (1 - Fraction(self.gamma))
        low = round_down(factor * Fraction(float(np.min(add_down(W_low, -V)))))
        high = round_up(factor * Fraction(float(np.max(add_up(W_high, -V)))))
        lower, upper = add_down(W_low, low), add_up(W_high, high)
        trapped, known_low, known_high = self.absorbing
        lower[trapped] = np.maximum(lower[trapped], known_low)
        upper[trapped] = np.minimum(upper[trapped], known_high)
        return lower, upper

    @cached_property
    def absorbing(self) -> tuple[Bools, Floats, Floats]:
        """States that only ever lead to themselves, with bounds on their value ``r / (1 - gamma)``."""
        trapped = absorbing_states(bellman_operator(self.model, self.gamma))
        if not trapped.any():
            return trapped, np.zeros(0), np.zeros(0)
        share = 1 / (1 - Fraction(self.gamma))
        r_low, r_high = self.states(*self.pairs.bounds(np.zeros(self.model.n_states)))
        known_low = np.array([round_down(Fraction(r) * share) for r in r_low[trapped].tolist()], dtype=np.float64)
        known_high = np.array([round_up(Fraction(r) * share) for r in r_high[trapped].tolist()], dtype=np.float64)
        return trapped, known_low, known_high

    def refine(self, pairs: ExactPairs, V: Floats) -> tuple[Floats, Floats]:
        """Return the fixed point to the last bit: Newton steps in doubles on residuals computed exactly.

        The guess becomes a sum of a few doubles; what is returned is the enclosure of `enclose` in rational arithmetic,
        valid whatever the guess, rounded outward to the nearest doubles.
        """
        guess = [Fraction(v) for v in self.polish(V).tolist()]
        factor = pairs.gamma / (1 - pairs.gamma)
        for step in range(EXACT_REFINEMENTS):
            q = pairs.values(guess)
            W, choice = self._exact_states(q)
            residual = [w - v for w, v in zip(W, guess, strict=True)]
            low, high = factor * min(residual), factor * max(residual)
            if step == EXACT_REFINEMENTS - 1 or high - low < Fraction(2) ** -120:
                break
            rows = self._process().rows if choice is None else self.model.rows.take(np.array(choice))
            correction = factorize(rows, self.gamma, "dense")(np.array([float(d) for d in residual]))
            guess = [v + Fraction(c) for v, c in zip(guess, correction.tolist(), strict=True)]
        return np.array([round_down(w + low) for w in W]), np.array([round_up(w + high) for w in W])

    def _exact_states(self, q: list[Fraction]) -> tuple[list[Fraction], list[int] | None]:
        """Reduce exact pair values to states: the best pair of each, or the policy's mean."""
        ptr = self.model.state_ptr.tolist()
        if self.weights is None:
            choice = [max(range(start, stop), key=q.__getitem__) for start, stop in pairwise(ptr)]
            return [q[k] for k in choice], choice
        w = [Fraction(weight) for weight in self.weights.tolist()]
        means = [
            sum((w[k] * q[k] for k in range(start, stop)), Fraction(0)) / sum(w[start:stop], Fraction(0))
            for start, stop in pairwise(ptr)
        ]
        return means, None

    def _process(self) -> MarkovRewardProcess:
        """Return the process of the policy."""
        weights = np.zeros(self.model.n_pairs) if self.weights is None else self.weights
        return self.model.under_policy(self.model.scatter(weights, fill=0.0))

    def polish(self, V: Floats) -> Floats:
        """Improve a guess to the last digits with the solvers; nothing here needs trust."""
        if self.weights is None:
            operator = bellman_operator(self.model, self.gamma)
        else:
            operator = process_operator(self._process(), self.gamma)
        run = Run(operator, V.copy(), tol=np.finfo(float).tiny, max_iter=POLISHING_CAP)
        method = policy_iteration if self.model.n_states <= DENSE_LIMIT else modified_policy_iteration
        method(run)
        V, W = run.V.copy(), np.empty_like(V)
        for _ in range(POLISHING_SWEEPS):
            lo, hi = operator.sweep(V, W)
            V, W = W, V
        return V + self.gamma / (1.0 - self.gamma) * (lo + hi) / 2
