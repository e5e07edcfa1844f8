"""`sweeps.reproduce`: figures, claims and the report, end to end on a synthetic project."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from mdpkit import sweeps
from mdpkit.errors import InputError, UnknownOptionError

Write = Callable[[str, str], Path]
Count = Callable[[], int]

FIGURE = """
    from mdpkit.sweeps import Claim
    TITLE = "Powers <of> k & more"
    CAPTION = "Every seed is drawn."
    FAMILY = "planning"
    SOURCE = "Euclid, Elements IX"
    EXPERIMENTS = ("counted",)

    def draw(tables):
        import matplotlib.pyplot as plt
        plt.rcParams["axes.facecolor"] = "red"
        (table,) = tables.values()
        worst = table["power"].max()
        table["power"] = 0  # must not reach the next figure
        fig, ax = plt.subplots()
        ax.plot([0, 1], [0, 1])
        return fig, [
            Claim("the largest power is 27", worst, 27, worst == 27, source="3^3 <b>"),
            Claim("noise stays below one", 0.5, 1, True, kind="statistical", uncertainty=1e-6, source="uniform law"),
            Claim("slope", 1.2345678, None, True, kind="timing", source="measured"),
            Claim.not_reproduced("it takes 3 steps", 5, 3, reason="the start is not published", source="Table 1"),
        ]
"""


class Page(HTMLParser):
    """Check that tags are balanced, and collect text, links and images."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_end_to_end(project: Path, write: Write, counted: Count) -> None:
    import matplotlib

    write("paper_figures/powers", FIGURE)
    write(
        "paper_figures/zz_again",
        FIGURE.replace('"planning"', '"robust"\n    PAPER = "Euclid"').replace(
            '("counted",)', '("experiments.counted",)'
        ),
    )
    write("paper_figures/_private", "raise RuntimeError('helpers are not figures')")
    lines: list[str] = []
    face = matplotlib.rcParams["axes.facecolor"]
    done = sweeps.reproduce(project=project, log=lines.append)

    assert done.ok
    assert counted() == 6  # two figures, one sweep
    assert [result.name for result in done.figures] == ["powers", "zz_again"]
    document = sweeps.read_claims(done.claims_file)
    assert document["by_family"]["robust"] == {
        "figures": 1,
        "held": 2,
        "failed": 0,
        "not reproduced": 1,
        "descriptive": 1,
        "error": 0,
    }
    assert document["by_paper"].keys() == {"Euclid", "Euclid, Elements IX"}
    assert any(line.startswith("experiment counted: 6 cells in") for line in lines)
    assert matplotlib.rcParams["axes.facecolor"] == face

    report = project / "report"
    assert (report / "figures" / "powers.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (report / "figures" / "powers.svg").read_text()
    pd.testing.assert_frame_equal(pd.read_csv(report / "data" / "counted.csv"), done.sweeps["counted"].table)

    page = Page(done.report.read_text())
    for expected in (
        "All 4 checked claims held; 2 not reproduced",
        "Powers <of> k & more",
        "Every seed is drawn.",
        "the largest power is 27",
        "3^3 <b>",
        "false-alarm probability 1e-6",
        "Why not: the start is not published",
        "Euclid, Elements IX",
        "mdpkit reproduce powers --preset quick",
        "1.235",
        "✓ held",
        "○ not reproduced",
        "processors",
        "numba",
    ):
        assert expected in page.text, expected
    # self-contained: whatever it loads is inside it; links lead only to files beside it
    loads = [value for tag, key, value in page.attributes if key == "src"]
    assert len(loads) == 2
    assert all(value.startswith("data:image/png;base64,") for value in loads)
    links = {value for tag, key, value in page.attributes if key == "href" and not value.startswith("#")}
    assert all((report / link).is_file() for link in links)
    assert {"figures/powers.svg", "data/counted.csv"} <= links
    assert "http" not in "".join(value for _, key, value in page.attributes if key in ("src", "href"))

    document = json.loads(done.claims_file.read_text())
    assert document["ok"] is True
    assert document["figures"][0]["claims"][0] == {
        "sentence": "the largest power is 27", "value": 27, "threshold": 27, "held": True, "status": "held",
        "kind": "exact", "uncertainty": None, "source": "3^3 <b>", "reason": None,
    }  # fmt: skip

    svg = (report / "figures" / "powers.svg").read_bytes()
    again = sweeps.reproduce(["powers"], project=project)
    assert counted() == 6
    assert again.sweeps["counted"].n_cached == 6
    assert (report / "figures" / "powers.svg").read_bytes() == svg


def test_a_failed_exact_claim_is_not_ok(project: Path, write: Write, counted: Count, tmp_path: Path) -> None:
    write("paper_figures/powers", FIGURE.replace("27, worst == 27", "26, worst == 26"))
    done = sweeps.reproduce(project=project, output=tmp_path / "out")
    assert not done.ok
    assert not done.errors
    assert "✗ 1 of 2 checked claims failed; 1 not reproduced" in Page(done.report.read_text()).text
    assert json.loads((tmp_path / "out" / "claims.json").read_text())["ok"] is False


def test_one_broken_figure_does_not_cost_the_others(project: Path, write: Write, counted: Count) -> None:
    write("paper_figures/powers", FIGURE)
    write("paper_figures/bug", FIGURE.replace("return fig, [", "raise ValueError('no <ink>')\n        return fig, ["))
    write("paper_figures/wrong", FIGURE.replace("return fig, [", "return fig\n        return fig, ["))
    write("experiments/failing", "CONFIGS = {'quick': {'configs': [{'a': 1}], 'n_seeds': 1}}\ndef run(c, s): 1 / 0\n")
    write("paper_figures/starved", FIGURE.replace('"counted"', '"failing"'))
    done = sweeps.reproduce(project=project)
    assert not done.ok
    assert set(done.errors) == {"bug", "starved", "wrong"}
    text = Page(done.report.read_text()).text
    assert "3 of 4 figures could not be made" in text
    assert "ValueError: no <ink>" in text
    assert "config={'a': 1}, seed=0: ZeroDivisionError" in text
    assert "must return (matplotlib figure, list of Claim)" in text
    assert "the largest power is 27" in text
    import matplotlib.pyplot as plt

    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('TITLE = "Powers <of> k & more"', "", "must define TITLE"),
        ("def draw(tables)", "def paint(tables)", "must define a function draw"),
        ('("counted",)', '"counted"', "must define EXPERIMENTS"),
        ('("counted",)', '("other",)', "reads the experiment 'other'"),
    ],
)
def test_figures_that_declare_too_little(
    project: Path, write: Write, counted: Count, old: str, new: str, sentence: str
) -> None:
    write("paper_figures/powers", FIGURE.replace(old, new))
    with pytest.raises(InputError, match=sentence):
        sweeps.reproduce(project=project)
    assert counted() == 0


def test_unknown_figures_and_projects(project: Path, write: Write, counted: Count, tmp_path: Path) -> None:
    write("paper_figures/powers", FIGURE)
    with pytest.raises(UnknownOptionError, match="no figure 'other'; known: powers"):
        sweeps.reproduce(["other"], project=project)
    with pytest.raises(sweeps.SweepError, match="--project DIR"):
        sweeps.find_figures(tmp_path)


def test_a_report_that_cannot_be_written(project: Path, write: Write, counted: Count, tmp_path: Path) -> None:
    write("paper_figures/powers", FIGURE)
    (tmp_path / "file").touch()
    with pytest.raises(sweeps.SweepError, match="cannot write in the folder"):
        sweeps.reproduce(project=project, output=tmp_path / "file")
    assert counted() == 0
