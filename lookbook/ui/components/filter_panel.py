"""The parts that narrow and tell a query: filter chips, and the bar of what is being asked."""

from __future__ import annotations

from collections.abc import Sequence

from lookbook.schema.filters import Condition
from lookbook.search.facets import Facet, FacetValue, NumericRange
from lookbook.search.query import Query
from lookbook.ui.components import markup
from lookbook.ui.components.event_data import Part

_OPEN = 3  # facets that are unfolded at first
_FEW = 12  # choices shown before "more"


class Filters(Part):
    """Chips with counts, swatches for colours, a range for prices; acts: toggle, span, clear."""

    acts = ("toggle", "clear")
    script = """
    element.addEventListener('change', (event) => {
      const form = event.target.closest('.span');
      if (!form) return;
      const [low, high] = form.querySelectorAll('input');
      trigger('span', {least: low.value, most: high.value});
    });
    element.addEventListener('submit', (event) => event.preventDefault());
    """


class Asked(Part):
    """What is being asked, in removable pieces; acts: remove, undo, fresh."""

    acts = ("remove", "undo", "fresh")


def filters(facets: Sequence[Facet], span: NumericRange | None) -> str:
    """The HTML of all filters."""
    parts = [_facet(facet, i < _OPEN) for i, facet in enumerate(facets)]
    if span is not None:
        parts.insert(0, _span(span))
    if not parts:
        return '<p class="empty">This collection has no attributes to choose by.</p>'
    chosen = sum(choice.chosen for facet in facets for choice in facet.choices)
    if chosen or (span and (span.least is not None or span.most is not None)):
        parts.append('<button type="button" class="clear" data-act="clear">Clear filters</button>')
    return "".join(parts)


def _facet(facet: Facet, unfolded: bool) -> str:
    chosen = sum(choice.chosen for choice in facet.choices)
    state = " open" if unfolded or chosen else ""
    first, rest = facet.choices[:_FEW], facet.choices[_FEW:]
    chips = "".join(_chip(facet.column, choice) for choice in first)
    if rest:
        more = "".join(_chip(facet.column, choice) for choice in rest)
        unfold = " open" if any(choice.chosen for choice in rest) else ""
        chips += f"<details{unfold}><summary>{len(rest)} more</summary>{more}</details>"
    note = f" <em>{chosen}</em>" if chosen else ""
    return (
        f'<details class="facet"{state}><summary>{markup.text(markup.heading(facet.column))}{note}'
        f'</summary><div class="chips">{chips}</div></details>'
    )


def _chip(column: str, choice: FacetValue) -> str:
    paint = markup.swatch(choice.value) if "colo" in column.casefold() else None
    dot = f'<i class="swatch" style="background:{paint}"></i>' if paint else ""
    gone = " disabled" if not choice.count and not choice.chosen else ""
    return (
        f'<button type="button" class="chip" data-act="toggle" aria-pressed="'
        f'{"true" if choice.chosen else "false"}" data-column="{markup.text(column)}" '
        f'data-value="{markup.text(choice.value)}"{gone}>{dot}{markup.text(choice.value)}'
        f" <small>{choice.count:,}</small></button>"
    )


def _span(span: NumericRange) -> str:
    def field(label: str, value: float | None, usual: float) -> str:
        shown = "" if value is None else f"{value:.12g}"
        return (
            f'<label>{label}<input type="number" inputmode="decimal" min="0" step="any" '
            f'value="{shown}" placeholder="{usual:.12g}"></label>'
        )

    fields = field("From", span.least, span.low) + field("to", span.most, span.high)
    title = markup.text(markup.heading(span.column))
    return f'<form class="span" aria-label="{title}"><b>{title}</b>{fields}</form>'


def asked(query: Query, thumbs: dict[str, tuple[str, str]]) -> str:
    """The bar of what is asked; `thumbs` gives (picture file, title) of the ids it names."""
    pieces = []
    for kind, ids in (("more", query.positive), ("less", query.negative)):
        for id in ids:
            file, title = thumbs[id]
            said = f"{'More' if kind == 'more' else 'Less'} like {title}"
            image = f'<img src="{markup.picture(file)}" alt="">'
            pieces.append(_piece(kind, id, said, f"{'+' if kind == 'more' else '−'}{image}"))
    if query.words:
        pieces.append(_piece("words", "", query.words, markup.text(f"“{query.words}”")))
    if query.from_link and query.pictures:
        pieces.append(_piece("pictures", "", "the shared picture", "A shared picture"))
    for condition in query.where:
        plain = told(condition)
        pieces.append(_piece("where", condition.to_text(), plain, markup.text(plain)))
    if not pieces and query.empty:
        return ""
    undo = '<button type="button" data-act="undo">Undo</button>' * bool(
        query.positive or query.negative
    )
    fresh = '<button type="button" data-act="fresh">Start over</button>'
    return f'<div class="asked">{"".join(pieces)}{undo}{fresh}</div>'


def _piece(kind: str, value: str, said: str, inner: str) -> str:
    inner += "<b>&times;</b>"
    return markup.button(
        "remove", f"Remove: {said}", inner, {"class": kind}, kind=kind, value=value
    )


def told(condition: Condition) -> str:
    """`gender=Women|Girls` as `Women or Girls`, `price>=100` as `price from 100`."""
    values, column = " or ".join(condition.values), markup.heading(condition.column)
    said = {"<=": f"{column} up to {values}", ">=": f"{column} from {values}"}
    return said.get(condition.operator, values if condition.operator == "=" else f"not {values}")


def impossible(span: NumericRange | None) -> str:
    """Why a range of prices can hold nothing, "" where it can hold something."""
    if span is None or span.least is None or span.most is None or span.least <= span.most:
        return ""
    title = markup.heading(span.column)
    return f"{title} from {span.least:.12g} is above up to {span.most:.12g}: nothing can be both."
