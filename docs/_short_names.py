"""Let pages and docstrings say `solve` or `mdpkit.solve`; the page behind both is ``mdpkit.planning.solve``."""

from collections import defaultdict
from typing import Any

from sphinx.util.nodes import make_refnode

# What an attribute's short name could mean by accident ("V", "policy") is not worth a link.
LINKED = {"class", "function", "exception", "method", "module"}


def resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Find the one documented object whose name ends like the target; leave everything else alone."""
    if node.get("refdomain") != "py":
        return None
    names = _by_ending(env).get(node["reftarget"].removeprefix("mdpkit."), set())
    if len(names) != 1:
        return None
    name = next(iter(names))
    entry = env.domains["py"].objects[name]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, name)


def _by_ending(env: Any) -> dict[str, set[str]]:
    """Return documented names under each of their endings: ``solve``, ``planning.solve``, ..."""
    endings: dict[str, set[str]] = defaultdict(set)
    for name, entry in env.domains["py"].objects.items():
        if entry.objtype in LINKED and not entry.aliased:
            parts = name.split(".")
            for i in range(1, len(parts)):
                endings[".".join(parts[i:])].add(name)
    return endings


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
