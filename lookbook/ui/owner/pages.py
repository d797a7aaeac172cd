"""The HTML of the owner's page; every text in it is escaped, and it works without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookbook.schema.message import Message
from lookbook.ui import assets
from lookbook.ui.components.markup import escape
from lookbook.ui.messages import _, _n, language, number, quoted, translate
from lookbook.ui.owner import job
from lookbook.ui.owner.activity import Activity
from lookbook.ui.owner.job import Status
from lookbook.ui.owner.uploads import ACCEPTED

_REFRESH_SECONDS = 2
_MAX_LISTED = 12  # lines of a refusal, ids of a table
_LABELS = {
    "view": Message("opened"),
    "like": Message("liked"),
    "buy": Message("bought"),
    "unanswered": Message("without an answer"),
}
_MOST_OFTEN = {
    "view": Message("Most often opened"),
    "like": Message("Most often liked"),
    "buy": Message("Most often bought"),
}
_OF_A_PHOTO = " (photo)"
_REASONS = {  # of `Rejection`
    "missing": Message("missing"),
    "ambiguous": Message("several fit"),
    "outside": Message("outside of the folder"),
    "not-a-picture": Message("not a picture"),
    "address": Message("an address that is not fetched"),
    "local": Message("an address of this machine"),
    "too few cells": Message("too few cells"),
    "too many cells": Message("too many cells"),
    "cell too long": Message("cell too long"),
    "quotes": Message("quotes"),
    "not JSON": Message("not JSON"),
    "not an object": Message("not an object"),
}
_ENGLISH = ' lang="en"'  # what a command wrote, which speaks English only


@dataclass(frozen=True)
class GenerationRow:
    """One published generation: `current` is what CURRENT names, `shown` what the site shows."""

    name: str
    created: str
    items: int | None
    source: str
    current: bool
    shown: bool


def login_html(site: str, problem: str = "", base: str = "./") -> str:
    """Return the page that asks for the password; `base` leads from its address to the site's."""
    return _page(
        _title(site),
        f'{_alert(problem)}<form method="post" action="owner/login"><label>'
        f"{escape(_('Password of the owner'))} "
        '<input type="password" name="password" autocomplete="current-password" autofocus required>'
        f"</label> <button>{escape(_('Log in'))}</button></form>",
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
        _form("logout", token, _("Log out"), "quiet")
        + _alert(problem)
        + _section(_("Catalogue"), _catalogue(status, token))
        + _section(_("Published indexes"), _generations(generations, token))
        + _section(_("What visitors do"), _activity(activity))
    )
    return _page(_title(site), body, refresh=status.busy)


def _title(site: str) -> str:
    return _("{site}: owner", site=site)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _catalogue(status: Status, token: str) -> str:
    name = status.name
    stop = _form("discard", token, _("Stop"))
    if status.stage == job.CHECKING:
        return f"{_status(_('{name} is being read.', name=name))}<progress></progress>{stop}"
    if status.stage == job.INDEXING:
        told = _("{name} is being indexed.", name=name) + _step(status)
        return f"{_status(told)}{_bar(status)}{stop}"
    if status.stage == job.CHECKED:
        return (
            f"<p>{escape(_('What would be indexed of {name}:', name=name))}</p>"
            + _report(status.report)
            + _form("index", token, _("Index it"))
            + _form("discard", token, _("Discard it"), "quiet")
        )
    return _outcome(status) + _upload_form(token)


def _outcome(status: Status) -> str:
    """Return what became of the last upload, in the words of the command that read it."""
    if status.stage == job.DONE:
        told = _status(_("{name} is indexed.", name=status.name))
        return f"{told}<pre{_ENGLISH}>{escape(status.message)}</pre>"
    if status.stage != job.FAILED:
        return ""
    if isinstance(status.message, Message) or language() == "en":
        return _alert(f"{status.name}: {translate(status.message)}")
    told = _("{name} was not taken. The reason, in English:", name=status.name)
    return f"{_alert(told)}<p{_ENGLISH}>{escape(status.message)}</p>"


def _upload_form(token: str) -> str:
    return (
        '<form method="post" action="owner/upload" enctype="multipart/form-data">'
        f"{_hidden(token)}<label>"
        f"{escape(_('A zip of pictures (with their table), a table or a feed:'))} "
        f'<input type="file" name="file" accept="{",".join(ACCEPTED)}" required></label> '
        f"<button>{escape(_('Upload and check'))}</button></form><p>"
        + escape(
            _(
                "It is checked first: nothing changes on the site before you press {button}. "
                "Pictures given by address are fetched then.",
                button=quoted(_("Index it")),
            )
        )
        + "</p>"
    )


def _step(status: Status) -> str:
    if not status.done:
        return ""
    if not status.total:
        return " " + _("Pictures encoded: {done}", done=status.done)
    if not status.step:
        return " " + _("Pictures encoded: {done} of {total}", done=status.done, total=status.total)
    return " " + _("Writing the index: {done} of {total}", done=status.done, total=status.total)


def _bar(status: Status) -> str:
    if not status.total:
        return "<progress></progress>"
    return f'<progress value="{status.done}" max="{status.total}"></progress>'


def _report(report: Mapping[str, Any]) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.get("notes", ()))
    return (
        f"<p><b>{escape(_counts(report))}</b></p>"
        + _refused(report)
        + (f"<ul{_ENGLISH}>{notes}</ul>" if notes else "")
        + _columns(report)
        + _first_rows(report)
    )


def _counts(report: Mapping[str, Any]) -> str:
    items, photos = report.get("items"), report.get("photos")
    by_address = report.get("by_address")
    parts = [
        _("an unknown number of items")
        if items is None
        else _n("{count} item", "{count} items", items)
    ]
    if photos:
        parts.append(_n("{count} photo", "{count} photos", photos))
    if by_address:
        parts.append(_n("{count} picture by address", "{count} pictures by address", by_address))
    return ", ".join(parts)


def _refused(report: Mapping[str, Any]) -> str:
    heads = (_("reason"), _("rows"), _("lines"), _("the first"))
    rows = [
        (_reason(reason), number(found["count"]), _lines(found["lines"]), _sentence(found))
        for reason, found in report.get("refused", {}).items()
    ]
    lacks_message = any("message" not in found for found in report.get("refused", {}).values())
    return _table(_("Refused"), heads, rows, english=(3,) if lacks_message else ())


def _reason(reason: str) -> str:
    """Return why rows were refused, in a few words; of a photo of a row that has others."""
    slug = reason.removesuffix(_OF_A_PHOTO)
    named = translate(_REASONS.get(slug, slug))
    return named if slug == reason else _("{reason} (photo)", reason=named)


def _sentence(found: Mapping[str, Any]) -> str:
    stored = found.get("message")
    return translate(Message.from_json(stored)) if stored else str(found["first"])


def _columns(report: Mapping[str, Any]) -> str:
    heads = (_("column"), _("taken for"), _("examples"))
    rows = [
        (c["name"], f"{c['taken_for']} ({c['why']})", ", ".join(c["examples"]))
        for c in report.get("columns", ())
    ]
    return _table(_("Columns"), heads, rows, english=(1,))


def _first_rows(report: Mapping[str, Any]) -> str:
    rows = report.get("rows", [])
    heads = list(rows[0]) if rows else []
    return _table(_("First rows"), heads, [[row.get(name) for name in heads] for row in rows])


def _lines(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers[:_MAX_LISTED]))
    more = len(numbers) - _MAX_LISTED
    return _("{lines} and {count} more", lines=listed, count=more) if more > 0 else listed


def _generations(rows: Sequence[GenerationRow], token: str) -> str:
    if not rows:
        told = _("This index has no published generations: it cannot be changed here.")
        return f"<p>{escape(told)}</p>"
    cells = []
    for row in rows:
        states = [_("published")] * row.current + [_("shown by the site")] * row.shown
        state = ", ".join(states)
        button = "" if row.current else _form("publish", token, _("Publish"), name=row.name)
        cells.append(
            f"<tr><td>{escape(row.created)}</td><td>{_items(row.items)}</td>"
            f"<td>{escape(row.source)}</td><td>{escape(state)}</td><td>{button}</td></tr>"
        )
    heads = (_("made at"), _("items"), _("made of"), "", "")
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    label = _("Roll back: withdraw the published one")
    back = _form("rollback", token, label) if rows[1:] else ""
    return f"<table><tr>{head}</tr>{''.join(cells)}</table>{back}"


def _items(count: int | None) -> str:
    return "?" if count is None else escape(number(count))


def _activity(activity: Activity) -> str:
    if activity.problem:
        told = _("The store of events does not answer: please try again later.")
        return f"{_alert(told)}<p{_ENGLISH}>{escape(activity.problem)}</p>"
    plot = _plot(activity)
    tables = "".join(
        _table(translate(_MOST_OFTEN[kind]), (_("item"), _("times")), rows)
        for kind, rows in activity.items.items()
    )
    heads = (_("words"), _("times"))
    searches = _table(_("Searches without an answer"), heads, activity.searches)
    told = _(
        "The last {days} days (UTC); numbers only, nothing of a person. Searches are counted since "
        "the site was started.",
        days=len(activity.days),
    )
    return f"<p>{escape(told)}</p>{plot}<div class=columns>{tables}{searches}</div>"


def _plot(activity: Activity) -> str:
    """Return a plot of each count by day, and the same as a table for screen readers."""
    days = [day.isoformat() for day in activity.days]
    traces = [
        {"type": "bar", "name": translate(_LABELS[kind]), "x": days, "y": counts}
        for kind, counts in activity.counts.items()
    ]
    layout = {
        "barmode": "group",
        "height": 320,
        "margin": {"l": 40, "r": 8, "t": 8, "b": 40},
        "paper_bgcolor": "transparent",
        "plot_bgcolor": "transparent",
        "legend": {"orientation": "h"},
        "separators": number(1000000.5)[-2] + number(1000000)[1],  # decimals, thousands
        "xaxis": {"tickformat": "%Y-%m-%d", "hoverformat": "%Y-%m-%d"},  # plotly's months: English
    }
    data = json.dumps([traces, layout]).replace("<", "\\u003c")
    heads = [_("day"), *(translate(_LABELS[kind]) for kind in activity.counts)]
    counted = zip(days, *activity.counts.values(), strict=True)
    rows = [row for row in counted if any(row[1:])]
    return (
        '<div id="plot" aria-hidden="true"></div><script src="owner/plotly.js"></script><script>'
        f"Plotly.newPlot('plot', ...{data}, {{displayModeBar: false, responsive: true}});</script>"
        f"<details><summary>{escape(_('As a table'))}</summary>{_table('', heads, rows)}</details>"
    )


def _table(
    title: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    english: Sequence[int] = (),
) -> str:
    """Return a table; `english` are the places of columns that a command wrote."""
    languages = [_ENGLISH * (place in english) for place in range(len(heads))]
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{lang}>{escape('' if v is None else v)}</td>"
            for lang, v in zip(languages, row, strict=True)
        )
        + "</tr>"
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


def _status(told: str) -> str:
    return f"<p role=status>{escape(told)}</p>"


def _alert(problem: str) -> str:
    return f'<p role="alert">{escape(problem)}</p>' if problem else ""


def _page(title: str, body: str, refresh: bool = False, base: str = "./") -> str:
    again = f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">' if refresh else ""
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8"><base href="{base}">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'{again}<link rel="icon" href="favicon.ico"><style>{assets.read("owner.css")}</style>'
        f"</head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
