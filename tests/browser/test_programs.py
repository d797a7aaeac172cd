"""The API: the example script, every endpoint, invalid requests, and the tools of an agent."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from seeing import RESULTS, ROOT, examples, ids, running_site

ENDPOINTS = {
    *("search", "search_by_picture", "search_by_words", "similar", "find_by_name", "item"),
    *("complete_the_look", "for_you", "also_liked", "filters", "link", "about", "garments"),
}


@pytest.fixture(scope="module")
def client(site):
    return Client(site, verbose=False)


def test_the_example_script_prints_results(site):
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/ask_the_api.py"), site, str(examples()[7])],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["1,500 pieces from house collection", "Looks like your picture:"]
    assert all(f"{site}pictures/" in line for line in lines[2:5])
    (dresses,) = (n for n, line in enumerate(lines) if line.startswith("red dress: 3 of "))
    assert all("Dress" in line for line in lines[dresses + 1 : dresses + 4])
    assert lines[-1] == f"The same on the site: {site}?words=red+dress&n=3"


def test_every_action_has_a_typed_endpoint_and_no_other_is_exposed(client):
    api = client.view_api(return_format="dict")
    assert {name.strip("/") for name in api["named_endpoints"]} == ENDPOINTS
    assert api["unnamed_endpoints"] == {}
    for name, endpoint in api["named_endpoints"].items():
        assert endpoint["description"], name
        assert all(p["type"] != {} or p["parameter_name"] for p in endpoint["parameters"]), name


def test_answers_agree_with_each_other(client):
    shirts = client.predict(
        words="shirt", where=["gender=Women", "price<=120"], count=5, api_name="/search_by_words"
    )
    assert len(shirts) == 5
    assert {hit["attributes"]["articleType"] for hit in shirts} == {"Shirts"}
    assert {hit["attributes"]["gender"] for hit in shirts} == {"Women"}
    assert max(hit["attributes"]["price"] for hit in shirts) <= 120
    first = client.predict(item=shirts[0]["id"], api_name="/item")
    assert first["title"] == shirts[0]["title"]
    assert shirts[0]["id"] in [
        hit["id"] for hit in client.predict(text=first["title"], api_name="/find_by_name")
    ]
    near = client.predict(item=first["id"], count=6, api_name="/similar")
    away = client.predict(item=first["id"], less=[near[0]["id"]], count=6, api_name="/similar")
    assert near[0]["id"] not in [hit["id"] for hit in away]
    counts = client.predict(where=[], api_name="/filters")
    assert sum(counts["gender"].values()) == client.predict(api_name="/about")["pieces"]


def test_a_picture_gets_the_same_first_result_as_in_python(client):
    from lookbook import Encoder, Index
    from lookbook.search import Query, photo_query, run

    photo, index, encoder = examples()[0], Index.open(ROOT / "index"), Encoder.load()
    for crop in (True, False):
        results = client.predict(
            picture=handle_file(photo), words="", crop=crop, api_name="/search_by_picture"
        )
        vector = photo_query(photo, encoder, crop).vector
        assert results[0]["id"] == run(Query(pictures=(vector,)), index).hits[0].id
    assert np.array_equal(vector, encoder.encode([photo])[0]), "the whole photo"


@pytest.mark.parametrize(
    "endpoint, arguments, message",
    [
        ("/similar", {"item": "nothing"}, "no item 'nothing'"),
        ("/item", {"item": ""}, "no item"),
        ("/search_by_words", {"words": "shirt", "where": ["colour"]}, "COLUMN=VALUE"),
        ("/search_by_words", {"words": "shirt", "where": ["nothing=1"]}, "the columns are"),
        ("/complete_the_look", {"item": "\0"}, "no item"),
        ("/also_liked", {"item": "nothing"}, "no item"),
    ],
)
def test_an_invalid_request_gets_a_message(client, endpoint, arguments, message):
    with pytest.raises(AppError, match=message):
        client.predict(**arguments, api_name=endpoint)


def test_an_agent_finds_the_same_tools_and_can_use_them(site):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def ask() -> tuple[set[str], str]:
        connection = streamablehttp_client(f"{site}gradio_api/mcp/")
        async with connection as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            answer = await session.call_tool("find_by_name", {"text": "shirt", "count": 2})
            return {tool.name for tool in tools}, answer.content[0].text

    with ThreadPoolExecutor(1) as other:  # this thread has the browser's loop
        names, text = other.submit(lambda: asyncio.run(ask())).result()
    assert {name.removeprefix("lookbook_") for name in names} >= ENDPOINTS
    assert "hirt" in text


def test_two_sites_share_one_postgresql(browser, tmp_path, postgres_url):
    """Likes on one site are what the other recommends from."""
    state = {"LOOKBOOK_DATABASE_URL": postgres_url}
    with running_site(tmp_path / "one.log", "--state", str(tmp_path), **state) as one:
        page = browser.new_page()
        page.goto(one)
        page.wait_for_selector(f"{RESULTS} >> nth=8")
        liked = ids(page)[2:4]
        for place in (2, 3):
            page.click(f"{RESULTS} >> nth={place} >> [data-act=like]")
            page.wait_for_timeout(50)  # as fast as anybody clicks: neither like is lost
        page.wait_for_timeout(3000)  # until both likes have been answered
        page.click("button[role=tab]:has-text('For you')")
        page.wait_for_selector("#feed-top:has-text('2 pieces you like')")
        page.close()
        with running_site(tmp_path / "other.log", "--state", str(tmp_path), **state) as other:
            also = Client(other, verbose=False).predict(item=liked[0], api_name="/also_liked")
            assert [piece["id"] for piece in also] == [liked[1]]
