"""What a shop's own pages get: cards with addresses of pictures and of the shop's pages."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from lookbook.schema.product_links import ProductLinks
from lookbook.search.index import Index
from lookbook.ui import embed, pictures
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.unit.outfits.test_completion import ROWS, shop

PICTURE = b"the bytes of a picture"


@pytest.fixture
def client(tmp_path):
    index: Index = shop(tmp_path / "index", thumbs=[PICTURE] * len(ROWS))
    links = ProductLinks("https://shop.example")
    search = SearchService(index, lambda: None, tmp_path / "thumbs", links)
    visitors = VisitorService(index, tmp_path, tmp_path)
    app = FastAPI()
    app.add_middleware(pictures.PictureFiles, folder=search.folder)
    app.include_router(embed.router(search, visitors))
    return TestClient(app, base_url="https://lookbook.example")


def test_similar_items_come_nearest_first_with_their_addresses(client, tmp_path):
    answer = client.get("/embed/similar.json", params={"item": "tee", "count": 3}).json()
    nearest = [hit.id for hit in Index.open(tmp_path / "index").similar("tee", k=3)]
    assert [one["id"] for one in answer["items"]] == nearest
    first = answer["items"][0]
    assert first["link"] == f"https://shop.example/products/{nearest[0]}"
    assert first["picture"].startswith("https://lookbook.example/pictures/")
    found = client.get(first["picture"])
    assert found.content == PICTURE
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_look_holds_what_is_worn_with_an_item(client):
    answer = client.get("/embed/look.json", params={"item": "tee"}).json()
    ids = [one["id"] for one in answer["items"]]
    assert {"chinos", "jeans"} & set(ids)
    assert len(ids) == len(set(ids))
    assert client.get("/embed/look.json", params={"item": "briefs"}).json()["items"] == []


def test_the_page_for_a_frame_opens_the_shops_pages(client):
    page = client.get("/embed/similar", params={"item": "tee"})
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="https://shop.example/products/' in page.text
    assert 'target="_top"' in page.text


@pytest.mark.parametrize("item", ["", "unknown", "<script>", "../x"])
def test_an_unknown_item_is_a_404(client, item):
    for path in ("/embed/similar", "/embed/look.json"):
        answer = client.get(path, params={"item": item})
        assert answer.status_code == 404
        assert "<script>" not in answer.text or answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("query", ["", "item=tee&count=0", "item=tee&count=25", "item=tee&count=x"])
def test_a_request_that_cannot_be_read_is_refused(client, query):
    assert client.get(f"/embed/similar.json?{query}").status_code == 422


def test_the_script_holds_its_style(client):
    script = client.get("/embed/widget.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "STYLE" not in script.text
    assert "attachShadow" in script.text
