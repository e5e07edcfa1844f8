"""Models from the arrays of MDPtoolbox and pymdptoolbox."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from mdpkit.errors import ShapeError
from mdpkit.models import TabularMDP
from mdpkit.models.rows import is_sparse

__all__ = ["from_mdptoolbox"]


def from_mdptoolbox(P: Any, R: Any, gamma: float | None = None) -> TabularMDP:
    """Read the action-major arrays of MDPtoolbox and pymdptoolbox.

    Parameters
    ----------
    P : array_like, shape (A, S, S), or sequence of A matrices, shape (S, S), dense or sparse
        ``P[a][s, s']`` is the probability of moving from ``s`` to ``s'`` under ``a``.
    R : array_like, shape (S,), (S, A) or (A, S, S), sparse matrix (S, A), or sequence of A matrices (S, S)
        Rewards. A two-axis ``R`` is always read as ``(S, A)``, also when ``S == A``: that is MDPtoolbox's rule.
    gamma : float, optional
        Discount factor.

    Returns
    -------
    TabularMDP

    References
    ----------
    .. [1] I. Chadès, G. Chapron, M.-J. Cros, F. Garcia, R. Sabbadin, "MDPtoolbox: a multi-platform toolbox to solve
       stochastic dynamic programming problems", *Ecography* 37, 2014.

    Examples
    --------
    >>> from mdpkit import io
    >>> io.from_mdptoolbox(P=[[[0.5, 0.5], [0.8, 0.2]], [[0, 1], [0.1, 0.9]]], R=[[5, 10], [-1, 2]], gamma=0.9)
    TabularMDP(S=2, A=2, nnz=7, gamma=0.9, dense)
    """
    rows, n_actions = _stack(P, "P")
    n_states = rows.shape[1]
    if rows.shape[0] != n_actions * n_states:
        raise ShapeError(
            f"P must hold square matrices, found {n_actions} of shape ({rows.shape[0] // n_actions}, {n_states})",
            argument="P",
        )
    # Action-major order: row a*S + s.
    state = np.tile(np.arange(n_states), n_actions)
    action = np.repeat(np.arange(n_actions), n_states)
    return TabularMDP.from_pairs(state, action, rows, _rewards(R, n_states, n_actions), gamma)


def _rewards(R: Any, n_states: int, n_actions: int) -> Any:
    """Return rewards per action-major row or per transition."""
    table: Any = None
    if is_sparse(R):
        table = sp.csr_array(R).toarray()
    elif not _holds_sparse(R):
        table = np.asarray(R, dtype=np.float64)
    if table is not None and table.shape == (n_states,):
        return np.tile(table, n_actions)
    if table is not None and table.shape == (n_states, n_actions):
        return table.T.reshape(-1)
    expected = f"R must have shape ({n_states},), ({n_states}, {n_actions}) or ({n_actions}, {n_states}, {n_states})"
    if table is not None and table.shape != (n_actions, n_states, n_states):
        hint = "; it looks transposed" if table.shape == (n_actions, n_states) else ""
        raise ShapeError(f"{expected}, found {table.shape}{hint}", argument="R")
    blocks, count = _stack(R if table is None else table, "R")
    if count != n_actions or blocks.shape != (n_actions * n_states, n_states):
        raise ShapeError(f"{expected}, found {count} blocks with {blocks.shape[0]} rows together", argument="R")
    return blocks


def _stack(blocks: Any, name: str) -> tuple[Any, int]:
    """Put one matrix per action on top of each other; say how many there are."""
    if _holds_sparse(blocks):
        matrices = [sp.csr_array(block) for block in blocks]
        shapes = {matrix.shape for matrix in matrices}
        if len(shapes) > 1:
            raise ShapeError(f"{name} must hold matrices of one shape, found {sorted(shapes)}", argument=name)
        return sp.vstack(matrices, format="csr"), len(matrices)
    try:
        dense = np.asarray(blocks, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} must hold matrices of one shape: {error}", argument=name) from error
    if dense.ndim != 3 or 0 in dense.shape:
        raise ShapeError(f"{name} must have shape (A, S, S), found {dense.shape}", argument=name)
    return dense.reshape(-1, dense.shape[2]), len(dense)


def _holds_sparse(blocks: Any) -> bool:
    """Say whether this is a list, a tuple or an object array with a sparse matrix in it."""
    if isinstance(blocks, np.ndarray) and blocks.dtype.kind != "O":
        return False
    return isinstance(blocks, (list, tuple, np.ndarray)) and any(is_sparse(block) for block in blocks)
