"""`iwocs`: checks, the loop, when it stops and what it may claim."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from mdpkit._arguments import check_option
from mdpkit._typing import Floats
from mdpkit.errors import ConvergenceWarning, InputError, UnknownOptionError
from mdpkit.models import ModelSet, RobustMDP, TabularMDP
from mdpkit.planning.certificate import sweep_bounds
from mdpkit.planning.discounted.solver import check_max_iter, check_range, check_tolerance
from mdpkit.robust.iwocs.monte_carlo import MonteCarlo, RollOuts
from mdpkit.robust.iwocs.nature import Enumerated, Rectangular
from mdpkit.robust.iwocs.policy_steps import POLICY_STEPS
from mdpkit.robust.iwocs.result import IWOCSResult
from mdpkit.robust.iwocs.run import Run
from mdpkit.robust.iwocs.start import read_start

__all__ = ["iwocs"]

INNER_SHARE = 0.1
"""Share of the tolerance that each inner solve gets: a gap has four ends, so half of it is left for the gap itself."""

MOST_ROLL_OUT_ITERATIONS = 100
"""Roll-outs may miss their stopping rule for ever."""


def iwocs(
    problem: RobustMDP | ModelSet,
    *,
    initial_state: Any = 0,
    first_model: Any = None,
    policy_step: str = "hull",
    worst_case: str | MonteCarlo = "exact",
    off_policy: str = "robust_greedy",
    tol: float | None = None,
    max_iter: int | None = None,
) -> IWOCSResult:
    r"""Solve a robust problem as a sequence of ordinary ones (incremental worst-case search).

    From a model ``T_0`` on, iteration ``i`` picks a policy that does well in all models seen so far and asks for its
    worst model ``T_{i+1}``. The policy's worst-case value is a lower bound on what is attainable, the models seen give
    an upper one; where they meet the policy is optimal.

    Parameters
    ----------
    problem : RobustMDP or ModelSet
        (s,a)-rectangular, discounted and adversarial; or finitely many models of which nature picks one for good.
    initial_state : int, str or array_like, shape (S,), default 0
        Where the bounds are taken: a state, or a distribution over which they are averaged.
    first_model : TabularMDP or int, optional
        ``T_0``, which must belong to the set: for a `ModelSet` one of its models or an index (default 0); for a
        `RobustMDP` any member, by default the nominal model. `FiniteSet`, `IntervalSet` and `ConvexSet` need not
        contain it; there the default is nature's answer to values of zero, which for a `FiniteSet` with rewards per
        pair is the first candidate of every pair.
    policy_step : {"hull", "min_q"}
        "hull": the policy is optimal for the (s,a)-rectangular hull of the models seen, the set in which nature picks
        the row of any of them, pair by pair. "min_q", as published: it is greedy for ``min_j Q*_{T_j}``.
    worst_case : {"exact", "enumerate", "monte_carlo"} or MonteCarlo
        "exact": nature's policy iteration for a `RobustMDP`, one linear solve per model for a `ModelSet` ("enumerate"
        is the same). "monte_carlo": roll-outs in every model of a `ModelSet`, for reproductions; see `MonteCarlo`.
    off_policy : {"robust_greedy", "keep"}
        What the rows of ``T_{i+1}`` are for actions that the policy does not play, which the worst case leaves open:
        the worst against the policy's values, or those of ``T_i``. Rectangular problems only.
    tol : float, optional
        Gap at the start to certify. Default ``1e-8 * max(1, max|r| / (1 - gamma))``, or what float64 can certify where
        that is larger.
    max_iter : int, optional
        Most iterations; by default none (with roll-outs 100).

    Returns
    -------
    IWOCSResult
        With `lower` and `upper` of every iteration, `status` "certified", "stalled", "max_iter", "floor" or
        "estimated", and the policy with the best lower bound.

    Raises
    ------
    UnknownOptionError
        An option does not exist or does not fit the problem; s-rectangular, finite-horizon and cooperative problems,
        which `mdpkit.solve` solves.
    InputError
        ``initial_state``, ``first_model``, ``tol`` or ``max_iter`` is not usable.
    KeyboardInterrupt
        On Ctrl-C, with the result so far as attribute ``solution`` (None before the first iteration ended).

    Warns
    -----
    ConvergenceWarning
        The result is not certified: its `message` says why. The bounds are valid all the same.

    Notes
    -----
    In an (s,a)-rectangular problem every iteration encloses the robust value at the start: ``lower_i <= V* <= upper_i``
    with :math:`\mathrm{upper}_i = \max_a \min_{j \le i} Q^*_{T_j}(s_0, a)` or the value of the hull. "min_q" may
    **stall**: if ``T_{i+1}`` is a model seen before, all later iterations are the same. "hull" cannot: a policy that
    comes back has its worst rows in the hull already, which closes the gap; at most ``A^S + 1`` iterations, in practice
    two to four. The run stops on the best bounds so far, ``min_i upper_i - max_i lower_i <= tol``; the published rule,
    which compares those of one iteration, would miss some certificates.

    For a `ModelSet` the lower bounds hold for the one model nature picks, and the upper bound is
    :math:`\max_{d} \min_{j \le i} \sum_a d_a Q^*_{T_j}(s_0, a)`, which covers randomized policies and policies with
    memory as well. The gap between the best deterministic policy, which is what the iterations look for, and that bound
    may be real: then the run ends as "stalled". No rate of convergence is known for either step.

    Upper bounds rest on models found by nature's inner solvers, whose rows are members of the set up to 1e-12 (for
    `ConvexSet` up to the accuracy of the conic solver); the bounds are widened by what that can change.

    References
    ----------
    .. [1] A. Zouitine, M. Geist, E. Rachelson, "Solving robust MDPs as a sequence of static RL problems", arXiv
       2410.06212, 2024, algorithm 1. The hull step, the bounds for model sets and the stall rule are ours.
    .. [2] G. N. Iyengar, "Robust dynamic programming", Math. Oper. Res. 30(2), 2005, Lemma 3.3 (static and dynamic
       worst cases of stationary policies coincide).

    Examples
    --------
    A model on which the published step stalls, with a policy worth -10.9 where 0 can be had:

    >>> import warnings
    >>> from mdpkit.problems.robust import iwocs_stall
    >>> from mdpkit.robust.iwocs import iwocs
    >>> result = iwocs(iwocs_stall())
    >>> result.status, result.iterations, result.policy.tolist(), result.gap < 1e-9
    ('certified', 3, [1, 0, 1], True)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     stalled = iwocs(iwocs_stall(), policy_step="min_q")
    >>> stalled.status, round(stalled.value, 3), round(stalled.upper[-1], 3)
    ('stalled', -10.947, 4.4)
    """
    check_problem(problem)
    check_options(policy_step, worst_case, off_policy)
    check_max_iter(max_iter)
    start = read_start(initial_state, problem)
    chosen_tol = None if tol is None else check_tolerance(tol)
    nature = choose_nature(problem, worst_case, start, off_policy)
    check_range(nature.rounding)
    goal = default_gap(nature) if chosen_tol is None else chosen_tol
    nature.tol = INNER_SHARE * goal
    first = nature.first(first_model)
    widening = nature.widening if isinstance(nature, Rectangular) else None
    step = POLICY_STEPS[policy_step](first.model, start, INNER_SHARE * goal, widening)
    if max_iter is None and isinstance(nature, RollOuts):
        max_iter = MOST_ROLL_OUT_ITERATIONS
    never_stalls = policy_step == "hull" and widening is not None
    run = Run(first, nature, tol=goal, max_iter=max_iter, never_stalls=never_stalls)
    label = worst_case if isinstance(worst_case, str) else "monte_carlo"
    options = {"policy_step": policy_step, "worst_case": label, "off_policy": off_policy}
    try:
        while not run.status:
            proposal = step.propose(run.models)
            run.record(proposal, nature.answer(proposal.policy, run.models[-1]))
    except KeyboardInterrupt as interrupt:
        run.status = "interrupted"
        # Ctrl-C loses nothing: the bounds so far travel with the exception.
        interrupt.solution = run.result(start, **options)  # type: ignore[attr-defined]
        raise
    result = run.result(start, **options)
    assert result is not None  # the loop ends after an iteration
    if not result.converged:
        warnings.warn(result.message, ConvergenceWarning, stacklevel=2)
    return result


def choose_nature(
    problem: RobustMDP | ModelSet, worst_case: str | MonteCarlo, start: Floats, off_policy: str
) -> Rectangular | Enumerated:
    """Return nature's side for a problem and an option."""
    if isinstance(problem, ModelSet):
        if isinstance(worst_case, MonteCarlo) or worst_case == "monte_carlo":
            return RollOuts(problem, start, MonteCarlo() if isinstance(worst_case, str) else worst_case)
        return Enumerated(problem, start)
    if worst_case != "exact":
        raise UnknownOptionError(
            "worst_case='enumerate' and 'monte_carlo' go through the models of a ModelSet; the kernels of a RobustMDP "
            "are too many, and exact evaluation needs no list of them: worst_case='exact'",
            argument="worst_case",
            value=worst_case,
        )
    return Rectangular(problem, start, off_policy)


def check_problem(problem: Any) -> None:
    """Refuse what has no such iteration, and say what there is instead."""
    if isinstance(problem, ModelSet):
        return
    if not isinstance(problem, RobustMDP):
        raise InputError(
            f"problem must be an (s,a)-rectangular RobustMDP or a ModelSet, found {type(problem).__name__}",
            argument="problem",
        )
    for found, reason in (
        (not isinstance(problem.nominal, TabularMDP), "a finite horizon: mdpkit.solve does backward induction"),
        (
            problem.rectangularity != "sa",
            "s-rectangular sets, whose optimal policies may randomize: mdpkit.solve finds and certifies them",
        ),
        (problem.nature != "adversarial", "cooperative nature: mdpkit.solve maximizes over policies and kernels"),
    ):
        if found:
            raise UnknownOptionError(
                f"iwocs takes (s,a)-rectangular, discounted, adversarial problems and model sets, not {reason}",
                argument="problem",
            )


def check_options(policy_step: str, worst_case: Any, off_policy: str) -> None:
    """Refuse unknown words."""
    check_option(policy_step, "policy_step", tuple(POLICY_STEPS))
    check_option(off_policy, "off_policy", ("robust_greedy", "keep"))
    if not isinstance(worst_case, MonteCarlo):
        check_option(worst_case, "worst_case", ("exact", "enumerate", "monte_carlo"))


def default_gap(nature: Rectangular | Enumerated) -> float:
    """Return 1e-8 relative to the largest possible value, or what rounding allows where that is larger."""
    rounding = nature.rounding
    scale = rounding.reward_scale / (1.0 - rounding.gamma)
    floor = sweep_bounds(np.array([scale]), 0.0, 0.0, rounding).floor
    noise = nature.widening(2 * scale) if isinstance(nature, Rectangular) else 0.0
    return max(1e-8 * max(1.0, scale), 8 * floor + 2 * noise)
