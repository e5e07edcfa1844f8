"""Read an experiment module: its configurations, its seeds, and its code."""

from __future__ import annotations

import json
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mdpkit.errors import InputError, UnknownOptionError
from mdpkit.sweeps.failures import SweepError
from mdpkit.sweeps.modules import EXPERIMENTS, Source, find_project, import_module, read_source

__all__ = ["Experiment", "load_experiment"]

RESERVED = ("seed", "index")


@dataclass(frozen=True)
class Experiment:
    """An experiment at one preset, checked."""

    name: str
    preset: str
    configs: tuple[dict[str, Any], ...]
    n_seeds: int
    timing: bool
    function: Callable[[dict[str, Any], int], Mapping[str, Any]]
    source: Source | None

    @property
    def cells(self) -> list[tuple[dict[str, Any], int]]:
        """Every (configuration, seed), configurations in their order, seeds ``0..n_seeds-1`` within each."""
        return [(config, seed) for config in self.configs for seed in range(self.n_seeds)]


def load_experiment(experiment: ModuleType | str, preset: str, project: Path | None = None) -> Experiment:
    """Import an experiment by name (or take the module given) and check what it declares."""
    if isinstance(experiment, str):
        name = experiment.removeprefix(EXPERIMENTS + ".")
        root = find_project() if project is None else project.resolve()
        if root is None:
            raise SweepError(f"no experiments/ folder here or above, so there is no experiment {name!r}")
        dotted = f"{EXPERIMENTS}.{name}"
        source: Source | None = (reading := read_source(root, dotted))
        module = import_module(root, dotted, digest=reading.digest)
        function = getattr(module, "run", None)
    else:
        module = experiment
        name = module.__name__.removeprefix(EXPERIMENTS + ".")
        source = _source_of(module)
        function = _function_of(module, source)
    if not callable(function):
        raise InputError(f"experiment {name} has no function run(config, seed)", argument="experiment", value=name)
    configs, n_seeds = _read_preset(module, name, preset)
    timing = bool(getattr(module, "TIMING", False))
    return Experiment(name, preset, configs, n_seeds, timing, function, source)


def _source_of(module: ModuleType) -> Source | None:
    """Read the file of a module object and what it imports; None if it has no file."""
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    path = Path(file).resolve()
    parts = module.__name__.split(".")
    if list(path.with_suffix("").parts[-len(parts) :]) == parts:
        return read_source(path.parents[len(parts) - 1], module.__name__)
    return read_source(path.parent, path.stem)


def _function_of(module: ModuleType, source: Source | None) -> Any:
    """Return the ``run`` of the module's file as it is now, which is what the digest stands for and workers run.

    A module object may be older than its file, or than the files it imports. So its code is imported again; that is
    refused if its own ``run`` is not the one in the file, as then either of them might be meant.
    """
    function = getattr(module, "run", None)
    if source is None or module.__name__ == "__main__" or not callable(function):
        return function  # a script is as new as its process, and importing it again would run it again
    now = getattr(import_module(source.root, source.name, digest=source.digest), "run", None)
    if getattr(now, "__code__", None) != getattr(function, "__code__", None):
        raise SweepError(
            f"run of module {module.__name__} is not the one in {module.__file__} any more: import it again with "
            "importlib.reload, or pass its name"
        )
    return now


def _read_preset(module: ModuleType, name: str, preset: str) -> tuple[tuple[dict[str, Any], ...], int]:
    presets = getattr(module, "CONFIGS", None)
    if not isinstance(presets, Mapping):
        raise InputError(f"experiment {name} has no dictionary CONFIGS", argument="experiment", value=name)
    if preset not in presets:
        raise UnknownOptionError(
            f"experiment {name} has no preset {preset!r}; it has {', '.join(map(str, presets))}",
            argument="preset",
            value=preset,
        )
    try:
        grid, n_seeds = list(presets[preset]["configs"]), presets[preset]["n_seeds"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"CONFIGS[{preset!r}] of experiment {name} must be {{'configs': [dict, ...], 'n_seeds': int}}",
            argument="CONFIGS",
        ) from error
    if isinstance(n_seeds, bool) or not isinstance(n_seeds, numbers.Integral) or n_seeds < 1:
        raise InputError(f"n_seeds of experiment {name} must be a positive integer, found {n_seeds!r}")
    if not grid:
        raise InputError(f"experiment {name} has no configurations at preset {preset!r}", argument="configs")
    seen: set[str] = set()
    for i, config in enumerate(grid):
        where = f"configuration {i} of experiment {name}"
        if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
            raise InputError(f"{where} must be a dictionary with string keys, found {config!r}", index=i)
        if taken := [key for key in RESERVED if key in config]:
            raise InputError(f"{where} uses the reserved key {taken[0]!r}", argument="configs", index=i)
        text = canonical(config, where)
        if text in seen:
            raise InputError(f"{where} repeats an earlier one: {text}", argument="configs", index=i)
        seen.add(text)
    return tuple(dict(config) for config in grid), int(n_seeds)


def canonical(config: Mapping[str, Any], where: str = "the configuration") -> str:
    """Return the configuration as JSON with sorted keys: equal text means an equal configuration."""

    def plain(value: Any) -> Any:
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return value.item()
        raise InputError(
            f"{where} holds {value!r}; a configuration is made of numbers, strings, booleans, None, lists and "
            "dictionaries, so that it can name its results on disk",
            argument="configs",
            value=value,
        )

    return json.dumps(config, sort_keys=True, default=plain, separators=(",", ":"))
