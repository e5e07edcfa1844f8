"""The learners of the experiments see feedback only: they run on a stub that has no model behind it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import mdpkit
from experiments.plug_in_planning import empirical_model
from experiments.sampled_value_iteration import sampled_q_values


class Stub:
    """Two states, two actions: action 0 stays and earns the state's number, action 1 moves and earns nothing."""

    n_states, n_actions, gamma = 2, 2, 0.5
    action_mask = np.ones((2, 2), dtype=bool)
    rewards = np.array([[0.0, 0.0], [1.0, 0.0]])

    def sample_counts(self, pairs=None, n=1, *, sparse=False):
        counts = n * np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
        return sp.csr_array(counts) if sparse else counts


# Staying in state 1 is worth 1 / (1 - 1/2) = 2; state 0 moves there first.
VALUES = np.array([1.0, 2.0])


def test_plug_in_planning_needs_no_model():
    solution = mdpkit.solve(empirical_model(Stub(), n=3))
    np.testing.assert_allclose(solution.V, VALUES, rtol=0, atol=1e-9)
    assert solution.policy.tolist() == [1, 0]


def test_sampled_value_iteration_needs_no_model():
    q = sampled_q_values(Stub(), n=3, iterations=60)
    np.testing.assert_allclose(q, [0.5, 1.0, 2.0, 0.5], rtol=0, atol=1e-9)


def test_equal_seeds_give_equal_learners():
    mdp = mdpkit.problems.river_swim(4, gamma=0.9)
    runs = [sampled_q_values(mdpkit.GenerativeModel(mdp, seed=seed), n=10, iterations=20) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.any(runs[0] != runs[2])


@pytest.mark.parametrize("name", ["core_set", "simulation_lemma", "stopping_rules"])
def test_results_do_not_depend_on_the_number_of_workers(name: str):
    one, two = (mdpkit.sweeps.run(name, jobs=jobs) for jobs in (1, 2))
    assert one.equals(two)
