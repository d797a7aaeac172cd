"""The panels of Share and Save: a link to copy, and files to download."""

from __future__ import annotations

import base64
from typing import Any

from lookbook.schema.message import Message
from lookbook.ui.components import markup
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.messages import _, translate

_PRIVATE = Message(
    "Your photo is not part of this link. To show others the same results, add a code that "
    "describes what is in it; the photo itself is never sent."
)


class Panel(HtmlComponent):
    """A panel that a button opens and closes; callbacks get whether it is open."""

    def preprocess(self, payload: Any) -> bool:  # type: ignore[override]
        """Return whether the panel is open."""
        return bool(payload)


class SharePanel(Panel):
    """A link to copy; event: vector (the visitor allows the picture's vector in the link)."""

    actions = ("vector",)
    script = """
    const fill = () => element.querySelectorAll('input').forEach((field) => {
      field.value = location.origin + location.pathname + field.dataset.search;
    });
    watch('value', fill);
    element.addEventListener('click', async (event) => {
      const button = event.target.closest('.copy');
      if (!button) return;
      const field = element.querySelector('input');
      field.select();
      try { await navigator.clipboard.writeText(field.value); }
      catch { document.execCommand('copy'); }  // a page without https
      button.textContent = _('Copied');
    });
    """


def share_html(search: str, private: bool) -> str:
    """Return the HTML of a link to copy; `private` when it leaves out an uploaded picture."""
    address = markup.escape("?" + search if search else "")
    note = ""
    if private:
        note = (
            f"<p>{markup.escape(translate(_PRIVATE))}</p>"
            '<button type="button" data-act="vector">'
            f"{markup.escape(_('Add the code of my photo'))}</button>"
        )
    return (
        f'<div class="link"><input readonly aria-label="{markup.escape(_("Link to this view"))}" '
        f'data-search="{address}">'
        f'<button type="button" class="copy">{markup.escape(_("Copy"))}</button>{note}</div>'
    )


def download_html(label: str, name: str, media_type: str, data: bytes) -> str:
    """Return a link that downloads `data` under a file name; the data are in the link itself."""
    address = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return f'<a download="{name}" href="{address}">{markup.escape(label)}</a>'
