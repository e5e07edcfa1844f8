"""Time `g_optimal_design` on random clouds, against the figures of the specification (mdvi.md, section g).

    OPENBLAS_NUM_THREADS=1 python benchmarks/g_optimal_design.py

One core, like those figures. Compilation is excluded (one warm-up call); the median of several runs and their spread
are shown, with the size of the core and the gap that was reached. The last row starts from the uniform design and takes
one step per superfluous row: it is here to show what the Kumar-Yildirim start saves, and runs once.
"""

from __future__ import annotations

import platform
import statistics
import time

import numpy as np

from mdpkit.regression import g_optimal_design

RUNS = 7
CASES = [
    # rows, features, tolerance, start, seconds named by the specification
    (20_000, 10, 0.01, "ky", 0.03),
    (50_000, 20, 0.01, "ky", 0.19),
    (50_000, 20, 0.001, "ky", 0.37),
    (50_000, 20, 0.01, "uniform", 18.7),
]


def main() -> None:
    """Run every case and print one line for each."""
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}\n")
    print(f"{'n':>7} {'d':>3} {'tol':>6} {'init':>8} {'median s':>9} {'range':>15} {'spec':>6} {'steps':>7} core  gap")
    g_optimal_design(np.eye(3))
    for n, d, tol, init, target in CASES:
        X = np.random.default_rng(0).standard_normal((n, d))
        seconds = []
        for _ in range(RUNS if init == "ky" else 1):
            start = time.perf_counter()
            design = g_optimal_design(X, tol=tol, init=init)
            seconds.append(time.perf_counter() - start)
        spread = f"{min(seconds):.3f}-{max(seconds):.3f}"
        print(
            f"{n:>7} {d:>3} {tol:>6g} {init:>8} {statistics.median(seconds):>9.3f} {spread:>15} {target:>6g} "
            f"{design.iterations:>7} {len(design.core):>4}  {design.gap:.1e}"
        )


if __name__ == "__main__":
    main()
