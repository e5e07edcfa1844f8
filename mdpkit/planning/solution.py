"""What planners return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit._typing import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Solution", "Trace", "Verification"]


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """How a run went, one entry per certificate.

    Attributes
    ----------
    iterations : ndarray of int64
        Iterations done.
    sweeps : ndarray of float64
        Work done, in passes over the whole model.
    half_width : ndarray of float64
        Certified bound on the sup-norm error of the midpoint at that moment.
    """

    iterations: Ints
    sweeps: Floats
    half_width: Floats

    def __len__(self) -> int:
        return len(self.iterations)

    def __repr__(self) -> str:
        if len(self) == 0:
            return "Trace(empty)"
        return f"Trace({len(self)} certificates, half width {self.half_width[0]:.3g} -> {self.half_width[-1]:.3g})"


@dataclass(frozen=True, eq=False, slots=True)
class Solution:
    """Values and a policy, with a certificate.

    Attributes
    ----------
    V : ndarray, shape (S,) or (H+1, S)
        Midpoint of the enclosure.
    policy : ndarray
        Action ids ``(S,)`` or ``(H, S)``; for an evaluated stochastic policy its probabilities.
    lower, upper : ndarray, shape of V
        Certified bounds: ``lower <= V* <= upper``, rounding included, whatever stopped the solver. When a policy was
        evaluated they enclose the value of that policy.
    policy_loss : float
        Certified bound on ``max_s V*(s) - V^policy(s)``.
    optimal_actions : ndarray of bool, shape (S, A) or (H, S, A), or None
        False where an action is certainly not optimal.
    iterations : int
        Iterations of the method (sweeps, or improvement steps).
    converged : bool
        Whether the half width of the enclosure met `tol`.
    status : str
        "converged", "max_iter", "floor" (the tolerance is below what float64 can certify), "stopped" (by the callback)
        or "interrupted".
    message : str
        The same as a sentence.
    method : str
        The method that ran.
    tol : float
        The tolerance asked for.
    trace : Trace
        Certified width against work.
    state_names, action_names : tuple of str, or None
        Names taken over from the problem.
    quantity : str
        "optimal" if the enclosure is of ``V*``, "policy" if it is of the value of `policy`.
    """

    V: Floats
    policy: Any
    lower: Floats
    upper: Floats
    policy_loss: float
    optimal_actions: Bools | None
    iterations: int
    converged: bool
    status: str
    message: str
    method: str
    tol: float
    trace: Trace
    state_names: tuple[str, ...] | None = None
    action_names: tuple[str, ...] | None = None
    quantity: str = "optimal"

    @property
    def half_width(self) -> float:
        """Certified bound on the sup-norm error of `V`."""
        return float(np.max(self.upper - self.lower)) / 2

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per state (and step): names, value, bounds and action.

        Returns
        -------
        pandas.DataFrame
            Columns ``state, action, V, lower, upper``; a finite horizon adds ``step`` in front; for a stochastic policy
            ``action`` is replaced by one column of probabilities per action, for a policy object left out.

        Examples
        --------
        >>> import mdpkit
        >>> print(mdpkit.solve(mdpkit.problems.two_state(gamma=0.9)).to_frame().round(6).to_string(index=False))
        state  action     V  lower  upper
         good cash in   1.0    1.0    1.0
          bad    stay -10.0  -10.0  -10.0
        """
        import pandas as pd

        policy = np.asarray(None if hasattr(self.policy, "act") else self.policy)
        n_steps, n_states = (1, len(self.V)) if self.V.ndim == 1 else (len(self.V) - 1, self.V.shape[1])
        columns: dict[str, Any] = {}
        if self.V.ndim == 2:
            columns["step"] = np.repeat(np.arange(n_steps), n_states)
        states: Any = np.arange(n_states) if self.state_names is None else np.array(self.state_names, dtype=object)
        columns["state"] = np.tile(states, n_steps)
        if policy.dtype.kind in "iu":
            actions = policy.reshape(-1)
            columns["action"] = actions if self.action_names is None else [self.action_names[a] for a in actions]
        elif policy.ndim:
            table = policy.reshape(n_steps * n_states, -1)
            for a in range(table.shape[1]):
                columns[f"P({a if self.action_names is None else self.action_names[a]})"] = table[:, a]
        for name, values in (("V", self.V), ("lower", self.lower), ("upper", self.upper)):
            columns[name] = values.reshape(-1)[: n_steps * n_states]
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        return (
            f"Solution({self.status}: {self.method}, {self.iterations} iterations, "
            f"V within {self.half_width:.2g}, policy loss <= {self.policy_loss:.2g})"
        )


@dataclass(frozen=True, eq=False, slots=True)
class Verification:
    """What `mdpkit.verify` could prove about a solution from the model alone.

    Attributes
    ----------
    ok : bool
        Whether every claim of the solution was proved.
    lower, upper : ndarray
        An enclosure of the values derived here, independent of the one claimed.
    exact : bool
        Whether the proof used exact rational arithmetic (otherwise outward-rounded floating point).
    message : str
        What was proved, or the first claim that was refuted or could not be proved.
    """

    ok: bool
    lower: Floats
    upper: Floats
    exact: bool
    message: str

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"Verification({'ok' if self.ok else 'NOT ok'}: {self.message})"
