"""The linear programmes of a discounted MDP, solved by HiGHS and polished."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit.errors import MDPKitError, UnknownOptionError
from mdpkit.planning.discounted.bellman import Bellman
from mdpkit.planning.discounted.policy_iteration import policy_iteration
from mdpkit.planning.run import Run

FORMS = ("primal", "dual")


def linear_program(run: Run[Bellman], *, form: str = "primal") -> None:
    r"""Solve the linear programme, then certify its policy.

    Primal: minimize :math:`\sum_s \mu(s) V(s)` subject to :math:`V(s) - \gamma P_k V \ge r_k` for every pair ``k`` of
    ``s``. Dual: maximize :math:`\sum_k r_k x_k` over occupancies ``x >= 0`` with
    :math:`\sum_{k \in s} x_k - \gamma \sum_k P_k(s) x_k = \mu(s)`; both with uniform ``mu`` (Puterman 1994,
    section 6.9).
    A solver's "optimal" carries an absolute feasibility tolerance of about 1e-7 and is no certificate, so its policy
    starts policy iteration, which evaluates it exactly, certifies it, and corrects it where the programme was loose.

    Parameters
    ----------
    run : Run
        The run.
    form : {"primal", "dual"}
        Which programme.
    """
    if form not in FORMS:
        raise UnknownOptionError(f"form must be one of {', '.join(FORMS)}; found {form!r}", argument="form")
    # Loading scipy.optimize takes longer than most solves; only this method needs it.
    from scipy.optimize import linprog

    bellman = run.bellman
    n_states, n_pairs = bellman.n_states, bellman.n_pairs
    pair_state = np.repeat(np.arange(n_states), np.diff(bellman.state_ptr))
    owner = sp.csr_array((np.ones(n_pairs), (np.arange(n_pairs), pair_state)), shape=(n_pairs, n_states))
    flow: Any = sp.csr_array(owner - bellman.gamma * bellman.rows.csr())
    start: Any = np.full(n_states, 1.0 / n_states)
    # HiGHS has absolute tolerances and takes numbers beyond 1e20 for infinite: hand it rewards of size 1.
    unit = bellman.rounding.reward_scale or 1.0
    reward = bellman.reward / unit
    if form == "primal":
        answer: Any = linprog(start, A_ub=-flow, b_ub=-reward, bounds=(None, None), method="highs")
    else:
        answer = linprog(-reward, A_eq=flow.T, b_eq=start, bounds=(0, None), method="highs")
    if answer.x is None:
        raise MDPKitError(f"HiGHS did not solve the {form} linear programme: {answer.message}")
    values = answer.x if form == "primal" else -answer.eqlin.marginals
    run.V = unit * np.asarray(values, dtype=np.float64)
    policy_iteration(run)
