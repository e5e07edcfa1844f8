"""Every experiment and figure of the checkout can be imported and declares what the report needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdpkit.sweeps import find_figures
from mdpkit.sweeps.experiments import load_experiment

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "experiments").glob("*.py") if not path.stem.startswith("_"))


def test_figures() -> None:
    figures = find_figures(ROOT)
    assert len({figure.title for figure in figures}) == len(figures)
    used = {name.removeprefix("experiments.") for figure in figures for name in figure.experiments}
    assert used == set(EXPERIMENTS), "an experiment that no figure draws, or a figure without its experiment"


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_experiments(name: str, preset: str) -> None:
    assert load_experiment(name, preset, ROOT).cells
