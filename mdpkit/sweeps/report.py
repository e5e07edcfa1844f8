"""The report: one HTML page that stands alone, and the same content for machines."""

from __future__ import annotations

import base64
import math
from collections import Counter
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mdpkit.sweeps.claims import KINDS, Claim
from mdpkit.sweeps.readable import readable, readable_pair, readable_time

if TYPE_CHECKING:
    from mdpkit.sweeps.reproduction import FigureResult, Reproduction

__all__ = ["claims_document", "html_report"]

MARKS = {"held": ("held", "✓"), "failed": ("failed", "✗"), "not reproduced": ("open", "○")}
"""Style and sign of each status: never color alone."""

COLUMNS = ("held", "failed", "not reproduced", "descriptive")


def html_report(done: Reproduction) -> str:
    """Return the report as one page: styles inline, images as data, every text escaped."""
    style = files("mdpkit.sweeps").joinpath("report.css").read_text(encoding="utf-8")
    families: dict[str, list[FigureResult]] = {}
    for result in sorted(done.figures, key=lambda result: result.figure.family):
        families.setdefault(result.figure.family, []).append(result)
    body = [_head(done), _summary(done), _contents(families)]
    for family, results in families.items():
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


def _head(done: Reproduction) -> str:
    env = done.environment
    failed = [c for c in done.claims if c.decides and c.status == "failed"]
    not_reproduced = sum(c.held is None for c in done.claims)
    checked = sum(c.decides and c.held is not None for c in done.claims)
    troubles = []
    if done.errors:
        troubles.append(f"{len(done.errors)} of {_count(len(done.figures), 'figure')} could not be made")
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
    return (
        "<h1>Figures and claims</h1>\n"
        f'<p class="soft">mdpkit {escape(env.get("mdpkit", ""))} · preset <code>{escape(done.preset)}</code> · '
        f"{escape(env.get('date', ''))} · {readable_time(done.seconds)}</p>\n"
        f'<p class="verdict {style}">{escape(sentence)}</p>'
    )


def _summary(done: Reproduction) -> str:
    counts = done.counts()
    with_errors = bool(done.errors)
    columns = [*COLUMNS, "error"] if with_errors else list(COLUMNS)
    titles = {"error": "figures in error"}

    def row(name: str, count: Counter[str], style: str = "") -> str:
        cells = "".join(_count_cell(column, count[column]) for column in columns)
        return f"<tr{style}><td>{escape(name)}</td>{cells}</tr>"

    rows = [row(family, count) for family, count in counts.items()]
    if len(counts) > 1:
        rows.append(row("all", sum(counts.values(), Counter()), ' class="total"'))
    heads = "".join(f'<th scope="col">{titles.get(column, column)}</th>' for column in columns)
    notes = "; ".join(f"<i>{kind}</i> {meaning}" for kind, meaning in KINDS.items())
    return (
        f'<div class="scroll"><table>\n<thead><tr><th scope="col">family</th>{heads}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody>\n</table></div>\n"
        f'<p class="small">Claims by kind: {notes}. <i>Not reproduced</i>: the source says so and we could not show '
        "it, for the reason given.</p>"
    )


def _count_cell(column: str, n: int) -> str:
    style = {"held": "held", "failed": "failed", "not reproduced": "open", "error": "failed"}.get(column)
    return f'<td class="{style}">{n}</td>' if n and style else f"<td>{n}</td>"


def _contents(families: dict[str, list[FigureResult]]) -> str:
    items = []
    for results in families.values():
        for result in results:
            name = result.figure.name
            failed = result.error is not None or any(c.decides and c.held is False for c in result.claims)
            mark = ' <span class="chip failed">✗ failed</span>' if failed else ""
            items.append(f'<li><a href="#{quote(name)}">{escape(result.figure.title)}</a>{mark}</li>')
    return f"<nav><ul>{''.join(items)}</ul></nav>"


def _card(result: FigureResult, done: Reproduction) -> str:
    figure = result.figure
    parts = [f'<section class="card" id="{quote(figure.name)}">\n<h3>{escape(figure.title)}</h3>']
    if result.error is not None:
        parts.append('<p><span class="chip failed">✗ could not be made</span></p>')
        parts.append(f"<p>{escape(figure.caption)}</p>\n<pre>{escape(result.error)}</pre>")
    else:
        image = base64.b64encode(result.png or b"").decode("ascii")
        claims = "".join(map(_claim, result.claims)) or '<li class="soft">This figure makes no claims.</li>'
        parts.append(
            f'<div class="sides">\n<figure><img alt="{escape(figure.title)}" src="data:image/png;base64,{image}">\n'
            f'<figcaption>{escape(figure.caption)}</figcaption></figure>\n<ul class="claims">{claims}</ul>\n</div>'
        )
    parts.append(_foot(result, done) + "</section>")
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


def _foot(result: FigureResult, done: Reproduction) -> str:
    from mdpkit.sweeps.reproduction import short_name

    figure = result.figure
    links = []
    if result.error is None:
        links = [f'<a href="figures/{quote(figure.name)}.{end}">{end.upper()}</a>' for end in ("svg", "png")]
    for name in map(short_name, figure.experiments):
        if name in done.sweeps:
            links.append(f'<a href="data/{quote(name)}.csv">{escape(name)}.csv</a>')
    command = f"mdpkit reproduce {figure.name} --preset {done.preset}"
    return (
        f'<div class="foot">Reproduces: {escape(figure.source)}<br>\n{" · ".join(links)}'
        f"\n<pre>{escape(command)}</pre></div>"
    )


def _timings(done: Reproduction) -> str:
    rows = "".join(
        f"<tr><td>{escape(sweep.experiment)}</td><td>{sweep.n_cells:,}</td>"
        f"<td>{'never' if sweep.timing else f'{sweep.n_cached:,}'}</td><td>{readable_time(sweep.seconds)}</td></tr>"
        for sweep in done.sweeps.values()
    )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("experiment", "cells", "from the cache", "time"))
    table = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<h2>Timings</h2>\n{table if rows else '<p>No experiment was run.</p>'}"


def _environment(done: Reproduction) -> str:
    items = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in done.environment.items())
    return f"<h2>Environment</h2>\n<dl>{items}</dl>"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def claims_document(done: Reproduction) -> dict[str, Any]:
    """Return the content of ``claims.json``; numbers that JSON does not know are strings (``"nan"``, ``"inf"``)."""
    return {
        "format": 1,
        "preset": done.preset,
        "ok": done.ok,
        "seconds": round(done.seconds, 3),
        "environment": done.environment,
        "counts": {
            family: {column: count[column] for column in (*COLUMNS, "error")} for family, count in done.counts().items()
        },
        "figures": [
            {
                "name": result.figure.name,
                "title": result.figure.title,
                "family": result.figure.family,
                "source": result.figure.source,
                "experiments": list(result.figure.experiments),
                "seconds": round(result.seconds, 3),
                "error": result.error,
                "claims": [_claim_record(claim) for claim in result.claims],
            }
            for result in done.figures
        ],
    }


def _claim_record(claim: Claim) -> dict[str, Any]:
    def number(x: float | str | None) -> float | str | None:
        return str(x) if isinstance(x, float) and not math.isfinite(x) else x

    return {
        "sentence": claim.sentence,
        "value": number(claim.value),
        "threshold": number(claim.threshold),
        "held": claim.held,
        "status": claim.status,
        "kind": claim.kind,
        "uncertainty": claim.uncertainty,
        "source": claim.source,
        "reason": claim.reason,
    }
