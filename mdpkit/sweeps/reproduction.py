"""`reproduce`: run what the figures need, draw them, and write the report."""

from __future__ import annotations

import json
import os
import platform
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdpkit.errors import MDPKitError
from mdpkit.sweeps.claims import Claim
from mdpkit.sweeps.failures import SweepError
from mdpkit.sweeps.figures import Figure, find_figures, render
from mdpkit.sweeps.modules import EXPERIMENTS, find_project

if TYPE_CHECKING:
    from mdpkit.sweeps.grid import Sweep

__all__ = ["FigureResult", "Reproduction", "reproduce"]

CACHE = ".mdpkit-cache"
REPORT = "report"

Log = Callable[[str], None]


@dataclass(frozen=True)
class FigureResult:
    """What became of one figure: its claims, or the error that kept it from being drawn."""

    figure: Figure
    claims: tuple[Claim, ...]
    png: bytes | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class Reproduction:
    """A finished reproduction.

    Attributes
    ----------
    preset : str
        What was run.
    figures : tuple of FigureResult
        Every figure with its claims.
    sweeps : dict of str to Sweep
        Every experiment that succeeded, with its table.
    report, claims_file : Path
        ``index.html`` and ``claims.json``.
    environment : dict of str to str
        Versions and machine.
    seconds : float
        Wall-clock time.
    """

    preset: str
    figures: tuple[FigureResult, ...]
    sweeps: dict[str, Sweep]
    report: Path
    claims_file: Path
    environment: dict[str, str]
    seconds: float

    @property
    def claims(self) -> list[Claim]:
        """The claims of all figures."""
        return [claim for result in self.figures for claim in result.claims]

    @property
    def errors(self) -> dict[str, str]:
        """The figures that could not be made, and why."""
        return {result.figure.name: result.error for result in self.figures if result.error is not None}

    @property
    def ok(self) -> bool:
        """Whether every figure was made and no exact claim failed."""
        return not self.errors and not any(claim.fails_build for claim in self.claims)

    def counts(self) -> dict[str, Counter[str]]:
        """Return, by family, the number of claims held, failed, not reproduced, descriptive, and figures in error.

        Claims that decide nothing (descriptive, timing) count as descriptive, whatever they say.
        """
        families: dict[str, Counter[str]] = {}
        for result in sorted(self.figures, key=lambda result: result.figure.family):
            count = families.setdefault(result.figure.family, Counter())
            count["error"] += result.error is not None
            for claim in result.claims:
                decided = claim.decides or claim.held is None
                count[claim.status if decided else "descriptive"] += 1
        return families


def reproduce(
    names: Sequence[str] = (),
    *,
    preset: str = "quick",
    jobs: int = 1,
    output: str | os.PathLike[str] | None = None,
    project: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    log: Log | None = None,
) -> Reproduction:
    """Run the experiments behind figures, draw them, check their claims and write one report.

    Parameters
    ----------
    names : sequence of str, optional
        Figures to make; by default all of them.
    preset : str, default "quick"
        Which grid of every experiment to run.
    jobs : int, default 1
        Worker processes.
    output : path, optional
        Folder of the report, by default ``report/`` in the project. It receives ``index.html`` (self-contained),
        ``claims.json``, ``figures/NAME.png`` and ``.svg``, and ``data/EXPERIMENT.csv``.
    project : path, optional
        Folder that holds ``experiments/`` and ``paper_figures/``; by default the nearest one at or above the working
        directory. Finished cells are kept in its ``.mdpkit-cache/``.
    progress : bool, optional
        Show progress bars; by default if stderr is a terminal.
    log : callable, optional
        Called with one line per finished step.

    Returns
    -------
    Reproduction
        Its ``ok`` is False if a figure could not be made or an exact claim failed. A figure that fails does not keep
        the others from being made; its error is in the report.

    Raises
    ------
    SweepError
        There is no project here, or the report cannot be written.
    UnknownOptionError
        A figure does not exist.
    """
    start = time.perf_counter()
    root = find_project() if project is None else Path(project).resolve()
    if root is None:
        raise SweepError(
            "no folder experiments/ or paper_figures/ here or above: run this in a checkout of mdpkit, or name one "
            "with --project DIR"
        )
    say: Log = log if log is not None else lambda line: None
    figures = find_figures(root, names)
    folder = root / REPORT if output is None else Path(output)
    try:
        for part in ("figures", "data"):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SweepError(f"cannot create the report folder {folder}: {error.strerror}") from error

    sweeps, broken = _run_experiments(root, figures, preset, jobs, progress, say)
    for sweep in sweeps.values():
        sweep.table.to_csv(folder / "data" / f"{sweep.experiment}.csv", index=False)
    results = [_make(figure, sweeps, broken, folder / "figures", say) for figure in figures]
    reproduction = Reproduction(
        preset=preset,
        figures=tuple(results),
        sweeps=sweeps,
        report=folder / "index.html",
        claims_file=folder / "claims.json",
        environment=_environment(),
        seconds=time.perf_counter() - start,
    )
    _write(reproduction)
    return reproduction


def _run_experiments(
    root: Path, figures: Sequence[Figure], preset: str, jobs: int, progress: bool | None, say: Log
) -> tuple[dict[str, Sweep], dict[str, str]]:
    """Run each experiment once, however many figures read it."""
    from mdpkit.sweeps.grid import sweep

    sweeps: dict[str, Sweep] = {}
    broken: dict[str, str] = {}
    for name in dict.fromkeys(short_name(name) for figure in figures for name in figure.experiments):
        try:
            done = sweep(name, preset=preset, jobs=jobs, cache=root / CACHE, progress=progress, project=root)
        except MDPKitError as error:
            broken[name] = _full_text(error)
            say(f"experiment {name}: FAILED: {error}")
            continue
        sweeps[name] = done
        say(f"experiment {name}: {done.n_cells} cells ({done.n_cached} from the cache) in {done.seconds:.1f} s")
    return sweeps, broken


def short_name(experiment: str) -> str:
    """Return the name of an experiment without its package."""
    return experiment.removeprefix(EXPERIMENTS + ".")


def _make(figure: Figure, sweeps: dict[str, Sweep], broken: dict[str, str], folder: Path, say: Log) -> FigureResult:
    start = time.perf_counter()
    missing = [name for name in map(short_name, figure.experiments) if name in broken]
    if missing:
        error = "\n\n".join(f"The experiment {name} failed.\n{broken[name]}" for name in missing)
        say(f"figure {figure.name}: not drawn, because the experiment {missing[0]} failed")
        return FigureResult(figure, (), None, 0.0, error)
    tables = {name: sweeps[short_name(name)].table for name in figure.experiments}
    try:
        png, claims = render(figure, tables, folder)
    except Exception as error:
        # a bug in one figure must not cost the reader the others
        say(f"figure {figure.name}: FAILED: {type(error).__name__}: {error}")
        return FigureResult(figure, (), None, time.perf_counter() - start, _full_text(error))
    statuses = Counter(claim.status for claim in claims)
    say(f"figure {figure.name}: " + (", ".join(f"{n} {status}" for status, n in statuses.items()) or "no claims"))
    return FigureResult(figure, tuple(claims), png, time.perf_counter() - start)


def _full_text(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, SweepError) and error.failures and cause is not None:
        return f"{error}\n\n{cause.args[0]}"
    return "".join(traceback.format_exception(error))


def _environment() -> dict[str, str]:
    from mdpkit._version import __version__
    from mdpkit.sweeps.store import package_digest, versions

    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "mdpkit": f"{__version__} (sources {package_digest()[:12]})",
        **versions(),
        "platform": platform.platform(),
        "processors": str(os.cpu_count()),
    }


def _write(reproduction: Reproduction) -> None:
    from mdpkit.sweeps.report import claims_document, html_report

    contents = {
        reproduction.report: html_report(reproduction),
        reproduction.claims_file: json.dumps(claims_document(reproduction), indent=2, allow_nan=False) + "\n",
    }
    for path, text in contents.items():
        partial: Any = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise SweepError(f"cannot write {path}: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
