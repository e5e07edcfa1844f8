"""The worst model by roll-outs, as in the published experiments; it certifies nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np

from mdpkit._arguments import check_count, check_seed
from mdpkit._typing import Floats, Ints
from mdpkit.errors import InputError
from mdpkit.feedback import EpisodicSimulator
from mdpkit.models import ModelSet, TabularMDP
from mdpkit.planning.rounding import UNIT_ROUNDOFF
from mdpkit.robust.iwocs.nature import Answer, Enumerated

__all__ = ["MonteCarlo"]


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """How to estimate worst cases by roll-outs: ``iwocs(..., worst_case=MonteCarlo(seed=1))``.

    Exact evaluation of the models of a `ModelSet` costs one linear solve each and is always better; this exists to
    reproduce published runs.

    Parameters
    ----------
    n_rollouts : int, default 300
        Episodes per model and iteration, at least 2.
    max_steps : int, default 10_000
        Longest episode; one ends before when discounting has made the rest smaller than rounding.
    standard_errors : float, default 3
        The stopping test compares two numbers of which one is a mean: it accepts a difference up to this many standard
        errors, or ``tol`` if that is larger. 0 is the published test.
    seed : int or numpy.random.Generator, default 0
        Randomness of the roll-outs.

    Raises
    ------
    InputError
        A number is outside its range.

    Examples
    --------
    >>> from mdpkit.robust import MonteCarlo
    >>> MonteCarlo(seed=1)
    MonteCarlo(n_rollouts=300, max_steps=10000, standard_errors=3.0, seed=1)
    """

    n_rollouts: int = 300
    max_steps: int = 10_000
    standard_errors: float = 3.0
    seed: int | np.random.Generator = 0

    def __post_init__(self) -> None:
        check_count(self.n_rollouts, "n_rollouts", least=2)
        check_count(self.max_steps, "max_steps")
        check_seed(self.seed)
        if not 0.0 <= self.standard_errors < np.inf:
            raise InputError(
                f"standard_errors must be a nonnegative number, found {self.standard_errors!r}",
                argument="standard_errors",
                value=self.standard_errors,
            )


class RollOuts(Enumerated):
    """The model of a finite set in which a policy's mean return is smallest."""

    def __init__(self, problem: ModelSet, start: Floats, options: MonteCarlo) -> None:
        super().__init__(problem, start)
        self.options = options
        self.rng = check_seed(options.seed)
        self.horizon = min(options.max_steps, discounted_steps(problem.gamma))

    def answer(self, policy: Ints, previous: TabularMDP) -> Answer:
        """Return the apparently worst model for a policy."""
        means, errors = np.array([self._mean_return(model, policy) for model in self.problem.models]).T
        index = int(np.argmin(means))
        return Answer(self.problem.models[index], float(means[index]), -np.inf, index, float(errors[index]))

    def seen_before(self, answer: Answer, seen: list[Answer]) -> bool:
        """Never: the next roll-outs may find another model."""
        return False

    def stopping_slack(self, answer: Answer) -> float | None:
        """Return how far a mean may be off."""
        return self.options.standard_errors * answer.noise

    def _mean_return(self, model: TabularMDP, policy: Ints) -> tuple[float, float]:
        """Return the mean of the discounted returns and its standard error."""
        n = self.options.n_rollouts
        simulator = EpisodicSimulator(model.with_initial(self.start), seed=self.rng)
        data = simulator.rollout(policy, n, horizon=self.horizon)
        returns = np.bincount(data.episode, weights=self.problem.gamma**data.step * data.reward, minlength=n)
        return float(np.mean(returns)), float(np.std(returns, ddof=1) / np.sqrt(n))


def discounted_steps(gamma: float) -> int:
    """Return the step from which on discounted rewards no longer change a sum of doubles."""
    if gamma == 0.0:
        return 1
    return max(1, ceil(log(UNIT_ROUNDOFF * (1.0 - gamma)) / log(gamma)))
