"""The About page: what the index holds, how good its neighbours are, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lookbook.index import Manifest
from lookbook.schema.readable import base_name, column_label
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation
from lookbook.search.index import Index
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent

_NO_FIGURES = "This index was built without figures: build it again with embed.py to have them."


def component(index: Index) -> HtmlComponent:
    """Return the component of the page; as it is when the site starts."""
    return HtmlComponent(about_html(index), elem_id="about")


def about_html(index: Index) -> str:
    """Return the HTML of the page."""
    m = index.manifest
    source = base_name(str(m.source.get("name", ""))) or "a catalogue"
    facts = {
        "Pieces": f"{m.count:,}",
        **({"Photos": f"{m.photos:,}"} if m.photos > m.count else {}),
        "From": source,
        "Indexed": m.created[:10],
        "Pictures": m.licence or "licence unknown",
        "Encoder": base_name(str(m.encoder.get("id", ""))),
        "Vectors": f"{m.dim} numbers each, {m.metric}",
        "Search": _search_text(m),
        "A score means": str(calibration(index)) if calibration(index) else "similarity alone",
    }
    if origin := m.kept.get("evaluation.json"):
        facts["Figures of"] = f"{origin['created'][:10]}, {origin['changed']:,} changes ago"
    rows = "".join(
        f"<div><dt>{markup.escape(name)}</dt><dd>{markup.escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f"<article><h2>This index</h2><dl>{rows}</dl>{_figures(evaluation(index))}</article>"


def _search_text(manifest: Manifest) -> str:
    if manifest.built is None:
        return "exact"
    return f"{manifest.engine}; recall of {manifest.built}: {manifest.recall:.3f}"


def _figures(report: Mapping[str, Any] | None) -> str:
    if not report:
        return f'<p class="empty">{_NO_FIGURES}</p>'
    notes = "".join(f"<p>{markup.escape(note)}</p>" for note in report.get("notes", []))
    return _evaluation(report) + _audit(report.get("audit")) + notes


def _evaluation(report: Mapping[str, Any]) -> str:
    measured = report.get("evaluation") or {}
    if not measured:
        return ""
    bars = [(column_label(column), row["P@10"]) for column, row in measured.items()]
    return (
        "<h2>Do neighbours share their attributes?</h2>"
        f"<p>Of the ten nearest pieces to each of {report['sample']:,}, the share with the same "
        "value; the thin line is the 95&nbsp;% interval.</p>" + bars_html(bars)
    )


def _audit(audit: Mapping[str, Any] | None) -> str:
    if not audit:
        return ""
    kind = markup.escape(column_label(audit["kind"]).lower()) if audit["kind"] else ""
    parts = [
        "<h2>Is anybody served worse?</h2>"
        "<p>For each group: how many of its ten nearest are of the same "
        f"{kind or 'kind'}, and how often it is shown compared with its share of the collection "
        "(1 is even). Small groups have wide intervals.</p>"
    ]
    for attribute in audit["attributes"]:
        groups = attribute["groups"]
        precision = [(_group_label(g), g["precision"]) for g in groups if g["precision"]]
        exposure = [(_group_label(g), g["exposure"]) for g in groups]
        parts.append(
            f"<h3>{markup.escape(column_label(attribute['column']))}</h3>"
            f'<div class="pair"><figure><figcaption>Same {kind or "kind"}</figcaption>'
            f"{bars_html(precision)}</figure><figure><figcaption>Exposure</figcaption>"
            f"{bars_html(exposure, reference=1.0)}</figure></div>{_gap(attribute)}"
        )
    return "".join(parts)


def _group_label(group: Mapping[str, Any]) -> str:
    return f"{group['name']} ({group['share']:.0%})"


def _gap(attribute: Mapping[str, Any]) -> str:
    gap = attribute["precision_gap"]
    if not gap:
        return ""
    return (
        f"<p>The widest gap: {markup.escape(gap['most'])} over {markup.escape(gap['least'])} by "
        f"{gap['value']:.2f} ({gap['low']:.2f} to {gap['high']:.2f}).</p>"
    )


def bars_html(
    rows: Sequence[tuple[str, Mapping[str, float]]], reference: float | None = None
) -> str:
    """Return horizontal bars with intervals, as a table that a screen reader can read.

    `rows` are (label, {"value", "low", "high"}); `reference` draws a line at a value.
    """
    if not rows:
        return ""
    scale = max(1.0, *(figure["high"] for _, figure in rows))
    line = "" if reference is None else f'<s style="left:{100 * reference / scale:.1f}%"></s>'
    bars = []
    for label, figure in rows:
        value, low, high = (100 * figure[key] / scale for key in ("value", "low", "high"))
        bars.append(
            f'<tr><th scope="row">{markup.escape(label)}</th><td class="bar"><div>{line}'
            f'<b style="width:{value:.1f}%"></b>'
            f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i></div></td>'
            f"<td>{figure['value']:.2f}</td></tr>"
        )
    return f'<table class="plot">{"".join(bars)}</table>'
