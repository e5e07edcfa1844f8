"""Agreement with choix 0.4.1, whose answers are stored (how: ``tests/data/make_choix_cases.py``)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mdpkit.feedback import PairList, Rankings, TopChoices
from mdpkit.preferences import fit_strengths

CASES = json.loads((Path(__file__).parents[2] / "data" / "choix_cases.json").read_text())["cases"]
CALLS = [(case, call) for case in CASES for call in case["calls"]]
METHODS = {
    "ilsr": ["newton", "mm", "ilsr"],
    "lsr": ["lsr"],
    "rank": ["rank_centrality"],
    "mm": ["mm"],
    "opt": ["newton"],
}


def read(case):
    """Put choix's layout into our containers: winner before loser, best first, winner and losers."""
    n, lines = case["n_items"], case["data"]
    if case["kind"] == "pairwise":
        return PairList.from_pairs(lines, n_items=n)
    if case["kind"] == "rankings":
        return Rankings.from_lists(lines, n_items=n)
    return TopChoices.from_lists([w for w, _ in lines], [[w, *losers] for w, losers in lines], n_items=n)


def test_there_is_something_of_everything():
    assert {case["kind"] for case in CASES} == {"pairwise", "rankings", "top1"}
    routines = {call["routine"] for _, call in CALLS}
    kinds = ("pairwise", "rankings", "top1")
    assert routines == {f"{r}_{k}" for r in ("lsr", "ilsr", "mm", "opt") for k in kinds} | {"rank_centrality"}
    assert {call["alpha"] for _, call in CALLS} == {0.0, 0.05, 0.5}


@pytest.mark.parametrize(
    ("case", "call"), CALLS, ids=[f"{c['kind']}-{c['n_items']}-{k['routine']}-{k['alpha']}" for c, k in CALLS]
)
def test_same_answers(case, call):
    """To 1e-9. Its ``opt_*`` penalize ``alpha ||theta||^2``, so our alpha is twice theirs (prefs.md 2)."""
    for method in METHODS[call["routine"].split("_")[0]]:
        fit = fit_strengths(read(case), method=method, alpha=2 * call["alpha"])
        assert fit.converged
        np.testing.assert_allclose(fit.params, call["params"], rtol=0, atol=1e-9)
