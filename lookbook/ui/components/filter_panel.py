"""The filters: chips for the values of a column, and a range for the price."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lookbook.schema.column_names import is_colour_column
from lookbook.schema.readable import last_level
from lookbook.search.facets import Facet, FacetValue, NumericRange
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.labels import label_of
from lookbook.ui.messages import _, language, number

_UNFOLDED = 3  # facets that are unfolded at first
_FIRST_VALUES = 12  # values shown before "more"


class FilterPanel(HtmlComponent):
    """Chips with counts, swatches for colours, a range for prices; events: toggle, span, clear."""

    actions = ("toggle", "clear")
    script = """
    element.addEventListener('change', (event) => {
      const form = event.target.closest('.span');
      if (!form) return;
      const [low, high] = form.querySelectorAll('input');
      trigger('span', {least: low.value, most: high.value});
    });
    element.addEventListener('submit', (event) => event.preventDefault());
    """


class FilterButton(HtmlComponent):
    """A phone's button that opens and closes the filters over the whole screen."""

    script = """
    const pages = () => document.querySelector('#pages');
    const label = () => {
      const button = element.querySelector('button');
      if (!button) return;
      const open = pages().classList.contains('filtering');
      button.setAttribute('aria-expanded', open);
      button.querySelector('span').textContent = open ? _('Show results') : _('Filter');
    };
    const close = () => {
      pages().classList.remove('filtering');
      document.documentElement.style.overflow = '';
      label();
    };
    element.addEventListener('click', (event) => {
      if (!event.target.closest('button')) return;
      const open = pages().classList.toggle('filtering');
      label();
      const fold = document.querySelector('#refine > button');
      if (fold && !fold.classList.contains('open')) fold.click();
      document.documentElement.style.overflow = open ? 'hidden' : '';
      if (open) document.querySelector('#refine').scrollTop = 0;
      else document.querySelector('#answer').scrollIntoView();
    });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });
    window.addEventListener('popstate', close);
    watch('value', label);
    """


def filter_button_html(conditions: int) -> str:
    """Return the HTML of the button, with the number of filters that hold."""
    count = f"<em>{conditions}</em>" if conditions else ""
    label = markup.escape(_("Filter"))
    return f'<button type="button" aria-expanded="false"><span>{label}</span>{count}</button>'


def filters_html(facets: Sequence[Facet], span: NumericRange | None) -> str:
    """Return the HTML of all filters, the price range first."""
    return _filters_html(tuple(facets), span, language())


@lru_cache(64)  # of some KB; most searches are without a filter
def _filters_html(facets: tuple[Facet, ...], span: NumericRange | None, language: str) -> str:
    parts = [_facet(facet, i < _UNFOLDED) for i, facet in enumerate(facets)]
    if span is not None:
        parts.insert(0, _range(span))
    if not parts:
        return markup.empty(_("This collection has no attributes to choose by."))
    chosen = sum(value.chosen for facet in facets for value in facet.choices)
    if chosen or (span and (span.least is not None or span.most is not None)):
        label = markup.escape(_("Clear filters"))
        parts.append(f'<button type="button" class="clear" data-act="clear">{label}</button>')
    return "".join(parts)


def _facet(facet: Facet, unfolded: bool) -> str:
    chosen = sum(value.chosen for value in facet.choices)
    state = " open" if unfolded or chosen else ""
    first, rest = facet.choices[:_FIRST_VALUES], facet.choices[_FIRST_VALUES:]
    chips = "".join(_chip(facet.column, value) for value in first)
    if rest:
        more = "".join(_chip(facet.column, value) for value in rest)
        unfold = " open" if any(value.chosen for value in rest) else ""
        label = markup.escape(_("{count} more", count=len(rest)))
        chips += f"<details{unfold}><summary>{label}</summary>{more}</details>"
    count = f" <em>{chosen}</em>" if chosen else ""
    label = markup.escape(label_of(facet.column))
    return (
        f'<details class="facet"{state}><summary>{label}{count}'
        f'</summary><div class="chips">{chips}</div></details>'
    )


def _chip(column: str, value: FacetValue) -> str:
    paint = markup.css_colour(value.value) if is_colour_column(column) else None
    dot = f'<i class="swatch" style="background:{paint}"></i>' if paint else ""
    disabled = " disabled" if not value.count and not value.chosen else ""
    text = markup.escape(value.value)
    label = markup.escape(last_level(value.value))
    return (
        f'<button type="button" class="chip" data-act="toggle" aria-pressed="'
        f'{"true" if value.chosen else "false"}" data-column="{markup.escape(column)}" '
        f'data-value="{text}" title="{text}"{disabled}>{dot}{label} '
        f"<small>{number(value.count)}</small></button>"
    )


def _range(span: NumericRange) -> str:
    fields = _field(_("From"), span.least, span.low) + _field(_("to"), span.most, span.high)
    title = markup.escape(label_of(span.column))
    return f'<form class="span" aria-label="{title}"><b>{title}</b>{fields}</form>'


def _field(label: str, value: float | None, placeholder: float) -> str:
    text = "" if value is None else f"{value:.12g}"
    return (
        f'<label>{markup.escape(label)}<input type="number" inputmode="decimal" min="0" step="any" '
        f'value="{text}" placeholder="{placeholder:.12g}"></label>'
    )


def turned_range_message(span: NumericRange) -> str:
    """Return the sentence that a range given from its upper to its lower end was turned round."""
    return _(
        "{column} turned round: from {low} to {high}.",
        column=label_of(span.column),
        low=span.most,
        high=span.least,
    )
