"""What the planning tests share: the methods, exact answers, and what a solution must satisfy against them."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np

import mdpkit
from mdpkit import ConvergenceWarning, TabularMDP
from tests.oracles import exact_policy_values, exact_values, pairs_of, solve_linear

METHODS: list[tuple[str, dict[str, str]]] = [
    ("auto", {}),
    ("value_iteration", {}),
    *[("gauss_seidel", {"order": order}) for order in ("alternating", "forward", "reverse")],
    *[("modified_policy_iteration", {"form": form}) for form in ("auto", "jacobi", "in_place")],
    *[("policy_iteration", {"evaluation": name}) for name in ("auto", "dense", "sparse", "krylov")],
    *[("krylov_policy_iteration", {"krylov": name}) for name in ("gmres", "bicgstab")],
    *[("linear_program", {"form": form}) for form in ("primal", "dual")],
]
METHOD_IDS = ["-".join([name, *options.values()]) for name, options in METHODS]
SWEEPING = ("value_iteration", "gauss_seidel")
"""Their work grows like 1/(1-gamma): close to 1 they get a cap."""


class Exact:
    """The optimal values of the stored doubles (rows divided by their exact sum), with gamma read as a double too."""

    def __init__(self, model: TabularMDP) -> None:
        self.pairs = pairs_of(model)
        self.gamma = Fraction(model.gamma)
        self.V, self.optimal_actions = exact_values(self.pairs, self.gamma)

    def policy(self, policy: Any) -> list[Fraction]:
        """Values of action ids ``(S,)``, or of probabilities ``(S, A)`` divided by their exact sum."""
        rule = np.asarray(policy)
        if rule.ndim == 1:
            return exact_policy_values(self.pairs, rule.tolist(), self.gamma)
        rows: list[dict[int, Fraction]] = [{} for _ in self.V]
        right = [Fraction(0) for _ in self.V]
        for s, a, r, law in self.pairs:
            weight = Fraction(float(rule[s, a])) / sum(Fraction(float(p)) for p in rule[s])
            right[s] += weight * r
            for t, p in law.items():
                rows[s][t] = rows[s].get(t, Fraction(0)) + self.gamma * weight * p
        return solve_linear(rows, right)


def contains(lower: Any, upper: Any, exact: Any) -> bool:
    """Compare without any rounding."""
    ends = zip(np.ravel(lower).tolist(), np.ravel(upper).tolist(), exact, strict=True)
    return all(Fraction(low) <= x <= Fraction(high) for low, high, x in ends)


def check(solution: mdpkit.Solution, exact: Exact) -> None:
    """Assert every claim an optimal discounted solution makes, in exact arithmetic."""
    assert solution.quantity == "optimal"
    assert contains(solution.lower, solution.upper, exact.V)
    assert (solution.lower <= solution.V).all()
    assert (solution.upper >= solution.V).all()
    assert solution.converged == (solution.half_width <= solution.tol)
    assert (solution.status == "converged") == solution.converged or solution.status == "interrupted"
    own = exact.policy(solution.policy)
    assert max(x - y for x, y in zip(exact.V, own, strict=True)) <= Fraction(solution.policy_loss)
    for s, best in enumerate(exact.optimal_actions):
        assert solution.optimal_actions[s, best].all(), f"an optimal action of state {s} was excluded"
    if solution.converged and solution.tol < np.inf:
        # The midpoint itself may round once.
        slack = Fraction(solution.tol) + Fraction(float(np.max(np.spacing(np.abs(solution.V)))))
        assert all(abs(Fraction(v) - x) <= slack for v, x in zip(solution.V.tolist(), exact.V, strict=True))


def solve_quietly(problem: Any, **keywords: Any) -> mdpkit.Solution:
    """Solve where missing the tolerance is part of the plan."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mdpkit.solve(problem, **keywords)
