"""Feeds of shops with pictures by address, against a server that is slow, fails and lies."""

from __future__ import annotations

import io
import json
import time
from xml.sax.saxutils import escape

import numpy as np
import pytest
from PIL import Image

from lookbook.catalog import CatalogError, Columns, Downloads, open_catalog
from lookbook.catalog.download import Downloader
from lookbook.catalog.report import CatalogReport
from lookbook.images.loading import ImageError
from tests.integration.picture_server import serving


def png(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 255, (10, 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def server():
    with serving() as pictures:
        for number in range(12):
            pictures.files[f"/{number}.png"] = png(number)
        yield pictures


@pytest.fixture
def downloads(tmp_path):
    return Downloads(
        allow_local=True, cache=tmp_path / "cache", wait=0.01, timeout=1, deadline=3, rate=1000
    )


def read(dataset, downloads, **options):
    catalog = open_catalog(str(dataset), downloads=downloads, **options)
    return catalog, {item.id: item for item in catalog}


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Price,Variant Compare At Price,Image Src,Image Position,Status"
)


def shopify(address: str) -> str:
    rows = [SHOPIFY]
    for n in range(3):
        body = '"<p>Nice, ""really"" nice</p>\n<ul><li>a</li></ul>"'
        rows += [
            f'bag-{n},Bag {n},{body},Acme,Bags,"new, sale",true,Size,S,SKU{n}S,49.90,59.90,'
            f"{address}/{3 * n}.png?v=1,1,active",
            f"bag-{n},,,,,,,,M,SKU{n}M,39.90,59.90,{address}/{3 * n + 2}.png,3,",
            f"bag-{n},,,,,,,,,,,,{address}/{3 * n + 1}.png,2,",
        ]
    rows.append(f"draft,Draft,,Acme,Bags,,false,Title,Default Title,X,1,,{address}/9.png,1,draft")
    return "\n".join(rows) + "\n"


def test_a_shopify_export_is_one_item_for_each_handle(server, downloads, tmp_path):
    (tmp_path / "products_export.csv").write_text(shopify(server.address))
    catalog, items = read(tmp_path / "products_export.csv", downloads)
    assert list(items) == ["bag-0", "bag-1", "bag-2"]
    bag = items["bag-1"]
    assert bag.image == png(3) and [photo() for photo in bag.photos] == [png(4), png(5)]
    assert (bag.title, bag.attributes["price"]) == ("Bag 1", 39.9)
    assert bag.attributes["size"] == ("S", "M") and bag.attributes["tags"] == ("new", "sale")
    assert bag.attributes["description"] == 'Nice, "really" nice a'
    assert bag.attributes["sku"] == ("SKU1S", "SKU1M")
    assert catalog.source["feed"] == "shopify" and catalog.roles.price == "price"
    assert "a shopify feed: 10 rows are 3 products by 'handle', with 9 photos" in catalog.notes
    assert "1 products are drafts, archived or not published: left out" in catalog.notes
    assert server.asked["/9.png"] == 0


WOO = (
    "ID,Type,SKU,Name,Published,Short description,Description,In stock?,Regular price,Sale price,"
    "Categories,Tags,Images,Parent,Attribute 1 name,Attribute 1 value(s)"
)


def test_a_woocommerce_export_folds_its_variations(server, downloads, tmp_path):
    a = server.address
    rows = [
        WOO,
        f'1,variable,SH,Shirt,1,<b>Soft</b>,,1,,,"Men > Shirts, Sale",new,"{a}/0.png, {a}/1.png",,'
        'Size,"S, M"',
        f"2,variation,SH-S,Shirt - S,1,,,1,30,20,,,{a}/2.png,SH,Size,S",
        "3,variation,SH-M,Shirt - M,1,,,1,40,,,,,id:1,Size,M",
        f"4,simple,HAT,Hat,1,,,0,15,,Hats,,{a}/3.png,,,",
        f"5,simple,GONE,Gone,0,,,0,15,,Hats,,{a}/4.png,,,",
    ]
    (tmp_path / "wc-product-export.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    catalog, items = read(tmp_path / "wc-product-export.csv", downloads)
    assert list(items) == ["SH", "HAT"]
    shirt = items["SH"].attributes
    assert items["SH"].image == png(0)
    assert [p() for p in items["SH"].photos] == [png(1), png(2)]
    assert (shirt["regular_price"], shirt["price"]) == (30.0, 20.0)
    assert shirt["size"] == ("S", "M") and shirt["categories"] == ("Men > Shirts", "Sale")
    assert items["HAT"].attributes["price"] == 15.0
    assert (catalog.source["feed"], catalog.roles.price) == ("woocommerce", "price")


def google_rows(address: str) -> list[dict[str, str]]:
    return [
        {
            "id": f"G{n}",
            "title": f"Dress {n} & more",
            "image_link": f"{address}/{n}.png",
            "additional_image_link": f"{address}/{n + 6}.png",
            "price": f"{20 + n}.00 EUR",
            "sale_price": "15.00 EUR" if n == 0 else "",
            "item_group_id": f"D{n // 2}",
            "color": "red/blue" if n == 0 else "navy",
            "availability": "in stock",
        }
        for n in range(4)
    ]


def as_tsv(rows: list[dict[str, str]]) -> str:
    return "\n".join(["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)])


def as_rss(rows: list[dict[str, str]]) -> str:
    items = "".join(
        "<item>" + "".join(f"<g:{k}>{escape(v)}</g:{k}>" for k, v in row.items() if v) + "</item>"
        for row in rows
    )
    return (
        '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>'
        f"<title>Shop</title>{items}</channel></rss>"
    )


@pytest.mark.parametrize(("write", "name"), [(as_tsv, "feed.tsv"), (as_rss, "feed.xml")])
def test_a_google_feed_is_read_as_table_and_as_rss(server, downloads, tmp_path, write, name):
    (tmp_path / name).write_text(write(google_rows(server.address)))
    catalog, items = read(tmp_path / name, downloads)
    assert list(items) == ["G0", "G1", "G2", "G3"]
    first = items["G0"]
    assert first.title == "Dress 0 & more" and first.image == png(0)
    assert [photo() for photo in first.photos] == [png(6)]
    assert [i.attributes["price"] for i in items.values()] == [15.0, 21.0, 22.0, 23.0]
    assert first.attributes["regular_price"] == 20.0 and catalog.roles.price == "price"
    assert {i.attributes["currency"] for i in items.values()} == {"EUR"}
    assert (catalog.roles.group, catalog.source["feed"]) == ("item_group_id", "google")


@pytest.mark.parametrize(("path", "kind"), [("/feed.tsv", ""), ("/feed", "application/rss+xml")])
def test_a_feed_may_be_an_address(server, downloads, path, kind):
    rows = google_rows(server.address)
    server.files[path] = (as_rss(rows) if "rss" in kind else as_tsv(rows)).encode()
    server.types[path] = kind
    address = f"{server.address}{path}"
    catalog, items = read(address, downloads)
    assert len(items) == 4 and catalog.source["name"] == address
    assert (
        catalog.source["revision"] == open_catalog(address, downloads=downloads).source["revision"]
    )
    server.files[path] = server.files[path].replace(b"Dress 0", b"Frock 0")
    assert read(address, downloads)[1]["G0"].title.startswith("Frock")


def test_an_address_that_is_no_feed_is_one_sentence(server, downloads):
    with pytest.raises(CatalogError, match=r"gone.csv: .* is not there \(status 404\)"):
        open_catalog(f"{server.address}/gone.csv", downloads=downloads)
    with pytest.raises(CatalogError, match=r"private network: refused without --allow-local"):
        open_catalog(f"{server.address}/feed.csv", downloads=Downloads(cache=downloads.cache))
    server.files["/page"] = b"<html><body>Sign in</body></html>"
    with pytest.raises(CatalogError, match="item or entry elements"):
        open_catalog(f"{server.address}/page", downloads=downloads)


def plain_table(tmp_path, server, count=12):
    rows = "\n".join(f"S{n},Bag {n},{server.address}/{n}.png" for n in range(count))
    path = tmp_path / "products.csv"
    path.write_text(f"sku,title,picture\n{rows}\n")
    return path


def test_a_table_of_addresses_is_fetched_in_parallel_within_bounds(server, downloads, tmp_path):
    for number in range(12):
        server.delay[f"/{number}.png"] = 0.05
    path = plain_table(tmp_path, server)
    catalog, items = read(path, downloads)
    assert [i.image for i in items.values()] == [png(n) for n in range(12)], "in their order"
    assert 2 <= server.most_at_once <= downloads.parallel
    assert server.agents == {"lookbook/0.1 (catalogue reader)"}
    report = CatalogReport.of(catalog)
    assert report.by_address == 12 and sum(server.asked.values()) == 12, "a dry run fetches none"


def test_a_second_run_asks_only_what_changed(server, downloads, tmp_path):
    path = plain_table(tmp_path, server)
    read(path, downloads)
    server.files["/3.png"] = png(99)
    _, items = read(path, downloads)
    assert items["S3"].image == png(99) and items["S4"].image == png(4)
    assert server.answers[200] == 13 and server.answers[304] == 11


def test_what_was_fetched_is_used_while_the_host_is_away(server, downloads, tmp_path):
    path = plain_table(tmp_path, server, 2)
    read(path, downloads)
    server.fail["/0.png"] = [503] * 9
    _, items = read(path, downloads)
    assert items["S0"].image == png(0)


def test_no_product_is_lost_while_the_network_is_down(downloads, tmp_path):
    """A host that did not answer is asked no more, and what it gave before is used for all rows."""
    with serving() as pictures:
        pictures.files = {f"/{n}.png": png(n) for n in range(12)}
        path = plain_table(tmp_path, pictures)
        assert len(read(path, downloads)[1]) == 12
    catalog, items = read(path, downloads)
    assert len(items) == 12 and not catalog.rejected


def test_a_failing_answer_is_asked_again_and_a_missing_one_is_not(server, downloads, tmp_path):
    server.fail["/0.png"] = [503, 429]
    server.fail["/1.png"] = [500] * 9
    del server.files["/2.png"]
    catalog, items = read(plain_table(tmp_path, server, 4), downloads)
    assert list(items) == ["S0", "S3"]
    assert {r.id: r.reason for r in catalog.rejected} == {"S1": "status", "S2": "missing"}
    assert {r.id: r.line for r in catalog.rejected} == {"S1": 3, "S2": 4}
    assert (server.asked["/0.png"], server.asked["/1.png"], server.asked["/2.png"]) == (3, 4, 1)


def test_redirects_are_followed_but_not_in_circles_nor_elsewhere(server, downloads, tmp_path):
    server.redirect["/0.png"] = "/1.png"
    server.redirect["/2.png"] = "/2.png"
    server.redirect["/3.png"] = "file:///etc/passwd"
    catalog, items = read(plain_table(tmp_path, server, 4), downloads)
    assert items["S0"].image == png(1)
    assert {r.id: r.reason for r in catalog.rejected} == {"S2": "redirects", "S3": "address"}


def test_slow_answers_end_in_time(server, downloads, tmp_path):
    server.delay["/0.png"] = 2.0
    server.files["/1.png"] = png(1) * 20
    server.drip.add("/1.png")
    once = Downloads(**{**vars(downloads), "timeout": 0.3, "deadline": 0.8, "retries": 0})
    started = time.monotonic()
    catalog, items = read(plain_table(tmp_path, server, 3), once)
    assert time.monotonic() - started < 3
    assert list(items) == ["S2"]
    assert {r.id: r.reason for r in catalog.rejected} == {"S0": "timeout", "S1": "timeout"}


def test_a_lying_type_does_not_matter_and_what_is_no_picture_is_told(server, downloads, tmp_path):
    from lookbook.images.loading import load_rgb

    server.types["/0.png"] = "text/html"
    server.files["/1.png"] = b"<html>Sign in</html>"
    _, items = read(plain_table(tmp_path, server, 2), downloads)
    assert load_rgb(items["S0"].image).size == (8, 10)
    with pytest.raises(ImageError, match="HTML"):
        load_rgb(items["S1"].image)


def test_a_picture_that_is_too_large_is_refused_by_its_length_or_on_the_way(server, downloads):
    small = Downloader(Downloads(**{**vars(downloads), "max_bytes": 100}))
    with pytest.raises(ImageError) as caught:
        small.fetch(f"{server.address}/0.png")
    assert caught.value.reason == "too-many-bytes"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/a.png",
        "http://localhost:1/a.png",
        "http://[::1]:1/a.png",
        "http://10.0.0.1/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/a.png",
        "file:///etc/hostname",
    ],
)
def test_private_addresses_and_files_are_refused(tmp_path, address):
    started = time.monotonic()
    with pytest.raises(ImageError) as caught:
        Downloader(Downloads(cache=tmp_path)).fetch(address)
    assert caught.value.reason == "local" and "--allow-local-urls" in str(caught.value)
    assert time.monotonic() - started < 1


def test_a_public_name_that_leads_to_a_private_address_is_refused(tmp_path, monkeypatch):
    import socket

    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: addresses)
    with pytest.raises(ImageError) as caught:
        Downloader(Downloads(cache=tmp_path)).fetch("http://shop.example/a.png")
    assert caught.value.reason == "local"


def test_a_file_address_is_read_where_it_is_allowed(tmp_path):
    (tmp_path / "a.png").write_bytes(png(1))
    fetch = Downloader(Downloads(cache=tmp_path / "c", allow_local=True)).fetch
    assert fetch(f"file://{tmp_path / 'a.png'}") == png(1)


def test_pictures_beside_a_feed_need_no_network(tmp_path):
    for number in range(3):
        (tmp_path / f"{3 * number}.png").write_bytes(png(3 * number))
    (tmp_path / "metadata.csv").write_text(shopify("https://cdn.shop.example/files"))
    catalog, items = read(tmp_path, Downloads(cache=tmp_path / ".cache", wait=0, retries=0))
    assert list(items) == ["bag-0", "bag-1", "bag-2"]
    assert items["bag-2"].image == tmp_path / "6.png"
    with pytest.raises(ImageError, match=r"cdn.shop.example"):
        items["bag-2"].photos[0]()
    assert catalog.source["feed"] == "shopify"


def test_when_nothing_can_be_fetched_the_sentence_says_so(tmp_path):
    path = tmp_path / "products_export.csv"
    path.write_text(shopify("https://cdn.shop.example/files"))
    with pytest.raises(CatalogError) as caught:
        list(open_catalog(str(path), downloads=Downloads(cache=tmp_path, wait=0, retries=0)))
    assert "none of its 3 rows has a usable picture" in str(caught.value)
    assert "cdn.shop.example" in str(caught.value)


def test_a_table_without_pictures_lists_its_columns(tmp_path, downloads):
    (tmp_path / "products.csv").write_text("sku,title\nS1,Bag\n")
    with pytest.raises(CatalogError, match=r"no column of pictures .*column; .* sku, title"):
        open_catalog(str(tmp_path / "products.csv"), downloads=downloads)


def test_a_column_of_pictures_can_be_named(server, downloads, tmp_path):
    path = tmp_path / "products.csv"
    path.write_text(f"sku,title,front,back\nS1,Bag,{server.address}/0.png,{server.address}/1.png\n")
    _, items = read(path, downloads, columns=Columns(image="back"))
    assert items["S1"].image == png(1)


def test_a_page_of_json_is_read(server, downloads, tmp_path):
    rows = [{"sku": "S1", "title": "Bag", "images": [f"{server.address}/{n}.png" for n in (0, 1)]}]
    (tmp_path / "products.json").write_text(json.dumps({"products": rows}))
    _, items = read(tmp_path / "products.json", downloads)
    assert items["S1"].image == png(0) and [p() for p in items["S1"].photos] == [png(1)]
