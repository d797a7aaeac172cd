"""Products with several photos, from the catalogue to the page: one item, found by each of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, features

from lookbook import Encoder, Index
from lookbook.__main__ import main
from lookbook.catalog import Downloads, open_catalog
from lookbook.index import published
from lookbook.index.manifest import MANIFEST
from lookbook.indexing import BuildOptions, build
from lookbook.indexing.reuse import Changes
from lookbook.search.query import Query, run
from lookbook.ui.owner.job import embed_options
from lookbook.ui.pages.about import about_html
from lookbook.ui.services.search import SearchService
from tests.integration.picture_server import serving
from tests.integration.test_feed_runs import written
from tests.integration.test_feeds import SHOPIFY, as_tsv
from tests.shapes import draw_shape

COLOURS = ("red", "blue", "green")
# each product is a square; its further photos show it as a disc and as a bar
PRODUCTS = {colour: [(colour, kind) for kind in range(3)] for colour in COLOURS}
PRODUCTS["black"] = [("black", 0)]
PHOTOS = sum(map(len, PRODUCTS.values()))


def png(colour: str, kind: int) -> bytes:
    out = io.BytesIO()
    draw_shape(colour, kind).save(out, "PNG")
    return out.getvalue()


def files_of(folder: Path, products=PRODUCTS) -> None:
    for colour, kind in {photo for photos in products.values() for photo in photos}:
        (folder / f"{colour}-{kind}.png").write_bytes(png(colour, kind))


def names(photos) -> list[str]:
    return [f"{colour}-{kind}.png" for colour, kind in photos]


def metadata(folder: Path, _: object = None, products=PRODUCTS) -> Path:
    """A folder whose table names further photos in columns of their own."""
    for path in folder.glob("*"):
        path.unlink()
    files_of(folder, products)
    rows = [["file_name", "id", "title", "additional_image_link", "image_3"]]
    for id, photos in products.items():
        first, second, third = [*names(photos), "", ""][:3]
        rows.append([first, id, f"Shape {id}", second, third])
    (folder / "metadata.csv").write_text(written(rows))
    return folder


def plain_csv(folder: Path, address: str) -> Path:
    """A table by itself: further photos as file names in one cell."""
    files_of(folder)
    rows = [["id", "title", "image", "additional_images"]]
    for id, photos in PRODUCTS.items():
        first, *others = names(photos)
        rows.append([id, f"Shape {id}", first, ", ".join(others)])
    (folder / "products.csv").write_text(written(rows))
    return folder / "products.csv"


def google(folder: Path, address: str) -> Path:
    rows = []
    for id, photos in PRODUCTS.items():
        first, *others = [f"{address}/{name}" for name in names(photos)]
        row = {"id": id, "title": f"Shape {id}", "image_link": first, "price": "9.90 EUR"}
        rows.append(row | {"additional_image_link": ",".join(others)})
    (folder / "feed.tsv").write_text(as_tsv(rows))
    return folder / "feed.tsv"


def shopify(folder: Path, address: str) -> Path:
    """Further photos in rows of their own, as Shopify exports them."""
    rows = [SHOPIFY.split(",")]
    for id, photos in PRODUCTS.items():
        first, *others = [f"{address}/{name}" for name in names(photos)]
        head = [id, f"Shape {id}", "", "Acme", "Shapes", "", "true", "Title", "Default Title"]
        rows.append([*head, f"S-{id}", "9.90", "", first, "1", "active"])
        for position, photo in enumerate(others, 2):
            rows.append([id, *[""] * 11, photo, str(position), ""])
    (folder / "products_export.csv").write_text(written(rows))
    return folder / "products_export.csv"


def parquet(folder: Path, address: str) -> Path:
    cells = [[{"bytes": png(*p), "path": None} for p in photos] for photos in PRODUCTS.values()]
    kind = pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    titles = [f"Shape {id}" for id in PRODUCTS]
    columns = {"id": list(PRODUCTS), "title": titles, "images": pa.array(cells, kind)}
    pq.write_table(pa.table(columns), folder / "products.parquet")
    return folder / "products.parquet"


@pytest.fixture(scope="module")
def encoder(tiny_model) -> Encoder:
    return Encoder.load(tiny_model, precision="float32")


@pytest.fixture
def address():
    with serving() as server:
        for colour, kind in {photo for photos in PRODUCTS.values() for photo in photos}:
            server.files[f"/{colour}-{kind}.png"] = png(colour, kind)
        yield server.address


def indexed(dataset, encoder, output, fresh=False, **options):
    downloads = Downloads(allow_local=True, cache=output.parent / "cache", rate=1000, wait=0.01)
    catalog = open_catalog(str(dataset), downloads=downloads)
    chosen = BuildOptions(**{"draw_map": False, "near_duplicates": False, **options})
    return build(catalog, encoder, output, chosen, quiet=True, resume=not fresh)


@pytest.fixture
def shop(tmp_path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.mark.parametrize(
    "write",
    [metadata, plain_csv, google, shopify, parquet],
    ids=lambda w: w.__name__,
)
def test_a_product_is_found_by_each_of_its_photos(write, shop, encoder, address, tmp_path):
    summary = indexed(write(shop, address), encoder, tmp_path / "index")
    assert (summary.items, summary.photos, summary.encoded) == (4, PHOTOS, PHOTOS)
    assert f"4 pieces with {PHOTOS} photos" in str(summary)
    index = Index.open(tmp_path / "index")
    assert set(index.ids) == set(PRODUCTS)
    assert (index.manifest.count, index.manifest.photos) == (4, PHOTOS)
    for id, photos in PRODUCTS.items():
        assert len(index.photo_rows(id)) == len(photos)
        for vector in encoder.encode([draw_shape(*photo) for photo in photos]):
            hits = run(Query(pictures=(vector,), fold=None), index).hits
            assert hits[0].id == id
            assert hits[0].score == pytest.approx(1, abs=1e-3)
            assert sorted(hit.id for hit in hits) == sorted(PRODUCTS)


def test_the_dry_run_and_the_pages_say_both_counts(shop, encoder, tmp_path, capsys):
    metadata(shop)
    assert main(["catalog", "--dataset", str(shop)]) == 0
    said = capsys.readouterr().out
    assert f"4 items with {PHOTOS} photos" in said.splitlines()[0]
    assert "further photos are named by 'additional_image_link' and 'image_3'" in said
    indexed(shop, encoder, tmp_path / "index")
    assert f"<dt>Photos</dt><dd>{PHOTOS}</dd>" in about_html(Index.open(tmp_path / "index"))


def test_the_item_panel_has_all_photos_of_an_item(shop, encoder, tmp_path):
    indexed(metadata(shop), encoder, tmp_path / "index")
    index = Index.open(tmp_path / "index")
    service = SearchService(index, lambda: encoder, tmp_path / "shown")
    view = service.item_view("red")
    shown = [Path(photo.file).read_bytes() for photo in view.photos]
    assert shown == [index.generation.thumb(row) for row in index.photo_rows("red")]
    assert len(set(shown)) == 3 and len(service.item_view("black").photos) == 1
    [bar] = encoder.encode([draw_shape("red", 2)])
    closest = service.closest_picture("red", bar)
    assert closest.tobytes() == service.closest_picture("red", bar * 2).tobytes()
    assert closest.tobytes() != service.item_picture("red").tobytes()
    assert service.closest_picture("red", "red").tobytes() == service.item_picture("red").tobytes()


def test_a_photo_that_cannot_be_used_is_named_and_its_product_stays(shop, encoder, tmp_path):
    """The first photo that can be used stands for the product."""
    metadata(shop)
    (shop / "red-1.png").write_bytes(b"no picture")
    (shop / "blue-0.png").unlink()
    summary = indexed(shop, encoder, tmp_path / "index")
    assert (summary.items, summary.photos) == (4, PHOTOS - 2)
    assert summary.rejected == {} and sum(summary.rejected_photos.values()) == 2
    assert "rejected: none; further photos of pieces that are kept: " in str(summary)
    index = Index.open(tmp_path / "index")
    assert len(index.photo_rows("red")) == 2
    [disc] = encoder.encode([draw_shape("blue", 1)])
    assert float(index.vector("blue") @ disc) == pytest.approx(1, abs=1e-3)
    report = json.loads((index.generation.path / "report.json").read_text())
    assert {r["id"] for r in report["rejected"]} == {"red", "blue"}
    assert all(r["kept"] for r in report["rejected"])


def test_a_product_without_one_usable_photo_is_rejected_once(shop, encoder, tmp_path):
    metadata(shop)
    for kind in range(3):
        (shop / f"green-{kind}.png").write_bytes(b"no picture")
    summary = indexed(shop, encoder, tmp_path / "index")
    assert summary.items == 3 and sum(summary.rejected.values()) == 1
    assert summary.rejected_photos == {}


def test_one_photo_named_twice_by_a_product_is_one_photo(shop, encoder, tmp_path):
    products = PRODUCTS | {"red": [("red", 0), ("red", 1), ("red", 0)]}
    summary = indexed(metadata(shop, products=products), encoder, tmp_path / "index")
    assert summary.photos == PHOTOS - 1
    assert len(Index.open(tmp_path / "index").photo_rows("red")) == 2


def test_two_products_may_share_a_photo_and_are_no_copies(shop, encoder, tmp_path):
    """Only first photos make two items copies of each other: a detail may be that of many."""
    products = PRODUCTS | {"blue": [("blue", 0), ("red", 1)], "black": [("red", 0)]}
    summary = indexed(
        metadata(shop, products=products), encoder, tmp_path / "index", near_duplicates=True
    )
    index = Index.open(tmp_path / "index")
    groups = dict(zip(index.ids, index.duplicate_groups.tolist(), strict=True))
    assert groups["black"] == groups["red"] != groups["blue"]
    assert summary.encoded == 3 + 1 + 3, "one picture is encoded once"
    [disc] = encoder.encode([draw_shape("red", 1)])
    assert {hit.id for hit in index.search(disc, k=2)} == {"red", "blue"}


def test_an_update_encodes_new_photos_only_and_notices_a_changed_one(shop, encoder, tmp_path):
    output = tmp_path / "index"
    indexed(metadata(shop), encoder, output)
    changes = {
        "another second photo": PRODUCTS | {"red": [("red", 0), ("yellow", 1), ("red", 2)]},
        "one photo more": PRODUCTS
        | {"red": [("red", 0), ("yellow", 1), ("red", 2)]}
        | {"black": [("black", 0), ("black", 1)]},
    }
    for products in changes.values():
        summary = indexed(metadata(shop, products=products), encoder, output)
        assert summary.encoded == 1
        assert summary.changes == Changes(added=0, removed=0, changed=1, unchanged=3)
    same = indexed(metadata(shop, products=products), encoder, output)
    assert not same.published and not same.changes.count
    turned = products | {"green": products["green"][::-1]}  # another photo comes first
    summary = indexed(metadata(shop, products=turned), encoder, output)
    assert summary.encoded == 0 and summary.changes.changed == 1
    [bar] = encoder.encode([draw_shape("green", 2)])
    assert float(Index.open(output).vector("green") @ bar) == pytest.approx(1, abs=1e-3)


def sizes(index: Index) -> list[tuple[tuple[int, int], tuple[int, int] | None]]:
    """The sizes of the thumbnail and of the detail of each photo."""
    generation, found = index.generation, []
    for row in range(index.manifest.photos):
        both = generation.thumb(row), generation.detail(row)
        found.append(tuple(Image.open(io.BytesIO(data)).size if data else None for data in both))
    return found


def test_larger_photos_are_stored_in_two_sizes(shop, encoder, tmp_path):
    metadata(shop)
    draw_shape("black", 0, (1500, 2000)).save(shop / "black-0.png")
    draw_shape("red", 2, (600, 500)).save(shop / "red-2.png")
    indexed(shop, encoder, tmp_path / "index")
    index = Index.open(tmp_path / "index")
    found = sizes(index)
    assert found[index.row_of("black")] == ((240, 320), (768, 1024))
    assert found[index.row_of("red")] == ((120, 160), None)
    *_, last = index.photo_rows("red")
    assert found[last] == ((384, 320), (600, 500))
    indexed(shop, encoder, tmp_path / "small", detail_size=400)
    assert sizes(Index.open(tmp_path / "small"))[0] == ((240, 320), (300, 400))


@pytest.mark.parametrize("options", [{"detail_size": 0}, {"detail_size": 100}])
def test_without_a_larger_size_no_file_of_it_is_stored(shop, encoder, tmp_path, options):
    metadata(shop)
    draw_shape("black", 0, (1500, 2000)).save(shop / "black-0.png")
    indexed(shop, encoder, tmp_path / "index", **options)
    index = Index.open(tmp_path / "index")
    assert not {"details.bin", "details.npy"} & set(index.manifest.files)
    assert index.generation.detail(0) == b""


def test_the_quality_of_stored_photos_can_be_chosen(shop, encoder, tmp_path):
    metadata(shop)
    noise = np.random.default_rng(0).integers(0, 255, (800, 600, 3), np.uint8)
    Image.fromarray(noise).save(shop / "black-0.png")
    lengths = []
    for quality in (30, 90):
        indexed(shop, encoder, tmp_path / str(quality), picture_quality=quality)
        generation = Index.open(tmp_path / str(quality)).generation
        lengths.append((len(generation.thumb(0)), len(generation.detail(0))))
    assert all(1.2 * low < high for low, high in zip(*lengths, strict=True)), lengths


def test_an_update_takes_larger_pictures_over_and_an_index_without_them_stays_usable(
    shop, encoder, tmp_path
):
    output = tmp_path / "index"
    metadata(shop)
    draw_shape("black", 0, (1500, 2000)).save(shop / "black-0.png")
    indexed(shop, encoder, output, detail_size=0)
    draw_shape("blue", 0, (1500, 2000)).save(shop / "blue-0.png")
    summary = indexed(shop, encoder, output)
    assert summary.encoded == 1 and "photos from earlier runs keep the sizes" in str(summary)
    index = Index.open(output)
    kept, new = (index.generation.detail(index.row_of(id)) for id in ("black", "blue"))
    assert kept == b"" and Image.open(io.BytesIO(new)).size == (768, 1024)
    draw_shape("green", 0, (1500, 2000)).save(shop / "green-0.png")
    summary = indexed(shop, encoder, output)
    assert summary.encoded == 1 and "keep the sizes" not in str(summary)
    again = Index.open(output)
    assert again.generation.detail(again.row_of("blue")) == new
    indexed(shop, encoder, output, fresh=True)
    assert sum(detail is not None for _, detail in sizes(Index.open(output))) == 3


def test_photos_can_be_stored_as_avif_and_an_update_keeps_their_format(shop, encoder, tmp_path):
    def formats():
        generation = Index.open(output).generation
        photos = range(generation.manifest.photos)
        pictures = [read(n) for n in photos for read in (generation.thumb, generation.detail)]
        return {Image.open(io.BytesIO(picture)).format for picture in pictures if picture}

    output = tmp_path / "index"
    metadata(shop)
    draw_shape("black", 0, (600, 800)).save(shop / "black-0.png")
    indexed(shop, encoder, output, picture_format="avif")
    assert formats() == {"AVIF"}
    manifest = Index.open(output).manifest
    said = {"detail_size": 1024, "picture_quality": 60, "picture_format": "avif"}
    assert manifest.pictures == said
    options = embed_options(manifest)
    assert options[options.index("--picture-format") + 1] == "avif"
    draw_shape("blue", 0, (600, 800)).save(shop / "blue-0.png")
    summary = indexed(shop, encoder, output, picture_format="avif")
    assert summary.encoded == 1 and "keep the sizes" not in str(summary)
    assert formats() == {"AVIF"}
    draw_shape("green", 0, (600, 800)).save(shop / "green-0.png")
    summary = indexed(shop, encoder, output)
    assert summary.encoded == 1 and "keep the sizes and the format" in str(summary)
    assert formats() == {"AVIF", "WEBP"}


def test_a_format_that_cannot_be_written_stops_a_run_before_it_starts(
    shop, encoder, tmp_path, monkeypatch
):
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(ValueError, match="cannot write AVIF"):
        indexed(metadata(shop), encoder, tmp_path / "index", picture_format="avif")
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("dim", [None, 4])
def test_an_update_with_photos_equals_a_run_from_nothing(shop, encoder, tmp_path, dim):
    options = {"dim": dim, "draw_map": True, "near_duplicates": True}
    output, anew = tmp_path / "index", tmp_path / "anew"
    indexed(metadata(shop), encoder, output, **options)
    products = {"yellow": [("yellow", 0), ("red", 0)]} | PRODUCTS
    products["blue"] = products["blue"][1:]
    del products["green"]
    indexed(metadata(shop, products=products), encoder, output, **options)
    indexed(shop, encoder, anew, **options)
    files = [
        {p.name: p.read_bytes() for p in (root / published(root)[0]).iterdir()}
        for root in (output, anew)
    ]
    assert set(files[0]) == set(files[1])
    for name in set(files[0]) - {"report.json", MANIFEST}:
        assert files[0][name] == files[1][name], name
