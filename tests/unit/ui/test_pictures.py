"""Pictures of the catalogue: their addresses, and the cards that name them."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from lookbook.schema.filters import FilterError, parse_where
from lookbook.search.facets import facets, price_range
from lookbook.search.index import Index
from lookbook.ui import build_site, serving
from lookbook.ui.components import markup
from lookbook.ui.guard import GuardOptions
from lookbook.ui.messages import use_language
from lookbook.ui.pictures import PictureFiles
from lookbook.ui.services.search import SearchService
from lookbook.ui.site import EXAMPLES
from tests.ports import free_port
from tests.tiny_index import publish_tiny

PHOTO = b"the bytes of a picture"


def ids(count):
    return [f"a-{i}" for i in range(count)]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The address of a site with example photos, and the folders that it serves from."""
    folder, port = tmp_path_factory.mktemp("site"), free_port()
    publish_tiny(folder / "index", source={"kind": "house", "name": "house"})
    site = build_site(Index.open(folder / "index"), lambda: None, state=folder / "state")
    serving.launch(
        site, GuardOptions(rate=50), site.checks, picture_folder=site.picture_folder,
        server_name="127.0.0.1", server_port=port, quiet=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}", (EXAMPLES.parent, folder, site.picture_folder.parent)
    site.close()


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_no_page_names_a_folder_of_the_server(house, path):
    address, folders = house
    text = httpx.get(address + path).text
    assert [str(folder) for folder in folders if str(folder) in text] == []
    assert "gradio_api/file=/" not in text


def test_the_example_photos_are_served_as_they_are_and_at_no_other_address(house):
    address, _ = house
    photos = sorted(EXAMPLES.glob("*.jpg"))
    names = re.findall(r"pictures/[0-9a-f]{32}\.jpg", httpx.get(address + "/config").text)
    answers = [httpx.get(f"{address}/{name}") for name in dict.fromkeys(names)]
    assert [answer.content for answer in answers] == [photo.read_bytes() for photo in photos]
    assert {answer.headers["content-type"] for answer in answers} == {"image/jpeg"}
    assert httpx.get(f"{address}/gradio_api/file={photos[0]}").status_code == 403


def test_an_example_that_cannot_be_written_is_in_the_page_itself(search, tmp_path):
    photo = sorted(EXAMPLES.glob("*.jpg"))[0]
    search.folder.rmdir()
    search.folder.write_bytes(b"no folder")
    file = search.example_file(photo)
    assert file == "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


@pytest.fixture
def search(tmp_path):
    publish_tiny(tmp_path / "index", count=3, thumbs=[PHOTO + bytes([i]) for i in range(3)])
    return SearchService(Index.open(tmp_path / "index"), lambda: None, tmp_path / "thumbs")


@pytest.fixture
def client(search):
    return TestClient(PictureFiles(PlainTextResponse("passed on"), search.folder))


def test_a_picture_is_answered_and_kept_by_browsers(search, client):
    answer = client.get(markup.file_url(search.thumb_file("a-1")))
    assert answer.content == PHOTO + b"\x01"
    assert answer.headers["content-type"].startswith("image/")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-length"] == str(len(answer.content))


def test_a_picture_that_is_not_there_is_not_found(search, client):
    assert client.get("/pictures/" + "0" * 32 + ".webp").status_code == 404
    file = Path(search.thumb_file("a-1"))
    file.unlink()
    assert client.get(f"/pictures/{file.name}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/pictures/", "/pictures/a.webp", "/pictures/%2e%2e/events.sqlite"]
)
def test_other_addresses_are_passed_on(client, path):
    assert client.get(path).text == "passed on"


def test_only_the_head_of_a_picture_may_be_asked_for(search, client):
    answer = client.head(markup.file_url(search.thumb_file("a-1")))
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(PHOTO) + 1)


def test_other_methods_are_passed_on(search, client):
    assert client.post(markup.file_url(search.thumb_file("a-1"))).text == "passed on"


def test_a_card_writes_its_picture_again_where_the_folder_was_emptied(search):
    (hit,) = search.as_hits(["a-1"])
    first = search.card(hit)
    Path(first.file).unlink()
    assert search.card(hit) == first
    assert Path(first.file).read_bytes() == PHOTO + b"\x01"


def test_a_card_without_a_place_for_its_picture_has_one_once_there_is_room(search, tmp_path):
    (hit,) = search.as_hits(["a-1"])
    search.folder.rmdir()
    assert search.card(hit).file.startswith("data:image/")
    search.folder.mkdir()
    assert Path(search.card(hit).file).read_bytes() == PHOTO + b"\x01"


def test_cards_and_filters_are_those_of_the_generation_that_is_shown(tmp_path):
    for name, count in (("old", 6), ("new", 9)):
        items = {"id": ids(count), "title": [name] * count, "colour": ["red", "blue", name] * 3}
        items["colour"] = items["colour"][:count]
        publish_tiny(tmp_path / name, count=count, items=items, thumbs=[name.encode()] * count)
    old, new = Index.open(tmp_path / "old"), Index.open(tmp_path / "new")
    search = SearchService(old, lambda: None, tmp_path / "thumbs")
    for index in (old, new):
        search.prepare(index)()
        (hit,) = search.as_hits(["a-1"])
        for _ in range(2):
            card = search.card(hit)
            assert (card.title, Path(card.file).read_bytes()) == (
                index.item("a-1").title,
                index.thumb("a-1"),
            )
            expected = tuple(facets(index)), price_range(index)
            assert search.facets(index, ()) == expected


def test_filters_that_cannot_be_used_raise_each_time(search):
    for _ in range(2):
        with pytest.raises(FilterError):
            search.facets(search.index, parse_where("nothing=x"))


def test_a_card_is_in_the_language_of_its_request(tmp_path):
    items = {"id": ids(2), "title": ["dress"] * 2, "title_de": ["Kleid"] * 2}
    publish_tiny(tmp_path / "index", count=2, items=items)
    search = SearchService(Index.open(tmp_path / "index"), lambda: None, tmp_path / "thumbs")
    (hit,) = search.as_hits(["a-0"])
    titles = []
    for language in ("en", "de", "en"):
        use_language(language)
        titles.append(search.card(hit).title)
    assert titles == ["dress", "Kleid", "dress"]
