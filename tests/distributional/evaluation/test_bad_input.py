"""Section F: every bad argument is refused before any work, by name."""

from __future__ import annotations

import numpy as np
import pytest

from mdpkit import FiniteHorizonMDP
from mdpkit.distributional import return_law
from mdpkit.errors import DiscountError, InputError, MDPKitError, PolicyError, ShapeError, UnknownOptionError
from tests.distributional.evaluation import instances

MDP = instances.chain()
STAY = [0, 0, 0]

CASES = {
    "model": (("mdp", STAY), {}, InputError, "mdp", "mdp must be a TabularMDP"),
    "negative horizon": ((MDP, STAY), {"horizon": -1}, InputError, "horizon", "nonnegative integer, found -1"),
    "fractional horizon": ((MDP, STAY), {"horizon": 2.0}, InputError, "horizon", "nonnegative integer"),
    "no horizon": ((MDP, STAY), {}, InputError, "horizon", "horizon is required for method 'exact'"),
    "other horizon": (
        (FiniteHorizonMDP([[[1.0]]], [[1.0]], horizon=2), [0]),
        {"horizon": 3},
        InputError,
        "horizon",
        "has 2 steps",
    ),
    "gamma 0": ((MDP, STAY), {"gamma": 0, "horizon": 1}, DiscountError, "gamma", r"\(0, 1\]"),
    "gamma 2": ((MDP, STAY), {"gamma": 2, "horizon": 1}, DiscountError, "gamma", "found 2"),
    "gamma NaN": ((MDP, STAY), {"gamma": np.nan, "horizon": 1}, DiscountError, "gamma", "found nan"),
    "gamma NaN, exact": (
        (MDP, STAY),
        {"gamma": np.nan, "horizon": 1, "exact": True},
        DiscountError,
        "gamma",
        "found nan",
    ),
    "gamma text": ((MDP, STAY), {"gamma": "half", "horizon": 1}, DiscountError, "gamma", "number in"),
    "gamma 1 for ever": ((MDP, STAY), {"gamma": 1, "method": "quantile"}, DiscountError, "gamma", "needs a horizon"),
    "method": ((MDP, STAY), {"method": "c51"}, UnknownOptionError, "method", "found 'c51'"),
    "solver": (
        (MDP, STAY),
        {"method": "categorical", "solver": "lu"},
        UnknownOptionError,
        "solver",
        "iterate, direct; found 'lu'",
    ),
    "fractions": ((MDP, STAY), {"method": "quantile", "exact": True}, UnknownOptionError, "exact", "method 'exact'"),
    "grid elsewhere": (
        (MDP, STAY),
        {"method": "quantile", "grid": [0, 1]},
        UnknownOptionError,
        "grid",
        "belongs to method 'categorical'",
    ),
    "grid of one point": (
        (MDP, STAY),
        {"method": "categorical", "grid": [1.0]},
        ShapeError,
        "grid",
        "at least two points",
    ),
    "decreasing grid": (
        (MDP, STAY),
        {"method": "categorical", "grid": [0.0, 2.0, 1.0]},
        InputError,
        "grid",
        r"grid\[2\] = 1.0",
    ),
    "repeated point": ((MDP, STAY), {"method": "categorical", "grid": [0, 0]}, InputError, "grid", r"grid\[1\]"),
    "infinite grid": (
        (MDP, STAY),
        {"method": "categorical", "grid": [0, np.inf]},
        InputError,
        "grid",
        r"grid\[1\] = inf",
    ),
    "one atom": ((MDP, STAY), {"method": "categorical", "n_atoms": 1}, InputError, "n_atoms", "at least 2"),
    "no quantile": ((MDP, STAY), {"method": "quantile", "n_atoms": 0}, InputError, "n_atoms", "at least 1"),
    "no atom allowed": ((MDP, STAY), {"horizon": 1, "max_atoms": 0}, InputError, "max_atoms", "at least 1"),
    "tolerance": ((MDP, STAY), {"method": "quantile", "tol": 0}, InputError, "tol", "positive"),
    "sweeps": ((MDP, STAY), {"method": "quantile", "max_iter": 0}, InputError, "max_iter", "at least 1"),
    "start": ((MDP, STAY), {"horizon": 1, "initial_state": 3}, InputError, "initial_state", "initial_state"),
    "policy action": ((MDP, [0, 1, 0]), {"horizon": 1}, PolicyError, "policy", r"policy\[1\] = 1"),
    "policy at a step": (
        (MDP, [[0, 0, 0], [0, 0, 5]]),
        {"horizon": 2},
        PolicyError,
        "policy",
        r"at step 1: policy\[2\] = 5",
    ),
    "policy too short": ((MDP, [STAY]), {"horizon": 2}, ShapeError, "policy", "1 steps, fewer than the horizon 2"),
    "policy shape": ((MDP, [0, 0]), {"horizon": 1}, ShapeError, "policy", "found int64 of shape"),
    "policy sum": ((MDP, [[0.5], [1.0], [1.0]]), {"horizon": 1}, PolicyError, "policy", "sums to 0.5"),
    "timed policy for ever": (
        (MDP, [STAY, STAY]),
        {"method": "categorical"},
        InputError,
        "horizon",
        "does not say what follows",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    arguments, options, kind, argument, message = CASES[name]
    with pytest.raises(kind, match=message) as raised:
        return_law(*arguments, **options)
    assert isinstance(raised.value, MDPKitError)
    assert isinstance(raised.value, ValueError)
    assert raised.value.argument == argument


def test_state_that_was_not_computed():
    result = return_law(MDP, STAY, horizon=1, initial_state=1)
    with pytest.raises(InputError, match="state = 0 is none of the starts, 1"):
        result.law(0)
