"""``mdpkit info`` and ``mdpkit problems``: describe models, list the named ones."""

from __future__ import annotations

from typing import Any

import click

from mdpkit.cli.root import SHOWN_NAMES, cli, print_facts
from mdpkit.cli.solve import read
from mdpkit.errors import UnknownOptionError

__all__ = ["info", "problems"]


@cli.command(short_help="Describe a problem.")
@click.argument("file", type=click.Path())
@click.option("--gamma", type=float, default=None, metavar="X", help="Discount factor, in place of the file's.")
def info(file: str, gamma: float | None) -> None:
    """Describe the problem in FILE: sizes, discount, sparsity, rewards, terminal states, names.

    \b
    Example:
      mdpkit info forest.npz
    """
    print_facts(_describe(read(file, gamma)))


def _describe(model: Any) -> list[tuple[str, str]]:
    import numpy as np

    horizon = getattr(model, "horizon", None)
    stages = list(model.stages) if horizon is not None else [model]
    if horizon is not None and model.is_homogeneous:
        stages = stages[:1]  # every stage is this one
    n_states, n_pairs = model.n_states, sum(stage.n_pairs for stage in stages)
    nnz = sum(stage.nnz for stage in stages)
    rewards = [stage.outcomes.reward if stage.has_random_rewards else stage.pair_reward for stage in stages]
    low, high = min(float(np.min(r)) for r in rewards), max(float(np.max(r)) for r in rewards)
    discount = "none (undiscounted)" if model.gamma is None else f"{model.gamma:.12g}"
    where = " over all steps" if len(stages) > 1 else ""
    facts = [("type", type(model).__name__), ("states", f"{n_states:,}"), ("actions", f"{model.n_actions:,}")]
    if horizon is not None:
        facts.append(("horizon", f"{horizon:,} steps{', all alike' if model.is_homogeneous else ''}"))
    facts += [
        ("state-action pairs", f"{n_pairs:,}{where}"),
        (
            "transitions",
            f"{nnz:,}{where} ({nnz / n_pairs:.3g} per pair, {nnz / (n_pairs * n_states):.3%} of the matrix)",
        ),
        ("discount", discount),
        ("rewards", f"{low:.6g} to {high:.6g}" + (", random" if any(s.has_random_rewards for s in stages) else "")),
        ("initial state", _initial(model)),
    ]
    if horizon is None:
        facts.append(("terminal states", _listed(_terminal_states(model), model.state_names)))
    for label, names in (("state names", model.state_names), ("action names", model.action_names)):
        facts.append((label, "none" if names is None else _listed(range(len(names)), names)))
    return facts


def _terminal_states(model: Any) -> list[int]:
    """Return the states whose every action loops with reward 0."""
    import numpy as np

    matrix = model.rows.csr().tocoo()
    own = matrix.col == model.pair_state[matrix.row]
    stay = np.zeros(model.n_pairs)
    np.add.at(stay, matrix.row[own], matrix.data[own])
    # a row is divided by its sum, so a sure loop is 1 up to one rounding
    loops = (stay >= 1.0 - 1e-15) & (model.pair_reward == 0.0)
    escapes = np.zeros(model.n_states, dtype=bool)
    escapes[model.pair_state[~loops]] = True
    return [int(s) for s in np.flatnonzero(~escapes)]


def _initial(model: Any) -> str:
    import numpy as np

    if model.initial is None:
        return "not given"
    support = np.flatnonzero(model.initial)
    listed = _listed([int(s) for s in support], model.state_names)
    return listed if len(support) == 1 else f"random: {listed}"


def _listed(items: Any, names: tuple[str, ...] | None) -> str:
    items = list(items)
    if not items:
        return "none"
    shown = ", ".join(str(i) if names is None else names[i] for i in items[:SHOWN_NAMES])
    return shown if len(items) <= SHOWN_NAMES else f"{shown}, ... ({len(items):,} in all)"


@cli.command(short_help="List the named problems, or write one to a file.")
@click.argument("name", required=False)
@click.option("--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write a small instance of NAME.")
def problems(name: str | None, output: str | None) -> None:
    """List the named problems, describe one, or write a small instance of it to a file.

    \b
    Examples:
      mdpkit problems
      mdpkit problems river_swim
      mdpkit problems river_swim --output river_swim.npz
    """
    from mdpkit.problems import catalogue

    entries = {entry.name: entry for entry in catalogue()}
    if name is None:
        if output is not None:
            raise click.UsageError("--output needs the NAME of a problem")
        width = max(map(len, entries))
        for entry in entries.values():
            click.echo(f"{entry.name:{width}}  {entry.summary}")
        return
    if name not in entries:
        raise UnknownOptionError(f"there is no problem {name!r}; known: {', '.join(entries)}", argument="name")
    model = entries[name].example()
    if output is None:
        click.echo(f"mdpkit.problems.{name}{entries[name].parameters}\n{entries[name].summary}\n\nA small instance:")
        print_facts(_describe(model))
        return
    from mdpkit import io

    io.write(model, output)
    click.echo(f"Wrote {model!r} to {output}")
