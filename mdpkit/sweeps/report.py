"""The report: one HTML page that stands alone."""

from __future__ import annotations

import base64
from collections import Counter
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mdpkit.sweeps.claims import KINDS, Claim
from mdpkit.sweeps.files import sha256
from mdpkit.sweeps.readable import readable, readable_pair, readable_time
from mdpkit.sweeps.records import FigureResult, count_claims

if TYPE_CHECKING:
    from mdpkit.sweeps.reproduction import Reproduction

__all__ = ["html_report"]

MARKS = {"held": ("held", "✓"), "failed": ("failed", "✗"), "not reproduced": ("open", "○")}
"""Style and sign of each status: never color alone."""

COLUMNS = {"figures": "", "held": "held", "failed": "failed", "not reproduced": "open", "descriptive": ""}
"""Columns of the summary, and the style of a number that is not zero."""

HEADS = {"not reproduced": "not repro&shy;duced", "descriptive": "descrip&shy;tive", "error": "in error"}
"""Columns with other heads: a soft hyphen is where a phone may break the word."""


def html_report(done: Reproduction) -> str:
    """Return the report as one page: styles inline, images as data, every text escaped."""
    style = files("mdpkit.sweeps").joinpath("report.css").read_text(encoding="utf-8")
    body = [_head(done), _summary(done), _contents(done)]
    for family, results in _families(done).items():
        body.append(f"<h2>{escape(family)}</h2>")
        body += [_card(result, done) for result in results]
    body += [_timings(done), _environment(done)]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light">\n'
        f"<title>mdpkit: figures and claims ({escape(done.preset)})</title>\n<style>\n{style}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def _families(done: Reproduction) -> dict[str, list[FigureResult]]:
    families: dict[str, list[FigureResult]] = {}
    for result in sorted(done.shown, key=lambda result: result.family):
        families.setdefault(result.family, []).append(result)
    return families


def _head(done: Reproduction) -> str:
    env = done.environment
    results = done.shown
    claims = [claim for result in results for claim in result.claims]
    errors = sum(result.error is not None for result in results)
    failed = [c for c in claims if c.decides and c.status == "failed"]
    not_reproduced = sum(c.held is None for c in claims)
    checked = sum(c.decides and c.held is not None for c in claims)
    troubles = []
    if errors:
        troubles.append(f"{errors} of {_count(len(results), 'figure')} could not be made")
    if failed:
        troubles.append(f"{len(failed)} of {_count(checked, 'checked claim')} failed")
    if troubles:
        style, sentence = "failed", "✗ " + "; ".join(troubles)
    elif checked:
        style, sentence = "held", "✓ " + (f"All {checked} checked claims held" if checked > 1 else "The claim held")
    else:
        style, sentence = "plain", "No claim was checked"
    if not_reproduced:
        sentence += f"; {not_reproduced} not reproduced"
    outdated = sum(bool(done.outdated(result)) for result in done.earlier)
    notes = list(done.notes)
    if outdated:
        notes.insert(
            0,
            f"{_count(outdated, 'figure')} below {'was' if outdated == 1 else 'were'} made earlier with other sources, "
            "versions or another preset, and marked so.",
        )
    return (
        "<h1>Figures and claims</h1>\n"
        f'<p class="soft">mdpkit {escape(env.get("mdpkit", ""))} · preset <code>{escape(done.preset)}</code> · '
        f"{escape(env.get('date', ''))} · {_count(len(done.figures), 'figure')} made in "
        f"{readable_time(done.seconds)}</p>\n"
        f'<p class="verdict {style}">{escape(sentence)}</p>'
        + "".join(f'\n<p class="note">{escape(note)}</p>' for note in notes)
    )


def _summary(done: Reproduction) -> str:
    notes = "; ".join(f"<i>{kind}</i>: {meaning}" for kind, meaning in KINDS.items())
    return (
        f'<div class="summary">{_summary_table(done, "paper")}{_summary_table(done, "family")}</div>\n'
        f'<p class="small">Numbers of claims. {notes}; <i>not reproduced</i>: the source says so and we could not '
        "show it, for the reason given.</p>"
    )


def _summary_table(done: Reproduction, by: str) -> str:
    counts = count_claims(done.shown, by)
    columns = dict(COLUMNS)
    if any(count["error"] for count in counts.values()):
        columns["error"] = "failed"

    def row(name: str, count: Counter[str], style: str = "") -> str:
        cells = "".join(
            f'<td class="{look}">{count[column]}</td>' if count[column] and look else f"<td>{count[column] or '·'}</td>"
            for column, look in columns.items()
        )
        return f"<tr{style}><td>{escape(name)}</td>{cells}</tr>"

    rows = [row(name, count) for name, count in counts.items()]
    if len(counts) > 1:
        rows.append(row("all", sum(counts.values(), Counter()), ' class="total"'))
    heads = "".join(f'<th scope="col">{HEADS.get(column, column)}</th>' for column in columns)
    return (
        f'<div class="scroll"><table>\n<thead><tr><th scope="col">{by}</th>{heads}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody>\n</table></div>"
    )


def _contents(done: Reproduction) -> str:
    items = []
    for results in _families(done).values():
        for result in results:
            mark = {"error": "✗ error", "failed": "✗ failed"}.get(result.status, "")
            chip = f' <span class="chip failed">{mark}</span>' if mark else ""
            items.append(f'<li><a href="#{quote(result.name)}">{escape(result.title)}</a>{chip}</li>')
    return f"<nav><ul>{''.join(items)}</ul></nav>"


def _card(result: FigureResult, done: Reproduction) -> str:
    parts = [f'<section class="card" id="{quote(result.name)}">\n<h3>{escape(result.title)}</h3>']
    outdated = done.outdated(result) if result in done.earlier else []
    if outdated:
        parts.append(f'<p class="note">Made earlier: {escape(result.date)}, {escape(", ".join(outdated))}.</p>')
    if result.error is not None:
        parts.append('<p><span class="chip failed">✗ could not be made</span></p>')
        parts.append(f"<p>{escape(result.caption)}</p>\n<pre>{escape(result.error)}</pre>")
    else:
        png = (done.report.parent / "figures" / f"{result.name}.png").read_bytes()
        image = base64.b64encode(png).decode("ascii")
        claims = "".join(map(_claim, result.claims)) or '<li class="soft">This figure makes no claims.</li>'
        parts.append(
            f'<div class="sides">\n<figure><img alt="{escape(result.title)}" src="data:image/png;base64,{image}">\n'
            f'<figcaption>{escape(result.caption)}</figcaption></figure>\n<ul class="claims">{claims}</ul>\n</div>'
        )
    parts.append(_foot(result, done.report.parent) + "</section>")
    return "\n".join(parts)


def _claim(claim: Claim) -> str:
    style, sign = MARKS[claim.status]
    if not claim.decides and claim.held is not None:
        style = "plain"
    value, threshold = readable_pair(claim.value, claim.threshold)
    numbers = [f"value <b>{escape(value)}</b>" if claim.value is not None else "no value"]
    if claim.threshold is not None:
        numbers.append(f"threshold <b>{escape(threshold)}</b>")
    lines = [
        f'<div><span class="chip {style}">{sign} {claim.status}</span><span class="kind">{claim.kind}</span></div>',
        f"<div>{escape(claim.sentence)}</div>",
        f'<div class="numbers">{" · ".join(numbers)}</div>',
    ]
    if claim.uncertainty is not None:
        stated = claim.uncertainty
        text = escape(stated) if isinstance(stated, str) else f"false-alarm probability {readable(stated)}"
        lines.append(f'<div class="small">{text}</div>')
    if claim.reason is not None:
        lines.append(f"<div>Why not: {escape(claim.reason)}</div>")
    lines.append(f'<div class="small">{escape(claim.source)}</div>')
    return "<li>" + "\n".join(lines) + "</li>"


def _foot(result: FigureResult, folder: Path) -> str:
    links = [f'<a href="figures/{quote(result.name)}.{end}">{end.upper()}</a>' for end in result.images]
    for run in result.sweeps:
        try:
            ours = sha256((folder / "data" / f"{run.experiment}.npz").read_bytes()) == run.data
        except OSError:
            ours = False
        if ours:
            links += [
                f'<a href="data/{quote(run.experiment)}.{end}">{escape(run.experiment)}.{end}</a>'
                for end in ("csv", "npz")
            ]
        else:
            links.append(f"{escape(run.experiment)}: data overwritten by a later run")
    times = [f"drawn in {readable_time(result.seconds)}"] if result.error is None else []
    times += [f"{run.experiment} took {readable_time(run.seconds)}" for run in result.sweeps]
    command = f"mdpkit reproduce {result.name} --preset {result.preset}"
    return (
        f'<div class="foot"><p>Reproduces: {escape(result.source)}</p>\n<p class="links">{" · ".join(links)}</p>'
        f'\n<pre class="command">{escape(command)}</pre>\n<p>{escape("; ".join([result.date, *times]))}.</p></div>'
    )


def _timings(done: Reproduction) -> str:
    rows = []
    for result in done.shown:
        for run in result.sweeps:
            cached = "never" if run.timing else f"{run.n_cached:,}"
            rows.append(
                f'<tr><td><a href="#{quote(result.name)}">{escape(result.name)}</a></td>'
                f"<td>{escape(run.experiment)}</td>"
                f"<td>{run.n_cells:,}</td><td>{cached}</td><td>{readable_time(run.seconds)}</td>"
                f"<td>{readable_time(result.seconds)}</td></tr>"
            )
    names = ("figure", "experiment", "cells", "from the cache", "experiment took", "drawing took")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    table = (
        f'<div class="scroll"><table class="timings"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return f"<h2>Timings</h2>\n{table if rows else '<p>No experiment was run.</p>'}"


def _environment(done: Reproduction) -> str:
    items = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in done.environment.items())
    return f"<h2>Environment</h2>\n<dl>{items}</dl>"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
