"""The uploaded pictures of a query, held by the visitor's page, and the box drawn on each.

The page sends its pictures back when a box changes, and each once for its garments, so the server
keeps none of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from lookbook.images.loading import ImageError, Limits, load_rgb
from lookbook.schema.message import Message
from lookbook.search.permalinks import MAX_PICTURES
from lookbook.search.photo_query import WHOLE, Box, normalize_box
from lookbook.ui import assets
from lookbook.ui.components.base import HtmlComponent, event_data

# key of a photo -> box and kind of each garment, None where it was not looked for any
Garments = Mapping[str, Sequence[tuple[Box, str]] | None]


@dataclass(frozen=True)
class Photo:
    """One picture of a query.

    `address` is a data URL, `box` the part that is searched, `detected` whether the encoder found
    the box (else the visitor drew it), `sought` whether it looked for one.
    """

    address: str
    box: Box = WHOLE
    detected: bool = False
    sought: bool = False

    @property
    def key(self) -> str:
        """16 hex digits by which the garments of these pixels are shown with them."""
        address = self.address.encode("utf-8", "surrogatepass")  # clients can send any text
        return hashlib.blake2b(address, digest_size=8).hexdigest()

    @classmethod
    def of(
        cls, picture: Image.Image, box: Box = WHOLE, detected: bool = False, sought: bool = False
    ) -> Photo:
        """Return a picture as the page holds it: with these very pixels, to be cropped again."""
        webp = io.BytesIO()
        # least effort: without a loss whatever it is, in a quarter of the time, 3 % more bytes
        picture.save(webp, "WEBP", lossless=True, method=0, quality=0)
        return cls(data_url(webp.getvalue()), box, detected, sought)

    def picture(self) -> Image.Image:
        """Decode to RGB; raises ImageError for anything that is no picture."""
        return load_rgb(decode_data_url(self.address))

    def as_json(self) -> dict[str, Any]:
        """Return what the template photos.html reads; the box in percent."""
        return {
            "src": self.address,
            "key": self.key,
            "box": _percent(self.box),
            "found": self.detected,
            "sought": self.sought,
            "whole": self.box == WHOLE,
        }


def _percent(box: Box) -> list[float]:
    return [round(100 * side, 2) for side in box]


def data_url(webp: bytes) -> str:
    """Return a WebP picture as a data URL."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()


def decode_data_url(address: str) -> bytes:
    """Return the bytes of an image's data URL; raises ImageError for anything else."""
    head, _, text = address.partition(",")
    if not head.startswith("data:image/") or len(text) > Limits.max_bytes * 4 / 3 + 4:
        raise ImageError("not-a-picture", Message("The picture did not come back as it was sent."))
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        message = Message("The picture did not arrive whole.")
        raise ImageError("not-a-picture", message) from None


def parse_box(value: Any) -> Box:
    """Return a box sent by a client (four sides in percent), ordered and clipped to the picture.

    Whatever is not a box, is too small, or leaves out next to nothing becomes the whole picture.
    """
    try:
        left, top, right, bottom = [float(side) / 100 for side in value][:4]
    except (TypeError, ValueError, OverflowError):
        return WHOLE
    return normalize_box(left, top, right, bottom)


class Photos(HtmlComponent):
    """The pictures of a query, each with a box to drag.

    Events: frame (a box was drawn or moved), whole, garment, drop (all with data `i`), another.
    """

    actions = ("whole", "garment", "drop", "another")
    script = assets.read("photos.js")
    template = assets.read("photos.html")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, html_template=self.template, **kwargs)

    def postprocess(  # type: ignore[override]
        self, value: Sequence[Photo] | None
    ) -> dict[str, Any] | None:
        """Return the photos as the template reads them."""
        return {"photos": [photo.as_json() for photo in value]} if value else None

    def preprocess(  # type: ignore[override]
        self, payload: Any
    ) -> tuple[Photo, ...]:
        """Return the photos that the page holds; anything else that a client sends is ignored."""
        rows = payload.get("photos") if isinstance(payload, dict) else None
        photos = [
            Photo(
                row["src"],
                parse_box(row.get("box")),
                row.get("found") is True,
                row.get("sought") is True,
            )
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict) and isinstance(row.get("src"), str)
        ]
        return tuple(photos[:MAX_PICTURES])


class PhotoGarments(HtmlComponent):
    """An invisible component: `Photos` offers the garments that are put into it.

    They are located after the answer to their photo is shown. They go to their photo by its key, so
    that those of a photo that is gone by then change nothing.
    """

    script = """
    const tell = () => new CustomEvent('garments', {detail: props.value});
    watch('value', () => document.dispatchEvent(tell()));
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, html_template="", **kwargs)

    def postprocess(  # type: ignore[override]
        self, value: Garments | None
    ) -> dict[str, Any] | None:
        """Return the garments as the template photos.html reads them."""
        if value is None:
            return None
        return {
            key: garments and [{"box": _percent(box), "kind": kind} for box, kind in garments]
            for key, garments in value.items()
        }


def photo_number(event: gr.EventData, count: int) -> int | None:
    """Return which of `count` photos an event is about, or None where it names none of them."""
    text = str(event_data(event).get("i", ""))
    return int(text) if text.isdecimal() and len(text) < 3 and int(text) < count else None
