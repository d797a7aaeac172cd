"""Our own parts of a page: HTML that the server writes, and buttons in it that tell the server.

gr.HTML puts `value` into the page as it is. A press of anything with `data-act` becomes a gradio
event of that name, with every other `data-` of the element as its data.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from lookbook.ui.components import markup

# how a callback of the site is called, unless it says otherwise: no endpoint of its own, none waits
# for another, and nothing spins meanwhile
SILENT_EVENT = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "hidden"}
_TELL = """
const acts = %s;
element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-act]');
  if (!pressed || !acts.includes(pressed.dataset.act) || pressed.disabled) return;
  event.preventDefault();
  trigger(pressed.dataset.act, {...pressed.dataset});
});
"""


class Part(gr.HTML):
    """HTML with the named `acts`: `part.open(callback, ...)` listens to `data-act="open"`."""

    acts: tuple[str, ...] = ()
    script = ""  # more JavaScript, run once

    def __init__(self, value: Any = "", acts: tuple[str, ...] | None = None, **kwargs: Any) -> None:
        acts = self.acts if acts is None else acts
        names = "[" + ", ".join(f"'{act}'" for act in acts) + "]"
        super().__init__(
            value,
            js_on_load=_TELL % names + self.script,
            apply_default_css=False,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> None:
        """What the page holds is what the server wrote: nothing to read."""
        return


def told(event: gr.EventData, name: str) -> str:
    """One datum of a pressed element as text, "" where it is missing: pages can send anything."""
    data = event._data if isinstance(event._data, dict) else {}
    value = data.get(name, "")
    return value if isinstance(value, str) else ""


def warn(message: object, title: str) -> None:
    """A warning in a corner of the page. gradio shows toasts as HTML: what others wrote is text."""
    gr.Warning(markup.text(message), title=title)


def note(message: object, title: str) -> None:
    """The same for something that is no trouble."""
    gr.Info(markup.text(message), title=title)
