"""Inner problems of (s,a)-rectangular sets, one module per family."""

from mdpkit.robust.inner.base import Inner
from mdpkit.robust.inner.choose import inner_problem

__all__ = ["Inner", "inner_problem"]
