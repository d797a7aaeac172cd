"""The About page: what the index holds, how good it is by its own attributes, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation
from lookbook.search.index import Index
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import Part

_NOTHING = "This index was built without figures: build it again with embed.py to have them."


def about(index: Index) -> str:
    """The HTML of the page."""
    m = index.manifest
    source = str(m.source.get("name", "")).rstrip("/").split("/")[-1] or "a catalogue"
    facts = {
        "Pieces": f"{m.count:,}",
        "From": source,
        "Indexed": m.created[:10],
        "Pictures": m.licence or "licence not told",
        "Encoder": str(m.encoder.get("id", "")).rstrip("/").split("/")[-1],
        "Vectors": f"{m.dim} numbers each, {m.metric}",
        "Search": f"{m.engine}; the forest's recall is {m.recall:.3f}",
        "A score means": str(calibration(index)) if calibration(index) else "similarity alone",
    }
    rows = "".join(
        f"<div><dt>{markup.text(k)}</dt><dd>{markup.text(v)}</dd></div>" for k, v in facts.items()
    )
    return f"<article><h2>This index</h2><dl>{rows}</dl>{_figures(evaluation(index))}</article>"


def _figures(told: Mapping[str, Any] | None) -> str:
    if not told:
        return f'<p class="empty">{_NOTHING}</p>'
    notes = "".join(f"<p>{markup.text(note)}</p>" for note in told.get("notes", []))
    return _evaluation(told) + _audit(told.get("audit")) + notes


def _evaluation(told: Mapping[str, Any]) -> str:
    measured = told.get("evaluation") or {}
    if not measured:
        return ""
    bars = [(markup.heading(column), row["P@10"]) for column, row in measured.items()]
    return (
        "<h2>Do neighbours share their attributes?</h2>"
        f"<p>Of the ten nearest pieces to each of {told['sample']:,}, the share with the same "
        "value; the thin line is the 95&nbsp;% interval.</p>" + plot(bars)
    )


def _audit(audit: Mapping[str, Any] | None) -> str:
    if not audit:
        return ""
    kind = markup.text(markup.heading(audit["kind"]).lower()) if audit["kind"] else ""
    parts = [
        "<h2>Is anybody served worse?</h2>"
        "<p>For each group: how many of its ten nearest are of the same "
        f"{kind or 'kind'}, and how often it is shown compared with its share of the collection "
        "(1 is even). Small groups have wide intervals.</p>"
    ]
    for attribute in audit["attributes"]:
        groups = attribute["groups"]
        right = [(_named(g), g["precision"]) for g in groups if g["precision"]]
        shown = [(_named(g), g["exposure"]) for g in groups]
        parts.append(
            f"<h3>{markup.text(markup.heading(attribute['column']))}</h3>"
            f'<div class="pair"><figure><figcaption>Same {kind or "kind"}</figcaption>'
            f"{plot(right)}</figure><figure><figcaption>Exposure</figcaption>"
            f"{plot(shown, mark=1.0)}</figure></div>{_gap(attribute)}"
        )
    return "".join(parts)


def _named(group: Mapping[str, Any]) -> str:
    return f"{group['name']} ({group['share']:.0%})"


def _gap(attribute: Mapping[str, Any]) -> str:
    gap = attribute["precision_gap"]
    if not gap:
        return ""
    return (
        f"<p>The widest gap: {markup.text(gap['most'])} over {markup.text(gap['least'])} by "
        f"{gap['value']:.2f} ({gap['low']:.2f} to {gap['high']:.2f}).</p>"
    )


def plot(rows: Sequence[tuple[str, Mapping[str, float]]], mark: float | None = None) -> str:
    """Horizontal bars with intervals, as a table that a screen reader can read.

    `mark` draws a line at a value that means even.
    """
    if not rows:
        return ""
    most = max(1.0, *(figure["high"] for _, figure in rows))
    line = "" if mark is None else f'<s style="left:{100 * mark / most:.1f}%"></s>'
    made = []
    for name, figure in rows:
        value, low, high = (100 * figure[key] / most for key in ("value", "low", "high"))
        made.append(
            f'<tr><th scope="row">{markup.text(name)}</th><td class="bar"><div>{line}'
            f'<b style="width:{value:.1f}%"></b>'
            f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i></div></td>'
            f"<td>{figure['value']:.2f}</td></tr>"
        )
    return f'<table class="plot">{"".join(made)}</table>'


def page(index: Index) -> Any:
    """The part of the page; it never changes while the site runs."""
    return Part(about(index), elem_id="about")
