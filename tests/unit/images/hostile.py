"""Pictures made to cost a decoder time or memory, or to mislead it; every one is made by code."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

MB = 2**20
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def photo(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, chunks: bytes = b"", after: bytes = b"", depth=8, colour=0, interlace=0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] * depth * width // 8 + 1
    packer, pixels = zlib.compressobj(9), b""
    for _ in range(min(height, 60_000)):
        pixels += packer.compress(bytes(samples)) if samples < 40_000 else b""
    pixels += packer.flush()
    head = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    return head + chunks + png_chunk(b"IDAT", pixels) + after + png_chunk(b"IEND", b"")


def gif(blocks: bytes = b"", size: tuple[int, int] = (64, 48)) -> bytes:
    data = encoded(photo("P"), "GIF")
    start = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:6] + struct.pack("<HH", *size) + data[10:start] + blocks + data[start:]


def gif_comment(text: bytes = b"x" * 255, parts: int = 1) -> bytes:
    return b"\x21\xfe" + (bytes([len(text)]) + text) * parts + b"\0"


def jpeg(segments: bytes = b"", **options) -> bytes:
    data = encoded(photo(), "JPEG", **options)
    return data[:2] + segments + data[2:]


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def exif(entries: list[tuple[int, int, int, int]], after: int = 0) -> bytes:
    """A little-endian EXIF block of one directory of (tag, type, count, value)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + struct.pack("<I", after)


def webp(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def vp8x(width: int, height: int, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


def webp_picture() -> bytes:
    return encoded(photo(), "WEBP")[12:]


def avif_with_size(width: int, height: int, real: tuple[int, int]) -> bytes:
    """An AVIF whose header announces another size than its stream has."""
    data = encoded(Image.new("RGB", real, (9, 90, 200)), "AVIF", speed=10)
    honest = b"ispe\0\0\0\0" + struct.pack(">II", *real)
    assert honest in data
    return data.replace(honest, b"ispe\0\0\0\0" + struct.pack(">II", width, height))


def metadata() -> Iterator[tuple[str, bytes]]:
    yield "gif-comments-1mb", gif(gif_comment() * 4_000)
    yield "gif-comments-3mb", gif(gif_comment() * 12_000)
    yield "gif-comments-15mb", gif(gif_comment() * 60_000)
    yield "gif-comment-of-many-parts", gif(gif_comment(parts=60_000))
    yield "gif-comment-of-tiny-parts", gif(gif_comment(b"x", parts=5_000_000))
    yield "gif-empty-comments", gif(b"\x21\xfe\0" * 1_000_000)
    yield "gif-application-blocks", gif(b"\x21\xff\x0bXMP DataXMP\x03abc\0" * 500_000)
    yield "gif-control-blocks", gif(b"\x21\xf9\x04\0\0\0\0\0" * 500_000)
    yield "gif-comments-without-picture", gif()[:13] + gif_comment() * 12_000
    for name, body in (
        ("exif", b"Exif\0\0" + bytes(200)),
        ("exif-64k", b"Exif\0\0" + bytes(65_000)),
        ("xmp", b"http://ns.adobe.com/xap/1.0/\0" + b"x" * 200),
        ("xmp-64k", b"http://ns.adobe.com/xap/1.0/\0" + b"x" * 65_000),
    ):
        yield f"jpeg-app1-{name}", jpeg(segment(0xE1, body) * (4 * MB // len(body)))
    yield "jpeg-app1-15mb", jpeg(segment(0xE1, b"Exif\0\0") * 1_500_000)
    yield (
        "jpeg-app1-without-picture",
        jpeg(segment(0xE1, b"Exif\0\0" + bytes(99)) * 90_000)[: 8 * MB],
    )
    yield "jpeg-comments", jpeg(segment(0xFE, b"x" * 250) * 40_000)
    yield "jpeg-icc-15mb", jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(65_000)) * 230)
    yield "jpeg-mpf", jpeg(segment(0xE2, b"MPF\0" + exif([(0xB001, 4, 1, 99_999)])) * 5_000)
    yield "jpeg-photoshop", jpeg(segment(0xED, b"Photoshop 3.0\0" + b"8BIM" * 16_000) * 200)
    yield "jpeg-fill-bytes", jpeg(b"\xff" * (15 * MB))
    yield "jpeg-junk", jpeg(b"\0" * (15 * MB))
    yield "jpeg-escaped-junk", jpeg(b"\xff\0" * (7 * MB))
    yield "jpeg-tables", jpeg(segment(0xDB, b"\0" + bytes(64)) * 200_000)
    yield "jpeg-huffman-tables", jpeg(segment(0xC4, bytes(17)) * 400_000)
    yield "jpeg-frames", jpeg(segment(0xC0, b"\x08\0\x30\0\x40\x03" + b"\1\x11\0" * 3) * 300_000)
    yield "jpeg-restart-markers", jpeg(b"\xff\xd0" * (7 * MB))
    yield "jpeg-scans", jpeg(progressive=True)[:-2] + segment(0xDA, b"\1\1\0\0\0\0") * 500_000
    yield "png-text", png(64, 48, png_chunk(b"tEXt", b"a\0" + b"x" * 9_000) * 1_500)
    yield "png-tiny-text", png(64, 48, png_chunk(b"tEXt", b"a\0b") * 900_000)
    yield "png-text-after", png(64, 48, after=png_chunk(b"tEXt", b"a\0b") * 900_000)
    bomb = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(MB), 9))
    yield "png-compressed-text", png(64, 48, bomb * 5_000)
    bomb = png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(MB), 9))
    yield "png-international-text", png(64, 48, bomb * 5_000)
    bomb = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(MB), 9))
    yield "png-colour-profiles", png(64, 48, bomb * 5_000)
    yield (
        "png-colour-profile-64mb",
        png(64, 48, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 * MB)))),
    )
    yield "png-exif-15mb", png(64, 48, png_chunk(b"eXIf", exif([]) + bytes(15 * MB)))
    yield "png-empty-data", png(64, 48, png_chunk(b"IDAT", b"") * 1_000_000)
    yield "png-unknown", png(64, 48, png_chunk(b"juNk", b"") * 1_000_000)
    yield "png-palettes", png(64, 48, png_chunk(b"PLTE", bytes(768)) * 19_000, colour=3)
    yield "webp-unknown", webp(webp_picture() + riff(b"JUNK", b"") * 2_000_000)
    yield "webp-exif-15mb", webp(vp8x(64, 48, 8) + webp_picture() + riff(b"EXIF", bytes(15 * MB)))
    yield "webp-xmp-15mb", webp(vp8x(64, 48, 4) + webp_picture() + riff(b"XMP ", bytes(15 * MB)))
    yield "webp-icc-15mb", webp(vp8x(64, 48, 32) + riff(b"ICCP", bytes(15 * MB)) + webp_picture())
    still = encoded(photo(), "AVIF")
    yield "avif-free-boxes", still + struct.pack(">I4s", 8, b"free") * 1_500_000
    yield "avif-free-15mb", still + struct.pack(">I4s", 15 * MB, b"free") + bytes(15 * MB - 8)
    table = struct.pack(">I4s", 15 * MB, b"meta") + bytes(15 * MB - 8)
    yield "avif-item-table-15mb", still[:32] + table + still[32:]
    yield "avif-exif-8mb", encoded(photo(), "AVIF", exif=b"Exif\0\0" + exif([]) + bytes(8 * MB))


def bombs() -> Iterator[tuple[str, bytes]]:
    for side in (7_071, 12_000, 29_999, 2**16 - 1, 2**31 - 1):
        yield f"png-{side}", png(side, side)
    for colour, depth in (
        (0, 1),
        (0, 8),
        (0, 16),
        (2, 8),
        (2, 16),
        (3, 8),
        (4, 8),
        (4, 16),
        (6, 8),
        (6, 16),
    ):
        yield f"png-7000-type{colour}-{depth}", png(7_000, 7_000, depth=depth, colour=colour)
        yield (
            f"png-5000-interlaced-{colour}-{depth}",
            png(5_000, 5_000, depth=depth, colour=colour, interlace=1),
        )
    key = png_chunk(b"tRNS", b"\0\0")
    yield "png-7000-key", png(7_000, 7_000, key)
    yield "png-7000-wide-key", png(7_000, 7_000, key, depth=16)
    palette = png_chunk(b"PLTE", bytes(768)) + png_chunk(b"tRNS", bytes(256))
    yield "png-7000-palette-key", png(7_000, 7_000, palette, colour=3)
    yield (
        "png-inflates-past-its-end",
        png(8, 8)[:-12] + png_chunk(b"IDAT", zlib.compress(bytes(200 * MB))),
    )
    for side in (5_001, 7_000, 16_383):
        empty = b"\x2f" + ((side - 1) | (side - 1) << 14).to_bytes(4, "little") + bytes(9)
        yield f"webp-lossless-{side}", webp(riff(b"VP8L", empty))
        yield (
            f"webp-{side}",
            webp(riff(b"VP8 ", b"\x10\2\0\x9d\1\x2a" + struct.pack("<HH", side, side) + bytes(20))),
        )
        yield f"webp-canvas-{side}", webp(vp8x(side, side) + webp_picture())
        frame = bytes(6) + (63).to_bytes(3, "little") + (47).to_bytes(3, "little") + bytes(4)
        animation = riff(b"ANIM", bytes(6)) + riff(b"ANMF", frame + webp_picture()) * 300
        yield f"webp-animated-{side}", webp(vp8x(side, side, 2) + animation)
    yield (
        "webp-4900-solid",
        encoded(Image.new("RGB", (4_900, 4_900), (9, 9, 9)), "WEBP", lossless=True),
    )
    for side in (7_000, 20_000, 65_535):
        yield f"gif-{side}", gif(size=(side, side))
        sof = encoded(photo(), "JPEG")
        at = sof.index(b"\xff\xc0")
        yield f"jpeg-{side}", sof[: at + 5] + struct.pack(">HH", side, side) + sof[at + 9 :]
    progressive = encoded(Image.new("RGB", (7_000, 7_000)), "JPEG", progressive=True)
    yield "jpeg-7000-progressive", progressive
    yield "jpeg-7000-cmyk", encoded(Image.new("CMYK", (7_000, 7_000)), "JPEG")
    yield "avif-small-says-huge", avif_with_size(60_000, 60_000, (64, 64))
    yield "avif-huge-says-small", avif_with_size(64, 64, (9_000, 9_000))
    yield "avif-large-says-small", avif_with_size(64, 64, (6_000, 6_000))
    yield "avif-honest-4990", encoded(Image.new("RGB", (4_990, 4_990)), "AVIF", speed=10)


def shapes() -> Iterator[tuple[str, bytes]]:
    for width, height in ((1, 1), (1, 20_000), (20_000, 1), (7, 7), (8, 20_000), (20_000, 8)):
        for file_format in FORMATS:
            if file_format == "WEBP" and max(width, height) > 16_383:
                continue
            image = Image.new("RGB", (width, height), (200, 20, 20))
            yield f"{file_format.lower()}-{width}x{height}", encoded(image, file_format)
    for side in (0, 1):
        yield f"png-0x{side}", png(0, side)


def kinds() -> Iterator[tuple[str, bytes]]:
    frames = [photo(size=(32, 32)).rotate(n) for n in range(30)]
    for file_format in ("GIF", "WEBP", "PNG", "AVIF"):
        animated = encoded(frames[0], file_format, save_all=True, append_images=frames[1:])
        yield f"{file_format.lower()}-animated", animated
    yield "gif-many-frames", _repeat_gif_frames(20_000)
    yield "png-16-bit", encoded(Image.fromarray(np.zeros((64, 64), np.uint16)), "PNG")
    yield "jpeg-cmyk", encoded(photo("CMYK"), "JPEG")
    yield "jpeg-grey", encoded(photo("L"), "JPEG")
    for mode in ("1", "L", "LA", "P", "RGBA"):
        yield f"png-{mode}", encoded(photo("RGBA").convert(mode), "PNG")
    for name, block in (
        ("loop", exif([(0x8769, 4, 1, 8)], after=8)),
        ("itself", exif([(0x0112, 3, 1, 6), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8)], after=8)),
        ("many-tags", exif([(0x0112, 3, 1, 6)] * 5_000)),
        ("huge-counts", exif([(n, 7, 60_000, 8) for n in range(5_000)])),
        ("beyond", exif([(0x0112, 3, 2**31, 2**31)], after=2**31)),
        ("rationals", exif([(0x011A, 5, 8_000, 8), (0x011B, 5, 8_000, 8)])),
    ):
        yield f"jpeg-exif-{name}", jpeg(segment(0xE1, b"Exif\0\0" + block[:65_000]))
        yield f"png-exif-{name}", png(64, 48, png_chunk(b"eXIf", block))
        yield f"webp-exif-{name}", webp(vp8x(64, 48, 8) + webp_picture() + riff(b"EXIF", block))
    yield "zip-behind-jpeg", jpeg() + b"PK\3\4" + bytes(MB)
    yield "html-in-gif", gif(gif_comment(b"<script>alert(1)</script>"))
    yield "jpeg-named-png", b"\x89PNG\r\n\x1a\n" + jpeg()
    yield "pdf", b"%PDF-1.7\n" + bytes(MB)
    yield "svg", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1/'/></svg>"
    yield "zeros", bytes(5 * MB)
    yield "too-many-bytes", jpeg() + bytes(21 * MB)


def _repeat_gif_frames(count: int) -> bytes:
    data = gif()
    start = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:start] + data[start:-1] * min(count, 19 * MB // (len(data) - start)) + b"\x3b"


def damaged() -> Iterator[tuple[str, bytes]]:
    random = np.random.default_rng(1)
    for file_format in FORMATS:
        whole = encoded(photo(size=(200, 150)), file_format)
        for part in (0.01, 0.1, 0.5, 0.9, 0.999):
            yield f"{file_format.lower()}-cut-{part}", whole[: int(part * len(whole))]
        for seed in range(6):
            flipped = bytearray(whole)
            for place in random.integers(0, min(len(whole), 600 if seed % 2 else len(whole)), 5):
                flipped[place] ^= int(random.integers(1, 256))
            yield f"{file_format.lower()}-flipped-{seed}", bytes(flipped)


def corpus() -> Iterator[tuple[str, bytes]]:
    """Every picture with its name, made one after the other."""
    for group in (metadata, bombs, shapes, kinds, damaged):
        yield from group()
