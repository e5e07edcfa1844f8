"""The one harness of all benchmarks: declare what is compared, measure it in separate processes, keep the results.

A benchmark is a module ``benchmarks/NAME.py`` that assigns one `Benchmark` to ``BENCHMARK``.
"""

from benchmarks.harness.declaration import Aim, Benchmark, Check, Contender, Rate

__all__ = ["Aim", "Benchmark", "Check", "Contender", "Rate"]
