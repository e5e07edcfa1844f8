"""The report over several runs: what is kept, what is marked, what is dropped, and what damage does."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mdpkit import sweeps
from mdpkit.errors import FileFormatError

Write = Callable[[str, str], Path]
Count = Callable[[], int]

FIGURE = """
    from mdpkit.sweeps import Claim
    TITLE, CAPTION, FAMILY, SOURCE, PAPER = "Title NAME", "c", "planning", "Euclid, IX", "Euclid"
    EXPERIMENTS = ("counted",)

    def draw(tables):
        from matplotlib.figure import Figure
        x = tables["counted"]["power"].max()
        drawing = Figure(figsize=(2, 1))
        drawing.subplots().plot([0, 1], [0, x])
        return drawing, [Claim("the largest power is 27", x, 27, x == 27, source="3^3")]
"""


@pytest.fixture
def figures(project: Path, write: Write, counted: Count) -> Path:
    for name in ("one", "two"):
        write(f"paper_figures/{name}", FIGURE.replace("NAME", name))
    return project


def page(project: Path) -> str:
    return re.sub(r"\s+", " ", (project / "report" / "index.html").read_text())


def check_sums(report: Path) -> None:
    listed = dict(reversed(line.split("  ")) for line in (report / "SHA256SUMS").read_text().splitlines())
    found = {p.relative_to(report).as_posix() for p in report.rglob("*") if p.is_file()} - {"SHA256SUMS"}
    assert listed.keys() == found
    for name, digest in listed.items():
        assert hashlib.sha256((report / name).read_bytes()).hexdigest() == digest, name


def test_a_second_run_keeps_the_other_figures(figures: Path, counted: Count) -> None:
    sweeps.reproduce(project=figures)
    second = sweeps.reproduce(["two"], project=figures)
    assert [r.name for r in second.figures] == ["two"]
    assert [r.name for r in second.earlier] == ["one"]
    text = page(figures)
    assert "Title one" in text
    assert "Title two" in text
    assert "Made earlier" not in text  # nothing is different
    document = sweeps.read_claims(second.claims_file)
    assert [(f["name"], f["this_run"], f["outdated"]) for f in document["figures"]] == [
        ("one", False, []),
        ("two", True, []),
    ]
    check_sums(figures / "report")


def test_results_of_other_sources_are_marked(figures: Path, write: Write) -> None:
    sweeps.reproduce(project=figures)
    experiment = figures / "experiments" / "counted.py"
    experiment.write_text(experiment.read_text() + "# edited\n")
    sweeps.reproduce(["two"], project=figures)
    text = page(figures)
    assert re.search(r"Made earlier: 2\d+-\d\d-\d\d \d\d:\d\d UTC, other sources of experiments.counted", text)
    assert "1 figure below was made earlier" in text
    outdated = [f["outdated"] for f in sweeps.read_claims(figures / "report" / "claims.json")["figures"]]
    assert [len(reasons) for reasons in outdated] == [1, 0]


def test_results_of_another_preset_are_marked_and_lose_their_data(figures: Path) -> None:
    experiment = figures / "experiments" / "counted.py"
    text = experiment.read_text().replace("import numpy as np", "import numpy as np\nN = 1")
    experiment.write_text(text + "\nCONFIGS['paper'] = {**CONFIGS['quick'], 'n_seeds': 1}\n")
    sweeps.reproduce(project=figures, preset="paper")
    sweeps.reproduce(["two"], project=figures)
    assert "UTC, preset paper." in page(figures)
    assert "counted: data overwritten by a later run" in page(figures)


def test_a_figure_that_is_gone_is_dropped(figures: Path) -> None:
    sweeps.reproduce(project=figures)
    (figures / "paper_figures" / "one.py").unlink()
    other = figures / "report" / "figures" / "mine.json"
    other.write_text("{}")  # nobody else's file is deleted
    done = sweeps.reproduce(["two"], project=figures)
    assert done.notes == ("figure one: dropped, as there is no paper_figures/one.py",)
    assert "Title one" not in page(figures)
    assert other.is_file()
    assert {p.stem for p in (figures / "report" / "figures").iterdir()} == {"two", "mine"}
    check_sums(figures / "report")


@pytest.mark.parametrize("end", ["json", "png", "svg", "pdf"])
def test_a_damaged_record_counts_as_missing(figures: Path, end: str) -> None:
    sweeps.reproduce(project=figures)
    path = figures / "report" / "figures" / f"one.{end}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    lines: list[str] = []
    done = sweeps.reproduce(["two"], project=figures, log=lines.append)
    assert not done.earlier
    assert "figure one: its earlier result does not count" in lines[-1]
    assert "its earlier result does not count" in page(figures)
    again = sweeps.reproduce(project=figures, only_failed=True)
    assert [r.name for r in again.figures] == ["one"]
    assert "does not count" not in page(figures)


def test_every_byte_of_records_and_claims_counts(figures: Path, tmp_path: Path) -> None:
    from mdpkit.sweeps.records import read_record

    done = sweeps.reproduce(["one"], project=figures)
    report = figures / "report"
    for path, read in (
        (done.claims_file, lambda: sweeps.read_claims(done.claims_file)),
        (report / "figures" / "one.json", lambda: read_record(report, "one")),
    ):
        content = path.read_bytes()
        for i in range(len(content)):
            path.write_bytes(content[:i] + bytes([content[i] ^ 0x20]) + content[i + 1 :])
            with pytest.raises(FileFormatError, match="damaged"):
                read()
        path.write_bytes(content)
        assert read()


def test_only_failed(figures: Path, write: Write, counted: Count) -> None:
    lines: list[str] = []
    bad = write("paper_figures/two", FIGURE.replace("27, x == 27", "26, x == 26"))
    write("paper_figures/three", FIGURE.replace("return drawing", "1 / 0; return drawing"))
    assert not sweeps.reproduce(project=figures).ok
    assert {p.suffix for p in (figures / "report" / "figures").glob("three.*")} == {".json"}
    bad.write_text(bad.read_text().replace("26, x == 26", "27, x == 27"))
    first = sweeps.reproduce(project=figures, only_failed=True)
    assert [r.name for r in first.figures] == ["three", "two"]
    assert not first.ok  # three raises still
    named = sweeps.reproduce(["one", "two"], project=figures, only_failed=True, log=lines.append)
    assert named.figures == ()
    assert named.ok
    assert lines == ["Nothing to redo: no figure lacks a result, is in error or has a failed claim."]
    assert [r.name for r in named.earlier] == ["one", "three", "two"]
    assert counted() == 6


def test_records_keep_every_claim(figures: Path, write: Write) -> None:
    from mdpkit.sweeps.records import read_record

    claims = """[
            Claim("nan", float("nan"), float("inf"), False, source="s"),
            Claim("int", 3, 2.5, True, kind="statistical", uncertainty="within 1 %", source="s"),
            Claim("p", 3, 2.5, True, kind="statistical", uncertainty=1e-9, source="s"),
            Claim.not_reproduced("none", None, 1, reason="why", source="s")]"""
    write("paper_figures/one", FIGURE[: FIGURE.index("[Claim(")] + claims)
    (made,) = sweeps.reproduce(["one"], project=figures).figures
    read = read_record(figures / "report", "one")
    assert read is not None
    assert repr(read.claims) == repr(made.claims)
    assert read.images == made.images
    assert read.sources == made.sources


def test_a_disk_that_fills_up_keeps_what_was_done(figures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "two.svg":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(sweeps.SweepError, match=r"two\.svg: No space left on device; what was finished before is kept"):
        sweeps.reproduce(project=figures)
    monkeypatch.undo()
    assert not list(figures.rglob("*.part"))
    redone = sweeps.reproduce(project=figures, only_failed=True)
    assert [r.name for r in redone.figures] == ["two"]
    assert redone.sweeps["counted"].n_cached == 6
    check_sums(figures / "report")


def test_sha256sum_verifies_the_report(figures: Path) -> None:
    report = sweeps.reproduce(project=figures).report.parent
    check_sums(report)
    if shutil.which("sha256sum") is None:
        return  # checked above by hashlib
    command = ["sha256sum", "-c", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=report, check=False).returncode == 0
    (report / "data" / "counted.csv").write_text("other")
    assert subprocess.run(command, cwd=report, check=False, capture_output=True).returncode == 1
