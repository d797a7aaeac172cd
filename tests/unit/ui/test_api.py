"""The answers of the API: their types, what they say of a query, and what they never hold."""

from __future__ import annotations

import io
import json
import re

import gradio as gr
import pytest

from lookbook.encoding.encoder import Encoder
from lookbook.images.loading import load_rgb
from lookbook.search.index import Index
from lookbook.search.photo_query import locate_garments
from lookbook.search.query import Query
from lookbook.ui import build_site
from lookbook.ui.api import Api, InvalidRequest, checked_endpoint
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.garment_photos import garment_photo
from tests.tiny_index import publish_tiny

FOLDER = "/srv/private/shops"
KINDS = ["Sports Shoes", "Dresses", "Shirts"]
PICTURE = re.compile(r"pictures/[0-9a-f]{32}\.webp")


class WordlessEncoder:
    """An encoder that knows no word: the catalogue alone answers."""

    def knows(self, text):
        return False

    def unknown_words(self, text):
        return text.split()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    items = {
        "id": [f"p{i}" for i in range(9)],
        "title": [f"{KINDS[i % 3]} number {i}" for i in range(9)],
        "articleType": [KINDS[i % 3] for i in range(9)],
        "score": [float(i) for i in range(9)],
    }
    root = tmp_path_factory.mktemp("api") / "index"
    source = {"name": f"{FOLDER}/feed.csv", "kind": "feed"}
    encoder = {"id": f"{FOLDER}/model"}
    publish_tiny(root, count=9, items=items, source=source, encoder=encoder)
    return Index.open(root)


@pytest.fixture(scope="module")
def api(index, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    search = SearchService(index, WordlessEncoder, folder / "thumbs")
    return Api(search, VisitorService(index, folder, folder))


@pytest.fixture(scope="module")
def endpoints(index, tmp_path_factory):
    site = build_site(index, WordlessEncoder, state=tmp_path_factory.mktemp("state"))
    return site.get_api_info()["named_endpoints"]


def test_a_site_says_a_correction_and_what_is_left_out(api):
    """The word of a correction is often the concept's own but for an ending."""
    summary = api.search_service.search(Query(words="dresss without stripes")).summary
    assert "Dresss: taken as dress." in summary
    assert "taken as" not in api.search_service.search(Query(words="dresses")).summary


def test_a_search_says_how_it_was_understood(api):
    answer = api.search(words="trainers qwxyz")
    assert [hit["attributes"]["articleType"] for hit in answer["hits"]] == ["Sports Shoes"] * 3
    assert answer["notes"] == ["trainers: taken as sports shoes"]
    assert answer["unknown_words"] == ["qwxyz"]
    assert answer["searched"] == 9
    assert answer["view"] == "?words=trainers+qwxyz"


def test_all_searches_give_the_same_hits(api):
    assert api.search(words="dresses")["hits"] == api.search_by_words("dresses")
    assert api.search(item="p0", count=3)["hits"] == api.similar("p0", count=3)


def test_words_may_be_left_out(api):
    found = api.search_by_words(where=["articleType=Dresses"])
    assert {hit["id"] for hit in found} == {"p1", "p4", "p7"}
    assert len(api.search()["hits"]) == 9
    with pytest.raises(InvalidRequest, match="no item 'nothing'"):
        api.search(item="nothing")


def test_garments_have_boxes_as_fractions(index, tmp_path):
    encoder = Encoder.load()
    api = Api(SearchService(index, lambda: encoder, tmp_path / "thumbs"), None)
    photo = io.BytesIO()
    garment_photo(14, (640, 480), (370, 90, 600, 410)).save(photo, "PNG")
    found = api.garments(Upload(photo.getvalue()))
    assert found
    assert found == [
        {
            "box": [round(s, 4) for s in one.box],
            "kind": one.kind,
            "confidence": pytest.approx(one.confidence, abs=1e-4),
        }
        for one in locate_garments(load_rgb(photo.getvalue()), encoder)
    ]
    for one in found:
        left, top, right, bottom = one["box"]
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
    with pytest.raises(InvalidRequest, match="needs a picture"):
        api.garments(None)
    with pytest.raises(InvalidRequest):
        api.garments(Upload(b"no picture"))


def test_an_attribute_never_hides_a_score(api):
    first = api.similar("p0", count=1)[0]
    assert first["attributes"]["score"] == float(first["id"][1:])
    assert first["score"] <= 1


def test_every_piece_has_the_address_of_its_picture(api):
    item = api.item("p0")
    pieces = [item, *api.find_by_name("number"), *api.similar("p0"), *api.for_you(["p0"])]
    assert len(pieces) > 20
    assert all(PICTURE.fullmatch(piece["picture"]) for piece in pieces)
    assert item["pictures"] == [item["picture"]]
    assert (api.search_service.folder / item["picture"].split("/")[1]).is_file()


def test_no_answer_names_a_folder_of_the_server(api):
    about = api.about()
    assert (about["source"], about["encoder"]) == ("feed.csv", "model")
    answers = [about, api.item("p0"), api.search(words="dresses"), api.for_you(), api.filters()]
    text = json.dumps(answers)
    assert FOLDER not in text
    assert str(api.search_service.folder) not in text


def test_an_error_of_the_server_is_logged_and_not_told(capsys):
    def fails() -> str:
        raise FileNotFoundError(f"{FOLDER}/secret")

    with pytest.raises(gr.Error) as raised:
        checked_endpoint(fails)()
    assert FOLDER not in str(raised.value)
    assert FOLDER in str(raised.value.__cause__)


def test_an_encoder_that_cannot_be_loaded_is_no_path_either(index, tmp_path):
    def missing():
        raise ValueError(f"{FOLDER}/model: there is no such folder")

    api = Api(SearchService(index, missing, tmp_path / "thumbs"), None)
    with pytest.raises(InvalidRequest, match="encoder cannot be loaded") as raised:
        api.search(words="dresses")
    assert FOLDER not in str(raised.value)


def test_answers_have_a_schema(endpoints):
    hit = endpoints["/search_by_words"]["returns"][0]["type"]["items"]
    assert endpoints["/search_by_picture"]["returns"][0]["type"]["items"] == hit
    assert endpoints["/search"]["returns"][0]["type"]["properties"]["hits"]["items"] == hit
    assert hit["properties"]["score"] == {"type": "number"}
    assert {"id", "title", "picture", "attributes"} <= set(hit["required"])
    assert all(e["returns"][0]["type"] for e in endpoints.values())


def test_only_what_an_endpoint_is_about_must_be_given(endpoints):
    needed = {
        name: [p["parameter_name"] for p in e["parameters"] if not p["parameter_has_default"]]
        for name, e in endpoints.items()
    }
    assert {name: names for name, names in needed.items() if names} == {
        "/search_by_picture": ["picture"],
        "/garments": ["picture"],
        "/similar": ["item"],
        "/find_by_name": ["text"],
        "/item": ["item"],
        "/complete_the_look": ["item"],
        "/also_liked": ["item"],
    }


def test_what_results_are_matched_on_is_one_of_four(api):
    item = api.search_service.index.ids[0]
    assert "match=colour" in api.link(item, match="colour")
    assert [hit["id"] for hit in api.similar(item, match="kind")]
    for wrong in ("size", 3):
        with pytest.raises(InvalidRequest, match="match: one of shape, colour, pattern, kind"):
            api.similar(item, match=wrong)
