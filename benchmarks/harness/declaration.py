"""What a benchmark module declares, and how such a module is found.

Nothing here imports NumPy or mdpkit: the worker process that times ``import mdpkit`` imports this file.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["Aim", "Benchmark", "Check", "Contender", "DeclarationError", "Rate", "find", "load"]

SECONDS = "seconds"
"""Unit of an `Aim` that speaks of the run time itself."""


class DeclarationError(ValueError):
    """A benchmark module does not exist or declares something that cannot be run."""


@dataclass(frozen=True)
class Contender:
    """One of the things compared.

    Parameters
    ----------
    name : str
        Shown in the tables.
    prepare : callable
        ``prepare(problem) -> call``; ``call()`` is what is timed, and returns the answer. Conversion of the problem and
        imports that should not be timed belong here.
    package : str, default "mdpkit"
        The distribution it needs. If that is not installed, the contender is shown as "not run".
    threads : int, default 1
        Threads that BLAS, OpenMP and Numba may use.
    fresh : bool, default False
        Measure first calls: every run has a process of its own, and there is no warm-up inside it. Meant for start-up
        and compile times, and for solvers that would start their second call from the answer of the first.
    cold : bool, default False
        Let every process compile its Numba kernels anew, in an empty cache folder. Implies nothing about the disk.
    problems : sequence of str, optional
        The problems it takes part in; all by default.
    """

    name: str
    prepare: Callable[[Any], Callable[[], Any]]
    package: str = "mdpkit"
    threads: int = 1
    fresh: bool = False
    cold: bool = False
    problems: Sequence[str] | None = None


@dataclass(frozen=True)
class Check:
    """How an answer is judged, outside the time measured.

    Parameters
    ----------
    what : str
        What the deviation is, in words: "largest error of a value, against an enclosure proved by mdpkit.verify".
    tolerance : float
        An answer that deviates by more is shown as wrong.
    deviation : callable, optional
        ``deviation(problem, answer) -> float``. Without it answers must be arrays of numbers, and the deviation is the
        largest difference from the answer of the first contender that has one.
    """

    what: str
    tolerance: float
    deviation: Callable[[Any, Any], float] | None = None


@dataclass(frozen=True)
class Rate:
    """A run time in the unit of the field, such as ns per stored entry or million steps/s.

    ``value(seconds, problem, answer)`` converts the time of one call.
    """

    unit: str
    value: Callable[[float, Any, Any], float]


@dataclass(frozen=True)
class Aim:
    """A figure to compare with: a specification's limit or somebody's published measurement.

    ``unit`` is "seconds" or the unit of one of the benchmark's rates; ``contender`` and ``problem`` say whom it
    concerns (all by default); ``source`` says where the figure is from.
    """

    value: float
    source: str
    unit: str = SECONDS
    sense: Literal["at most", "at least", "published"] = "at most"
    contender: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """What is compared, on what, and how it is judged.

    Parameters
    ----------
    title : str
        A heading.
    what : str
        A paragraph of reStructuredText for the documentation: what is measured, what is excluded.
    problems : mapping of str to callable
        Name -> builder without arguments; building is never timed.
    contenders : sequence of Contender
        In the order of the table.
    check : Check, optional
        How answers are judged; without it they are not.
    rates : sequence of Rate
        Further columns.
    aims : sequence of Aim
        Figures to compare with.
    baseline : str, optional
        A contender; a column then says how many times its median the others take.
    quick : sequence of str, optional
        The problems of ``--quick``; the first one by default.
    budget : float, default 10
        Seconds that the runs of one contender on one problem should take together.
    timeout : float, default 600
        Seconds after which one process is given up.
    """

    title: str
    what: str
    problems: Mapping[str, Callable[[], Any]]
    contenders: Sequence[Contender]
    check: Check | None = None
    rates: Sequence[Rate] = ()
    aims: Sequence[Aim] = ()
    baseline: str | None = None
    quick: Sequence[str] | None = None
    budget: float = 10.0
    timeout: float = 600.0

    def __post_init__(self) -> None:
        names = [contender.name for contender in self.contenders]
        if not names or not self.problems:
            raise DeclarationError(f"benchmark {self.title!r} has no contender or no problem")
        if len(set(names)) < len(names):
            raise DeclarationError(f"benchmark {self.title!r} names a contender twice: {', '.join(names)}")
        units = {SECONDS, *(rate.unit for rate in self.rates)}
        asked: list[tuple[str, Sequence[str | None], set[str]]] = [
            ("problem", [p for c in self.contenders for p in c.problems or ()], set(self.problems)),
            ("problem", list(self.quick or ()), set(self.problems)),
            ("problem", [aim.problem for aim in self.aims], set(self.problems)),
            ("contender", [self.baseline, *(aim.contender for aim in self.aims)], set(names)),
            ("unit", [aim.unit for aim in self.aims], units),
        ]
        for kind, used, known in asked:
            if unknown := [name for name in used if name is not None and name not in known]:
                raise DeclarationError(
                    f"benchmark {self.title!r} has no {kind} {unknown[0]!r}; it has {', '.join(sorted(known))}"
                )

    def pairs(self, *, quick: bool = False) -> list[tuple[str, Contender]]:
        """Return the (problem, contender) pairs to measure, problem by problem."""
        chosen = list(self.problems)
        if quick:
            chosen = list(self.quick or chosen[:1])
        return [(p, c) for p in chosen for c in self.contenders if c.problems is None or p in c.problems]


def find(folder: Path) -> dict[str, Path]:
    """Return name -> file of the benchmark modules in a folder; names that start with an underscore are not."""
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def load(path: Path) -> Benchmark:
    """Import a benchmark module from its file and return its declaration.

    Raises
    ------
    DeclarationError
        There is no such file, or it assigns no `Benchmark` to ``BENCHMARK``.
    """
    if not path.is_file():
        raise DeclarationError(f"there is no benchmark {path.stem!r}")
    spec = importlib.util.spec_from_file_location(f"benchmarks.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    benchmark = getattr(module, "BENCHMARK", None)
    if not isinstance(benchmark, Benchmark):
        raise DeclarationError(f"benchmark {path.stem!r} does not assign a Benchmark to BENCHMARK")
    return benchmark
