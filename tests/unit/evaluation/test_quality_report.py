"""The quality report of catalogues whose right answers follow from their construction."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from lookbook.__main__ import main
from lookbook.evaluation.metrics import ranking_measures
from lookbook.evaluation.quality_report import compare, quality_report
from lookbook.evaluation.report_page import comparison_page, report_page
from lookbook.search.index import Index
from tests.tiny_index import publish_tiny, random_vectors

HOSTILE = '"><script>alert(1)</script><img src=https://shop.example/x.png>'


def shop(root, vectors, kinds, group=None):
    count = len(vectors)
    items = {
        "id": [f"i{n}" for n in range(count)],
        "title": [HOSTILE] * count,
        "articleType": kinds,
        "gender": ["Women", "Men"] * (count // 2),
    }
    if group is not None:
        items["group"] = group.tolist()
    publish_tiny(root, count=count, vectors=vectors, items=items, thumbs=[b"picture"] * count)
    return Index.open(root)


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Three kinds of 20 items that lie apart, men and women at random places in each."""
    kinds = np.arange(60) // 20
    vectors = (9 * np.eye(3, 8)[kinds] + random_vectors(60, 8)).astype(np.float32)
    names = [("Dresses", "Shirts", HOSTILE)[kind] for kind in kinds]
    return shop(tmp_path_factory.mktemp("apart"), vectors, names)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The same catalogue with vectors that hold nothing."""
    names = [("Dresses", "Shirts", HOSTILE)[n // 20] for n in range(60)]
    return shop(tmp_path_factory.mktemp("mixed"), random_vectors(60, 8, seed=5), names)


def test_measures_of_rankings_worked_out_by_hand():
    relevant = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]], bool)
    found = ranking_measures(relevant, np.array([4, 3, 1]), cutoffs=(1, 4))
    assert found["accuracy@1"].tolist() == [1, 0, 0]
    assert found["precision@4"].tolist() == [0.5, 0, 0.25]
    assert found["recall@4"].tolist() == [0.5, 0, 1]
    assert found["F1@4"].tolist() == pytest.approx([0.5, 0, 0.4])
    assert found["MRR"].tolist() == [1, 0, 0.5]
    assert found["mAP"].tolist() == pytest.approx([(1 + 2 / 3) / 4, 0, 0.5])
    ideal = sum(1 / np.log2(rank + 1) for rank in (1, 2, 3, 4))
    assert found["nDCG@4"].tolist() == pytest.approx([1.5 / ideal, 0, 1 / np.log2(3)])
    with pytest.raises(ValueError, match="at least 10 ranks, found 4"):
        ranking_measures(relevant, np.array([4, 3, 1]))


def test_kinds_that_lie_apart_are_found_and_genders_are_not(apart):
    report = quality_report(apart)
    kind, gender = report["attributes"]["articleType"], report["attributes"]["gender"]
    assert kind["precision@10"]["value"] == 1
    assert kind["recall@10"]["value"] == pytest.approx(10 / 19, abs=1e-5)
    assert kind["mAP"]["value"] == kind["MRR"]["value"] == kind["nDCG@10"]["value"] == 1
    assert gender["precision@10"]["value"] == pytest.approx(0.5, abs=0.1)
    assert report["joint_columns"] == ["articleType", "gender"]
    by_kind = next(table for table in report["confusion"] if table["column"] == "articleType")
    assert by_kind["shares"] == np.eye(3).tolist()
    exact, forest, served = report["engines"]
    assert (exact["name"], forest["name"], served["name"]) == ("exact", "annoy", "as served")
    assert exact["recall_of_exact"]["value"] == 1
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_near_duplicates_neither_ask_nor_are_found(tmp_path):
    """Every picture is there twice: with the copies counted each item would find itself first."""
    vectors = np.repeat(random_vectors(30, 8), 2, axis=0)
    kinds = [f"kind {n // 2 % 3}" for n in range(60)]
    index = shop(tmp_path, vectors, kinds, group=np.arange(60) // 2 * 2)
    report = quality_report(index)
    assert report["near_duplicates_removed"] == 30
    assert {int(id[1:]) % 2 for id in report["queries"]} == {0}
    assert report["attributes"]["articleType"]["accuracy@1"]["value"] < 0.7
    assert report["attributes"]["articleType"]["recall@10"]["n"] == 30


def test_a_difference_has_the_sign_and_the_interval_of_what_was_changed(apart, mixed):
    better, worse = quality_report(apart), quality_report(mixed)
    row = compare(worse, better)["attributes"]["articleType"]["precision@10"]
    assert row["difference"]["low"] > 0.4
    assert row["difference"]["value"] == pytest.approx(row["b"] - row["a"])
    same = compare(better, better)["attributes"]["gender"]["mAP"]["difference"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
    with pytest.raises(ValueError, match="no query in common"):
        compare(better, better | {"queries": ["other"] * 60})


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_loads_nothing_and_shows_the_catalogue_as_text(apart, mixed):
    one, other = quality_report(apart), quality_report(mixed)
    for page in (report_page(one, apart), comparison_page(compare(one, other), (HOSTILE, "b"))):
        parsed = Tags()
        parsed.feed(page)
        assert not parsed.tags & {"script", "link", "iframe", "object"}
        assert all(address.startswith("data:image/") for address in parsed.addresses)
        assert "default-src 'none'" in page
    assert "&lt;script&gt;" in report_page(one, apart)


def test_the_command_writes_a_page_and_compares(apart, mixed, tmp_path, capsys):
    roots = [str(index.generation.root) for index in (apart, mixed)]
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for root, page in zip(roots, pages, strict=True):
        assert main(["evaluate", "--index", root, "--report", str(page)]) == 0
        assert page.with_suffix(".json").exists()
    capsys.readouterr()
    assert main(["evaluate", "--compare", *roots, "--json"]) == 0
    by_index = json.loads(capsys.readouterr().out)
    assert main(["evaluate", "--compare", *map(str, pages), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == by_index
    assert main(["evaluate", "--compare", roots[0], str(tmp_path / "none.json")]) == 2
    (tmp_path / "other.json").write_text("{}")
    assert main(["evaluate", "--compare", roots[0], str(tmp_path / "other.json")]) == 2
    assert "expected a quality report" in capsys.readouterr().err
    assert main(["evaluate", "--index", roots[0], "--report", str(tmp_path / "x.json")]) == 2
    assert main(["evaluate", "--index", roots[0], "--sample", "20"]) == 2  # without --report
