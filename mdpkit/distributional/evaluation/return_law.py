"""`return_law`: the law of the return of a policy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mdpkit._arguments import check_count, check_option
from mdpkit._typing import Floats, Ints
from mdpkit.distributional.evaluation.approximate import Approximation, Representation, fixed_point, over_horizon
from mdpkit.distributional.evaluation.categorical import Categorical
from mdpkit.distributional.evaluation.exact import ExactLaws, exact_laws, sure_end, truncation_error
from mdpkit.distributional.evaluation.grid import Range, check_grid, return_range
from mdpkit.distributional.evaluation.memory import Table, enumerate_forward
from mdpkit.distributional.evaluation.process import (
    Process,
    check_model,
    fractions,
    induce,
    read_discount,
    read_horizon,
)
from mdpkit.distributional.evaluation.quantile import Quantile
from mdpkit.distributional.evaluation.result import ReturnLaws, approximate_result, exact_result, state_index
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.laws.merging import MAX_ATOMS
from mdpkit.errors import DiscountError, InputError, SupportWarning, UnknownOptionError
from mdpkit.models import FiniteHorizonMDP, MixturePolicy, NonStationaryPolicy, TabularMDP

__all__ = ["return_law"]

METHODS = ("exact", "categorical", "quantile")
SOLVERS = ("iterate", "direct")


def return_law(
    mdp: TabularMDP | FiniteHorizonMDP,
    policy: Any,
    *,
    horizon: int | None = None,
    initial_state: int | str | None = None,
    method: str = "exact",
    n_atoms: int = 51,
    grid: Any = None,
    solver: str = "iterate",
    exact: bool = False,
    gamma: Any = None,
    tol: float | None = None,
    max_iter: int | None = None,
    max_atoms: int = MAX_ATOMS,
) -> ReturnLaws:
    r"""Return the law of the discounted return ``G = sum_t gamma^t R_{t+1}`` of a policy, from every state.

    The laws solve the distributional Bellman equation ``eta(s) = law of R + gamma X(S')`` with ``X(s') ~ eta(s')``,
    where reward and successor are drawn together from the outcomes of the model. Method "exact" keeps every atom and
    needs a finite horizon; "categorical" keeps the probabilities of a fixed grid, "quantile" a fixed number of equally
    likely atoms, and both also solve for the law over all times.

    Parameters
    ----------
    mdp : TabularMDP or FiniteHorizonMDP
        The model.
    policy : array_like or object
        Action ids ``(S,)`` or ``(H, S)``; probabilities ``(S, A)`` or ``(H, S, A)``; a `NonStationaryPolicy` or
        `MixturePolicy`; or, for method "exact", any object whose ``act(state, t, memory) -> (action, memory)`` draws
        nothing at random; if it also offers ``observe(state, t, memory, action, reward, successor) -> memory``, it is
        told every reward, as stock policies are. A policy made for one start needs `initial_state`.
    horizon : int, optional
        Number of steps, 0 included. A `FiniteHorizonMDP` brings its own. For a discounted `TabularMDP` this truncates
        the return, and `error_bound` says what that may cost; with ``gamma`` 1 (or None) it is part of the problem.
        Without a horizon, method "exact" needs a model that surely ends.
    initial_state : int or str, optional
        Compute the law from this state only; by default from all states.
    method : {"exact", "categorical", "quantile"}
        Representation of the laws.
    n_atoms : int, default 51
        Points of the default grid (at least 2), or number of quantiles (at least 1).
    grid : array_like, shape (K,), optional
        Points of the categorical grid, increasing; by default `n_atoms` points from ``min r / (1 - gamma)`` to
        ``max r / (1 - gamma)`` over all outcomes of the model (over a horizon: the least and the largest return, and a
        margin so that nothing is clipped).
    solver : {"iterate", "direct"}
        For "categorical" over all times: sweeps, or one sparse linear system, which does not slow down as gamma
        approaches 1.
    exact : bool, default False
        Compute in fractions (method "exact" only): stored doubles at their exact value, probabilities divided by their
        exact sum.
    gamma : float or Fraction, optional
        Discount factor in ``(0, 1]`` in place of the model's; ``Fraction(1, 3)`` is more exact than any double.
    tol : float, optional
        Distance to the fixed point at which iterations stop, in W1 (quantiles: W_inf); by default 1e-14 of the
        range of returns.
    max_iter : int, optional
        Most sweeps; by default as many as double precision may need.
    max_atoms : int, default 2_000_000
        Cap on the atoms of a law and on the reachable triples of policy objects.

    Returns
    -------
    ReturnLaws
        ``.law(s)`` is the `DiscreteLaw` from state ``s``; ``.law()`` the one from the only start, or from the initial
        distribution.

    Raises
    ------
    ExplosionError
        A law has more than `max_atoms` atoms (also a `MemoryError`).
    DiscountError
        ``gamma`` is outside ``(0, 1]``, or 1 although the return may go on for ever.
    PolicyError, ShapeError
        The policy does not fit the model, or draws actions at random in `act`.
    InputError, UnknownOptionError
        Another argument is out of range.

    Warns
    -----
    SupportWarning
        The grid does not contain all returns, so that means are biased; `error_bound` includes it.
    ConvergenceWarning
        The sweeps ended at `max_iter`; `error_bound` includes what is missing.

    Notes
    -----
    An exact law may have ``B^H`` atoms, ``B`` outcomes per state; for rewards on a lattice and gamma = 1 the number
    grows linearly in ``H``. A sweep costs ``O(M K)`` (quantiles: ``O(M K log(M K / S))``) for ``M`` outcomes under the
    policy. Errors are a posteriori: the W1 cost of projecting the last backup, plus the change of the last sweep, over
    ``1 - gamma``; on a grid that contains all returns never above `bounds.categorical_wasserstein_error`, for quantiles
    never above `bounds.quantile_wasserstein_error` (plus the last change). For policy objects cost and memory are
    proportional to the reachable triples of state, accumulated reward and memory; floats count as equal when they agree
    to 11 digits.

    References
    ----------
    .. [1] M. G. Bellemare, W. Dabney, R. Munos, "A distributional perspective on reinforcement learning", ICML 2017.
    .. [2] M. G. Bellemare, W. Dabney, M. Rowland, *Distributional Reinforcement Learning*, MIT Press, 2023, chapters
       4 and 5.

    Examples
    --------
    A coin is tossed for ever and pays 1 or 0, each toss worth half the one before: the return is uniform on [0, 2].

    >>> import mdpkit
    >>> from mdpkit.distributional import return_law
    >>> coin = mdpkit.TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0, 1], [0, 0], gamma=0.5)
    >>> law = return_law(coin, [0], horizon=16).law(0)
    >>> len(law), round(law.cvar(0.25), 4)
    (65536, 0.25)
    >>> return_law(coin, [0], method="categorical", n_atoms=5).law(0)
    DiscreteLaw({0: 0.125, 0.5: 0.25, 1: 0.25, 1.5: 0.25, 2: 0.125})
    """
    check_model(mdp)
    _check_options(method, solver, grid, exact)
    check_count(max_atoms, "max_atoms")
    limit = read_horizon(mdp, horizon)
    discount = read_discount(mdp, gamma, exact=exact)
    starts = None if initial_state is None else np.array([state_index(mdp, initial_state)])
    size = Size(method, n_atoms, grid, solver, tol, max_iter)
    one = partial(_law, mdp, limit=limit, discount=discount, starts=starts, size=size, exact=exact, max_atoms=max_atoms)
    return _mixture(policy, one) if isinstance(policy, MixturePolicy) else one(policy)


@dataclass(frozen=True, eq=False, slots=True)
class Size:
    """The options of `return_law` that say how laws are represented and how closely the fixed point is met."""

    method: str
    n_atoms: int
    grid: Any
    solver: str
    tol: float | None
    max_iter: int | None


def _check_options(method: str, solver: str, grid: Any, exact: bool) -> None:
    """Refuse options that do not exist or do not go together."""
    check_option(method, "method", METHODS)
    check_option(solver, "solver", SOLVERS)
    if method != "exact" and exact:
        raise UnknownOptionError(f"exact fractions need method 'exact', found {method!r}", argument="exact", value=True)
    if method != "categorical" and (grid is not None or solver != "iterate"):
        name = "grid" if grid is not None else "solver"
        raise UnknownOptionError(f"{name} belongs to method 'categorical', found {method!r}", argument=name)


def _law(
    mdp: TabularMDP | FiniteHorizonMDP,
    policy: Any,
    *,
    limit: int | None,
    discount: Any,
    starts: Ints | None,
    size: Size,
    exact: bool,
    max_atoms: int,
) -> ReturnLaws:
    """Return the laws of a policy that is no mixture."""
    if isinstance(policy, MixturePolicy):
        raise UnknownOptionError("policy is a mixture of mixtures; multiply their weights out", argument="policy")
    if hasattr(policy, "act") and not isinstance(policy, NonStationaryPolicy):
        if size.method != "exact":
            raise UnknownOptionError(
                f"policies with memory need method 'exact', found {size.method!r}", argument="method", value=size.method
            )
        return _with_memory(mdp, policy, starts, limit, discount, exact=exact, max_atoms=max_atoms)
    process = induce(mdp, policy, horizon=limit, gamma=discount, exact=exact)
    if limit is None and (size.method == "exact" or discount == 1):
        limit = _length(process, starts, size.method)
        process = replace(process, horizon=limit, asked=True)
    if size.method == "exact":
        assert limit is not None
        return exact_result(mdp, exact_laws(process, limit, starts, max_atoms), limit)
    bounds = return_range(mdp, discount, limit)
    if size.method == "quantile":
        return _quantile(mdp, process, starts, size, bounds)
    return _categorical(mdp, process, starts, size, bounds)


def _approximation(
    representation: Representation, process: Process, size: Size, bounds: Range, start: Floats | None = None
) -> Approximation:
    """Apply the projected backups of the horizon, or find their fixed point; `start` is taken for it where given."""
    if process.horizon is not None:
        return over_horizon(representation, process, process.horizon)
    tol = 1e-14 * (bounds.high - bounds.low) if size.tol is None else _positive(size.tol, "tol")
    sweeps = None if size.max_iter is None else check_count(size.max_iter, "max_iter")
    scale = max(abs(bounds.low), abs(bounds.high))
    if start is None:
        return fixed_point(representation, process, tol=tol, scale=scale, max_iter=sweeps)
    done = fixed_point(representation, process, tol=tol, scale=scale, max_iter=0, start=start)
    return replace(done, converged=True)


def _quantile(
    mdp: TabularMDP | FiniteHorizonMDP, process: Process, starts: Ints | None, size: Size, bounds: Range
) -> ReturnLaws:
    quantile = Quantile(check_count(size.n_atoms, "n_atoms"), process.gamma)
    done = _approximation(quantile, process, size, bounds)
    share = np.full(quantile.n_atoms, 1.0 / quantile.n_atoms)
    return approximate_result(mdp, process, done, starts, size.method, lambda row: DiscreteLaw(row, share))


def _categorical(
    mdp: TabularMDP | FiniteHorizonMDP, process: Process, starts: Ints | None, size: Size, bounds: Range
) -> ReturnLaws:
    if size.grid is None:
        points = bounds.grid(check_count(size.n_atoms, "n_atoms", least=2))
    else:
        points = check_grid(size.grid)
    categorical = Categorical(points, process.gamma)
    direct = size.solver == "direct" and process.horizon is None
    start = categorical.solve(process.steps[-1]) if direct else None
    done = _approximation(categorical, process, size, bounds, start)
    if categorical.clipped > 1e-12 * (1.0 + max(abs(bounds.low), abs(bounds.high))):
        warnings.warn(
            f"the grid [{points[0]:.6g}, {points[-1]:.6g}] does not contain all projected returns (the returns lie in"
            f" [{bounds.low:.6g}, {bounds.high:.6g}]): a backup moves mass by {categorical.clipped:.3g} to its ends,"
            " and means are biased",
            SupportWarning,
            stacklevel=4,
        )
    return approximate_result(mdp, process, done, starts, size.method, lambda row: DiscreteLaw(points, row))


def _length(process: Process, starts: Ints | None, method: str) -> int:
    """Return the number of steps after which everything has ended; refuse a return that may go on."""
    length = sure_end(process, starts)
    if length is not None:
        return length
    if process.gamma == 1:
        raise DiscountError(
            "gamma = 1 needs a horizon: under this policy the return may go on for longer than any number of steps",
            argument="gamma",
            value=1,
        )
    raise InputError(
        f"horizon is required for method {method!r}: under this policy the return may go on for ever; pass horizon="
        " (its truncation error is reported), or method 'categorical' or 'quantile'",
        argument="horizon",
    )


def _with_memory(
    mdp: TabularMDP | FiniteHorizonMDP,
    policy: Any,
    starts: Ints | None,
    limit: int | None,
    discount: Any,
    *,
    exact: bool,
    max_atoms: int,
) -> ReturnLaws:
    """Enumerate forward from every start."""
    anything: Process | None = None
    if isinstance(mdp, TabularMDP):
        # Where the policy that tries everything surely ends, any policy does; and its rewards bound what is left.
        mask = mdp.action_mask
        anything = induce(mdp, mask / mask.sum(axis=1)[:, None], horizon=limit, gamma=discount)
        if limit is None:
            limit = _length(anything, starts, "exact")
            anything = replace(anything, asked=True)
    assert limit is not None
    table = Table(mdp, exact=exact)
    found = {
        s: enumerate_forward(table, policy, s, horizon=limit, gamma=discount, exact=exact, max_atoms=max_atoms)
        for s in (range(mdp.n_states) if starts is None else starts.tolist())
    }
    goes_on = anything is not None and not anything.asked and any(one.running for one in found.values())
    together = ExactLaws(
        atoms={s: one.atoms for s, one in found.items()},
        merged_error=max(one.merged_error for one in found.values()),
        truncation_error=truncation_error(anything, limit) if anything is not None and goes_on else 0.0,
        peak_atoms=max(one.peak_nodes for one in found.values()),
    )
    return exact_result(mdp, together, limit, sweeps=0)


def _mixture(policy: MixturePolicy, evaluate: Callable[[Any], ReturnLaws]) -> ReturnLaws:
    """Mix the laws of the members: the draw is made once per episode."""
    members = [evaluate(member) for member in policy.policies]
    first, weights = members[0], policy.weights
    used = [k for k in range(len(members)) if weights[k] > 0]
    share: Any = weights[used] / weights[used].sum()
    if next(iter(first.laws.values())).exact:
        share = fractions(weights[used])
        share = share / share.sum()
    laws = {s: DiscreteLaw.mixture(share, [members[k].laws[s] for k in used]) for s in first.laws}
    worst = max(members, key=lambda member: member.error_bound)
    return replace(
        worst,
        laws=laws,
        converged=all(member.converged for member in members),
        n_atoms=sum(member.n_atoms for member in members),
        iterations=sum(member.iterations for member in members),
    )


def _positive(value: Any, argument: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0.0 < value < np.inf:
        raise InputError(f"{argument} must be a positive number, found {value!r}", argument=argument, value=value)
    return float(value)
