"""The About page: what the index holds, how good its neighbours are, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lookbook.index import Manifest
from lookbook.schema.message import Message
from lookbook.schema.readable import base_name
from lookbook.schema.translations import translated_columns
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation
from lookbook.search.index import Index
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.kept_data import kept_html
from lookbook.ui.labels import label_of
from lookbook.ui.messages import _, _n, day, fixed, language, number, percent, translate

_INTRODUCTION = Message(
    "Show a photo or say what you look for: you get the pieces of this collection that look most "
    "alike. Your photo is deleted within minutes and shown to nobody; what you like is kept under "
    "a random number that lives in your browser, until you press Forget me."
)
_NO_FIGURES = Message(
    "This index was built without figures: build it again with embed.py to have them."
)
_KINDS = {"item": Message("pieces"), "photo": Message("photos"), "text": Message("words")}


def component(index: Index, keep_days: float = 0) -> HtmlComponent:
    """Return the component of the page; as it is when the site starts."""
    return HtmlComponent(lambda: about_html(index, keep_days), elem_id="about")


def about_html(index: Index, keep_days: float = 0) -> str:
    """Return the HTML of the page; events of visitors are kept for `keep_days`, 0 for ever."""
    m = index.manifest
    source = base_name(str(m.source.get("name", ""))) or _("a catalogue")
    curve = calibration(index)
    facts = {
        _("Pieces"): number(m.count),
        **({_("Photos"): number(m.photos)} if m.photos > m.count else {}),
        _("Indexed"): day(m.created),
        **({_("Pictures"): m.licence} if m.licence else {}),
    }
    technical = {
        _("From"): source,
        _("Encoder"): base_name(str(m.encoder.get("id", ""))),
        _("Vectors"): _("{count} numbers each, {metric}", count=m.dim, metric=m.metric),
        _("Search method"): _search_text(index),
        _("A score means"): translate(curve.meaning) if curve else _("similarity alone"),
    }
    if origin := m.kept.get("evaluation.json"):
        technical[_("Figures of")] = _n(
            "{day}, {count} change ago",
            "{day}, {count} changes ago",
            origin["changed"],
            day=day(origin["created"]),
        )
    title, fold = markup.escape(_("This collection")), markup.escape(_("Technical figures"))
    visits = markup.escape(_("What is kept of your visits"))
    return (
        f"<article><h2>{title}</h2><p>{markup.escape(translate(_INTRODUCTION))}</p>{_list(facts)}"
        f"<details><summary>{visits}</summary>{kept_html(keep_days)}</details>"
        f"<details><summary>{fold}</summary>{_list(technical)}"
        f"{_figures(evaluation(index))}</details></article>"
    )


def _list(facts: Mapping[str, str]) -> str:
    rows = "".join(
        f"<div><dt>{markup.escape(name)}</dt><dd>{markup.escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f"<dl>{rows}</dl>"


def _search_text(index: Index) -> str:
    """Return what answers each kind of query, named once where that is the same for all."""
    kinds: dict[str, list[str]] = {}
    for kind, engine in index.serving.items():
        kinds.setdefault(_engine_text(index.manifest, kind, engine), []).append(_KINDS[kind])
    if len(kinds) == 1:
        return next(iter(kinds))
    return "; ".join(
        _("{kinds}: {method}", kinds=names, method=method) for method, names in kinds.items()
    )


def _engine_text(manifest: Manifest, kind: str, engine: str) -> str:
    recall = manifest.recall_of(kind, engine)
    if engine == "exact" or recall is None:
        return _("exact") if engine == "exact" else engine
    return _("{engine}, recall {recall}", engine=engine, recall=number(recall, 3))


def _figures(report: Mapping[str, Any] | None) -> str:
    if not report:
        return markup.empty(translate(_NO_FIGURES))
    found = report.get("notes", []) if language() == "en" else []  # why a figure is missing
    notes = "".join(f"<p>{markup.escape(note)}</p>" for note in found)
    return _evaluation(report) + _audit(report.get("audit")) + notes


def _evaluation(report: Mapping[str, Any]) -> str:
    measured = report.get("evaluation") or {}
    if not measured:
        return ""
    translated = translated_columns(measured)  # they say what the columns themselves do
    bars = [
        (label_of(column), row["P@10"])
        for column, row in measured.items()
        if column not in translated
    ]
    explanation = _(
        "Of the ten nearest pieces to each of {count}, the share with the same value; "
        "the thin line is the 95 % interval.",
        count=report["sample"],
    )
    return (
        f"<h2>{markup.escape(_('Do neighbours share their attributes?'))}</h2>"
        f"<p>{markup.escape(explanation)}</p>{bars_html(bars)}"
    )


def _audit(audit: Mapping[str, Any] | None) -> str:
    if not audit:
        return ""
    kind = label_of(audit["kind"]) if audit["kind"] else _("kind")
    explanation = _(
        "For each group: how many of its ten nearest agree in “{column}”, and how often it is "
        "shown compared with its share of the collection (1 is even). Small groups have wide "
        "intervals.",
        column=kind,
    )
    same, exposure_label = markup.escape(_("Same {column}", column=kind)), _("Exposure")
    parts = [
        f"<h2>{markup.escape(_('Is anybody served worse?'))}</h2>"
        f"<p>{markup.escape(explanation)}</p>"
    ]
    for attribute in audit["attributes"]:
        groups = attribute["groups"]
        precision = [(_group_label(g), g["precision"]) for g in groups if g["precision"]]
        exposure = [(_group_label(g), g["exposure"]) for g in groups]
        parts.append(
            f"<h3>{markup.escape(label_of(attribute['column']))}</h3>"
            f'<div class="pair"><figure><figcaption>{same}</figcaption>'
            f"{bars_html(precision)}</figure><figure><figcaption>{markup.escape(exposure_label)}</figcaption>"
            f"{bars_html(exposure, reference=1.0)}</figure></div>{_gap(attribute)}"
        )
    return "".join(parts)


def _group_label(group: Mapping[str, Any]) -> str:
    return f"{group['name']} ({percent(group['share'])})"


def _gap(attribute: Mapping[str, Any]) -> str:
    gap = attribute["precision_gap"]
    if not gap:
        return ""
    sentence = _(
        "The widest gap: {most} over {least} by {value} ({low} to {high}).",
        most=gap["most"],
        least=gap["least"],
        **{name: round(gap[name], 2) for name in ("value", "low", "high")},
    )
    return f"<p>{markup.escape(sentence)}</p>"


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
            f"<td>{fixed(figure['value'])}</td></tr>"
        )
    return f'<table class="plot">{"".join(bars)}</table>'
