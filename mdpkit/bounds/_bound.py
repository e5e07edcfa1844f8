"""A theorem as an object: what it says, when it holds, where it is proved, and its value as a number."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from mdpkit.errors import InputError, UnknownOptionError

__all__ = ["Bound", "BoundValue", "Kind", "catalogue", "get", "theorem"]

Kind: TypeAlias = Literal["always", "identity", "probability", "asymptotic", "rate"]
KINDS = ("always", "identity", "probability", "asymptotic", "rate")


class BoundValue(float):
    """The value of a bound: a float that knows when it says nothing.

    Parameters
    ----------
    value : float
        The number.
    reason : str, default ""
        Why the value is vacuous; empty if it is not.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> radius = bounds.weissman_radius(n=10, n_successors=5, delta=0.1)
    >>> radius.vacuous, float(radius) + 1 == radius + 1
    (False, True)
    >>> bounds.weissman_radius(n=2, n_successors=5, delta=0.1)
    BoundValue(2.388259298036166, vacuous: two distributions are never further apart than 2)
    """

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, value: float, reason: str = "") -> BoundValue:
        self = super().__new__(cls, value)
        self.reason = reason
        return self

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        return float(self), self.reason

    def __repr__(self) -> str:
        number = float.__repr__(self)
        return f"BoundValue({number}, vacuous: {self.reason})" if self.vacuous else number

    @property
    def vacuous(self) -> bool:
        """Whether the statement holds trivially, so that the value proves nothing."""
        return bool(self.reason)


def judged(value: float, trivial: float | None, reason: str) -> BoundValue:
    """Return the value, flagged with the reason where it is no better than the trivial bound."""
    vacuous = trivial is not None and not value < trivial
    # Zero error is a statement even when nothing else is possible.
    return BoundValue(value, reason if vacuous and value > 0.0 else "")


@dataclass(frozen=True, eq=False, repr=False)
class Bound:
    """A theorem of the catalogue, or one of your own (`Bound.from_function`).

    Attributes
    ----------
    name : str
        Name of the function that evaluates it.
    summary : str
        One line.
    statement : str
        The inequality or identity, in full.
    assumptions : tuple of str
        Sentences; the statement is proved only where all of them hold.
    reference : str
        Where it is proved.
    kind : {"always", "identity", "probability", "asymptotic", "rate"}
        "always": holds for every instance. "identity": two sides are equal. "probability": holds with the stated
        probability. "asymptotic": the limit, or an approximation with no error term. "rate": only the exponents are
        claimed; constants and logarithms are not.
    parameters : mapping
        Arguments of `value` and what they mean.
    exponents : mapping, optional
        For rates: the power of each parameter.
    function : callable
        The formula.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bound = bounds.get("greedy_policy_loss")
    >>> bound
    <Bound greedy_policy_loss(gamma, error): always>
    >>> print(bound.statement.partition(", then ")[2])
    ``max (V* - V^pi) <= 2 gamma error / (1 - gamma)``.
    >>> bound.value(gamma=0.5, error=0.1)
    0.2
    """

    name: str
    summary: str
    statement: str
    assumptions: tuple[str, ...]
    reference: str
    kind: Kind
    parameters: Mapping[str, str]
    exponents: Mapping[str, float] | None
    function: Callable[..., float] = field(repr=False)

    @classmethod
    def from_function(
        cls, function: Callable[..., float], kind: Kind, *, exponents: Mapping[str, float] | None = None
    ) -> Bound:
        """Build a bound from a formula and its docstring.

        The docstring holds, in this order, one line of summary, the statement, the word ``Assumptions:`` with a
        bulleted list, and the sections ``Parameters`` and ``References`` of numpydoc.

        Parameters
        ----------
        function : callable
            The formula, with keyword arguments; it checks its own arguments and returns a number.
        kind : {"always", "identity", "probability", "asymptotic", "rate"}
            What sort of claim it is.
        exponents : mapping, optional
            For rates: the power of each parameter.

        Raises
        ------
        InputError
            Unknown kind, or exponents without a rate or a rate without exponents.

        Examples
        --------
        >>> from mdpkit.bounds import Bound
        >>> def range_of_mean(*, width):
        ...     '''A mean lies where its terms lie.
        ...
        ...     The mean of numbers in an interval of length ``width`` is within ``width`` of each of them.
        ...
        ...     Assumptions:
        ...
        ...     - All numbers lie in one interval of length ``width``.
        ...     '''
        ...     return width
        >>> Bound.from_function(range_of_mean, "always").assumptions
        ('All numbers lie in one interval of length ``width``.',)
        """
        if kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}, found {kind!r}", argument="kind", value=kind)
        if (kind == "rate") != (exponents is not None):
            raise InputError("a rate has exponents, and nothing else has", argument="exponents", value=exponents)
        text = _read_docstring(inspect.getdoc(function) or "")
        names = inspect.signature(function).parameters
        return cls(
            name=function.__name__,
            summary=text["summary"],
            statement=text["statement"],
            assumptions=text["assumptions"],
            reference=text["reference"],
            kind=kind,
            parameters={name: text["parameters"].get(name, "") for name in names},
            exponents=None if exponents is None else dict(exponents),
            function=function,
        )

    def value(self, **arguments: Any) -> BoundValue:
        """Evaluate the formula.

        Parameters
        ----------
        **arguments
            The `parameters`, by name.

        Returns
        -------
        BoundValue
            A float with ``vacuous`` and ``reason``.

        Raises
        ------
        UnknownOptionError
            An argument the formula does not have.
        InputError
            An argument is missing or outside its range.
        """
        signature = inspect.signature(self.function)
        for name in arguments:
            if name not in signature.parameters:
                known = ", ".join(signature.parameters)
                raise UnknownOptionError(f"{self.name} has no argument {name!r}; it takes {known}", argument=name)
        for name, parameter in signature.parameters.items():
            if name not in arguments and parameter.default is inspect.Parameter.empty:
                raise InputError(f"{self.name} needs the argument {name!r}", argument=name)
        result = self.function(**arguments)
        return result if isinstance(result, BoundValue) else BoundValue(result)

    def __repr__(self) -> str:
        return f"<Bound {self.name}({', '.join(self.parameters)}): {self.kind}>"


_CATALOGUE: dict[str, Bound] = {}
Formula = TypeVar("Formula", bound=Callable[..., BoundValue])


def theorem(kind: Kind, *, exponents: Mapping[str, float] | None = None) -> Callable[[Formula], Formula]:
    """Enter a formula into the catalogue, and leave the function as it is."""

    def enter(function: Formula) -> Formula:
        bound = Bound.from_function(function, kind, exponents=exponents)
        _CATALOGUE[bound.name] = bound
        return function

    return enter


def catalogue() -> list[Bound]:
    """Return every bound of the package, by topic.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> [bound.name for bound in bounds.catalogue() if "MacQueen" in bound.reference]
    ['macqueen_porteus_error', 'macqueen_porteus_policy_loss']
    """
    return list(_CATALOGUE.values())


def get(name: str) -> Bound:
    """Return one bound by its name.

    Parameters
    ----------
    name : str
        Name of its function.

    Raises
    ------
    UnknownOptionError
        There is no such bound.

    Examples
    --------
    >>> from mdpkit import bounds
    >>> bounds.get("bellman_contraction").kind
    'always'
    """
    if name not in _CATALOGUE:
        raise UnknownOptionError(
            f"there is no bound {name!r}; mdpkit.bounds.catalogue() lists them", argument="name", value=name
        )
    return _CATALOGUE[name]


# ---------------------------------------------------------------- docstrings


def _read_docstring(text: str) -> dict[str, Any]:
    """Split a docstring into summary, statement, assumptions, parameters and reference."""
    head, sections = _sections(text)
    summary, _, rest = head.partition("\n")
    statement, _, listed = rest.partition("Assumptions:")
    bullets = [_one_line(item) for item in re.split(r"^- ", listed, flags=re.MULTILINE)[1:]]
    reference = re.sub(r"\.\. \[\d+\] ", "", sections.get("References", ""))
    return {
        "summary": summary.strip(),
        "statement": _one_line(statement),
        "assumptions": tuple(bullets),
        "reference": _one_line(reference),
        "parameters": _parameters(sections.get("Parameters", "")),
    }


def _sections(text: str) -> tuple[str, dict[str, str]]:
    pieces = re.split(r"^(\w[\w ]*)\n-{3,}$", text, flags=re.MULTILINE)
    return pieces[0], dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _parameters(section: str) -> dict[str, str]:
    found: dict[str, str] = {}
    # A header line starts at the margin: "name, other : type"; its description is indented.
    for match in re.finditer(r"^(\S[^:\n]*) : (.*)\n((?:[ ]+.*(?:\n|$)|\n)*)", section, flags=re.MULTILINE):
        names, kind, description = match.groups()
        for name in names.split(","):
            found[name.strip()] = f"{kind.strip()}. {_one_line(description)}"
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())
