"""Decode an image from any supported source into checked, upright RGB.

Catalogue and query images take the same path. All limits are defined here. Sizes are read from the
file header and checked before pixels are decoded, and every failure is an ImageError whose message
can be shown to the person who sent the image.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFilter, UnidentifiedImageError

from lookbook.images.containers import ContainerError, first_frame, is_heif
from lookbook.images.sandbox import SandboxError, run_in_child
from lookbook.schema.message import Message

Picture = bytes | str | os.PathLike[str] | Image.Image | np.ndarray

_MIB = 2**20
_MAX_JPEG_SCANS = 30  # real progressive files have about ten; each scan costs a whole pass
# accepted pixels of formats that take more than 8 bytes for each (WebP 16, AVIF 17 in two
# processes): the limits of all formats end near 450 MB
_MAX_PIXELS = ((b"WEBP", 25_000_000), (b"avif", 25_000_000), (b"avis", 25_000_000))
_ROWS = 256  # rows that are converted at once, to hold few large copies
WHITE = (255, 255, 255)
_REDUCIBLE_MODES = ("L", "LA", "RGB", "RGBA", "CMYK")  # neighbouring samples can be averaged
_UNDO_ORIENTATION = {  # EXIF orientation -> the transpose that makes the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIGNATURES = (  # offset, magic bytes, name; accepted formats first, generic ones last
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG", "PNG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF8", "GIF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\x01\0", "ICO"),
    (4, b"jP  ", "JPEG 2000"),
    (4, b"JXL ", "JPEG XL"),
    (0, b"%PDF", "PDF"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML"),
    (0, b"<!DOCTYPE", "HTML"),
    (0, b"<html", "HTML"),
    (4, b"ftyp", "video"),
    (0, b"PK\x03\x04", "ZIP"),
)


class ImageError(ValueError):
    """An image that cannot be used.

    `message` (also str()) is one message for the user; `reason` is a slug for counting: no-file,
    empty, too-many-bytes, too-many-pixels, too-small, not-a-picture, format, truncated, metadata,
    too-costly, and for a query blank, dark or blurred.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Limits:
    """Accepted sizes: bytes of the file, total pixels, pixels of the shorter and longer side."""

    max_bytes: int = 20 * _MIB
    max_pixels: int = 50_000_000
    min_side: int = 8
    max_side: int = 30_000  # a strip of few rows takes far longer than its pixel count suggests


def load_rgb(
    picture: Picture,
    *,
    min_side_hint: int | None = None,
    limits: Limits = Limits(),
    denoise: bool = False,
) -> Image.Image:
    """Decode an image to upright sRGB, composite transparency onto white, drop the metadata.

    Takes the bytes or the path of a file, a PIL image (not modified), or an array (h, w),
    (h, w, 1), (h, w, 3) or (h, w, 4) of uint8, uint16, bool, or floats in 0..1 or 0..255. Of an
    animation the first frame is used. `min_side_hint`: the caller needs at most this many pixels on
    the shorter side, so a larger image may be reduced while decoding, which is much faster for
    photos. `denoise` applies a 3x3 median filter, which keeps edges. Raises only ImageError for an
    invalid image.
    """
    with _problems_as_image_errors(limits):
        if isinstance(picture, (str, os.PathLike)):
            picture = read_bytes(picture, limits)
        if isinstance(picture, (bytes, bytearray, memoryview)) and is_heif(bytes(picture[:12])):
            return _decode_in_child(bytes(picture), min_side_hint, limits, denoise)
        return _decode(picture, min_side_hint, limits, denoise)


@contextlib.contextmanager
def _problems_as_image_errors(limits: Limits) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        message = Message(
            "The picture has far more pixels than the {most} million that are accepted.",
            most=limits.max_pixels / 1e6,
        )
        raise ImageError("too-many-pixels", message) from None
    except MemoryError:
        message = Message("There is no memory for so large a picture.")
        raise ImageError("too-many-pixels", message) from None
    except Exception as error:  # on damaged input decoders raise anything: struct.error, KeyError
        message = Message("The picture is damaged or cut short.")
        raise ImageError("truncated", message) from error


def _decode_in_child(
    data: bytes, min_side_hint: int | None, limits: Limits, denoise: bool
) -> Image.Image:
    _check_bytes(len(data), limits)
    job = {"min_side_hint": min_side_hint, "limits": asdict(limits), "denoise": denoise}
    try:
        answer, pixels = run_in_child(job, data)
    except SandboxError:
        message = Message("This picture takes too long to decode.")
        raise ImageError("too-costly", message) from None
    if "template" in answer:
        raise ImageError(answer["reason"], Message(answer["template"], **answer["values"]))
    return Image.frombytes("RGB", tuple(answer["size"]), pixels)


def decode_job(job: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """Do what load_rgb leaves to a child process: (size or reason and message, RGB samples)."""
    limits = Limits(**job["limits"])
    try:
        with _problems_as_image_errors(limits):
            image = _decode(data, job["min_side_hint"], limits, job["denoise"])
            return {"size": image.size}, image.tobytes()
    except ImageError as error:
        message = error.message
        whole = message if isinstance(message, Message) else Message("{text}", text=message)
        return {"reason": error.reason, "template": whole.template, "values": whole.values}, b""


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: str | os.PathLike[str], limits: Limits = Limits()) -> bytes:
    """Read an image file after checking its size. Raises ImageError."""
    try:
        status = os.stat(path)  # noqa: PTH116 (Path() would raise on a null byte, too)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or device may never end
            raise ImageError("no-file", f"{_name(path)} is not a file.")
        _check_bytes(status.st_size, limits)
        with Path(path).open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        problem = error.strerror if isinstance(error, OSError) else error
        message = f"The picture file {_name(path)} cannot be read: {problem}."
        raise ImageError("no-file", message) from None


def accepted_formats() -> str:
    """Return the formats that this installation reads, as English text."""
    return str(Message("{formats}", formats=_format_names()))


def _format_names() -> list[str]:
    heic = ["HEIC"] if "HEIF" in _formats() else []
    return ["JPEG", "PNG", "WebP", "AVIF", *heic, "GIF"]


def _decode(
    picture: Picture, min_side_hint: int | None, limits: Limits, denoise: bool
) -> Image.Image:
    if isinstance(picture, np.ndarray):
        image = _from_array(picture, limits)
    elif isinstance(picture, Image.Image):
        image = picture
        _check_size(image, limits)
    elif isinstance(picture, (bytes, bytearray, memoryview)):
        image = _from_bytes(bytes(picture), min_side_hint, limits)
    else:
        actual = type(picture).__name__
        expected = "bytes, a path, a PIL image or an array"
        raise ImageError("not-a-picture", f"Expected a picture as {expected}, found {actual}.")
    image.load()
    _check_size(image, limits, loaded=True)
    transpose = _UNDO_ORIENTATION.get(_orientation(image))
    reducible = image.mode in _REDUCIBLE_MODES and "transparency" not in image.info
    # reduce before converting where possible, to hold fewer large copies in memory
    small = _reduce(image, min_side_hint) if reducible else image
    flat = _reduce(_flatten(small), min_side_hint)
    rgb = _to_srgb(flat, image.info.get("icc_profile"))
    rgb = rgb.transpose(transpose) if transpose is not None else rgb
    rgb = rgb.filter(ImageFilter.MedianFilter(3)) if denoise else rgb
    rgb.info = {}  # the place and date of a visitor's photo must not be kept
    return rgb


def _from_bytes(data: bytes, min_side_hint: int | None, limits: Limits) -> Image.Image:
    _check_bytes(len(data), limits)
    limits = _format_limits(data, limits)
    try:
        data, size = first_frame(data)
    except ContainerError as error:
        raise ImageError("metadata", f"The picture file cannot be used: it has {error}.") from None
    if size is not None:
        _check_sides(*size, limits)
    if data[:3] == b"\xff\xd8\xff" and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise ImageError(
            "format", Message("This JPEG has more than {count} scans.", count=_MAX_JPEG_SCANS)
        )
    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    _check_size(image, limits)
    if min_side_hint and image.format in ("JPEG", "MPO"):
        image.draft(None, (min_side_hint, min_side_hint))
    return image


def _format_limits(data: bytes, limits: Limits) -> Limits:
    most = next((most for brand, most in _MAX_PIXELS if data[8:12] == brand), limits.max_pixels)
    return replace(limits, max_pixels=min(most, limits.max_pixels))


def _from_array(array: np.ndarray, limits: Limits) -> Image.Image:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        expected = "(height, width) or (height, width, 1, 3 or 4)"
        raise ImageError(
            "not-a-picture", f"Expected an array of shape {expected}, found {array.shape}."
        )
    _check_size(array, limits)
    pixels = array[:, :, 0] if array.ndim == 3 and channels == 1 else array
    return Image.fromarray(np.ascontiguousarray(_to_uint8(pixels)))


def _to_uint8(array: np.ndarray) -> np.ndarray:
    """Scale samples to 0..255: 16-bit ones (Pillow would clip them to white) and floats in 0..1."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "uif":
        raise ImageError("not-a-picture", f"Expected an array of numbers, found {array.dtype}.")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 65535):  # False for NaN
        actual = f"{low:g} to {high:g}"
        raise ImageError("not-a-picture", f"Expected samples in 0..255 or 0..1, found {actual}.")
    scale = 1.0
    if high > 255 or (array.dtype.itemsize == 2 and array.dtype.kind == "u"):
        scale = 255 / 65535
    elif array.dtype.kind == "f" and high <= 1:
        scale = 255.0
    samples = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), _ROWS):
        rows = array[start : start + _ROWS].astype(np.float32) * scale
        samples[start : start + _ROWS] = np.rint(rows, out=rows)
    return samples


def _check_bytes(count: int, limits: Limits) -> None:
    if count == 0:
        raise ImageError("empty", Message("The picture file is empty."))
    if count > limits.max_bytes:
        message = Message(
            "The picture file has {size} MB; up to {most} MB are accepted.",
            size=round(count / _MIB, 1),
            most=limits.max_bytes / _MIB,
        )
        raise ImageError("too-many-bytes", message)


def _check_size(picture: Image.Image | np.ndarray, limits: Limits, loaded: bool = False) -> None:
    if isinstance(picture, np.ndarray):
        height, width = picture.shape[:2]
    else:
        width, height = picture.size
    _check_sides(width, height, limits, loaded)


def _check_sides(width: int, height: int, limits: Limits, loaded: bool = False) -> None:
    if width * height > limits.max_pixels:
        message = Message(
            "The picture has {width} x {height} pixels; up to {most} million are accepted.",
            width=str(width),
            height=str(height),
            most=limits.max_pixels / 1e6,
        )
        raise ImageError("too-many-pixels", message)
    if max(width, height) > limits.max_side:
        message = Message(
            "The picture has {width} x {height} pixels; up to {most} on each side are accepted.",
            width=str(width),
            height=str(height),
            most=limits.max_side,
        )
        raise ImageError("too-many-pixels", message)
    if not loaded:  # draft decoding may give less
        check_shorter_side(width, height, limits.min_side)


def check_shorter_side(width: int, height: int, least: int) -> None:
    """Raise ImageError for a picture with fewer than `least` pixels on its shorter side."""
    if min(width, height) < least:
        message = Message(
            "The picture has {width} x {height} pixels; at least {least} on each side are needed.",
            width=str(width),
            height=str(height),
            least=least,
        )
        raise ImageError("too-small", message)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block must not reject the image
        return 1


def _flatten(image: Image.Image) -> Image.Image:
    """Convert to RGB or CMYK with 8 bits a sample; composite transparency onto white."""
    transparent = image.info.get("transparency")
    if image.mode.startswith(("I", "F")):
        samples = np.asarray(image)
        grey = _to_uint8(samples)
        if isinstance(transparent, int):
            grey = np.where(samples == transparent, np.uint8(255), grey)
        return Image.fromarray(grey).convert("RGB")
    if transparent is not None or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        background = Image.new("RGB", image.size, WHITE)
        for top in range(0, image.height, _ROWS):
            rows = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
            rows = rows.convert("LA") if rows.mode == "La" else rows
            rows = rows.convert("RGBA")
            background.paste(rows, (0, top), rows)
        return background
    return image if image.mode == "CMYK" else image.convert("RGB")


def _reduce(image: Image.Image, min_side_hint: int | None) -> Image.Image:
    factor = min(image.size) // min_side_hint if min_side_hint else 1
    return image.reduce(factor) if factor >= 2 else image


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert RGB or CMYK to sRGB by its ICC profile, or directly if there is no usable one."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc or b""))
        is_srgb = ImageCms.getProfileDescription(profile).startswith("sRGB")
        if profile.profile.xcolor_space.strip() == image.mode and not is_srgb:
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
            if converted is not None:  # None only when converting in place
                return converted
    except Exception:  # most images have none; a broken one must not reject the image
        pass
    return image if image.mode == "RGB" else image.convert("RGB")


@functools.cache
def _formats() -> tuple[str, ...]:
    """Return Pillow's names of the accepted formats. JPEG covers MPO, which some phones write."""
    try:
        import pillow_heif
    except ImportError:
        return ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
    pillow_heif.register_heif_opener()
    return ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF")


def _unidentified(data: bytes) -> ImageError:
    head = data[:64].lstrip() if data[:1].isspace() else data[:64]
    name = next((n for at, magic, n in _SIGNATURES if head[at:].startswith(magic)), None)
    accepted = _format_names()
    if name is None:
        message = Message(
            "This file is not a picture that can be read; accepted are {formats}.", formats=accepted
        )
        return ImageError("not-a-picture", message)
    if name in accepted:
        message = Message("This {format} picture is damaged or cut short.", format=name)
        return ImageError("truncated", message)
    message = Message(
        "This is a {format} file; accepted are {formats}.", format=name, formats=accepted
    )
    if name == "HEIC":
        message = Message(
            "This is a HEIC file; accepted are {formats} "
            "(HEIC too where pillow-heif is installed).",
            formats=accepted,
        )
    return ImageError("format", message)


def _name(path: str | os.PathLike[str]) -> str:
    return repr(os.path.basename(os.fspath(path)))  # noqa: PTH119 (without its folder, for privacy)
