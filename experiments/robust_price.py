"""Price of robustness: what nominal-optimal and robust policies are worth, nominally and at worst, as the set grows.

Families are matched by the ordering bounds: every set with parameter ``kappa`` lies inside the L1 ball of that radius.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import mdpkit
from mdpkit import bounds, problems
from mdpkit.models import ChiSquareBall, KLBall, L1Ball, ReverseKLBall, UncertaintySet
from mdpkit.robust import evaluate_robust

FAMILIES = ("l1", "kl", "reverse_kl", "chi_square")
PROBLEMS = ("river_swim", "machine_replacement")
CONFIGS = {
    preset: {
        "configs": [{"problem": name, "family": family, "n_radii": n} for name in PROBLEMS for family in FAMILIES],
        "n_seeds": 1,
    }
    for preset, n in (("quick", 21), ("paper", 81))
}
LARGEST_RADIUS = 0.8
TOL = 1e-9
FAILED, LONG_REPAIR, REPAIR = 20.0, 10.0, 2.0


def build(name: str) -> mdpkit.TabularMDP:
    """Return the nominal model; its rewards belong to states, as the sensitivity bound wants it."""
    if name == "river_swim":
        return problems.river_swim(6, gamma=0.95, up=0.05, down=0.35, first_up=0.4)
    machine = problems.machine_replacement()
    cost = np.zeros(machine.n_states)
    cost[-3:] = FAILED, LONG_REPAIR, REPAIR
    # Costs are paid in a state instead of on reaching it: U = -c + gamma V, with the same optimal policies.
    return machine.with_rewards(-cost)


def uncertainty(family: str, kappa: float) -> UncertaintySet:
    """Return a set inside the L1 ball of radius ``kappa``."""
    match family:
        case "l1":
            return L1Ball(kappa)
        case "kl":
            return KLBall(kappa**2 / 2.0)
        case "reverse_kl":
            return ReverseKLBall(kappa**2 / 2.0)
        case "chi_square":
            return ChiSquareBall(kappa**2)
        case "kl_around_chi_square":
            return KLBall(float(bounds.kl_radius_of_chi_square(radius=kappa**2)))
    raise ValueError(f"unknown family {family!r}")


def run(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Solve and evaluate at every radius; values are averages over states, differences the extreme of any state."""
    mdp, family = build(config["problem"]), config["family"]
    nominal = mdpkit.solve(mdp, tol=TOL)
    radii = np.linspace(0.0, LARGEST_RADIUS, config["n_radii"])
    columns: dict[str, list[float]] = {}
    before = (nominal.V, nominal.V)
    for kappa in radii:
        problem = mdpkit.RobustMDP(mdp, uncertainty(family, kappa))
        robust = mdpkit.solve(problem, tol=TOL)
        careless = evaluate_robust(problem, nominal.policy, tol=TOL)
        robust_nominally = mdpkit.evaluate_policy(mdp, robust.policy, tol=TOL)
        span = min(np.ptp(nominal.V), np.ptp(robust.V))
        row = {
            "nominal": nominal.V.mean(),
            "robust": robust.V.mean(),
            "careless": careless.V.mean(),
            "robust_nominally": robust_nominally.V.mean(),
            "rise": max(np.max(robust.V - before[0]), np.max(careless.V - before[1])),
            "advantage": np.min(robust.V - careless.V),
            "price": np.min(nominal.V - robust_nominally.V),
            "drop": np.max(nominal.V - robust.V),
            "limit": bounds.l1_radius_sensitivity(gamma=mdp.gamma, radius=kappa, span=span),
            "order": min(np.min(robust.V - larger) for larger in _larger_sets(mdp, family, kappa)),
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(float(value))
        before = (robust.V, careless.V)
    return {"kappa": radii, **{name: np.array(values) for name, values in columns.items()}}


def _larger_sets(mdp: mdpkit.TabularMDP, family: str, kappa: float) -> list[np.ndarray]:
    """Return robust values for the sets that the ordering bounds put around this one."""
    around = {"chi_square": ("l1", "kl_around_chi_square")}.get(family, ("l1",))
    return [mdpkit.solve(mdpkit.RobustMDP(mdp, uncertainty(name, kappa)), tol=TOL).V for name in around]
