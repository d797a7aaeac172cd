"""From whatever a picture comes as to checked, upright RGB: the one path for catalogue and query.

Every limit lives here. Sizes are read from the header and checked before anything is decoded, and
whatever is wrong with a picture becomes an ImageError with one sentence for the person who sent it.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFilter

Picture = bytes | str | os.PathLike | Image.Image | np.ndarray

_MIB = 2**20
_MAX_JPEG_SCANS = 30  # real progressive files have about ten; each scan costs a whole pass
_WHITE = (255, 255, 255)
_DESCRIPTOR_SIDE = 16
DESCRIPTOR_SIZE = _DESCRIPTOR_SIDE**2 * 3  # entries of a thumbnail descriptor
_AVERAGED = ("L", "LA", "RGB", "RGBA", "CMYK")  # modes whose neighbours can be averaged
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIGNATURES = (  # offset, first bytes, name; the accepted formats first
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
    """A picture that cannot be used; str() is the sentence for a person, `reason` a slug to count.

    Reasons: no-file, empty, too-many-bytes, too-many-pixels, too-small, not-a-picture, format,
    truncated.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Limits:
    """What is accepted: file size in bytes, pixels in all, on the shorter and the longer side."""

    max_bytes: int = 20 * _MIB
    max_pixels: int = 50_000_000
    min_side: int = 8
    max_side: int = 30_000  # a strip of few rows costs far more time than its pixels say


def load_rgb(
    picture: Picture,
    *,
    min_side_hint: int | None = None,
    limits: Limits = Limits(),
    denoise: bool = False,
) -> Image.Image:
    """Give a picture as upright RGB in sRGB, transparency laid on white, metadata dropped.

    Takes the bytes or the path of a file, a PIL image (left as it is), or an array (h, w),
    (h, w, 1), (h, w, 3) or (h, w, 4) of uint8, uint16, bool, or floats in 0..1 or 0..255. Of an
    animation the first frame counts. `min_side_hint`: the caller needs no more pixels on the
    shorter side, so a larger picture may come back smaller, which is far quicker for photos.
    `denoise` runs a 3x3 median, which keeps edges. Raises ImageError, and nothing else, for
    whatever is wrong with the picture.
    """
    try:
        return _opened(picture, min_side_hint, limits, denoise)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = f"{limits.max_pixels / 1e6:g} million"
        sentence = f"The picture has far more pixels than the {most} that are accepted."
        raise ImageError("too-many-pixels", sentence) from None
    except MemoryError:
        raise ImageError("too-many-pixels", "There is no memory for so large a picture.") from None
    except Exception as error:  # on damaged input decoders raise anything: struct.error, KeyError
        raise ImageError("truncated", "The picture is damaged or cut short.") from error


def letterbox(image: Image.Image, size: int, ground: tuple[int, int, int] = _WHITE) -> Image.Image:
    """The whole RGB picture, scaled up or down unstretched, centred on a `size` x `size` ground."""
    scale = size / max(image.size)
    fitted = tuple(min(size, max(1, round(side * scale))) for side in image.size)
    if fitted != image.size:
        image = image.resize(fitted, Image.Resampling.BICUBIC, reducing_gap=3.0)
    box = Image.new("RGB", (size, size), ground)
    box.paste(image, ((size - fitted[0]) // 2, (size - fitted[1]) // 2))
    return box


def thumbnail(image: Image.Image, height: int = 320, quality: int = 80) -> bytes:
    """WebP bytes of an RGB picture at most `height` pixels tall and four times as wide."""
    small = image.copy()
    small.thumbnail((4 * height, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=quality)
    return out.getvalue()


def thumbnail_descriptor(image: Image.Image) -> np.ndarray:
    """uint8 (768,): a 16 x 16 letterboxed copy; near-duplicates differ by little in each entry."""
    return np.asarray(letterbox(image, _DESCRIPTOR_SIDE)).reshape(-1)


def content_hash(data: bytes) -> str:
    """sha256 of a file's bytes, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: str | os.PathLike, limits: Limits = Limits()) -> bytes:
    """The bytes of a picture file, its size checked before it is read; raises ImageError."""
    try:
        found = os.stat(path)  # noqa: PTH116 (Path() would raise on a null byte, too)
        if not stat.S_ISREG(found.st_mode):  # a pipe or a device could go on for ever
            raise ImageError("no-file", f"{_name(path)} is not a file.")
        _check_bytes(found.st_size, limits)
        with Path(path).open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        problem = error.strerror if isinstance(error, OSError) else error
        sentence = f"The picture file {_name(path)} cannot be read: {problem}."
        raise ImageError("no-file", sentence) from None


def accepted_formats() -> str:
    """The formats that this installation reads, as words for a sentence."""
    heic = ["HEIC"] if "HEIF" in _formats() else []
    return ", ".join(["JPEG", "PNG", "WebP", "AVIF", *heic]) + " and GIF"


def _opened(
    picture: Picture, min_side_hint: int | None, limits: Limits, denoise: bool
) -> Image.Image:
    if isinstance(picture, np.ndarray):
        image = _from_array(picture, limits)
    elif isinstance(picture, Image.Image):
        image = picture
        _check_size(image, limits)
    elif isinstance(picture, (bytes, bytearray, memoryview)):
        image = _from_bytes(bytes(picture), min_side_hint, limits)
    elif isinstance(picture, (str, os.PathLike)):
        image = _from_bytes(read_bytes(picture, limits), min_side_hint, limits)
    else:
        found = type(picture).__name__
        expected = "bytes, a path, a PIL image or an array"
        raise ImageError("not-a-picture", f"Expected a picture as {expected}, found {found}.")
    image.load()
    _check_size(image, limits, loaded=True)
    turn = _UPRIGHT.get(_orientation(image))
    plain = image.mode in _AVERAGED and "transparency" not in image.info
    small = _reduced(image, min_side_hint) if plain else image  # first, to hold few large copies
    flat = _reduced(_flattened(small), min_side_hint)
    rgb = _in_srgb(flat, image.info.get("icc_profile"))
    rgb = rgb.transpose(turn) if turn is not None else rgb
    rgb = rgb.filter(ImageFilter.MedianFilter(3)) if denoise else rgb
    rgb.info = {}  # neither place nor date of a visitor's photo goes any further
    return rgb


def _from_bytes(data: bytes, min_side_hint: int | None, limits: Limits) -> Image.Image:
    _check_bytes(len(data), limits)
    if data[:3] == b"\xff\xd8\xff" and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise ImageError("format", f"This JPEG has more than {_MAX_JPEG_SCANS} scans.")
    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
    except Image.UnidentifiedImageError:
        raise _unidentified(data) from None
    _check_size(image, limits)
    if min_side_hint and image.format in ("JPEG", "MPO"):
        image.draft(None, (min_side_hint, min_side_hint))
    return image


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
    """Samples as 0..255: 16-bit ones are scaled (Pillow would clip them to white), as are 0..1."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "uif":
        raise ImageError("not-a-picture", f"Expected an array of numbers, found {array.dtype}.")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 65535):  # also true of NaN
        found = f"{low:g} to {high:g}"
        raise ImageError("not-a-picture", f"Expected samples in 0..255 or 0..1, found {found}.")
    scale = 1.0
    if high > 255 or (array.dtype.itemsize == 2 and array.dtype.kind == "u"):
        scale = 255 / 65535
    elif array.dtype.kind == "f" and high <= 1:
        scale = 255.0
    return np.rint(array.astype(np.float32) * scale).astype(np.uint8)


def _check_bytes(count: int, limits: Limits) -> None:
    if count == 0:
        raise ImageError("empty", "The picture file is empty.")
    if count > limits.max_bytes:
        found, most = count / _MIB, limits.max_bytes / _MIB
        sentence = f"The picture file has {found:.1f} MB; up to {most:g} MB are accepted."
        raise ImageError("too-many-bytes", sentence)


def _check_size(picture: Image.Image | np.ndarray, limits: Limits, loaded: bool = False) -> None:
    is_array = isinstance(picture, np.ndarray)
    width, height = picture.shape[1::-1] if is_array else picture.size
    if width * height > limits.max_pixels:
        most = limits.max_pixels / 1e6
        sentence = (
            f"The picture has {width} x {height} pixels; up to {most:g} million are accepted."
        )
        raise ImageError("too-many-pixels", sentence)
    if max(width, height) > limits.max_side:
        sentence = (
            f"The picture has {width} x {height} pixels; "
            f"up to {limits.max_side:,} on each side are accepted."
        )
        raise ImageError("too-many-pixels", sentence)
    if min(width, height) < limits.min_side and not loaded:  # a draft may be smaller
        sentence = (
            f"The picture has {width} x {height} pixels; "
            f"at least {limits.min_side} on each side are needed."
        )
        raise ImageError("too-small", sentence)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block does not spoil the picture
        return 1


def _flattened(image: Image.Image) -> Image.Image:
    """The picture in RGB, or in CMYK, with 8 bits a sample and transparency laid on white."""
    clear = image.info.get("transparency")
    if image.mode.startswith(("I", "F")):
        wide = np.asarray(image)
        grey = _to_uint8(wide)
        if isinstance(clear, int):
            grey = np.where(wide == clear, np.uint8(255), grey)
        return Image.fromarray(grey).convert("RGB")
    if clear is not None or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        image = image.convert("LA") if image.mode == "La" else image
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        ground = Image.new("RGB", image.size, _WHITE)
        ground.paste(rgba, mask=rgba)
        return ground
    return image if image.mode == "CMYK" else image.convert("RGB")


def _reduced(image: Image.Image, min_side_hint: int | None) -> Image.Image:
    factor = min(image.size) // min_side_hint if min_side_hint else 1
    return image.reduce(factor) if factor >= 2 else image


def _in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """RGB or CMYK as RGB by its colour profile, or plainly when the profile is of no use."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc or b""))
        known = ImageCms.getProfileDescription(profile).startswith("sRGB")
        if profile.profile.xcolor_space.strip() == image.mode and not known:
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    except Exception:  # most pictures have none, and a broken one does not spoil the picture
        pass
    return image if image.mode == "RGB" else image.convert("RGB")


@functools.cache
def _formats() -> tuple[str, ...]:
    """Pillow's names for what is accepted; it calls some phones' JPEG MPO, and reads it as JPEG."""
    try:
        import pillow_heif
    except ImportError:
        return ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
    pillow_heif.register_heif_opener()
    return ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF")


def _unidentified(data: bytes) -> ImageError:
    start = data[:64].lstrip() if data[:1].isspace() else data[:64]
    name = next((n for at, magic, n in _SIGNATURES if start[at:].startswith(magic)), None)
    accepted = f"accepted are {accepted_formats()}"
    if name is None:
        return ImageError(
            "not-a-picture", f"This file is not a picture that can be read; {accepted}."
        )
    if name in accepted:
        return ImageError("truncated", f"This {name} picture is damaged or cut short.")
    hint = "" if name != "HEIC" else " (HEIC too where pillow-heif is installed)"
    return ImageError("format", f"This is a {name} file; {accepted}{hint}.")


def _name(path: str | os.PathLike) -> str:
    return repr(os.path.basename(os.fspath(path)))  # noqa: PTH119 (a folder is nobody's business)
