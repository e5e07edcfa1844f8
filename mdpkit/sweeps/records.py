"""What became of a figure, kept in the report's folder so that the next run of other figures can show it again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mdpkit.errors import FileFormatError, InputError
from mdpkit.sweeps.claims import Claim
from mdpkit.sweeps.files import delete_file, read_document, sha256, write_document, write_file

__all__ = [
    "FigureResult",
    "SweepRecord",
    "as_document",
    "count_claims",
    "differences",
    "drop_records",
    "read_record",
    "read_records",
    "write_record",
]

FOLDER = "figures"
FORMAT = "mdpkit-figure"
VERSION = 1
IMAGES = ("png", "svg", "pdf")


@dataclass(frozen=True)
class SweepRecord:
    """One experiment behind a figure: its cells, how many of them were found on disk, and the seconds it took."""

    experiment: str
    n_cells: int
    n_cached: int
    seconds: float
    timing: bool
    data: str
    """SHA-256 of its exact table; whatever is in ``data/`` now may be of a later run."""


@dataclass(frozen=True)
class FigureResult:
    """What became of one figure: its claims, or the error that kept it from being drawn.

    Attributes
    ----------
    name, title, caption, family, paper, source : str
        As in `Figure`.
    experiments : tuple of str
        The experiments that it reads.
    claims : tuple of Claim
        What it states; empty if it could not be drawn.
    error : str or None
        Why it could not be drawn.
    seconds : float
        Time to draw it, without the experiments.
    preset : str
        Which grids were run.
    date : str
        When, in UTC.
    sources : dict of str to str
        SHA-256 of the sources of mdpkit, of the figure and of its experiments at that time.
    versions : dict of str to str
        Versions of Python and of the libraries.
    machine : str
        Where it ran.
    sweeps : tuple of SweepRecord
        The runs of its experiments.
    images : dict of str to str
        SHA-256 of its ``png``, ``svg`` and ``pdf`` file.
    """

    name: str
    title: str
    caption: str
    family: str
    paper: str
    source: str
    experiments: tuple[str, ...]
    claims: tuple[Claim, ...]
    error: str | None
    seconds: float
    preset: str
    date: str
    sources: dict[str, str]
    versions: dict[str, str]
    machine: str
    sweeps: tuple[SweepRecord, ...] = ()
    images: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """``"error"``, ``"failed"`` (an exact or statistical claim), ``"held"``, or ``"no claims"`` that decide."""
        if self.error is not None:
            return "error"
        deciding = [claim.held for claim in self.claims if claim.decides and claim.held is not None]
        return "no claims" if not deciding else "held" if all(deciding) else "failed"

    @property
    def ok(self) -> bool:
        """Whether it was drawn and no exact claim failed."""
        return self.error is None and not any(claim.fails_build for claim in self.claims)


def count_claims(results: Iterable[FigureResult], by: str) -> dict[str, Counter[str]]:
    """Return, by ``"family"`` or ``"paper"``, how many figures, errors, and claims of each status there are.

    Claims that decide nothing (descriptive, timing) count as descriptive, whatever they say.
    """
    groups: dict[str, Counter[str]] = {}
    for result in sorted(results, key=lambda result: str(getattr(result, by)).casefold()):
        count = groups.setdefault(getattr(result, by), Counter())
        count["figures"] += 1
        count["error"] += result.error is not None
        for claim in result.claims:
            decided = claim.decides or claim.held is None
            count[claim.status if decided else "descriptive"] += 1
    return groups


def differences(then: FigureResult, preset: str, sources: Mapping[str, str], versions: Mapping[str, str]) -> list[str]:
    """Return what this result was made with that is different now, in words: nothing if it would come out again."""
    found = [f"preset {then.preset}"] if then.preset != preset else []
    found += [
        f"other sources of {part} ({then.sources.get(part, 'none')[:7]})"
        for part in sorted(then.sources.keys() | sources.keys())
        if then.sources.get(part) != sources.get(part)
    ]
    found += [
        f"{library} {then.versions.get(library, 'absent')}"
        for library in sorted(then.versions.keys() | versions.keys())
        if then.versions.get(library) != versions.get(library)
    ]
    return found


def write_record(report: Path, result: FigureResult, images: Mapping[str, bytes]) -> FigureResult:
    """Write a figure's images and then its record; return the result with the images' checksums."""
    folder = report / FOLDER
    for end in IMAGES:
        path = folder / f"{result.name}.{end}"
        if end in images:
            write_file(path, images[end])
        else:
            delete_file(path)  # an error leaves no image of an earlier run behind
    complete = replace(result, images={end: sha256(content) for end, content in images.items()})
    write_document(folder / f"{result.name}.json", {"format": FORMAT, "version": VERSION, **as_document(complete)})
    return complete


def read_record(report: Path, name: str) -> FigureResult | None:
    """Return the record of a figure, or None if there is none.

    Raises
    ------
    FileFormatError
        It is damaged, or one of its images is.
    """
    path = report / FOLDER / f"{name}.json"
    try:
        document = read_document(path)
    except OSError:
        return None
    if document.pop("format", None) != FORMAT or document.pop("version", None) != VERSION:
        raise FileFormatError(f"{path} is a record of another version of mdpkit")
    try:
        result = _from_document(document)
    except (KeyError, TypeError, InputError) as error:
        raise FileFormatError(f"{path} is no record of a figure: {error}") from error
    for end, expected in result.images.items():
        image = path.with_suffix(f".{end}")
        try:
            found = sha256(image.read_bytes())
        except OSError:
            found = ""
        if found != expected:
            raise FileFormatError(f"{image} is {'damaged' if found else 'missing'}")
    return result


def read_records(report: Path, names: Iterable[str]) -> tuple[dict[str, FigureResult], dict[str, str]]:
    """Return the records of these figures, and a sentence for each that is damaged and so counts as missing."""
    records: dict[str, FigureResult] = {}
    damaged: dict[str, str] = {}
    for name in names:
        try:
            record = read_record(report, name)
        except FileFormatError as error:
            damaged[name] = f"figure {name}: its earlier result does not count: {error}"
            continue
        if record is not None:
            records[name] = record
    return records, damaged


def drop_records(report: Path, known: Iterable[str]) -> list[str]:
    """Delete records, and their images, of figures that exist no longer; return their names."""
    kept = set(known)
    gone = [path.stem for path in sorted((report / FOLDER).glob("*.json")) if path.stem not in kept and _is_ours(path)]
    for name in gone:
        for end in ("json", *IMAGES):
            delete_file(report / FOLDER / f"{name}.{end}")
    return gone


def _is_ours(path: Path) -> bool:
    """Whether a file is a whole record; nobody else's file is ever deleted."""
    try:
        return read_document(path).get("format") == FORMAT
    except (OSError, FileFormatError):
        return False


def as_document(result: FigureResult) -> dict[str, Any]:
    """Return a result as JSON values; numbers that JSON does not know are texts (``"nan"``, ``"inf"``)."""
    return {
        **{key: getattr(result, key) for key in TEXTS},
        "status": result.status,
        "error": result.error,
        "seconds": round(result.seconds, 3),
        "experiments": [
            {
                "name": sweep.experiment,
                "cells": sweep.n_cells,
                "cached": sweep.n_cached,
                "seconds": round(sweep.seconds, 3),
                "timing": sweep.timing,
                "data": sweep.data,
            }
            for sweep in result.sweeps
        ],
        "reads": list(result.experiments),
        "claims": [_claim_document(claim) for claim in result.claims],
        "images": dict(result.images),
        "sources": result.sources,
        "versions": result.versions,
    }


TEXTS = ("name", "title", "caption", "family", "paper", "source", "preset", "date", "machine")


def _from_document(document: Mapping[str, Any]) -> FigureResult:
    return FigureResult(
        **{key: document[key] for key in TEXTS},
        experiments=tuple(document["reads"]),
        claims=tuple(map(_claim, document["claims"])),
        error=document["error"],
        seconds=document["seconds"],
        sources=document["sources"],
        versions=document["versions"],
        sweeps=tuple(
            SweepRecord(run["name"], run["cells"], run["cached"], run["seconds"], run["timing"], run["data"])
            for run in document["experiments"]
        ),
        images=document["images"],
    )


FIELDS = ("sentence", "value", "threshold", "held", "kind", "uncertainty", "source", "reason")


def _claim_document(claim: Claim) -> dict[str, Any]:
    values = {name: getattr(claim, name) for name in FIELDS}
    for name in ("value", "threshold"):
        x = values[name]
        values[name] = str(x) if isinstance(x, float) and not math.isfinite(x) else x
    return {**values, "status": claim.status}


def _claim(document: Mapping[str, Any]) -> Claim:
    values = {name: document[name] for name in FIELDS}
    for name in ("value", "threshold"):
        values[name] = float(values[name]) if isinstance(values[name], str) else values[name]
    return Claim(**values)
