"""`RobustMDP`: a nominal model and the kernels nature may choose instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mdpkit._typing import Floats
from mdpkit.errors import DiscountError, InputError, ShapeError, UnknownOptionError
from mdpkit.models._checks import as_floats, check_rewards, unravel
from mdpkit.models.finite_horizon import FiniteHorizonMDP
from mdpkit.models.tabular import TabularMDP
from mdpkit.models.uncertainty import UncertaintySet

__all__ = ["RobustMDP"]


class RobustMDP:
    r"""A Markov decision process whose transition kernel nature chooses from a rectangular set.

    The value of a policy is its return under the worst kernel of the set (``nature="adversarial"``) or the best one
    (``"cooperative"``). Sets are products: over state-action pairs (``"sa"``), where
    ``V(s) = max_a min_p r(s, a) + gamma p.V`` and a deterministic policy is optimal, or over states (``"s"``), where
    one budget is shared by the actions of a state and the optimal policy may have to randomize. For such sets and
    stationary policies it makes no difference whether nature chooses once or anew at every step.

    Parameters
    ----------
    nominal : TabularMDP or FiniteHorizonMDP
        The model at the center; its rewards are those of the problem.
    uncertainty : UncertaintySet, or sequence of H of them for a finite horizon
        The set around each row (`mdpkit.models.L1Ball` and its siblings).
    rectangularity : {"sa", "s"}
        Whether nature chooses for every pair, or for every state with a shared budget.
    nature : {"adversarial", "cooperative"}
        Whether nature minimizes or maximizes.
    transition_rewards : array_like, shape (S, A, S), optional
        Rewards of all transitions. Solvers ask for them when the nominal rewards depend on the successor and nature may
        move to successors that the nominal model never reaches: their rewards cannot be guessed.

    Raises
    ------
    UnknownOptionError
        ``rectangularity`` or ``nature`` is none of the above, or the family has no s-rectangular form.
    InputError
        A radius, weight, interval, metric or mask does not fit the model (named with index and value).
    DiscountError
        A `TabularMDP` without a discount factor below 1.

    References
    ----------
    .. [1] G. N. Iyengar, "Robust dynamic programming", Math. Oper. Res. 30(2), 2005, Theorem 3.2.
    .. [2] W. Wiesemann, D. Kuhn, B. Rustem, "Robust Markov decision processes", Math. Oper. Res. 38(1), 2013.

    Examples
    --------
    >>> import mdpkit
    >>> from mdpkit.models import L1Ball
    >>> mdp = mdpkit.problems.river_swim(6, up=0.05, down=0.35, first_up=0.4, gamma=0.95)
    >>> problem = mdpkit.RobustMDP(mdp, L1Ball(0.1))
    >>> problem
    RobustMDP(TabularMDP of 6 states and 2 actions, L1Ball(0.1), sa-rectangular, adversarial)
    >>> mdpkit.solve(mdp).policy.tolist(), mdpkit.solve(problem).policy.tolist()
    ([0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1])
    """

    family = "mdpkit.robust"
    """The package whose solvers `mdpkit.solve` loads for this type."""

    def __init__(
        self,
        nominal: TabularMDP | FiniteHorizonMDP,
        uncertainty: UncertaintySet | Sequence[UncertaintySet],
        *,
        rectangularity: str = "sa",
        nature: str = "adversarial",
        transition_rewards: Any = None,
    ) -> None:
        for name, value, known in (
            ("rectangularity", rectangularity, ("sa", "s")),
            ("nature", nature, ("adversarial", "cooperative")),
        ):
            if value not in known:
                raise UnknownOptionError(
                    f"{name} must be {' or '.join(known)}, found {value!r}", argument=name, value=value
                )
        if not isinstance(nominal, (TabularMDP, FiniteHorizonMDP)):
            raise InputError(
                f"nominal must be a TabularMDP or a FiniteHorizonMDP, found {type(nominal).__name__}",
                argument="nominal",
            )
        if isinstance(nominal, TabularMDP) and (nominal.gamma is None or nominal.gamma >= 1.0):
            raise DiscountError(
                f"a robust problem needs gamma < 1 (found {nominal.gamma}), or a horizon: mdp.with_horizon(H)",
                argument="nominal",
                value=nominal.gamma,
            )
        stages = nominal.stages if isinstance(nominal, FiniteHorizonMDP) else (nominal,)
        sets = _one_per_stage(uncertainty, len(stages), finite=isinstance(nominal, FiniteHorizonMDP))
        for stage, chosen in dict.fromkeys(zip(stages, sets, strict=True)):
            if rectangularity == "s" and not chosen.joint:
                raise UnknownOptionError(
                    f"{type(chosen).__name__} has no s-rectangular form; L1Ball, LinfBall, L2Ball, KLBall, "
                    "ReverseKLBall, ChiSquareBall, FiniteSet and RewardBall have one",
                    argument="uncertainty",
                    value=type(chosen).__name__,
                )
            chosen.check_against(stage, rectangularity)
        self._store(
            nominal=nominal,
            uncertainty=uncertainty if isinstance(uncertainty, UncertaintySet) else tuple(uncertainty),
            sets=sets,
            rectangularity=rectangularity,
            nature=nature,
            transition_rewards=None if transition_rewards is None else _read_rewards(transition_rewards, stages),
        )

    nominal: TabularMDP | FiniteHorizonMDP
    uncertainty: UncertaintySet | tuple[UncertaintySet, ...]
    sets: tuple[UncertaintySet, ...]
    rectangularity: str
    nature: str
    transition_rewards: Floats | None

    def _store(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("RobustMDP is immutable; build a new problem")

    @property
    def n_states(self) -> int:
        """Number of states ``S``."""
        return self.nominal.n_states

    @property
    def n_actions(self) -> int:
        """Number of action ids ``A``."""
        return self.nominal.n_actions

    @property
    def gamma(self) -> float:
        """Discount factor."""
        gamma = self.nominal.gamma
        assert gamma is not None  # the constructor refused None
        return gamma

    @property
    def stages(self) -> tuple[TabularMDP, ...]:
        """The nominal model of each step; a discounted problem has one stage."""
        return self.nominal.stages if isinstance(self.nominal, FiniteHorizonMDP) else (self.nominal,)

    @property
    def state_names(self) -> tuple[str, ...] | None:
        """Names of the states, or None."""
        return self.nominal.state_names

    @property
    def action_names(self) -> tuple[str, ...] | None:
        """Names of the actions, or None."""
        return self.nominal.action_names

    def __repr__(self) -> str:
        kind = type(self.nominal).__name__
        sets = repr(self.uncertainty) if isinstance(self.uncertainty, UncertaintySet) else f"{len(self.sets)} sets"
        return (
            f"RobustMDP({kind} of {self.n_states:,} states and {self.n_actions:,} actions, {sets}, "
            f"{self.rectangularity}-rectangular, {self.nature})"
        )


def _one_per_stage(
    uncertainty: UncertaintySet | Sequence[UncertaintySet], n_stages: int, *, finite: bool
) -> tuple[UncertaintySet, ...]:
    if isinstance(uncertainty, UncertaintySet):
        return (uncertainty,) * n_stages
    if not finite or not isinstance(uncertainty, Sequence):
        raise InputError(
            f"uncertainty must be an uncertainty set such as L1Ball(0.1), found {uncertainty!r}",
            argument="uncertainty",
            value=uncertainty,
        )
    sets = tuple(uncertainty)
    if len(sets) != n_stages:
        raise ShapeError(
            f"uncertainty must hold {n_stages} sets, one per step, found {len(sets)}", argument="uncertainty"
        )
    for h, chosen in enumerate(sets):
        if not isinstance(chosen, UncertaintySet):
            raise InputError(
                f"uncertainty[{h}] = {chosen!r} is not an uncertainty set", argument="uncertainty", index=h
            )
    return sets


def _read_rewards(rewards: Any, stages: Sequence[TabularMDP]) -> Floats:
    S, A = stages[0].n_states, stages[0].n_actions
    array = as_floats(rewards, "transition_rewards")
    if array.shape != (S, A, S):
        raise ShapeError(
            f"transition_rewards must have shape {(S, A, S)}, found {array.shape}", argument="transition_rewards"
        )
    check_rewards(array, "transition_rewards", unravel(array.shape))
    return array
