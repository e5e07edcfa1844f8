"""``mdpkit bounds``: the theorems of the package, listed and searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mdpkit.cli.root import SHOWN_NAMES, cli
from mdpkit.errors import UnknownOptionError

if TYPE_CHECKING:
    from mdpkit.bounds import Bound

__all__ = ["bounds"]


@cli.command(short_help="List the theorems, or search them.")
@click.argument("word", required=False)
def bounds(word: str | None) -> None:
    """List every bound of the catalogue, or show those with WORD in their name, statement or reference.

    \b
    Examples:
      mdpkit bounds
      mdpkit bounds weissman_radius
      mdpkit bounds Hoeffding
    """
    from mdpkit.bounds import catalogue

    found = catalogue()
    if word is not None:
        found = [bound for bound in found if _mentions(bound, word)]
        found = [bound for bound in found if bound.name == word] or found
        if not found:
            raise UnknownOptionError(f"no bound mentions {word!r}; mdpkit bounds lists them all", argument="word")
    if word is not None and len(found) <= SHOWN_NAMES:
        click.echo("\n\n".join(_bound_details(bound) for bound in found))
        return
    width, kind_width = max(len(bound.name) for bound in found), max(len(bound.kind) for bound in found)
    for bound in found:
        click.echo(f"{bound.name:{width}}  {bound.kind:{kind_width}}  {bound.summary}")


def _mentions(bound: Bound, word: str) -> bool:
    text = " ".join((bound.name, bound.summary, bound.statement, bound.reference))
    return word.casefold() in text.casefold()


def _bound_details(bound: Bound) -> str:
    from textwrap import fill

    def block(first: str, text: str) -> str:
        # The double backticks are markup for the documentation.
        return fill(text.replace("``", ""), 100, initial_indent=first, subsequent_indent=" " * len(first))

    lines = [f"mdpkit.bounds.{bound.name}({', '.join(bound.parameters)})", block("", bound.summary), ""]
    lines += [block("  ", bound.statement), "", f"Kind: {bound.kind}", "Assumes:"]
    lines += [block("  - ", sentence) for sentence in bound.assumptions]
    lines += ["Arguments:", *(block(f"  {name}: ", text) for name, text in bound.parameters.items())]
    if bound.exponents is not None:
        powers = ", ".join(f"{name}^{power:g}" for name, power in bound.exponents.items())
        lines.append(f"Exponents: {powers}")
    return "\n".join([*lines, block("Reference: ", bound.reference)])
