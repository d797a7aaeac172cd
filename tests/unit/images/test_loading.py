"""Images of every kind that users send, valid and invalid, through `load_rgb`."""

import io
import struct
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from lookbook.images.loading import ImageError, Limits, content_hash, load_rgb
from lookbook.images.transforms import thumbnail

RED, BLUE, WHITE = (200, 30, 30), (30, 30, 200), (255, 255, 255)


def encoded(image, file_format, **options):
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def shirt(size=(48, 64)):
    """Red above, blue below, so that a rotation or a stretch is visible."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, *size))
    return image


def near(actual, expected, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(actual, expected, strict=True))


def rejection_reason(picture, **options):
    with pytest.raises(ImageError) as caught:
        load_rgb(picture, **options)
    assert caught.value.message == str(caught.value)
    assert str(caught.value).endswith("."), "a sentence"
    return caught.value.reason


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, row, chunks=b""):
    """A PNG written by hand, for the variants that Pillow cannot write."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress((b"\0" + row) * min(height, 64)))
    return b"\x89PNG\r\n\x1a\n" + header + chunks + pixels + png_chunk(b"IEND", b"")


# formats


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "MPO"])
def test_accepted_format_gives_the_same_picture(file_format):
    image = load_rgb(encoded(shirt(), file_format))
    assert (image.mode, image.size) == ("RGB", (48, 64))
    assert near(image.getpixel((24, 10)), RED) and near(image.getpixel((24, 54)), BLUE)


def test_heic_is_read_where_pillow_heif_is_installed():
    pytest.importorskip("pillow_heif")
    load_rgb(encoded(shirt(), "PNG"))  # registers the format
    image = load_rgb(encoded(shirt((64, 96)), "HEIF"))
    assert near(image.getpixel((30, 10)), RED) and near(image.getpixel((30, 90)), BLUE)


@pytest.mark.parametrize("file_format", ["BMP", "TIFF", "ICO", "PPM", "JPEG2000"])
def test_other_formats_are_rejected(file_format):
    assert rejection_reason(encoded(shirt((64, 64)), file_format)) in ("format", "not-a-picture")


@pytest.mark.parametrize(
    ("data", "slug", "word"),
    [
        (b"", "empty", "empty"),
        (b"%PDF-1.7 a catalogue", "format", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format", "SVG"),
        (b"\0\0\0 ftypisom of a film", "format", "video"),
        (b"just words", "not-a-picture", "JPEG, PNG, WebP"),
        (b"\x89PNG\r\n\x1a\n", "truncated", "PNG"),
    ],
)
def test_message_names_what_was_found_and_what_is_accepted(data, slug, word):
    with pytest.raises(ImageError, match=word) as caught:
        load_rgb(data)
    assert caught.value.reason == slug


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(file_format):
    frames = [Image.new("RGB", (20, 20), c) for c in (RED, BLUE, WHITE)]
    data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=50)
    assert near(load_rgb(data).getpixel((10, 10)), RED)


# colour


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.tile(np.linspace(0, 65535, 64), (16, 1)).astype(np.uint16)
    grey = np.asarray(load_rgb(encoded(Image.fromarray(ramp), "PNG")))[0, :, 0]
    assert np.abs(grey - ramp[0] / 257).max() <= 0.5


def test_sixteen_bit_rgb_keeps_its_high_bytes():
    row = struct.pack(">3H", 65535, 32768, 256) * 16
    assert load_rgb(png(16, 16, 16, 2, row)).getpixel((3, 3)) == (255, 128, 1)


def test_sixteen_bit_alpha_is_composited_onto_white():
    row = struct.pack(">2H", 0, 65535) * 8 + struct.pack(">2H", 0, 32768) * 8
    image = load_rgb(png(16, 16, 16, 4, row))
    assert image.getpixel((2, 2)) == (0, 0, 0) and near(image.getpixel((12, 2)), (127,) * 3, 1)


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_colour_key_is_transparent(depth):
    ink, clear = (40, 90) if depth == 8 else (40 * 257, 90 * 257)
    sample = ">B" if depth == 8 else ">H"
    row = struct.pack(sample, ink) * 8 + struct.pack(sample, clear) * 8
    key = png_chunk(b"tRNS", struct.pack(">H", clear))
    image = load_rgb(png(16, 16, depth, 0, row, key))
    assert image.getpixel((2, 2)) == (40, 40, 40) and image.getpixel((12, 2)) == WHITE


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_alpha_is_composited_onto_white(mode):
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 10, 20))
    image.paste((0, 0, 0, 128), (10, 0, 20, 10))
    image = image.convert("LA") if mode == "La" else image
    flat = load_rgb(image.convert(mode))
    assert flat.getpixel((5, 5)) == (0, 0, 0)
    assert near(flat.getpixel((15, 5)), (127, 127, 127), 2)
    assert flat.getpixel((15, 15)) == WHITE


def test_palette_transparency_is_composited_onto_white():
    image = Image.new("P", (20, 20), 0)
    image.putpalette([0, 0, 0, *RED])
    image.paste(1, (0, 0, 10, 20))
    for file_format in ("GIF", "PNG"):
        flat = load_rgb(encoded(image, file_format, transparency=0))
        assert flat.getpixel((5, 5)) == RED and flat.getpixel((15, 5)) == WHITE


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_every_mode_of_a_pil_image_is_converted_to_rgb(mode):
    image = Image.new("L", (20, 20), 255)
    image.paste(0, (0, 0, 10, 20))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    else:
        image = (
            image.convert("RGB").convert(mode) if mode in ("CMYK", "HSV") else image.convert(mode)
        )
    loaded = load_rgb(image)
    assert loaded.mode == "RGB"
    assert near(loaded.getpixel((5, 5)), (0, 0, 0), 2) and near(loaded.getpixel((15, 5)), WHITE, 2)


def test_cmyk_jpeg_with_inverted_inks():
    # Pillow writes Adobe's marker and inverted inks, as Photoshop does
    image = load_rgb(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert near(image.getpixel((8, 8)), (255, 0, 0))


def _swapped_profile():
    """sRGB's own profile with the red and blue primaries exchanged: a visible, exact change."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    srgb = srgb.replace("sRGB built-in".encode("utf-16-be"), "swapped space".encode("utf-16-be"))
    return bytes(srgb.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ"))


def test_colour_profile_is_applied():
    data = encoded(Image.new("RGB", (16, 16), (250, 20, 20)), "PNG", icc_profile=_swapped_profile())
    assert near(load_rgb(data).getpixel((8, 8)), (20, 20, 250), 3)


@pytest.mark.parametrize("profile", [b"broken", b"\0" * 200, _swapped_profile()[:300]])
def test_broken_colour_profile_is_ignored(profile):
    data = encoded(shirt(), "PNG", icc_profile=profile)
    assert load_rgb(data).getpixel((24, 10)) == RED


# orientation and metadata


# EXIF 2.3, tag 0x0112: which side of the scene the stored row 0 and column 0 are
STORED_SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


@pytest.mark.parametrize("orientation", STORED_SIDES)
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "JPEG"])
def test_exif_orientation_is_undone(orientation, file_format):
    upright = shirt((32, 64))
    upright.paste(WHITE, (0, 0, 16, 32))  # no two turns look alike
    row, column = STORED_SIDES[orientation]
    pixels = np.asarray(upright)
    pixels = pixels.swapaxes(0, 1) if row in ("left", "right") else pixels
    pixels = pixels[::-1] if row in ("bottom", "right") else pixels
    pixels = pixels[:, ::-1] if column in ("bottom", "right") else pixels
    exif = Image.Exif()
    exif[0x0112] = orientation
    loaded = load_rgb(encoded(Image.fromarray(pixels.copy()), file_format, exif=exif))
    assert loaded.size == upright.size
    assert np.abs(np.asarray(loaded, dtype=int) - np.asarray(upright)).mean() < 4


def test_orientation_six_is_a_phone_held_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera's top is the picture's right
    lying = Image.new("RGB", (64, 32), BLUE)
    lying.paste(RED, (0, 0, 32, 32))
    upright = load_rgb(encoded(lying, "PNG", exif=exif))
    assert upright.size == (32, 64)
    assert upright.getpixel((16, 5)) == RED and upright.getpixel((16, 60)) == BLUE


def test_broken_exif_is_ignored():
    data = encoded(shirt(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff nonsense")
    assert load_rgb(data).size == (48, 64)


def test_metadata_of_a_photo_is_dropped():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    image = load_rgb(encoded(shirt(), "JPEG", exif=exif))
    assert not image.info and not image.getexif()
    assert b"taken at home" not in thumbnail(image)


# limits


def test_bytes_are_counted_before_reading(tmp_path):
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(2**40)  # a sparse terabyte: reading it would not end
    assert rejection_reason(path) == "too-many-bytes"
    assert rejection_reason(b"x" * 101, limits=Limits(max_bytes=100)) == "too-many-bytes"


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_000, 9_000), (8, 2**31 - 1)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bomb_is_rejected_by_its_header(size):
    assert rejection_reason(png(*size, 8, 0, bytes(8))) == "too-many-pixels"


def test_pixel_limit_holds_for_images_and_arrays_in_memory():
    few = Limits(max_pixels=100)
    assert rejection_reason(Image.new("RGB", (11, 10)), limits=few) == "too-many-pixels"
    assert rejection_reason(np.zeros((11, 10, 3), np.uint8), limits=few) == "too-many-pixels"
    assert load_rgb(np.zeros((10, 10, 3), np.uint8), limits=few).size == (10, 10)


def test_a_sliver_is_too_small():
    assert rejection_reason(encoded(Image.new("L", (1, 30_000)), "PNG")) == "too-small"


def test_huge_text_chunk_is_rejected():
    bomb = png_chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(2**26)))
    assert rejection_reason(png(16, 16, 8, 0, bytes(16), bomb)) in ("truncated", "too-many-pixels")


def test_jpeg_with_too_many_scans_is_rejected():
    data = encoded(shirt(), "JPEG", progressive=True)
    assert load_rgb(data)
    start = data.index(b"\xff\xda")
    scan = data[start : data.index(b"\xff", start + 2)]
    assert rejection_reason(data[:start] + scan * 300 + data[start:]) == "format"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_truncated_file_is_rejected(file_format):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), file_format)
    assert rejection_reason(data[: len(data) // 2]) == "truncated"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


# paths, arrays, PIL images


@pytest.mark.parametrize("kind", [str, lambda p: p])
def test_path(tmp_path, kind):
    path = tmp_path / "a shirt é.jpg"
    path.write_bytes(encoded(shirt(), "JPEG"))
    assert load_rgb(kind(path)).size == (48, 64)


@pytest.mark.parametrize("path", ["missing.jpg", ".", "/dev/zero", "nul\0byte", "x" * 5000])
def test_path_that_is_not_a_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rejection_reason(path) == "no-file"


@pytest.mark.parametrize(
    "array",
    [
        np.full((10, 20), 51, np.uint8),
        np.full((10, 20, 1), 51 * 257, np.uint16),
        np.full((10, 20, 3), 0.2, np.float32),
        np.full((10, 20, 3), 51, np.int64),
        np.full((20, 40, 3), 51.0)[::2, ::-2],
    ],
)
def test_array_samples_are_scaled_by_their_kind(array):
    image = load_rgb(array)
    assert image.size == (20, 10) and image.getpixel((7, 7)) == (51, 51, 51)


def test_array_with_alpha_and_bool_array():
    clear = np.zeros((10, 10, 4), np.uint8)
    assert load_rgb(clear).getpixel((5, 5)) == WHITE
    assert load_rgb(np.ones((10, 10), bool)).getpixel((5, 5)) == WHITE


@pytest.mark.parametrize(
    "thing",
    [
        None,
        7,
        [[1, 2], [3, 4]],
        np.zeros((10,)),
        np.zeros((10, 10, 2)),
        np.zeros((2, 10, 10, 3)),
        np.full((10, 10), np.nan),
        np.full((10, 10), -1.0),
        np.full((10, 10), "a"),
        np.zeros((10, 10), complex),
    ],
)
def test_other_types_and_arrays_are_rejected(thing):
    assert rejection_reason(thing) == "not-a-picture"


def test_empty_array_is_too_small():
    assert rejection_reason(np.zeros((0, 10, 3), np.uint8)) == "too-small"


def test_given_image_is_not_modified():
    image = shirt().convert("RGBA")
    image.info["comment"] = "mine"
    before = image.tobytes()
    loaded = load_rgb(image, min_side_hint=16, denoise=True)
    loaded.paste(WHITE, (0, 0, 10, 10))
    assert image.tobytes() == before and image.info == {"comment": "mine"}
    rgb = shirt()
    load_rgb(rgb).paste(WHITE, (0, 0, 10, 10))
    assert rgb.getpixel((0, 0)) == RED


def test_closed_image_is_an_image_error():
    image = Image.open(io.BytesIO(encoded(shirt(), "PNG")))
    image.fp.close()
    assert rejection_reason(image) == "truncated"


# options


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_min_side_hint_reduces_but_never_below_the_hint(file_format):
    data = encoded(shirt((1200, 1600)), file_format)
    image = load_rgb(data, min_side_hint=224)
    assert 224 <= min(image.size) < 450
    assert abs(image.width / image.height - 0.75) < 0.01
    assert load_rgb(data, min_side_hint=5000).size == (1200, 1600)
    assert load_rgb(data).size == (1200, 1600)


def test_denoise_removes_specks_and_keeps_edges():
    noisy = shirt((40, 40))
    noisy.putpixel((10, 10), WHITE)
    image = load_rgb(noisy, denoise=True)
    assert image.getpixel((10, 10)) == RED
    assert image.getpixel((5, 19)) == RED and image.getpixel((5, 20)) == BLUE
    assert load_rgb(noisy).getpixel((10, 10)) == WHITE


def test_content_hash_is_sha256():
    assert content_hash(b"abc").startswith("ba7816bf8f01cfea")


# fuzzing


def rgb_or_image_error(data, **options):
    try:
        image = load_rgb(data, **options)
    except ImageError as error:
        assert error.reason and str(error)
    else:
        assert image.mode == "RGB" and np.asarray(image).ndim == 3


def samples():
    noise = np.random.default_rng(1).integers(0, 255, (24, 20, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = _swapped_profile()
    formats = ["JPEG", "PNG", "WEBP", "AVIF"]
    files = [encoded(image, f, exif=exif, icc_profile=profile) for f in formats]
    files += [encoded(image.convert(m), "PNG") for m in ("P", "LA", "1")]
    files.append(encoded(Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257), "PNG"))
    files += [encoded(image.convert("CMYK"), "JPEG"), encoded(image, "JPEG", progressive=True)]
    frames = {"save_all": True, "append_images": [image.rotate(90)]}
    files += [encoded(image, "GIF", **frames), encoded(image, "WEBP", **frames)]
    load_rgb(files[1])  # registers HEIC where it can be had
    if "HEIF" in Image.SAVE:
        files.append(encoded(image.resize((64, 64)), "HEIF"))
    return files


SAMPLES = samples()


@settings(max_examples=300, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=8),
    cut=st.one_of(st.just(1.0), st.floats(0, 1)),
    min_side_hint=st.sampled_from([None, 4, 224]),
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_file_is_a_picture_or_an_image_error(sample, flips, cut, min_side_hint):
    data = bytearray(sample[: int(cut * len(sample))])
    for place, change in flips:
        if data:
            data[int(place * (len(data) - 1))] ^= change
    rgb_or_image_error(bytes(data), min_side_hint=min_side_hint)


@settings(max_examples=200, deadline=None)
@given(
    magic=st.sampled_from([b"", *{s[:16] for s in SAMPLES}]),
    noise=st.binary(max_size=400),
)
@pytest.mark.filterwarnings("ignore")
def test_random_bytes_are_a_picture_or_an_image_error(magic, noise):
    rgb_or_image_error(magic + noise)


def test_many_threads_agree():
    expected = [np.asarray(load_rgb(s)).tobytes() for s in SAMPLES]
    loaded = [None] * 4

    def work(number):
        loaded[number] = [np.asarray(load_rgb(s)).tobytes() for s in SAMPLES]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [expected] * 4
