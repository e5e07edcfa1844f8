"""`reproduce`: run what the figures need, draw them, and write the report."""

from __future__ import annotations

import os
import platform
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mdpkit.errors import MDPKitError
from mdpkit.sweeps.claims import Claim
from mdpkit.sweeps.failures import SweepError
from mdpkit.sweeps.figures import Figure, figure_names, find_figures, render
from mdpkit.sweeps.files import make_folder, sha256, write_checksums, write_document, write_file
from mdpkit.sweeps.modules import EXPERIMENTS, FIGURES, find_project, source_digest
from mdpkit.sweeps.readable import readable_time
from mdpkit.sweeps.records import (
    FigureResult,
    SweepRecord,
    differences,
    drop_records,
    read_records,
    write_record,
)
from mdpkit.sweeps.table_files import write_table

if TYPE_CHECKING:
    from mdpkit.sweeps.grid import Sweep

__all__ = ["Reproduction", "find_root", "report_folder", "reproduce", "short_name"]

CACHE = ".mdpkit-cache"
REPORT = "report"
PARTS = ("index.html", "claims.json", "figures", "data")

Log = Callable[[str], None]


@dataclass(frozen=True)
class Reproduction:
    """A finished reproduction.

    Attributes
    ----------
    preset : str
        What was run.
    figures : tuple of FigureResult
        The figures of this run, with their claims.
    earlier : tuple of FigureResult
        The other figures of the report: what earlier runs found, possibly of other sources, versions or presets.
    sweeps : dict of str to Sweep
        Every experiment of this run that succeeded, with its table.
    report, claims_file : Path
        ``index.html`` and ``claims.json``.
    sources : dict of str to dict
        By figure, the SHA-256 of its sources as they are now.
    environment : dict of str to str
        Versions and machine.
    seconds : float
        Wall-clock time.
    notes : tuple of str
        Results of earlier runs that are left out of the report, and why.
    """

    preset: str
    figures: tuple[FigureResult, ...]
    earlier: tuple[FigureResult, ...]
    sweeps: dict[str, Sweep]
    report: Path
    claims_file: Path
    sources: dict[str, dict[str, str]]
    environment: dict[str, str]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> list[FigureResult]:
        """All figures of the report, of this run and of earlier ones, in alphabetical order."""
        return sorted((*self.figures, *self.earlier), key=lambda result: result.name)

    @property
    def claims(self) -> list[Claim]:
        """The claims of this run's figures."""
        return [claim for result in self.figures for claim in result.claims]

    @property
    def errors(self) -> dict[str, str]:
        """The figures of this run that could not be made, and why."""
        return {result.name: result.error for result in self.figures if result.error is not None}

    @property
    def ok(self) -> bool:
        """Whether every figure of this run was made and none of its exact claims failed."""
        return all(result.ok for result in self.figures)

    def outdated(self, result: FigureResult) -> list[str]:
        """Return what an earlier result was made with that this run's are not, in words."""
        versions = {name: text for name, text in self.environment.items() if name not in ("date", "mdpkit", "machine")}
        return differences(result, self.preset, self.sources[result.name], versions)


def reproduce(
    names: Sequence[str] = (),
    *,
    preset: str = "quick",
    jobs: int = 1,
    only_failed: bool = False,
    output: str | os.PathLike[str] | None = None,
    project: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    log: Log | None = None,
) -> Reproduction:
    """Run the experiments behind figures, draw them, check their claims and write one report.

    Parameters
    ----------
    names : sequence of str, optional
        Figures to make; by default all of them. The report keeps what earlier runs found about the others.
    preset : str, default "quick"
        Which grid of every experiment to run.
    jobs : int, default 1
        Worker processes.
    only_failed : bool, default False
        Make only those figures that the report lacks, or shows with an error or a failed exact or statistical claim.
    output : path, optional
        Folder of the report, by default ``report/`` in the project. It receives ``index.html`` (self-contained),
        ``claims.json``, ``figures/NAME.png``, ``.svg``, ``.pdf`` and ``.json`` (its record), ``data/EXPERIMENT.csv``
        and ``.npz`` (exact; see `read_table`) and, at last, ``SHA256SUMS``.
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
        Its ``ok`` is False if a figure of this run could not be made or one of its exact claims failed. A figure that
        fails does not keep the others from being made; its error is in the report.

    Raises
    ------
    SweepError
        There is no project here, or the report cannot be written; figures that were finished before are kept.
    UnknownOptionError
        A figure does not exist.
    """
    start = time.perf_counter()
    root = find_root(project)
    say: Log = log if log is not None else lambda line: None
    known = figure_names(root)
    folder = report_folder(root, output)
    for part in (folder / "figures", folder / "data"):
        make_folder(part)
    figures = find_figures(root, names)
    records, damaged = read_records(folder, known)
    if only_failed:
        figures = [f for f in figures if f.name not in records or records[f.name].status in ("error", "failed")]
        if not figures:
            say("Nothing to redo: no figure lacks a result, is in error or has a failed claim.")
    runs = _run_experiments(root, folder, figures, preset, jobs, progress, say)
    # each is written as soon as it is drawn: whatever happens to the next one, it is in the next report
    made = {figure.name: _make(figure, root, folder, preset, runs, say) for figure in figures}
    notes = [note for name, note in damaged.items() if name not in made]
    notes += [f"figure {name}: dropped, as there is no {FIGURES}/{name}.py" for name in drop_records(folder, known)]
    for note in notes:
        say(note)
    reproduction = Reproduction(
        preset=preset,
        figures=tuple(made.values()),
        earlier=tuple(record for name, record in records.items() if name not in made),
        sweeps=runs.sweeps,
        report=folder / "index.html",
        claims_file=folder / "claims.json",
        sources={name: _sources(root, name, record.experiments) for name, record in (records | made).items()},
        environment=_environment(),
        seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )
    _write(reproduction, folder)
    return reproduction


def find_root(project: str | os.PathLike[str] | None) -> Path:
    """Return the project's folder: the one named, or the nearest one here or above."""
    root = find_project() if project is None else Path(project).resolve()
    if root is None:
        raise SweepError(
            f"no folder {EXPERIMENTS}/ or {FIGURES}/ here or above: run this in a checkout of mdpkit, or name one "
            "with --project DIR"
        )
    return root


def report_folder(root: Path, output: str | os.PathLike[str] | None) -> Path:
    """Return where the report is, or will be."""
    return root / REPORT if output is None else Path(output)


def short_name(experiment: str) -> str:
    """Return the name of an experiment without its package."""
    return experiment.removeprefix(EXPERIMENTS + ".")


@dataclass(frozen=True)
class _Runs:
    """What became of the experiments."""

    sweeps: dict[str, Sweep]
    records: dict[str, SweepRecord]
    broken: dict[str, str]


def _run_experiments(
    root: Path, folder: Path, figures: Sequence[Figure], preset: str, jobs: int, progress: bool | None, say: Log
) -> _Runs:
    """Run each experiment once, however many figures read it, and write its table at once."""
    from mdpkit.sweeps.grid import sweep

    runs = _Runs({}, {}, {})
    for name in dict.fromkeys(short_name(name) for figure in figures for name in figure.experiments):
        try:
            done = sweep(name, preset=preset, jobs=jobs, cache=root / CACHE, progress=progress, project=root)
        except MDPKitError as error:
            runs.broken[name] = _full_text(error)
            say(f"experiment {name}: FAILED: {error}")
            continue
        runs.sweeps[name] = done
        data = _write_data(folder / "data", done)
        runs.records[name] = SweepRecord(name, done.n_cells, done.n_cached, done.seconds, done.timing, data)
        cached = f" ({done.n_cached:,} from the cache)" if done.n_cached else ""
        say(f"experiment {name}: {done.n_cells:,} cells{cached} in {readable_time(done.seconds)}")
    return runs


def _write_data(folder: Path, sweep: Sweep) -> str:
    """Write the table of an experiment, for people and exactly; return the checksum of the exact file."""
    exact = folder / f"{sweep.experiment}.npz"
    write_table(sweep.table, exact.with_suffix(".csv"))
    write_table(sweep.table, exact)
    return sha256(exact.read_bytes())


def _make(figure: Figure, root: Path, folder: Path, preset: str, runs: _Runs, say: Log) -> FigureResult:
    """Draw one figure and write its images and its record."""
    from mdpkit.sweeps.store import versions

    experiments = tuple(map(short_name, figure.experiments))
    start = time.perf_counter()
    claims, images, error = _draw(figure, runs, say)
    result = FigureResult(
        **{name: getattr(figure, name) for name in ("name", "title", "caption", "family", "paper", "source")},
        experiments=experiments,
        claims=tuple(claims),
        error=error,
        seconds=time.perf_counter() - start,
        preset=preset,
        date=_now(),
        sources=_sources(root, figure.name, experiments),
        versions=versions(),
        machine=_machine(),
        sweeps=tuple(runs.records[name] for name in experiments if name in runs.records),
    )
    return write_record(folder, result, images)


def _draw(figure: Figure, runs: _Runs, say: Log) -> tuple[list[Claim], dict[str, bytes], str | None]:
    """Return claims, images and the error, if there was one."""
    missing = [name for name in map(short_name, figure.experiments) if name in runs.broken]
    if missing:
        say(f"figure {figure.name}: not drawn, because the experiment {missing[0]} failed")
        return [], {}, "\n\n".join(f"The experiment {name} failed.\n{runs.broken[name]}" for name in missing)
    try:
        images, claims = render(figure, {name: runs.sweeps[short_name(name)].table for name in figure.experiments})
    except Exception as error:
        # a bug in one figure must not cost the reader the others
        say(f"figure {figure.name}: FAILED: {type(error).__name__}: {error}")
        return [], {}, _full_text(error)
    statuses = Counter(claim.status for claim in claims)
    say(f"figure {figure.name}: " + (", ".join(f"{n} {status}" for status, n in statuses.items()) or "no claims"))
    return claims, images, None


def _full_text(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, SweepError) and error.failures and cause is not None:
        return f"{error}\n\n{cause.args[0]}"
    return "".join(traceback.format_exception(error))


def _sources(root: Path, figure: str, experiments: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of all sources that a figure's result depends on, as they are now."""
    from mdpkit.sweeps.store import package_digest

    digests = {"mdpkit": package_digest()}
    for name in (f"{FIGURES}.{figure}", *(f"{EXPERIMENTS}.{name}" for name in experiments)):
        with suppress(MDPKitError):  # an earlier figure may need an experiment that is gone
            digests[name] = source_digest(root, name)
    return digests


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _machine() -> str:
    return f"{platform.platform()}, {os.cpu_count()} processors"


def _environment() -> dict[str, str]:
    from mdpkit._version import __version__
    from mdpkit.sweeps.store import package_digest, versions

    return {
        "date": _now(),
        "mdpkit": f"{__version__} (sources {package_digest()[:12]})",
        **versions(),
        "machine": _machine(),
    }


def _write(reproduction: Reproduction, folder: Path) -> None:
    from mdpkit.sweeps.claims_file import claims_document
    from mdpkit.sweeps.report import html_report

    write_file(reproduction.report, html_report(reproduction))
    write_document(reproduction.claims_file, claims_document(reproduction))
    write_checksums(folder, PARTS)  # last: a folder that fits them is complete
