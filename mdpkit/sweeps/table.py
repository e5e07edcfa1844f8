"""From finished cells to one tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mdpkit.errors import InputError
from mdpkit.sweeps.cells import Values

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["tidy"]


def tidy(cells: Sequence[tuple[dict[str, Any], int]], results: Sequence[Values]) -> pd.DataFrame:
    """Return the long table of `mdpkit.sweeps.run`: cells in order, arrays exploded, scalars repeated."""
    import pandas as pd

    lengths = [max((v.size for v in values.values() if v.ndim), default=1) for values in results]
    keys = _ordered(config for config, _ in cells)
    names = _ordered(results)
    if clash := [name for name in names if name in keys]:
        raise InputError(f"{clash[0]!r} is a configuration key in one cell and a result in another", argument=clash[0])
    columns: dict[str, Any] = {}
    for key in keys:
        column = pd.Series([_cell_value(config.get(key)) for config, _ in cells]).infer_objects()
        columns[key] = column.repeat(lengths).array
    columns["seed"] = np.repeat(np.array([seed for _, seed in cells], dtype=np.int64), lengths)
    if any(v.ndim for values in results for v in values.values()):
        columns["index"] = np.concatenate([np.arange(n) for n in lengths])
    for name in names:
        columns[name] = _column(name, [values.get(name) for values in results], lengths)
    return pd.DataFrame(columns)


def _ordered(dictionaries: Any) -> list[str]:
    return list(dict.fromkeys(key for dictionary in dictionaries for key in dictionary))


def _cell_value(value: Any) -> Any:
    """Make list-valued settings hashable, so that the table can be grouped by them; keep no numpy scalars."""
    if isinstance(value, (list, tuple)):
        return tuple(_cell_value(item) for item in value)
    if isinstance(value, dict):
        return {key: _cell_value(item) for key, item in value.items()}
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def _column(name: str, parts: list[np.ndarray[Any, Any] | None], lengths: list[int]) -> Any:
    present = [part for part in parts if part is not None]
    text = {part.dtype.kind == "U" for part in present}
    if len(text) > 1:
        raise InputError(f"the result {name!r} is text in one cell and a number in another", argument=name)
    missing = "" if text == {True} else np.nan
    return np.concatenate(
        [
            np.broadcast_to(np.asarray(missing if part is None else part), n)
            for part, n in zip(parts, lengths, strict=True)
        ]
    )
