"""Photos from a phone's camera or album, and pictures pasted or dropped anywhere on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lookbook.images.loading import ImageError
from lookbook.schema.message import Message
from lookbook.ui import assets
from lookbook.ui.components.base import HtmlComponent
from lookbook.ui.uploads import read_upload

_MAX_ADDRESS = 2048  # characters
_MAX_REASON = 200


@dataclass(frozen=True)
class Upload:
    """An uploaded photo: the bytes of its file, not decoded yet, or why there are none."""

    photo: bytes | ImageError


class PhotoInput(HtmlComponent):
    """Two buttons that a phone shows, and the pictures that are pasted or dropped on the page.

    Events: photo (a picture was uploaded), address (that of a picture was pasted or dropped). What
    they are about is the value, so that an event that had to wait finds the newest picture.
    `fetches`: an address that is pasted into the search box is one of a picture, too.
    """

    actions = ("photo", "address")
    script = assets.read("photo_input.js")

    def __init__(self, fetches: bool = False, **kwargs: Any) -> None:
        template = assets.read("photo_input.html").replace("FETCHES", str(fetches).lower())
        super().__init__(None, html_template=template, **kwargs)

    def postprocess(self, value: Any) -> None:  # type: ignore[override]
        """Return None: a callback can only empty it."""
        return

    def preprocess(self, payload: Any) -> Upload | str | None:  # type: ignore[override]
        """Return the upload, or the address that was pasted; None for anything else."""
        held = payload if isinstance(payload, dict) else {}
        path, address, error = (held.get(name) for name in ("path", "address", "error"))
        if isinstance(address, str) and address:
            return address[:_MAX_ADDRESS]
        if isinstance(error, str) and error:
            sentence = Message("The picture did not arrive: {error}", error=error[:_MAX_REASON])
            return Upload(ImageError("no-file", sentence))
        if not isinstance(path, str):
            return None
        try:
            return Upload(read_upload(path))
        except ImageError as refused:
            return Upload(refused)
