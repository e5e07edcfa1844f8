"""How fast does the certified width of value iteration shrink on random models?"""

import mdpkit

GRID = [{"branching": branching, "gamma": 0.9} for branching in (2, 5, 20)]
CONFIGS = {
    "quick": {"configs": GRID, "n_seeds": 5},
    "paper": {"configs": GRID, "n_seeds": 1000},
}


def run(config, seed):
    """Solve one random model; one array entry per sweep, and scalars that are repeated beside them."""
    mdp = mdpkit.problems.garnet(50, 3, config["branching"], gamma=config["gamma"], seed=seed)
    solution = mdpkit.solve(mdp, method="value_iteration", tol=1e-6)
    return {
        "sweep": solution.trace.iterations,
        "half_width": solution.trace.half_width,
        "converged": solution.converged,
    }
