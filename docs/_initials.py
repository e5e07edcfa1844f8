"""Keep ``.. [1] M. L. Puterman`` from being read as item M of an enumerated list."""

import re
from typing import Any

INITIAL = re.compile(r"^(\s*\.\. \[\w+\] [A-Z])\. ")


def escape(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the first initial of every reference of a docstring."""
    lines[:] = [INITIAL.sub(r"\1\\. ", line) for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx, ahead of numpydoc."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
