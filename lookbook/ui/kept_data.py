"""What the site keeps of a visit, told from the tables and limits that the code has."""

from __future__ import annotations

from lookbook.events.schema import EVENTS, FORGOTTEN
from lookbook.schema.message import Message
from lookbook.ui.components import markup
from lookbook.ui.login import SESSION_SECONDS
from lookbook.ui.messages import _, _n, translate
from lookbook.ui.retention import CLOSED_PAGE_TTL, ORPHAN_TTL, PAGE_STATE_TTL, UPLOAD_TTL
from lookbook.ui.services.unanswered import KEPT_DAYS

# every column of every table with data, by its name in the database and in a visitor's export
COLUMNS = {
    EVENTS: {
        "seq": Message("a running number"),
        "id": Message("a random number of the event"),
        "visitor": Message("the random number of your browser"),
        "kind": Message("what you did: opened, liked, disliked, bought or took back"),
        "item": Message("the piece"),
        "time": Message("the time"),
        "season": Message("the season"),
        "occasion": Message("the occasion"),
        "place": Message("the page of this site"),
        "probability": Message("how likely a piece was to be shown, where chance decided"),
    },
    FORGOTTEN: {
        "token": Message("a code made from the random number, from which it cannot be told"),
        "time": Message("the time"),
    },
}
_FOREVER = Message("until you press Forget me")
_SITE_STOPS = Message("until the site stops")


def kept_html(keep_days: float) -> str:
    """Return the table of what is kept and how long; events for `keep_days`, 0 for ever."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{markup.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in kept(keep_days)
    )
    heads = (_("What"), _("In it"), _("How long"))
    head = "".join(f"<th>{markup.escape(text)}</th>" for text in heads)
    return f'<table class="kept"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def kept(keep_days: float) -> list[tuple[str, str, str]]:
    """Return (what, what is in it, how long it is kept) in the language of the request."""
    forever = translate(_FOREVER)
    events = _("{time}, at most {days} days", time=forever, days=keep_days)
    return [
        (_("Pieces you open, like or buy"), _columns(EVENTS), events if keep_days else forever),
        (
            _("Recommendations"),
            _("figures learnt from the pieces of all visitors, without their numbers"),
            _("{time}, then they are learnt anew", time=forever),
        ),
        (_("Numbers that were forgotten"), _columns(FORGOTTEN), _("for good")),
        (
            _("Photos"),
            _("the file you gave"),
            _(
                "{seconds} seconds after the answer, at most {minutes} minutes",
                seconds=UPLOAD_TTL,
                minutes=ORPHAN_TTL / 60,
            ),
        ),
        (
            _("Your search"),
            _("words, filters, and numbers that say what a photo looks like"),
            _(
                "{minutes} minutes, {closed} minutes once the page is closed",
                minutes=PAGE_STATE_TTL / 60,
                closed=CLOSED_PAGE_TTL / 60,
            ),
        ),
        (
            _("Words that found nothing"),
            _("how often, without who searched"),
            _n("{count} day", "{count} days", KEPT_DAYS) + ", " + translate(_SITE_STOPS),
        ),
        (
            _("Your network address"),
            _("how many requests came from it"),
            _("until they no longer count, some minutes after the last one"),
        ),
        (
            _("Your sign-in, where this site asks for one"),
            _("the name you signed in with"),
            _n("{count} hour", "{count} hours", int(SESSION_SECONDS / 3600)),
        ),
        (_("In your browser"), translate(COLUMNS[EVENTS]["visitor"]), _("until you delete it")),
    ]


def _columns(table: object) -> str:
    return "; ".join(translate(text) for text in COLUMNS[table].values())  # type: ignore[index]
