"""How runs end: caps, tolerances below the floor, Ctrl-C; and what results show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mdpkit
from mdpkit.errors import ConvergenceWarning
from mdpkit.models import KLBall, L1Ball, RobustMDP
from mdpkit.problems.robust import iwocs_stall, modular
from mdpkit.robust import iwocs
from mdpkit.robust.iwocs import front
from mdpkit.robust.iwocs.nature import Rectangular


def test_a_cap_leaves_valid_bounds() -> None:
    with pytest.warns(ConvergenceWarning, match="cap after 1 iteration:"):
        result = iwocs(iwocs_stall(), max_iter=1)
    assert (result.status, result.converged, result.iterations) == ("max_iter", False, 1)
    assert result.lower[0] < 0.0 < result.upper[0]
    assert repr(result).startswith("IWOCSResult(max_iter: hull, 1 iterations")


def test_a_tolerance_below_rounding_is_reported_as_such() -> None:
    with pytest.warns(ConvergenceWarning, match="float64"):
        result = iwocs(iwocs_stall(), tol=1e-16)
    assert result.status == "floor"
    assert not result.converged
    assert 0.0 < result.gap < 1e-10


@pytest.mark.parametrize("uncertainty", [L1Ball(0.2), KLBall(0.02)])
@pytest.mark.parametrize("policy_step", ["hull", "min_q"])
def test_it_agrees_with_robust_dynamic_programming(uncertainty: Any, policy_step: str) -> None:
    problem = RobustMDP(modular(), uncertainty)
    result = iwocs(problem, policy_step=policy_step, initial_state=4)
    solution = mdpkit.solve(problem)
    assert result.status == "certified"
    assert max(result.lower) <= solution.upper[4]
    assert min(result.upper) >= solution.lower[4]
    assert result.policy.tolist() == solution.policy.tolist()
    # the worst model is a member: it pays the policy what was certified
    assert mdpkit.evaluate_policy(result.worst_model, result.policy).V[4] == pytest.approx(result.value, abs=1e-6)


def test_keep_copies_the_rows_that_are_not_played() -> None:
    result = iwocs(iwocs_stall(), off_policy="keep")
    for before, after, policy in zip(result.models, result.models[1:], result.policies, strict=False):
        for s in range(3):
            other = 1 - int(policy[s])
            assert np.array_equal(before.transition(s, other), after.transition(s, other))


@pytest.mark.parametrize("rounds", [0, 1])
def test_ctrl_c_loses_nothing(monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    class Interrupted(Rectangular):
        calls = 0

        def answer(self, policy: Any, previous: Any) -> Any:
            if self.calls == rounds:
                raise KeyboardInterrupt
            self.calls += 1
            return super().answer(policy, previous)

    monkeypatch.setattr(front, "Rectangular", Interrupted)
    with pytest.raises(KeyboardInterrupt) as error:
        iwocs(iwocs_stall())
    result = error.value.solution  # type: ignore[attr-defined]
    if not rounds:
        assert result is None
    else:
        assert result.status == "interrupted"
        assert result.iterations == 1
        assert len(result.models) == 2
        assert result.value == pytest.approx(-208 / 19)


def test_names_find_the_start() -> None:
    problem = RobustMDP(mdpkit.problems.two_state(gamma=0.9), L1Ball(0.1))
    assert iwocs(problem, initial_state="bad").value == pytest.approx(-10.0, abs=1e-6)
    assert iwocs(problem, initial_state=1).start.tolist() == [0.0, 1.0]
