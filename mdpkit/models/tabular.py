"""`TabularMDP`: a finite Markov decision process, written down exactly."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from mdpkit._typing import Floats
from mdpkit.models import _construct as construct
from mdpkit.models._checks import check_discount, check_initial, check_names, frozen
from mdpkit.models._views import TabularViews

if TYPE_CHECKING:
    from mdpkit.models.finite_horizon import FiniteHorizonMDP
    from mdpkit.models.reward_process import MarkovRewardProcess

__all__ = ["TabularMDP"]


class TabularMDP(TabularViews):
    """A finite Markov decision process with states ``0..S-1`` and actions ``0..A-1``.

    Taking action ``a`` in state ``s`` yields the reward ``r(s, a)`` and leads to ``s'`` with probability
    ``P(s' | s, a)``; the value of a policy is its expected discounted return, the discounted sum of its rewards.
    Instances are immutable. Large inputs that already have the right type (C-contiguous float64 arrays, canonical CSR
    matrices) are used as they are, without a copy.

    Parameters
    ----------
    P : array_like, shape (S, A, S), or sparse matrix, shape (S*A, S), or list of A sparse matrices, shape (S, S)
        Transition probabilities. Row ``s*A + a`` of a sparse matrix belongs to the pair ``(s, a)``; a list holds one
        matrix per action. Every row must sum to one within 1e-8; rows are then divided by their sum, and that is the
        model.
    r : array_like, shape (S,), (S, A) or (S, A, S), or sparse matrix, shape (S*A, S)
        Rewards: on leaving a state, for a pair, or for a transition. ``-inf`` at ``r[s, a]`` says that state ``s``
        does not have action ``a``; its row of ``P`` is then ignored. Rewards that depend on the successor are kept as
        `outcomes` and averaged for planning.
    gamma : float, optional
        Discount factor in ``[0, 1]``. None (the default) means undiscounted.
    initial : int, str or array_like, shape (S,), optional
        Initial state by index or name, or initial distribution.
    state_names, action_names : sequence of str, optional
        Distinct names shown in tables and plots.
    sum_to_one : {"strict", "renormalize"}, default "strict"
        "renormalize" also accepts rows that miss one by up to 1e-3 (rounded data files).

    Raises
    ------
    NotStochasticError
        A probability is negative or not finite, or a row does not sum to one.
    ShapeError
        Shapes do not agree.
    NonFiniteRewardError
        A reward is NaN or infinite.
    EmptyActionSetError
        A state has no action.
    DiscountError
        ``gamma`` is outside ``[0, 1]``.

    See Also
    --------
    TabularMDP.from_pairs : action sets that differ by state.
    TabularMDP.from_outcomes : random rewards.

    Notes
    -----
    Construction is vectorised: ``O(nnz)`` time, and no copy of the probabilities unless a conversion needs one.

    References
    ----------
    .. [1] M. L. Puterman, *Markov Decision Processes*, Wiley, 1994, chapter 6.

    Examples
    --------
    Puterman's two-state problem (section 3.1): stay for 5, or cash in 10 and pay 1 for ever after.

    >>> import mdpkit
    >>> P = [[[0.5, 0.5], [0.0, 1.0]],
    ...      [[0.0, 1.0], [0.0, 1.0]]]
    >>> mdp = mdpkit.TabularMDP(P, r=[[5, 10], [-1, float("-inf")]], gamma=0.9,
    ...                         state_names=["good", "bad"], action_names=["stay", "cash in"])
    >>> mdp
    TabularMDP(S=2, A=2, pairs=3, nnz=4, gamma=0.9, dense, states=good, bad, actions=stay, cash in)
    >>> mdp.reward("good", "cash in")
    10.0
    """

    __slots__ = ()

    def __init__(
        self,
        P: Any,
        r: Any,
        gamma: float | None = None,
        *,
        initial: Any = None,
        state_names: Sequence[object] | None = None,
        action_names: Sequence[object] | None = None,
        sum_to_one: str = "strict",
    ) -> None:
        gamma = check_discount(gamma)
        renormalize = construct.renormalize_flag(sum_to_one)
        core = construct.product_core(P, r, renormalize=renormalize)
        self._fill(core, gamma, initial, state_names, action_names)

    @classmethod
    def from_pairs(
        cls,
        state: Any,
        action: Any,
        P: Any,
        r: Any,
        gamma: float | None = None,
        *,
        initial: Any = None,
        state_names: Sequence[object] | None = None,
        action_names: Sequence[object] | None = None,
        sum_to_one: str = "strict",
    ) -> TabularMDP:
        """Build a model from one row per state-action pair; action sets may differ by state.

        Parameters
        ----------
        state, action : array_like of int, shape (N,)
            The pairs, in any order, none twice. Every state must own at least one.
        P : sparse matrix or array_like, shape (N, S)
            Row ``k`` is the law of the successor of pair ``k``.
        r : array_like, shape (N,), or matrix like ``P``
            Reward of each pair, or of each transition.
        gamma, initial, state_names, action_names, sum_to_one
            As for `TabularMDP`.

        Returns
        -------
        TabularMDP

        Raises
        ------
        DuplicatePairError, EmptyActionSetError, StateIndexError
            The pairs do not form a model; beside the errors of `TabularMDP`.

        Examples
        --------
        >>> import mdpkit
        >>> mdp = mdpkit.TabularMDP.from_pairs(state=[0, 0, 1], action=[0, 1, 0],
        ...                                    P=[[0.5, 0.5], [0, 1], [0, 1]], r=[5, 10, -1], gamma=0.9)
        >>> mdp.action_mask
        array([[ True,  True],
               [ True, False]])
        """
        gamma = check_discount(gamma)
        renormalize = construct.renormalize_flag(sum_to_one)
        n_actions = None if action_names is None else len(action_names)
        core = construct.pairs_core(state, action, P, r, n_actions=n_actions, renormalize=renormalize)
        return cls._from_core(core, gamma, initial, state_names, action_names)

    @classmethod
    def from_outcomes(
        cls,
        state: Any,
        action: Any,
        prob: Any,
        reward: Any,
        successor: Any,
        gamma: float | None = None,
        *,
        n_states: int | None = None,
        initial: Any = None,
        state_names: Sequence[object] | None = None,
        action_names: Sequence[object] | None = None,
        sum_to_one: str = "strict",
    ) -> TabularMDP:
        """Build a model from columns, one line per outcome.

        Repeated successors with different rewards stay apart, so that the joint law of reward and successor survives;
        lines that agree in everything but the probability are added up.

        Parameters
        ----------
        state, action, successor : array_like of int, shape (M,)
            Where the outcome starts, what is done, where it leads.
        prob, reward : array_like, shape (M,)
            Its probability and its reward.
        gamma, initial, state_names, action_names, sum_to_one
            As for `TabularMDP`.
        n_states : int, optional
            Number of states; by default the largest index plus one.

        Returns
        -------
        TabularMDP

        Examples
        --------
        A coin that pays 1 or 0 and stays where it is; planning sees its mean, `outcomes` both sides.

        >>> import mdpkit
        >>> coin = mdpkit.TabularMDP.from_outcomes([0, 0], [0, 0], [0.5, 0.5], [0, 1], [0, 0], gamma=0.9)
        >>> coin.reward(0, 0), coin.outcomes.reward.tolist()
        (0.5, [0.0, 1.0])
        """
        gamma = check_discount(gamma)
        renormalize = construct.renormalize_flag(sum_to_one)
        n_actions = None if action_names is None else len(action_names)
        if n_states is None and state_names is not None:
            n_states = len(state_names)
        core = construct.outcomes_core(
            state,
            action,
            prob,
            reward,
            successor,
            n_states=n_states,
            n_actions=n_actions,
            renormalize=renormalize,
        )
        return cls._from_core(core, gamma, initial, state_names, action_names)

    @classmethod
    def _from_core(
        cls,
        core: construct.Core,
        gamma: float | None,
        initial: Any,
        state_names: Sequence[object] | None,
        action_names: Sequence[object] | None,
    ) -> TabularMDP:
        self = cls.__new__(cls)
        self._fill(core, gamma, initial, state_names, action_names)
        return self

    def _fill(
        self,
        core: construct.Core,
        gamma: float | None,
        initial: Any,
        state_names: Sequence[object] | None,
        action_names: Sequence[object] | None,
    ) -> None:
        names = check_names(state_names, core.rows.n_columns, "state_names")
        if isinstance(initial, str):
            initial = construct.resolve(initial, core.rows.n_columns, names, "initial")
        start = check_initial(initial, core.rows.n_columns)
        fields = {
            "_rows": core.rows,
            "_state_ptr": frozen(core.state_ptr),
            "_pair_action": frozen(core.pair_action),
            "_n_actions": core.n_actions,
            "_reward": frozen(core.reward),
            "_reward_error": None if core.reward_error is None else frozen(core.reward_error),
            "_outcome_reward": None if core.outcome_reward is None else frozen(core.outcome_reward),
            "_outcome_table": core.outcome_table,
            "_gamma": gamma,
            "_initial": None if start is None else frozen(start),
            "_state_names": names,
            "_action_names": check_names(action_names, core.n_actions, "action_names"),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _core(self) -> construct.Core:
        return construct.Core(
            self._rows,
            self._state_ptr,
            self._pair_action,
            self._n_actions,
            self._reward,
            self._reward_error,
            self._outcome_reward,
            self._outcome_table,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._core(), self._gamma, self._initial, self._state_names, self._action_names)

    # ---------------------------------------------------------------- changed copies

    def with_rewards(self, r: Any) -> TabularMDP:
        """Return the same transitions with other rewards; the transitions are shared, not copied.

        Parameters
        ----------
        r : array_like, shape (S,), (S, A), (N,) or like the transitions
            ``-inf`` may stand only where a pair does not exist.
        """
        core = construct.replace_rewards(self._core(), r)
        return self._from_core(core, self._gamma, self._initial, self._state_names, self._action_names)

    def with_discount(self, gamma: float | None) -> TabularMDP:
        """Return the same model with another discount factor; everything else is shared."""
        return self._from_core(
            self._core(), check_discount(gamma), self._initial, self._state_names, self._action_names
        )

    def with_initial(self, initial: Any) -> TabularMDP:
        """Return the same model with another initial state or distribution."""
        return self._from_core(self._core(), self._gamma, initial, self._state_names, self._action_names)

    def with_horizon(self, horizon: int, *, gamma: float = 1.0, terminal_values: Any = None) -> FiniteHorizonMDP:
        """Return the finite-horizon problem that plays this model for ``horizon`` steps."""
        from mdpkit.models.finite_horizon import FiniteHorizonMDP

        return FiniteHorizonMDP.from_stages(
            (self,) * construct.check_horizon(horizon), gamma=gamma, terminal_values=terminal_values
        )

    def under_policy(self, policy: Any) -> MarkovRewardProcess:
        """Return the Markov reward process that a policy induces.

        Parameters
        ----------
        policy : array_like
            Action ids, shape ``(S,)``, or action probabilities, shape ``(S, A)``.
        """
        from mdpkit.models.reward_process import reward_process

        return reward_process(self, policy)

    # ---------------------------------------------------------------- files

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one ``.npz`` file, atomically and without loss."""
        from mdpkit.models._file import save_tabular

        save_tabular(self, path)

    @staticmethod
    def load(path: str | PathLike[str]) -> TabularMDP:
        """Read a model written by `save`; `FileFormatError` if the file is damaged or something else."""
        from mdpkit.models._file import load_tabular

        return load_tabular(path)


def _rebuild(
    core: construct.Core,
    gamma: float | None,
    initial: Floats | None,
    state_names: tuple[str, ...] | None,
    action_names: tuple[str, ...] | None,
) -> TabularMDP:
    return TabularMDP._from_core(core, gamma, initial, state_names, action_names)
