"""Stopping early: Ctrl-C, callbacks, caps and floors all leave a certified solution."""

from __future__ import annotations

import signal
import threading
from typing import Any

import numpy as np
import pytest

import mdpkit
from mdpkit import ConvergenceWarning
from mdpkit.planning.run import Snapshot
from tests.planning.support import METHOD_IDS, METHODS, Exact, check, contains, solve_quietly

each_method = pytest.mark.parametrize(("method", "options"), METHODS, ids=METHOD_IDS)
RIVER = mdpkit.problems.river_swim(6, gamma=0.95)
FOREST = mdpkit.problems.forest(12, gamma=0.99, r_wait=4.0, r_cut=2.0)
EXACT = {id(model): Exact(model) for model in (RIVER, FOREST)}


@each_method
@pytest.mark.parametrize("after", [1, 2, 7])
@pytest.mark.parametrize("model", [RIVER, FOREST], ids=["river", "forest"])
def test_an_interrupt_carries_the_certified_solution(
    method: str, options: dict[str, str], after: int, model: mdpkit.TabularMDP
):
    def interrupt(snapshot: Snapshot) -> None:
        nonlocal after
        after -= 1
        if after == 0:
            raise KeyboardInterrupt

    kept = after
    try:
        solution = mdpkit.solve(model, method=method, callback=interrupt, V0=np.full(model.n_states, 3.0), **options)
    except KeyboardInterrupt as stop:
        solution = stop.solution  # type: ignore[attr-defined]
        assert solution.status == "interrupted"
        assert solution.message.startswith("Interrupted after")
        assert len(solution.trace) == kept
    check(solution, EXACT[id(model)])
    assert mdpkit.verify(model, solution).ok


@pytest.mark.skipif(
    not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread(),
    reason="needs SIGALRM",
)
@pytest.mark.parametrize(
    ("method", "options"),
    [("value_iteration", {}), ("gauss_seidel", {})],
)
def test_a_real_ctrl_c_during_a_long_solve(method: str, options: dict[str, str]):
    # 3000 states at 1 - 1e-6: sweeps shrink by little more than gamma.
    model = mdpkit.problems.chain(3000, gamma=1 - 1e-6)
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))

    def start_the_clock(now: Snapshot) -> None:
        # From within the run, so that however slow the machine is the signal arrives while sweeps are being done.
        if now.iterations < 20:
            signal.setitimer(signal.ITIMER_REAL, 0.05)

    try:
        with pytest.raises(KeyboardInterrupt) as stop:
            mdpkit.solve(model, method=method, tol=1e-6, callback=start_the_clock, **options)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    solution = stop.value.solution  # type: ignore[attr-defined]
    assert (solution.status, solution.converged) == ("interrupted", False)
    # The truth, by another method with another certificate. At this discount `verify` cannot always prove a bound that
    # is nearly attained (V* is close to `upper` at the far end), but it must never refute a true one.
    truth = mdpkit.solve(model, method="policy_iteration", V0=np.arange(3000.0), tol=1e-2)
    assert (solution.lower <= truth.upper).all()
    assert (truth.lower <= solution.upper).all()
    assert not mdpkit.verify(model, solution).message.startswith("refuted")


@each_method
def test_snapshots_enclose_the_truth_at_every_certificate_and_may_be_kept(method: str, options: dict[str, str]):
    seen: list[Snapshot] = []
    solution = mdpkit.solve(RIVER, method=method, callback=lambda s: bool(seen.append(s)), **options)
    exact = EXACT[id(RIVER)]
    assert len(seen) == len(solution.trace)
    assert [s.iterations for s in seen] == solution.trace.iterations.tolist()
    assert [s.sweeps for s in seen] == solution.trace.sweeps.tolist()
    assert (np.diff(solution.trace.sweeps) > 0).all()
    assert (np.diff(solution.trace.iterations) > 0).all()
    for snapshot, width in zip(seen, solution.trace.half_width, strict=True):
        # Read after the run: the solver's buffers have long been overwritten.
        assert contains(snapshot.lower, snapshot.upper, exact.V)
        assert snapshot.half_width * (1 + 1e-12) >= width or width <= snapshot.half_width + 1e-14
        assert (snapshot.lower <= snapshot.V).all()
        assert (snapshot.upper >= snapshot.V).all()
    assert solution.half_width <= solution.trace.half_width[-1]


# Not the linear programme: its first certificate is at the rounding floor already.
@pytest.mark.parametrize(("method", "options"), [pair for pair in METHODS if pair[0] != "linear_program"])
def test_a_true_answer_of_the_callback_stops(method: str, options: dict[str, str]):
    with pytest.warns(ConvergenceWarning, match="Stopped by the callback after 1 iterations"):
        solution = mdpkit.solve(FOREST, method=method, tol=1e-300, callback=lambda s: True, **options)
    assert (solution.status, solution.converged, solution.iterations) == ("stopped", False, 1)
    check(solution, EXACT[id(FOREST)])


@pytest.mark.parametrize("cap", [1, 2, 5, 11])
@each_method
def test_the_cap_is_kept_and_named(method: str, options: dict[str, str], cap: int):
    solution = solve_quietly(FOREST, method=method, tol=4e-10, max_iter=cap, **options)
    check(solution, EXACT[id(FOREST)])
    assert solution.iterations <= cap
    if solution.converged:
        assert method != "value_iteration", "400 * 0.99^11 is far from 4e-10"
    else:
        assert (solution.status, solution.iterations) == ("max_iter", cap)
        assert solution.message.startswith(f"Stopped at the cap of {cap} iterations")


@pytest.mark.parametrize(
    "call",
    [
        lambda: mdpkit.solve(RIVER, tol=1e-300),
        lambda: mdpkit.solve(RIVER.with_horizon(9), tol=1e-300),
        lambda: mdpkit.evaluate_policy(RIVER, [1] * 6, tol=1e-300),
        lambda: mdpkit.evaluate_policy(RIVER.with_horizon(9), [1] * 6, tol=1e-300),
    ],
    ids=["solve", "solve horizon", "evaluate", "evaluate horizon"],
)
def test_warnings_point_at_the_caller(call: Any):
    with pytest.warns(ConvergenceWarning) as record:
        call()
    assert [w.filename for w in record] == [__file__]


@each_method
def test_the_floor_is_named(method: str, options: dict[str, str]):
    with pytest.warns(ConvergenceWarning, match="rounding floor of about"):
        solution = mdpkit.solve(RIVER, method=method, tol=1e-300, **options)
    assert (solution.status, solution.converged) == ("floor", False)
    check(solution, EXACT[id(RIVER)])
    # gamma/(1-gamma) (b+3) u (max|r| + gamma max|V|) = 19 * 6 u * 10 = 1.3e-13 (spec 1.2); the rest is slack.
    assert solution.half_width <= 1e-12


@each_method
def test_progress_leaves_the_answer_alone(method: str, options: dict[str, str], capsys: Any):
    quiet = mdpkit.solve(RIVER, method=method, **options)
    shown = mdpkit.solve(RIVER, method=method, progress=True, **options)
    assert shown.V.tolist() == quiet.V.tolist()
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("extra", [{"tol": float("inf")}, {"V0": [1e140] * 6}, {"tol": 1e30}])
def test_progress_survives_odd_widths(extra: dict[str, Any]):
    assert mdpkit.solve(RIVER, method="value_iteration", progress=True, **extra).converged


def test_progress_on_zero_rewards():
    assert mdpkit.solve(RIVER.with_rewards(np.zeros((6, 2))), progress=True).half_width == 0.0


def test_other_exceptions_of_a_callback_pass_through():
    def fail(_: Snapshot) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        mdpkit.solve(RIVER, callback=fail)
