"""Measure one contender on one problem in this process: ``python -m benchmarks.harness.worker REQUEST``.

``REQUEST`` is a JSON file with the benchmark's ``file``, ``contender``, ``problem``, ``budget`` and ``result``, the
file to write. Standard output stays free for what peers print. NumPy and mdpkit are imported by the benchmark only, so
that their import can be timed.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from benchmarks.harness.declaration import Benchmark, Contender, load
from benchmarks.harness.memory import forget_peak, peak_mib
from benchmarks.harness.timing import plan, summarize, time_calls

__all__ = ["main", "measure"]


def measure(benchmark: Benchmark, contender: Contender, problem_name: str, budget: float) -> tuple[dict[str, Any], Any]:
    """Return what was measured, and the last answer."""
    problem = benchmark.problems[problem_name]()
    forget_peak()
    held = peak_mib()
    call = contender.prepare(problem)
    first, answer = time_calls(call)
    seconds, calls = [first], 1
    if not contender.fresh:
        pilot, answer = time_calls(call)
        chosen = plan(pilot, budget)
        calls = chosen.calls
        # a run of many calls is another experiment than the pilot's single one
        seconds = [pilot] if calls == 1 else []
        while len(seconds) < chosen.runs:
            run, answer = time_calls(call, calls)
            seconds.append(run)
    peak = peak_mib()
    found: dict[str, Any] = {
        "first_call": first,
        "seconds": seconds,
        "calls_per_run": calls,
        "peak_mib": peak,
        "added_mib": peak - held,
    }
    summary = summarize(seconds)
    found["rates"] = {
        rate.unit: sorted(rate.value(s, problem, answer) for s in (summary.least, summary.median, summary.most))
        for rate in benchmark.rates
    }
    if benchmark.check is not None and benchmark.check.deviation is not None:
        found["deviation"] = float(benchmark.check.deviation(problem, answer))
    return found, answer


def main(request_file: str) -> None:
    """Read the request, measure, write the result; an exception becomes part of the result."""
    request = json.loads(Path(request_file).read_text())
    result = Path(request["result"])
    try:
        benchmark = load(Path(request["file"]))
        contender = next(c for c in benchmark.contenders if c.name == request["contender"])
        found, answer = measure(benchmark, contender, request["problem"], request["budget"])
        if benchmark.check is not None and benchmark.check.deviation is None:
            import numpy as np

            np.save(result.with_suffix(".npy"), np.asarray(answer, dtype=float), allow_pickle=False)
    except (Exception, SystemExit) as error:  # some peers end the process on bad input
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    result.write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
