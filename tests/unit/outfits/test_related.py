"""A file of similar and matching items for every item of a small shop."""

from __future__ import annotations

import csv
import json

import pytest

from lookbook.__main__ import main
from lookbook.outfits.related import Related, related_items, write_related
from lookbook.schema.product_links import ProductLinks
from lookbook.search.index import IndexItem
from tests.unit.outfits.test_completion import shop

TEE = IndexItem("tee", "=Tee", {"handle": "tee"})
SKIRT = IndexItem("skirt", "Skirt", {"handle": "skirt"})
SHOES = IndexItem("shoes-red", "Shoes", {"handle": "shoes"})
PAIRS = [
    Related(TEE, similar=[SKIRT, SHOES], matching=[SHOES]),
    Related(IndexItem("tee-red", "Tee", {"handle": "tee"}), similar=[TEE], matching=[]),
    Related(SKIRT, similar=[], matching=[]),
]


def test_every_item_gets_its_nearest_and_what_is_worn_with_it(tmp_path):
    index = shop(tmp_path)
    found = {one.item.id: one for one in related_items(index, k=3)}
    assert set(found) == set(index.ids)
    for id, one in found.items():
        assert id not in {other.id for other in [*one.similar, *one.matching]}
    nearest = [hit.id for hit in index.similar("tee", k=3)]
    assert [item.id for item in found["tee"].similar] == nearest
    assert {"chinos", "jeans"} & {item.id for item in found["tee"].matching}
    assert found["briefs"].matching == []


def test_csv_has_a_row_for_each_pair_and_no_formula(tmp_path):
    links = ProductLinks("https://shop.example")
    assert write_related(PAIRS, tmp_path / "r.csv", "csv", links) == 3
    rows = list(csv.DictReader((tmp_path / "r.csv").open()))
    assert [(r["id"], r["relation"], r["rank"], r["related_id"]) for r in rows] == [
        ("tee", "similar", "1", "skirt"),
        ("tee", "similar", "2", "shoes-red"),
        ("tee", "matching", "1", "shoes-red"),
        ("tee-red", "similar", "1", "tee"),
    ]
    assert rows[3]["title"] == "'=Tee"
    assert rows[0]["product_page"] == "https://shop.example/products/skirt"


def test_jsonl_has_a_line_for_each_item(tmp_path):
    write_related(PAIRS, tmp_path / "r.jsonl", "jsonl")
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["tee", "tee-red", "skirt"]
    assert [item["id"] for item in lines[0]["similar"]] == ["skirt", "shoes-red"]
    assert lines[2]["matching"] == []


def test_shopify_gets_one_row_for_each_handle(tmp_path):
    assert write_related(PAIRS, tmp_path / "r.csv", "shopify") == 2
    head, *rows = csv.reader((tmp_path / "r.csv").open())
    assert head[:2] == ["Handle", "Title"]
    assert "complementary_products" in head[2]
    assert "related_products" in head[3]
    assert rows == [["tee", "'=Tee", "shoes", "skirt; shoes"], ["skirt", "Skirt", "", ""]]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    def breaks_off():
        yield PAIRS[0]
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        write_related(breaks_off(), tmp_path / "r.csv", "csv")
    with pytest.raises(ValueError, match="expected one of csv, jsonl, shopify, found 'xml'"):
        write_related(PAIRS, tmp_path / "r.xml", "xml")
    assert list(tmp_path.iterdir()) == []


def test_the_command_takes_the_format_from_the_ending(tmp_path, capsys):
    shop(tmp_path / "index")
    out = tmp_path / "related.jsonl"
    assert (
        main(["related", "--index", str(tmp_path / "index"), "--output", str(out), "-k", "2"]) == 0
    )
    assert "13 items" in capsys.readouterr().out
    assert len(out.read_text().splitlines()) == 13
