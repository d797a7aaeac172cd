"""What the results of a photo or an item are matched on: shape, colour, pattern or kind."""

from __future__ import annotations

from collections.abc import Sequence

from lookbook.schema.message import Message
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.messages import _, translate

# "its", as a catalogue may have columns called "colour" and "kind", which are not translated
LABELS = {
    "shape": Message("its shape"),
    "colour": Message("its colour"),
    "pattern": Message("its pattern"),
    "kind": Message("its kind"),
}


class MatchChips(HtmlComponent):
    """Toggle buttons, of which at most one is pressed; event: match (data: on)."""

    actions = ("match",)
    # a button that was pressed keeps the focus when the server writes it anew
    script = """
    let pressed = null;
    element.addEventListener('click', (event) => {
      pressed = event.target.closest('[data-on]')?.dataset.on ?? null;
    });
    watch('value', () => {
      if (pressed && (document.activeElement ?? document.body) === document.body)
        element.querySelector(`[data-on="${pressed}"]`)?.focus();
      pressed = null;
    });
    """


def match_html(matches: Sequence[str], chosen: str) -> str:
    """Return the HTML of the chips; "" where there is nothing to choose."""
    if not matches:
        return ""
    buttons = "".join(
        f'<button type="button" class="chip" data-act="match" data-on="{name}" '
        f'aria-pressed="{str(name == chosen).lower()}">'
        f"{markup.escape(translate(LABELS[name]))}</button>"
        for name in matches
        if name
    )
    label = markup.escape(_("Match on"))
    return f'<div role="group" aria-label="{label}"><span>{label}</span>{buttons}</div>'
