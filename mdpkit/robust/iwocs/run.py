"""The bookkeeping of a run: bounds so far, when to stop, and the sentence that says why."""

from __future__ import annotations

import numpy as np

from mdpkit._typing import Floats
from mdpkit.models import TabularMDP
from mdpkit.robust.iwocs.nature import Answer, Nature
from mdpkit.robust.iwocs.policy_steps import Proposal
from mdpkit.robust.iwocs.result import IWOCSResult


class Run:
    """One run of `iwocs`.

    Parameters
    ----------
    first : Answer
        Holds ``T_0``.
    nature : Nature
        Who answers.
    tol : float
        Gap to certify.
    max_iter : int, or None
        Most iterations.
    never_stalls : bool
        Whether a model that comes back means that the gap is closed up to rounding.

    Attributes
    ----------
    status : str
        Empty while the run goes on.
    rounds : list of (Proposal, Answer)
        The iterations so far.
    """

    def __init__(self, first: Answer, nature: Nature, *, tol: float, max_iter: int | None, never_stalls: bool) -> None:
        self.first = first
        self.nature = nature
        self.tol = tol
        self.max_iter = max_iter
        self.never_stalls = never_stalls
        self.status = ""
        self.rounds: list[tuple[Proposal, Answer]] = []

    @property
    def models(self) -> list[TabularMDP]:
        """The models seen, ``T_0`` first, the newest last."""
        return [self.first.model, *(answer.model for _, answer in self.rounds)]

    def record(self, proposal: Proposal, answer: Answer) -> None:
        """Take an iteration in and decide whether it was the last."""
        seen = [self.first, *(earlier for _, earlier in self.rounds)]
        self.rounds.append((proposal, answer))
        slack = self.nature.stopping_slack(answer)
        if slack is None:
            if min(p.upper for p, _ in self.rounds) - max(a.lower for _, a in self.rounds) <= self.tol:
                self.status = "certified"
            elif self.nature.seen_before(answer, seen):
                self.status = "floor" if self.never_stalls else "stalled"
        elif abs(answer.value - proposal.estimate) <= max(self.tol, slack):
            self.status = "estimated"
        if not self.status and self.max_iter is not None and len(self.rounds) >= self.max_iter:
            self.status = "max_iter"

    def result(self, start: Floats, *, policy_step: str, worst_case: str, off_policy: str) -> IWOCSResult | None:
        """Return what is known; None before the first iteration ended."""
        if not self.rounds:
            return None
        proposals, answers = [p for p, _ in self.rounds], [a for _, a in self.rounds]
        lower = [a.lower for a in answers]
        bounded = max(lower) > -np.inf
        best = int(np.argmax(lower)) if bounded else len(answers) - 1
        value = lower[best] if bounded else answers[best].value
        upper = [p.upper for p in proposals]
        indices = [a.index for a in (self.first, *answers) if a.index is not None]
        return IWOCSResult(
            policy=proposals[best].policy,
            value=value,
            lower=lower,
            upper=upper,
            estimate=[p.estimate for p in proposals],
            worst_value=[a.value for a in answers],
            worst_model=answers[best].model,
            models=self.models,
            model_indices=indices or None,
            policies=[p.policy for p in proposals],
            converged=self.status == "certified",
            status=self.status,
            message=sentence(self.status, len(answers), value, min(upper), min(upper) - max(lower), self.tol),
            tol=self.tol,
            start=start,
            policy_step=policy_step,
            worst_case=worst_case,
            off_policy=off_policy,
        )


def sentence(status: str, iterations: int, value: float, upper: float, gap: float, tol: float) -> str:
    """Say why a run stopped and what is known."""
    after = f"after {iterations} iteration{'s' if iterations > 1 else ''}"
    # a certified end below zero by less than the tolerance reads as zero
    value, upper = (0.0 if abs(end) <= tol else end for end in (value, upper))
    known = f"the policy is worth at least {value:.6g} at the start and no policy more than {upper:.6g}"
    if gap == np.inf:
        known = f"roll-outs put the policy at {value:.6g}, which is no certificate; no policy exceeds {upper:.6g}"
    return {
        "certified": f"Certified {after}: {known} (gap {gap:.3g}, tol {tol:.3g}).",
        "stalled": f"Stalled {after}, not converged: the worst model had been seen before, so every later iteration "
        f"would be the same; {known}.",
        "max_iter": f"Stopped at the cap {after}: {known}.",
        "floor": f"The tolerance {tol:.3g} is below what float64 can certify here: {after} {known} (gap {gap:.3g}).",
        "estimated": f"Roll-outs met their stopping rule {after}: {known}.",
        "interrupted": f"Interrupted {after}: {known}.",
    }[status]
