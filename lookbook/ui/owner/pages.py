"""The HTML of the owner's page; every text in it is escaped, and it works without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookbook.ui import assets
from lookbook.ui.components.markup import escape
from lookbook.ui.owner import job
from lookbook.ui.owner.activity import Activity
from lookbook.ui.owner.job import Status
from lookbook.ui.owner.uploads import ACCEPTED

_REFRESH_SECONDS = 2
_MAX_LISTED = 12  # lines of a refusal, ids of a table
_LABELS = {"view": "opened", "like": "liked", "buy": "bought", "unanswered": "without an answer"}


@dataclass(frozen=True)
class GenerationRow:
    """One published generation: `current` is what CURRENT names, `shown` what the site shows."""

    name: str
    created: str
    items: str
    source: str
    current: bool
    shown: bool


def login_html(site: str, problem: str = "", base: str = "./") -> str:
    """Return the page that asks for the password; `base` leads from its address to the site's."""
    return _page(
        f"{site}: owner",
        _alert(problem) + '<form method="post" action="owner/login"><label>Password of the owner '
        '<input type="password" name="password" autocomplete="current-password" autofocus required>'
        "</label> <button>Log in</button></form>",
        base=base,
    )


def owner_html(
    site: str,
    token: str,
    status: Status,
    generations: Sequence[GenerationRow],
    activity: Activity,
    problem: str = "",
) -> str:
    """Return the whole page; while a process is under way it loads itself again."""
    body = (
        _form("logout", token, "Log out", "quiet")
        + _alert(problem)
        + f"<section><h2>Catalogue</h2>{_catalogue(status, token)}</section>"
        + f"<section><h2>Published indexes</h2>{_generations(generations, token)}</section>"
        + f"<section><h2>What visitors do</h2>{_activity(activity)}</section>"
    )
    return _page(f"{site}: owner", body, refresh=status.busy)


def _catalogue(status: Status, token: str) -> str:
    name = escape(status.name)
    stop = _form("discard", token, "Stop")
    if status.stage == job.CHECKING:
        return f"<p role=status>{name} is being read.</p><progress></progress>{stop}"
    if status.stage == job.INDEXING:
        return f"<p role=status>{name} is being indexed{_step(status)}.</p>{_bar(status)}{stop}"
    if status.stage == job.CHECKED:
        return (
            f"<p>What would be indexed of {name}:</p>{_report(status.report)}"
            + _form("index", token, "Index it")
            + _form("discard", token, "Discard it", "quiet")
        )
    told = ""
    if status.stage == job.DONE:
        told = f"<p role=status>{name} is indexed.</p><pre>{escape(status.message)}</pre>"
    elif status.stage == job.FAILED:
        told = _alert(f"{status.name}: {status.message}")
    return told + (
        '<form method="post" action="owner/upload" enctype="multipart/form-data">'
        f"{_hidden(token)}<label>A zip of pictures (with their table), a table or a feed: "
        f'<input type="file" name="file" accept="{",".join(ACCEPTED)}" required></label> '
        "<button>Upload and check</button></form><p>It is checked first: nothing changes on the "
        "site before you press <i>Index it</i>. Pictures given by address are fetched then.</p>"
    )


def _step(status: Status) -> str:
    step = f": {status.step}" if status.step else ""
    total = f" of {status.total:,}" if status.total else ""
    return escape(f"{step}, {status.done:,}{total}") if status.done else escape(step)


def _bar(status: Status) -> str:
    if not status.total:
        return "<progress></progress>"
    return f'<progress value="{status.done}" max="{status.total}"></progress>'


def _report(report: Mapping[str, Any]) -> str:
    items = report.get("items")
    count = "an unknown number of items" if items is None else f"{items:,} items"
    photos = report.get("photos")
    more = f" with {photos:,} photos" if photos else ""
    by_address = report.get("by_address")
    fetched = f", {by_address:,} pictures by address" if by_address else ""
    columns = [
        (c["name"], f"{c['taken_for']} ({c['why']})", ", ".join(c["examples"]))
        for c in report.get("columns", ())
    ]
    rows = report.get("rows", [])
    heads = list(rows[0]) if rows else []
    refused = [
        (reason, f"{found['count']:,}", _lines(found["lines"]), found["first"])
        for reason, found in report.get("refused", {}).items()
    ]
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.get("notes", ()))
    return (
        f"<p><b>{escape(count + more + fetched)}</b></p>"
        + _table("Refused", ("reason", "rows", "lines", "the first"), refused)
        + (f"<ul>{notes}</ul>" if notes else "")
        + _table("Columns", ("column", "taken for", "examples"), columns)
        + _table("First rows", heads, [[row.get(name) for name in heads] for row in rows])
    )


def _lines(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _MAX_LISTED:,} more" if len(numbers) > _MAX_LISTED else ""
    return ", ".join(map(str, numbers[:_MAX_LISTED])) + more


def _generations(rows: Sequence[GenerationRow], token: str) -> str:
    if not rows:
        return "<p>This index has no published generations: it cannot be changed here.</p>"
    cells = []
    for row in rows:
        state = "published" if row.current else ""
        state += (", shown by the site" if row.current else "shown by the site") * row.shown
        button = "" if row.current else _form("publish", token, "Publish", name=row.name)
        cells.append(
            f"<tr><td>{escape(row.created)}</td><td>{escape(row.items)}</td>"
            f"<td>{escape(row.source)}</td><td>{escape(state)}</td><td>{button}</td></tr>"
        )
    head = "<tr><th>made</th><th>items</th><th>of</th><th></th><th></th></tr>"
    back = _form("rollback", token, "Roll back: withdraw the published one") if rows[1:] else ""
    return f"<table>{head}{''.join(cells)}</table>{back}"


def _activity(activity: Activity) -> str:
    if activity.problem:
        return _alert(activity.problem)
    plot = _plot(activity)
    tables = "".join(
        _table(f"Most often {_LABELS[kind]}", ("item", "times"), rows)
        for kind, rows in activity.items.items()
    )
    searches = _table("Searches without an answer", ("words", "times"), activity.searches)
    return (
        f"<p>The last {len(activity.days)} days (UTC); numbers only, nothing of a person. Searches "
        "are counted since the site was started.</p>"
        f"{plot}<div class=columns>{tables}{searches}</div>"
    )


def _plot(activity: Activity) -> str:
    """Return a plot of each count by day, and the same as a table for screen readers."""
    days = [day.isoformat() for day in activity.days]
    traces = [
        {"type": "bar", "name": _LABELS[kind], "x": days, "y": counts}
        for kind, counts in activity.counts.items()
    ]
    layout = {
        "barmode": "group",
        "height": 320,
        "margin": {"l": 40, "r": 8, "t": 8, "b": 40},
        "paper_bgcolor": "transparent",
        "plot_bgcolor": "transparent",
        "legend": {"orientation": "h"},
    }
    data = json.dumps([traces, layout]).replace("<", "\\u003c")
    heads = ["day", *(_LABELS[kind] for kind in activity.counts)]
    counted = zip(days, *activity.counts.values(), strict=True)
    rows = [row for row in counted if any(row[1:])]
    return (
        '<div id="plot" aria-hidden="true"></div><script src="owner/plotly.js"></script><script>'
        f"Plotly.newPlot('plot', ...{data}, {{displayModeBar: false, responsive: true}});</script>"
        f"<details><summary>As a table</summary>{_table('', heads, rows)}</details>"
    )


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{escape('' if v is None else v)}</td>" for v in row) + "</tr>"
        for row in rows
    )
    if not body:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return f"<div class=wide><table>{caption}<tr>{head}</tr>{body}</table></div>"


def _form(action: str, token: str, label: str, kind: str = "", name: str = "") -> str:
    named = f'<input type="hidden" name="name" value="{escape(name)}">' if name else ""
    return (
        f'<form method="post" action="owner/{action}" class="{kind}">{_hidden(token)}{named}'
        f"<button>{escape(label)}</button></form>"
    )


def _hidden(token: str) -> str:
    return f'<input type="hidden" name="token" value="{escape(token)}">'


def _alert(problem: str) -> str:
    return f'<p role="alert">{escape(problem)}</p>' if problem else ""


def _page(title: str, body: str, refresh: bool = False, base: str = "./") -> str:
    again = f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="{base}">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'{again}<link rel="icon" href="favicon.ico"><style>{assets.read("owner.css")}</style>'
        f"</head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
