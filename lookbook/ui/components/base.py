"""The base of the site's own components: HTML written by the server, with buttons that send events.

gr.HTML puts `value` into the page as it is. A click on an element with `data-act` becomes a gradio
event of that name, whose data are the other `data-` attributes of the element.
"""

from __future__ import annotations

import os
from typing import Any

import gradio as gr

from lookbook.ui.components import markup
from lookbook.ui.messages import Rendered

# The limit shared by every event that runs the encoder, or costs as much, on the site and through
# the API: gradio groups events by `concurrency_id`. Embedding a query's words again takes 0.03 ms:
# events that do no more than that are left out of it.
ENCODER_LIMIT: dict[str, Any] = {
    "concurrency_id": "encoder",
    "concurrency_limit": os.cpu_count() or 1,
}
# How the site's events are declared: no API endpoint, no queueing behind each other, no spinner.
SILENT_EVENT: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}
ENCODING_EVENT: dict[str, Any] = SILENT_EVENT | ENCODER_LIMIT
# Fetching an address may take seconds, in which no photo of another visitor should wait.
FETCHING_EVENT: dict[str, Any] = SILENT_EVENT | {
    "concurrency_id": "fetch",
    "concurrency_limit": 4,
    "trigger_mode": "always_last",
}
# The garments of a photo are located after its answer, one photo at a time. Each press starts its
# own: none may be left out because that of an earlier photo still runs.
GARMENTS_EVENT: dict[str, Any] = SILENT_EVENT | {
    "concurrency_id": "garments",
    "concurrency_limit": 1,
    "trigger_mode": "multiple",
}
_SEND_ACTIONS = """
const actions = %s;
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-act]');
  if (!pressed || !actions.includes(pressed.dataset.act) || pressed.disabled) return;
  // a link pressed so opens in another tab or window
  if (pressed.href && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
  event.preventDefault();
  trigger(pressed.dataset.act, {...pressed.dataset});
});
"""


class HtmlComponent(gr.HTML):
    """HTML with named `actions`: `component.open(callback, ...)` listens to `data-act="open"`.

    gr.HTML types its value as a string. Subclasses may hold anything that JSON can. A function
    given as `value` is called for each page, in its language.
    """

    actions: tuple[str, ...] = ()
    script = ""  # more JavaScript, run once

    def __init__(
        self, value: Any = "", actions: tuple[str, ...] | None = None, **kwargs: Any
    ) -> None:
        actions = self.actions if actions is None else actions
        value = Rendered(value) if callable(value) else value
        names = "[" + ", ".join(f"'{action}'" for action in actions) + "]"
        super().__init__(
            value,
            js_on_load=_SEND_ACTIONS % names + self.script,
            apply_default_css=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> Any:
        """Return None: the page holds what the server wrote, so there is nothing to read."""
        return None


class PlainText(HtmlComponent):
    """A line of text; whatever a catalogue or a visitor put into it is shown as it is."""

    def postprocess(self, value: Any) -> str:
        """Return the text as HTML."""
        if isinstance(value, Rendered):
            return Rendered(lambda: self.postprocess(value.make()))
        return f"<p>{markup.escape(value)}</p>" if value else ""


class Button(gr.Button):
    """A button whose text may be a Message, which gr.Button would take for plain text."""

    def get_block_name(self) -> str:
        """Return the name of the front end's component: a button."""
        return "button"

    def postprocess(self, value: str | None) -> str | None:
        """Return the text as it is."""
        return value


def event_data(event: gr.EventData) -> dict[str, Any]:
    """Return the data of an event, {} where there are none: a client can send anything."""
    return event._data if isinstance(event._data, dict) else {}


def event_value(event: gr.EventData, name: str) -> str:
    """Return one value of an event's data, "" where it is missing or not a string."""
    value = event_data(event).get(name, "")
    return value if isinstance(value, str) else ""


def warn(message: object, title: str) -> None:
    """Show a warning toast; the message is escaped, as gradio renders toasts as HTML."""
    gr.Warning(markup.escape(message), title=title)


def info(message: object, title: str) -> None:
    """Show an information toast; the message is escaped, as gradio renders toasts as HTML."""
    gr.Info(markup.escape(message), title=title)
