"""Read the structure of picture files without a decoder: announced size, and metadata removed.

Decoders spend time on metadata that grows with the square of its size (Pillow joins the comments of
a GIF and the APP1 segments of a JPEG one by one), and some allocate the announced canvas when the
file is opened. So the announced size is read here first, and a decoder gets the first frame alone,
with the colour profile and the EXIF block and without anything else. All loops over a file's parts
are bounded. Sources: GIF89a, ITU-T T.81 annex B, PNG 3rd edition, RFC 9649 (WebP), ISO/IEC 14496-12
and 23008-12 (HEIF).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

Size = tuple[int, int]  # width, height

MAX_PARTS = 20_000  # blocks, segments, chunks or boxes of one file before its first frame ends
MAX_METADATA = 4 * 2**20  # bytes of colour profile and EXIF together; HEIF: of its item table
_MAX_EXIF = 2**18  # bytes; larger ones are dropped, as only the orientation is read
_CUT_SHORT = 32  # bytes that tell the format and hold no picture
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_JPEG_APPS = {0xE0, 0xEE}  # JFIF, and Adobe's colour transform
_MAX_JPEG_SEGMENTS = 500
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"eXIf"}
_PNG_KEPT |= {b"IEND", b"zTXt"}  # one text: Pillow refuses what inflates to megabytes
_WEBP_KEPT = {b"VP8X", b"ICCP", b"ANIM", b"ALPH", b"VP8 ", b"VP8L", b"ANMF", b"EXIF"}
_WEBP_XMP, _WEBP_EXIF = 4, 8  # flags
_ISPE = re.compile(rb"\0\0\0\x14ispe\0\0\0\0(.{8})", re.DOTALL)


class ContainerError(ValueError):
    """A file whose structure holds more parts or metadata than any real picture."""


def first_frame(data: bytes) -> tuple[bytes, Size | None]:
    """Return a file of the first frame with little metadata, and its announced width and height.

    The size is None where the file ends before it or the format is not one of JPEG, PNG, GIF, WebP,
    AVIF and HEIF. A file that is cut short before its picture is cut to its first bytes, which
    every decoder refuses. Raises ContainerError for more than MAX_PARTS parts or MAX_METADATA bytes
    of metadata.
    """
    for reads, strip in _FORMATS:
        if reads(data):
            try:
                return strip(data)
            except (struct.error, IndexError):
                return data[:_CUT_SHORT], None
    return data, None


def is_heif(data: bytes) -> bool:
    """Tell whether a file is AVIF, HEIC or another of their family."""
    return data[4:8] == b"ftyp"


def _gif(data: bytes) -> tuple[bytes, Size]:
    """Drop every extension before the first image but the last graphic control extension."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    start = end = 13 + _colour_table(flags)
    control = b""
    for _ in range(MAX_PARTS):
        if data[end] != 0x21:
            break
        label, begin = data[end + 1], end
        end = _after_sub_blocks(data, end + 2)
        control = data[begin:end] if label == 0xF9 else control
    else:
        raise ContainerError(f"more than {MAX_PARTS:,} blocks before its first image")
    if data[end] == 0x2C:  # an image may be larger than the screen it lies on
        left, top, wide, high = struct.unpack_from("<4H", data, end + 1)
        width, height = max(width, left + wide), max(height, top + high)
    return data[:start] + control + data[end:], (width, height)


def _colour_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, start: int) -> int:
    for _ in range(MAX_PARTS):
        if data[start] == 0:
            return start + 1
        start += 1 + data[start]
    raise ContainerError(f"a block of more than {MAX_PARTS:,} parts")


def _jpeg(data: bytes) -> tuple[bytes, Size | None]:
    """Keep what decoding needs: tables, frame header, scans, Adobe's colour transform, EXIF, ICC.

    The second picture of an MPO and everything else behind the end marker is left where it is.
    """
    kept, size, at = [b"\xff\xd8"], None, 2
    profile = 0  # bytes of the colour profile
    seen_exif = False
    for _ in range(MAX_PARTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            raise IndexError("no picture")
        marker, at = found[1][0], found.end()
        if marker in _JPEG_WITHOUT_LENGTH:
            continue
        body = data[at : at + max(2, *struct.unpack_from(">H", data, at))]
        if marker == 0xDA:
            return b"".join([*kept, b"\xff\xda", data[at:]]), size
        at += len(body)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", body, 3)
            size = (max(width, size[0]), max(height, size[1])) if size else (width, height)
        if marker == 0xE2 and body[2:14] == b"ICC_PROFILE\0":
            profile += len(body)
        elif marker == 0xE1 and body[2:8] == b"Exif\0\0" and not seen_exif:
            seen_exif = True
        elif 0xE0 <= marker <= 0xFE and marker not in _JPEG_APPS:
            continue
        kept.append(b"\xff" + bytes([marker]) + body)
        if len(kept) > _MAX_JPEG_SEGMENTS or profile > MAX_METADATA:
            raise ContainerError("more tables or a larger colour profile than any picture needs")
    raise ContainerError(f"more than {MAX_PARTS:,} segments before its picture")


def _png(data: bytes) -> tuple[bytes, Size]:
    width, height = struct.unpack_from(">II", data, 16)
    kept, at, seen = [data[:8]], 8, set()
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return b"".join([*kept, data[at:]]), (width, height)
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        needed = kind in _PNG_KEPT and (kind != b"eXIf" or length <= _MAX_EXIF)
        if needed and (kind == b"IDAT" or kind not in seen):
            kept.append(data[at:end])
            seen.add(kind)
        if kind == b"IEND":
            return b"".join(kept), (width, height)
        at = end
    raise ContainerError(f"more than {MAX_PARTS:,} chunks")


def _webp(data: bytes) -> tuple[bytes, Size | None]:
    """Keep the first of each chunk that a still picture needs, and the first frame of others."""
    kept: dict[bytes, bytes] = {}
    for kind, body in _riff_chunks(data):
        if kind in _WEBP_KEPT and (kind != b"EXIF" or len(body) <= _MAX_EXIF):
            kept.setdefault(kind, body)
    if len(kept.get(b"ICCP", b"")) > MAX_METADATA:
        raise ContainerError("a colour profile of many megabytes")
    if b"VP8X" in kept:  # its flags say which chunks there are
        gone = _WEBP_XMP | (_WEBP_EXIF if b"EXIF" not in kept else 0)
        kept[b"VP8X"] = bytes([kept[b"VP8X"][0] & ~gone]) + kept[b"VP8X"][1:]
    size = _webp_size(kept)
    if struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        return data[:_CUT_SHORT], size
    chunks = b"".join(
        kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for kind, body in kept.items()
    )
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks, size


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise ContainerError(f"more than {MAX_PARTS:,} chunks")


def _webp_size(chunks: dict[bytes, bytes]) -> Size | None:
    sizes = []
    if len(chunks.get(b"VP8X", b"")) >= 10:
        wide, high = chunks[b"VP8X"][4:7], chunks[b"VP8X"][7:10]
        sizes.append((int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1))
    if len(chunks.get(b"VP8L", b"")) >= 5:
        bits = int.from_bytes(chunks[b"VP8L"][1:5], "little")
        sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
    if len(chunks.get(b"VP8 ", b"")) >= 10:
        wide, high = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
        sizes.append((wide & 0x3FFF, high & 0x3FFF))
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _heif(data: bytes) -> tuple[bytes, Size | None]:
    """Leave the file as it is; return the largest size that its items announce."""
    at = 0
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        if length == 1:
            length = struct.unpack_from(">Q", data, at + 8)[0]
        if kind == b"meta" and length > MAX_METADATA:
            raise ContainerError("an item table of many megabytes")
        at += length if length >= 8 else len(data)  # 0: to the end of the file
    else:
        raise ContainerError(f"more than {MAX_PARTS:,} boxes")
    sizes = [struct.unpack(">II", ispe) for ispe in _ISPE.findall(data)]
    return data, max(sizes, key=lambda size: size[0] * size[1], default=None)


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], tuple[bytes, Size | None]]], ...]
_FORMATS = (
    (lambda data: data[:4] == b"GIF8", _gif),
    (lambda data: data[:3] == b"\xff\xd8\xff", _jpeg),
    (lambda data: data[:4] == b"\x89PNG", _png),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    (is_heif, _heif),
)
