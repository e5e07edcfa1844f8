"""How long a user waits for the first answer after starting Python."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Aim, Benchmark, Check, Contender

FOREST = "forest management, 3 states"
IMPORT, WARM, COLD = (
    "import mdpkit",
    "import and first solve, kernels cached",
    "import and first solve, nothing compiled",
)

# Nothing is imported above that a user's first line would not have imported yet.


def _import(problem: Any) -> Callable[[], Any]:
    return lambda: importlib.import_module("mdpkit") and []


def _first_solve(problem: Any) -> Callable[[], Any]:
    def call() -> Any:
        import mdpkit

        return mdpkit.solve(mdpkit.problems.forest(), tol=1e-6).V

    return call


def _error(problem: Any, V: Any) -> float:
    """Return how far the values are from an enclosure proved afterwards; an import has none."""
    import mdpkit

    if len(V) == 0:
        return 0.0
    mdp = mdpkit.problems.forest()
    proof = mdpkit.verify(mdp, mdpkit.solve(mdp, tol=1e-9))
    return float(max(abs(V - proof.lower).max(), abs(V - proof.upper).max()))


BENCHMARK = Benchmark(
    title="Start-up",
    what=(
        "Wall time of ``import mdpkit``, and of ``import mdpkit`` followed by `mdpkit.solve` on the forest model, each "
        "run in a new process of Python. The start of Python itself, with the few modules of its library that the "
        "harness needs, is not included. Byte code and disk caches are warm. In the last row all Numba kernels that "
        "the call needs are compiled anew."
    ),
    problems={FOREST: lambda: None},
    contenders=[
        Contender(IMPORT, _import, fresh=True),
        Contender(WARM, _first_solve, fresh=True),
        Contender(COLD, _first_solve, fresh=True, cold=True),
    ],
    check=Check("largest error of a value, against an enclosure proved by mdpkit.verify", 1.01e-6, _error),
    aims=[
        Aim(0.5, "the budget of the project", contender=IMPORT),
        Aim(1.0, "the budget of the project", contender=WARM),
        Aim(25.0, "the budget of one family of kernels", contender=COLD),
    ],
)
