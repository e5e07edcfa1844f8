"""Measure all contenders of a benchmark on all its problems and return one record."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness.declaration import Benchmark, Contender, load
from benchmarks.harness.machine import load_average, machine, version, versions
from benchmarks.harness.process import Outcome, run_worker
from benchmarks.harness.results import SCHEMA
from benchmarks.harness.timing import FEWEST_RUNS, MOST_RUNS, summarize

__all__ = ["run_benchmark", "source_digest"]

QUICK_BUDGET = 1.0

Progress = Callable[[str, str, int, int], None]
"""Called with problem, contender, number of the pair and of all pairs before each measurement."""


def run_benchmark(file: Path, *, quick: bool = False, progress: Progress | None = None) -> dict[str, Any]:
    """Measure a benchmark module and return its record, as `benchmarks.harness.results` keeps it.

    Ctrl-C ends the measurement under way; the record then has ``complete = False``, and the pairs that are missing are
    "not run".
    """
    benchmark = load(file)
    pairs = benchmark.pairs(quick=quick)
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "name": file.stem,
        "title": benchmark.title,
        "what": benchmark.what,
        "check": None
        if benchmark.check is None
        else {"what": benchmark.check.what, "tolerance": benchmark.check.tolerance},
        "baseline": benchmark.baseline,
        "aims": [asdict(aim) for aim in benchmark.aims],
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": quick,
        "complete": True,
        "machine": machine(),
        "load_average": {"before": load_average()},
        "versions": versions(contender.package for contender in benchmark.contenders if contender.package != "mdpkit"),
        "mdpkit": {"version": version("mdpkit"), "source": source_digest()},
        "results": [],
    }
    expected: dict[str, Any] = {}
    for number, (problem, contender) in enumerate(pairs):
        if not record["complete"]:
            record["results"].append(_result(problem, contender, Outcome("not run", "interrupted", {})))
            continue
        if progress is not None:
            progress(problem, contender.name, number, len(pairs))
        try:
            outcome = _measure(file, benchmark, contender, problem, QUICK_BUDGET if quick else benchmark.budget)
        except KeyboardInterrupt:
            record["complete"] = False
            outcome = Outcome("not run", "interrupted", {})
        record["results"].append(_result(problem, contender, _judge(benchmark, problem, outcome, expected)))
    record["load_average"]["after"] = load_average()
    record["mdpkit"]["edited_meanwhile"] = source_digest() != record["mdpkit"]["source"]
    return record


def source_digest() -> str:
    """Return the sha256 of the Python sources of the mdpkit that is measured."""
    import mdpkit

    root = Path(mdpkit.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _measure(file: Path, benchmark: Benchmark, contender: Contender, problem: str, budget: float) -> Outcome:
    """Measure one pair: in one process, or in one process per run if the contender's first calls are what counts."""
    if version(contender.package) is None:
        return Outcome("not run", f"{contender.package} is not installed", {})

    def once() -> Outcome:
        return run_worker(file, contender, problem, budget=budget, timeout=benchmark.timeout)

    first = once()
    if first.status != "ok" or not contender.fresh:
        return first
    # the first process has filled the caches of byte code, disk and (unless the contender is cold) Numba
    runs: list[Outcome] = []
    start = time.perf_counter()
    while len(runs) < FEWEST_RUNS or (len(runs) < MOST_RUNS and time.perf_counter() - start < budget):
        outcome = once()
        if outcome.status != "ok":
            return outcome
        runs.append(outcome)
    return _merged(first, runs)


def _merged(first: Outcome, runs: list[Outcome]) -> Outcome:
    """Make one record of several processes: all times, the worst memory and deviation, the median run's rates."""
    found = [run.found for run in runs]
    merged = {**found[0], "first_call": first.found["first_call"], "seconds": [f["seconds"][0] for f in found]}
    for key in ("peak_mib", "added_mib", "deviation"):
        if key in merged:
            merged[key] = max(f[key] for f in found)
    merged["rates"] = {}
    for unit in found[0]["rates"]:
        middle = sorted(f["rates"][unit][1] for f in found)
        summary = summarize(middle)
        merged["rates"][unit] = [summary.least, summary.median, summary.most]
    return Outcome("ok", "", merged, runs[-1].answer)


def _judge(benchmark: Benchmark, problem: str, outcome: Outcome, expected: dict[str, Any]) -> Outcome:
    """Compare the answer with the truth, or with the first answer to the same problem."""
    check = benchmark.check
    if outcome.status != "ok" or check is None:
        return outcome
    found = dict(outcome.found)
    if check.deviation is None:
        found["deviation"] = _difference(outcome.answer, expected.setdefault(problem, outcome.answer))
    deviation = found["deviation"]
    if not deviation <= check.tolerance:  # NaN is wrong
        found["deviation"] = None if not math.isfinite(deviation) else deviation
        return Outcome("wrong", f"off by {deviation:.2g}, tolerance {check.tolerance:g}", found)
    return Outcome("ok", "", found)


def _difference(answer: Any, expected: Any) -> float:
    if answer.shape != expected.shape:
        return math.inf
    return float(abs(answer - expected).max(initial=0.0))


def _result(problem: str, contender: Contender, outcome: Outcome) -> dict[str, Any]:
    result = {
        "problem": problem,
        "contender": contender.name,
        "package": contender.package,
        "threads": contender.threads,
        "fresh": contender.fresh,
        "status": outcome.status,
        "note": outcome.note,
        **outcome.found,
    }
    if "seconds" in outcome.found:
        result.update(asdict(summarize(outcome.found["seconds"])))
    return result
