"""Writes ``choix_cases.json``: what choix 0.4.1 (L. Maystre, MIT licence) answers on small data sets.

choix is no dependency of the tests; the answers were computed once, with

    python tests/data/make_choix_cases.py

in an environment with choix 0.4.1, scipy 1.17.1 and numpy 2.4.6. Every iterative routine ran with ``tol=1e-13`` and
``max_iter=100_000``. The default "Newton-CG" of ``opt_*`` ends 5e-9 from the minimum whatever its tolerance, so three
Newton steps with choix's own gradient and Hessian follow. Each case holds the data in choix's own layout and, per call,
the routine, its ``alpha`` and the parameters, centred for ``alpha = 0``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import choix
import numpy as np
from choix.opt import PairwiseFcts, Top1Fcts

TOL, MAX_ITER = 1e-13, 100_000
ITERATIVE = ("ilsr", "mm", "opt")


def call(kind: str, routine: str, n_items: int, data: Any, alpha: float) -> dict[str, Any]:
    """Run one routine; what is not regularized has no scale of its own and is centred."""
    name = routine if routine == "rank_centrality" else f"{routine}_{kind}"
    options: dict[str, Any] = {"alpha": alpha}
    if routine in ITERATIVE:
        options |= {"tol": TOL, "max_iter": MAX_ITER}
    params = np.asarray(getattr(choix, name)(n_items, data, **options))
    if routine == "opt":
        parts = {"pairwise": PairwiseFcts, "rankings": Top1Fcts.from_rankings, "top1": Top1Fcts}[kind](data, alpha)
        for _ in range(3):
            params = params - np.linalg.pinv(parts.hessian(params), rcond=1e-10) @ parts.gradient(params)
        assert np.abs(parts.gradient(params)).max() < 1e-12
    return {"routine": name, "alpha": alpha, "params": (params - (np.mean(params) if alpha == 0 else 0)).tolist()}


def pairs(n_items: int, m: int, seed: int) -> list[list[int]]:
    """Matches between players of different strength, and a circle in which everybody lost once."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=n_items)
    lines = [[i, (i + 1) % n_items] for i in range(n_items)]
    while len(lines) < m:
        i, j = (int(k) for k in rng.choice(n_items, 2, replace=False))
        lines.append([i, j] if rng.random() < 1 / (1 + np.exp(theta[j] - theta[i])) else [j, i])
    return lines


def rankings(n_items: int, m: int, seed: int) -> list[list[int]]:
    """Races of two to all, and one in each direction."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=n_items)
    rows = [list(range(n_items)), list(range(n_items))[::-1]]
    while len(rows) < m:
        some = rng.choice(n_items, int(rng.integers(2, n_items + 1)), replace=False)
        rows.append(some[np.argsort(-(theta[some] + rng.gumbel(size=len(some))))].tolist())
    return rows


def top1(rows: list[list[int]], n_items: int) -> list[list[Any]]:
    """The winners of the races, and each item once from all others."""
    everyone = [[i, [j for j in range(n_items) if j != i]] for i in range(n_items)]
    return everyone + [[row[0], row[1:]] for row in rows]


def main() -> None:
    """Compute and write all cases."""
    races = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 0, 1, 3], [3, 1, 0, 2], [0, 2, 3, 1]]
    counts = [[0, 3, 5, 2], [1, 0, 4, 3], [2, 2, 0, 6], [1, 2, 1, 0]]
    four = [[i, j] for i in range(4) for j in range(4) for _ in range(counts[i][j])]
    data = [
        ("pairwise", 3, [[0, 1], [0, 1], [1, 2], [2, 0]]),
        ("pairwise", 4, four),
        ("pairwise", 8, pairs(8, 60, seed=1)),
        ("rankings", 4, races),
        ("rankings", 6, rankings(6, 20, seed=2)),
        ("top1", 4, top1(races, 4)),
        ("top1", 6, top1(rankings(6, 20, seed=3), 6)),
    ]
    cases = []
    for kind, n_items, lines in data:
        plain = ["lsr", "ilsr", "mm", "opt"] + (["rank_centrality"] if kind == "pairwise" else [])
        calls = [call(kind, routine, n_items, lines, 0.0) for routine in plain]
        calls += [call(kind, "opt", n_items, lines, alpha) for alpha in (0.05, 0.5)]
        cases.append({"kind": kind, "n_items": n_items, "data": lines, "calls": calls})
    about = (
        "Answers of choix 0.4.1 (https://github.com/lucasmaystre/choix, MIT licence, (c) Lucas Maystre), computed by"
        " make_choix_cases.py beside this file, tolerance 1e-13."
    )
    head = json.dumps(about)
    body = ",\n".join(json.dumps(case) for case in cases)
    (Path(__file__).parent / "choix_cases.json").write_text(f'{{"attribution": {head},\n"cases": [\n{body}\n]}}\n')


if __name__ == "__main__":
    main()
