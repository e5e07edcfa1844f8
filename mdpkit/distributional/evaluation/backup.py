"""`distributional_backup`: the distributional Bellman operator of a policy, for scalar and vector rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mdpkit.distributional.evaluation.exact import backup
from mdpkit.distributional.evaluation.joint import vector_process
from mdpkit.distributional.evaluation.process import check_model, induce
from mdpkit.distributional.evaluation.result import as_law
from mdpkit.distributional.laws import DiscreteLaw
from mdpkit.distributional.laws.merging import MAX_ATOMS, Atoms
from mdpkit.errors import InputError, ShapeError
from mdpkit.models import TabularMDP

__all__ = ["distributional_backup"]


def distributional_backup(
    mdp: TabularMDP,
    policy: Any,
    laws: Sequence[DiscreteLaw],
    *,
    rewards: Any = None,
    discounts: Any = None,
    max_atoms: int = MAX_ATOMS,
) -> tuple[DiscreteLaw, ...]:
    r"""Apply the distributional Bellman operator: ``(T_pi eta)(s) = law of R + gamma X(S')``, ``X(s') ~ eta(s')``.

    For vector rewards ``gamma`` is ``diag(gamma_1, ..., gamma_m)`` and all coordinates move on the same transition. In
    the supremum over states, ``T_pi`` contracts every ``W_p`` by ``max gamma_i`` and, for scalars, the Cramér distance
    by ``sqrt(gamma)``.

    Parameters
    ----------
    mdp : TabularMDP
        The model.
    policy : array_like
        Action ids ``(S,)``, or probabilities ``(S, A)``.
    laws : sequence of DiscreteLaw, length S
        One law per state, all scalar or all of dimension ``m``; in fractions if all of them are.
    rewards, discounts : optional
        Vector rewards as for `joint_covariance`; together or not at all.
    max_atoms : int, default 2_000_000
        Cap on the atoms of a law.

    Returns
    -------
    tuple of DiscreteLaw
        One law per state; `merged_error` is inherited.

    Raises
    ------
    ShapeError, InputError
        There is not one law per state, they have the wrong dimension, or one of `rewards` and `discounts` is missing.
    ExplosionError
        A law has more than `max_atoms` atoms.

    References
    ----------
    .. [1] M. G. Bellemare, W. Dabney, M. Rowland, *Distributional Reinforcement Learning*, MIT Press, 2023, chapter 4.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.distributional import DiscreteLaw, distributional_backup
    >>> coin = mdpkit.TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0, 1], [0, 0], gamma=0.5)
    >>> distributional_backup(coin, [0], [DiscreteLaw.point(2)])
    (DiscreteLaw({1: 0.5, 2: 0.5}),)
    """
    check_model(mdp)
    if not isinstance(mdp, TabularMDP):
        raise InputError("mdp must be a TabularMDP; its laws do not change with time", argument="mdp")
    if (rewards is None) != (discounts is None):
        missing = "rewards" if rewards is None else "discounts"
        raise InputError(f"{missing} is missing: vector rewards come with their discounts", argument=missing)
    if len(laws) != mdp.n_states:
        raise ShapeError(f"laws must hold {mdp.n_states} laws, one per state, found {len(laws)}", argument="laws")
    exact = all(law.exact for law in laws)
    if rewards is None:
        process, wanted = induce(mdp, policy, horizon=1, exact=exact), ()
    else:
        process, gamma = vector_process(mdp, policy, rewards, discounts, 1, exact=exact)
        wanted = gamma.shape
    for s, law in enumerate(laws):
        if law.x.shape[1:] != wanted:
            raise ShapeError(
                f"laws[{s}] has atoms of shape {law.x.shape[1:]}, the rewards {wanted}", argument="laws", index=s
            )
    plain = [law if exact else law.to_float() for law in laws]
    atoms = {s: Atoms(law.x, law.p, law.merged_error) for s, law in enumerate(plain)}
    step, found = process.step(0), []
    for s in range(mdp.n_states):
        new = backup(step, s, process.gamma, atoms, max_atoms)
        inherited = sum(
            float(step.prob[j]) * laws[int(step.successor[j])].merged_error for j in range(step.ptr[s], step.ptr[s + 1])
        )
        found.append(as_law(new._replace(merged_error=new.merged_error + inherited)))
    return tuple(found)
