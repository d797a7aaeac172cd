"""The house collection: the same seed, the same products; pictures that are what they say."""

import csv
import io
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from house_collection import draw_cutout, products, street_shot, write_imagefolder
from house_collection.command import main
from house_collection.palette import rgb
from house_collection.sheets import LIMIT, first_of, save, sheet
from house_collection.specs import KINDS

COLUMNS = [
    *("id", "gender", "masterCategory", "subCategory", "articleType", "baseColour", "season"),
    *("year", "usage", "productDisplayName", "pattern", "fabric", "price", "description"),
    *("style_id", "colourway"),
]


@pytest.fixture(scope="module")
def first():
    return list(products(300, seed=0))


@pytest.fixture(scope="module")
def one_of_each():
    kinds = {}
    for product in products(3000, seed=3):
        kinds.setdefault(product.article, product)
    return kinds


def mean_colour(product):
    """Mean colour of the product alone, where it is opaque."""
    pixels = np.asarray(draw_cutout(product, (96, 128)), np.float32) / 255
    return pixels[pixels[:, :, 3] > 0.9][:, :3].mean(0)


def test_the_same_seed_gives_the_same_products_and_a_longer_run_begins_with_the_shorter():
    short, long_ = list(products(40, seed=5)), list(products(80, seed=5))
    assert long_[:40] == short
    assert list(products(40, seed=6)) != short


def test_products_are_made_one_at_a_time():
    assert len(list(islice(products(10**9), 3))) == 3


def test_rows_have_the_public_columns_and_ids_are_unique(first):
    assert all(list(p.row()) == COLUMNS for p in first)
    assert len({p.id for p in first}) == 300


def test_at_least_28_types_are_sold(one_of_each):
    assert len(KINDS) >= 28
    assert set(one_of_each) == {kind.article for kind in KINDS}


def test_colourways_share_the_cut_and_differ_in_colour(first):
    styles = defaultdict(list)
    for product in first:
        styles[product.style].append(product)
    several = [s for s in styles.values() if len(s) > 1]
    assert len(several) > 20
    for style in several:
        assert len({(p.article, p.cut, p.fabric, p.pattern) for p in style}) == 1
        assert len({p.row()["baseColour"] for p in style}) == len(style)
        numbers = [p.number for p in style]
        assert numbers == list(range(numbers[0], numbers[0] + len(style)))
    for style in [s for s in several if s[0].pattern == "plain" and s[0].article == "Tshirts"][:4]:
        assert np.abs(mean_colour(style[0]) - mean_colour(style[1])).max() > 0.08


def test_plain_clothes_have_the_colour_that_they_are_named_after(first):
    plain = [
        p
        for p in first
        if p.pattern == "plain" and p.row()["masterCategory"] == "Apparel" and p.article != "Socks"
    ]
    for product in plain[:25]:
        assert np.abs(mean_colour(product) - rgb(product.shade)).max() < 0.17, product.name


def test_every_kind_draws_the_same_picture_twice_and_no_two_alike(one_of_each):
    pictures = {}
    for article, product in one_of_each.items():
        picture = product.draw((96, 128))
        assert picture.size == (96, 128)
        assert picture.mode == "RGB"
        assert picture.tobytes() == product.draw((96, 128)).tobytes()
        pictures[picture.tobytes()] = article
    assert len(pictures) == len(one_of_each)


def test_no_two_products_are_alike(first):
    small = [p.draw((48, 64)).tobytes() for p in first[:120]]
    assert len(set(small)) == 120


def test_the_product_fills_the_frame_and_the_ground_is_light(one_of_each):
    for product in one_of_each.values():
        cover = np.asarray(draw_cutout(product, (96, 128)))[:, :, 3] > 128
        assert cover.mean() > (0.012 if product.row()["subCategory"] == "Jewellery" else 0.05)
        assert not cover[[0, -1]].any()
        assert not cover[:, [0, -1]].any()
        corners = np.asarray(product.draw((96, 128)))[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() > 215


def test_any_size_is_drawn(first):
    assert first[0].draw((200, 150)).size == (200, 150)


def test_street_shots_are_deterministic_and_unlike_the_plain_picture(first):
    shot = street_shot(first[0], 1)
    assert shot.tobytes() == street_shot(first[0], 1).tobytes()
    assert shot.tobytes() != street_shot(first[0], 2).tobytes()
    plain = np.asarray(first[0].draw().resize(shot.size), np.float32)
    assert np.abs(np.asarray(shot, np.float32) - plain).mean() > 10


def test_the_imagefolder_is_read_by_datasets(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert write_imagefolder(tmp_path / "house", 12, seed=1) == 12
    from datasets import load_dataset

    rows = load_dataset(
        "imagefolder",
        data_dir=str(tmp_path / "house"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert len(rows) == 12
    assert rows[0]["image"].size == (384, 512)
    assert rows[3]["articleType"] == list(products(4, seed=1))[3].article


def test_the_same_seed_writes_the_same_bytes_with_any_number_of_workers(tmp_path):
    write_imagefolder(tmp_path / "a", 6, seed=2, workers=1)
    write_imagefolder(tmp_path / "b", 6, seed=2, workers=2)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(names) == 7
    assert all(
        (tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names
    )


def test_the_command_writes_a_folder_and_refuses_a_bad_count(tmp_path, capsys):
    assert main(["--count", "2", "--seed", "4", "--output", str(tmp_path)]) == 0
    with (tmp_path / "metadata.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [r["file_name"] for r in rows] == ["100001.jpg", "100002.jpg"]
    picture = Image.open(io.BytesIO((tmp_path / "100001.jpg").read_bytes()))
    assert picture.size == (384, 512)
    with pytest.raises(SystemExit):
        main(["--count", "0", "--output", str(tmp_path)])
    assert "'0' is not a whole number" in capsys.readouterr().err


def test_a_contact_sheet_shows_one_product_of_each_style_in_a_small_file(tmp_path):
    items = first_of(products(100), 6)
    assert len({p.style for p in items}) == 6
    page = sheet([p.draw((96, 128)) for p in items], columns=3, width=48, captions=list("abcdef"))
    assert page.size == (144, 2 * (64 + 18))
    save(page, tmp_path / "page.jpg")
    assert 0 < (tmp_path / "page.jpg").stat().st_size <= LIMIT


def test_descriptions_are_sentences_and_names_say_the_shade(first):
    for product in first:
        assert product.name.endswith(f" in {product.shade}")
        assert product.description[0].isupper()
        assert product.description.endswith(".")
        assert "none" not in product.description
