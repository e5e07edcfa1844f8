"""A small synthetic project: experiments and figures written to a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Write = Callable[[str, str], Path]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "experiments").mkdir(parents=True)
    (root / "paper_figures").mkdir()
    return root


@pytest.fixture
def write(project: Path) -> Write:
    """Write a module: write("experiments/toy", source)."""

    def write(name: str, source: str) -> Path:
        path = project / f"{name}.py"
        path.write_text(dedent(source))
        return path

    return write


COUNTED = """
    import numpy as np
    CONFIGS = {"quick": {"configs": [{"k": 2, "name": "a"}, {"k": 3, "name": "b"}], "n_seeds": 3}}

    def run(config, seed):
        # one line per computation, so that a test can count them whatever process they ran in; the name is part of the
        # source, as workers that are already alive would not see the environment
        with open("THE LOG", "a") as log:
            log.write(f"{config['k']} {seed}\\n")
        rng = np.random.default_rng([config["k"], seed])
        matrix = rng.random((50, 50))
        return {"power": config["k"] ** np.arange(4), "noise": rng.random(), "matrix": float((matrix @ matrix).sum())}
"""


@pytest.fixture
def counted(write: Write, tmp_path: Path) -> Callable[[], int]:
    """The experiment "counted"; calling the fixture says how many cells were computed so far."""
    log = tmp_path / "computed.log"
    log.touch()
    write("experiments/counted", COUNTED.replace("THE LOG", str(log)))
    return lambda: len(log.read_text().splitlines())
