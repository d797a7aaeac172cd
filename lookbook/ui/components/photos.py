"""The pictures of a query, as the visitor's page holds them, and the frame on each.

The pictures live in the visitor's page alone: it sends them back when a frame is moved, so the
server has nothing to keep.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from lookbook.images.loading import ImageError, Limits, load_rgb, thumbnail
from lookbook.ui import assets
from lookbook.ui.components.event_data import Part

SHOWN_HEIGHT = 640  # px, of the copy that goes back to the visitor's page
MOST = 4  # pictures in one query
_ALL = 0.95  # a frame of so much of both sides is the whole picture: the rest would be a sliver

Box = tuple[float, float, float, float]  # left, top, right, bottom as shares of the picture
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Photo:
    """One picture of a query: its address (data URL), the frame searched, and how it came."""

    address: str
    frame: Box = WHOLE
    found: bool = False  # the frame was found by the encoder, not drawn

    def picture(self) -> Image.Image:
        """RGB; raises ImageError for anything that is no picture."""
        return load_rgb(decoded(self.address), min_side_hint=SHOWN_HEIGHT)

    def plain(self) -> dict[str, Any]:
        """As the page's template reads it."""
        box = [round(100 * share, 2) for share in self.frame]
        return {"src": self.address, "box": box, "found": self.found, "whole": self.frame == WHOLE}


def data_url(webp: bytes) -> str:
    """A WebP picture as the address of itself."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode()


def photo_of(picture: Image.Image, frame: Box = WHOLE, found: bool = False) -> Photo:
    """A picture as the page holds it."""
    return Photo(data_url(thumbnail(picture, SHOWN_HEIGHT)), frame, found)


def decoded(address: str) -> bytes:
    """The bytes of a data URL; raises ImageError for anything else."""
    head, _, text = address.partition(",")
    if not head.startswith("data:image/") or len(text) > Limits.max_bytes * 4 / 3 + 4:
        raise ImageError("not-a-picture", "The picture did not come back as it was sent.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ImageError("not-a-picture", "The picture did not arrive whole.") from None


def box_of(value: object) -> Box:
    """A frame from the page, in shares of the picture, put in order and kept within it.

    Anything that is no frame, or one too small to see anything in, or one that leaves out next to
    nothing, is the whole picture.
    """
    try:
        sides = [min(1.0, max(0.0, float(v) / 100)) for v in value]
        left, right = sorted((sides[0], sides[2]))
        top, bottom = sorted((sides[1], sides[3]))
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return WHOLE
    across, down = right - left, bottom - top
    if not (across >= 0.05 and down >= 0.05) or min(across, down) >= _ALL:
        return WHOLE
    return left, top, right, bottom


def cut(picture: Image.Image, frame: Box) -> Image.Image:
    """The part of a picture within a frame."""
    if frame == WHOLE:
        return picture
    width, height = picture.size
    box = (frame[0] * width, frame[1] * height, frame[2] * width, frame[3] * height)
    return picture.crop(tuple(round(side) for side in box))


class Photos(Part):
    """Up to four pictures, a frame on each to drag; acts: frame, whole, garment, drop, another."""

    acts = ("whole", "garment", "drop", "another")
    script = assets.read("photos.js")
    template = assets.read("photos.html")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, html_template=self.template, **kwargs)

    def postprocess(self, value: tuple[Photo, ...] | None) -> dict[str, Any] | None:
        """Photos for the template."""
        return {"photos": [photo.plain() for photo in value]} if value else None

    def preprocess(self, payload: Any) -> tuple[Photo, ...]:
        """The photos that the page holds; whatever else it sends is passed over."""
        rows = payload.get("photos") if isinstance(payload, dict) else None
        photos = []
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and isinstance(row.get("src"), str):
                found = row.get("found") is True
                photos.append(Photo(row["src"], box_of(row.get("box")), found))
        return tuple(photos[:MOST])


def which(event: gr.EventData, count: int) -> int | None:
    """The number of the photo that an event speaks of, or None."""
    data = event._data if isinstance(event._data, dict) else {}
    text = str(data.get("i", ""))
    return int(text) if text.isdecimal() and len(text) < 3 and int(text) < count else None
