"""Requests to the endpoints of a running site: what they pass on, what they refuse, what they hide.

The shop and the model are those of `test_intents`, so that the right answers are known.
"""

from __future__ import annotations

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from lookbook.encoding.errors import EncoderError
from lookbook.search import Query
from lookbook.search.photo_query import PhotoQuery
from lookbook.ui import build_site, serving
from lookbook.ui.api import Api, InvalidRequest, checked_endpoint
from lookbook.ui.guard import GuardOptions
from lookbook.ui.pages.find import callbacks
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService
from tests.ports import free_port
from tests.unit.search.test_intents import shop, write_model

# nearest to item 0 as a photo (by the first axis), to item 1 by its shape (the second axis)
PHOTO = np.array([0.6, 0.8, 0.1], np.float32)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("requests")
    write_model(folder / "model", colours=False)
    site = build_site(shop(folder), lambda: object(), state=folder / "state")
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        found = PhotoQuery(PHOTO, Image.new("RGB", (9, 9)))
        patch.setattr(SearchService, "encode_photo", lambda self, photo, crop=True: found)
        serving.launch(
            site, GuardOptions(), server_name="127.0.0.1", server_port=port, quiet=True
        )  # fmt: skip
        yield Client(f"http://127.0.0.1:{port}", verbose=False)
        site.close()


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    file = tmp_path_factory.mktemp("picture") / "photo.png"
    Image.effect_noise((64, 64), 80).convert("RGB").save(file)
    return handle_file(file)


def hits_of(answer):
    return [hit["id"] for hit in (answer["hits"] if isinstance(answer, dict) else answer)]


@pytest.mark.parametrize("endpoint", ["/search", "/search_by_picture"])
def test_results_of_a_photo_change_with_what_they_are_matched_on(client, picture, endpoint):
    def found(match):
        return hits_of(client.predict(picture=picture, match=match, api_name=endpoint))

    assert found("")[0] == "0"
    assert found("shape")[0] == "1"
    with pytest.raises(AppError, match="match: one of shape, colour, pattern, kind, found 'size'"):
        found("size")


def raw_call(client, name, values):
    """What an endpoint answers to a bare list of values."""
    address = f"{client.src}gradio_api/call/{name}"
    event = httpx.post(address, json={"data": values}).json()["event_id"]
    return httpx.get(f"{address}/{event}", timeout=30).text


def test_a_bare_list_may_leave_out_the_last_values(client):
    """As one written before `match` was an option does."""
    values = [None, "", "3", [], [], [], 2, 0, True]
    assert '"searched": 6' in raw_call(client, "search", values)
    assert raw_call(client, "search", values) == raw_call(client, "search", [*values, ""])
    assert "expected 10 values, found 0" in raw_call(client, "search", [])
    assert "expected 2 values, found 1" not in raw_call(client, "similar", ["3"])


def test_every_endpoint_takes_all_that_its_docstring_names(client):
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, endpoint in named.items():
        function = getattr(Api, name.removeprefix("/"))
        names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
        assert [p["parameter_name"] for p in endpoint["parameters"]] == list(names), name


@pytest.mark.parametrize("endpoint", ["/search", "/search_by_picture", "/garments"])
@pytest.mark.parametrize("value", ["x", 5, []])
def test_something_else_than_a_picture_is_named(client, endpoint, value):
    with pytest.raises(AppError, match=r"picture: expected a file, .* found "):
        client.predict(value, api_name=endpoint)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("count", "x", "count should be a number, found 'x'"),
        ("variety", "x", "variety should be a number, found 'x'"),
        ("crop", "maybe", "crop: expected true or false, found 'maybe'"),
    ],
)
def test_options_of_another_type_are_named(client, picture, option, value, expected):
    with pytest.raises(AppError, match=expected):
        client.predict(picture=picture, api_name="/search", **{option: value})


# without a server


@pytest.fixture
def api(tmp_path):
    write_model(tmp_path / "model")
    return api_of(shop(tmp_path), tmp_path)


def api_of(index, folder):
    search = SearchService(index, lambda: None, folder / "thumbs")
    return Api(search, VisitorService(index, folder, folder))


@pytest.mark.parametrize("value", ["x", True, float("nan"), 10**400, []])
def test_numbers_are_numbers(api, value):
    for call in (
        lambda: api.similar("0", count=value),
        lambda: api.similar("0", variety=value),
        lambda: api.also_liked("0", count=value),
        lambda: api.for_you(budget=value),
        lambda: api.for_you(temperature=value),
    ):
        with pytest.raises(InvalidRequest, match=r" should be a number, found "):
            call()


def test_numbers_beyond_their_range_are_brought_into_it(api):
    assert len(api.similar("0", count=-5)) == 1
    assert api.similar("0", count=1e300) == api.similar("0", count=96)
    assert api.similar("0", count=None, variety=7) == api.similar("0", variety=1)
    assert api.similar("0", count="2") == api.similar("0", count=2)


def test_what_was_brought_into_range_is_said_as_in_a_link(api):
    answer = api.search(item="0", count=1e9, variety=-1)
    assert answer["hits"] == api.search(item="0", count=96)["hits"]
    said = ["variety goes from 0 to 1, found -1.", "count goes from 1 to 96, found 1000000000.0."]
    assert answer["notes"] == said
    assert api.search(item="0", count=3.7)["notes"] == [
        "count should be a whole number, found 3.7."
    ]
    assert api.search(item="0", count=3)["notes"] == []


@pytest.mark.parametrize("value", ["x", 5, {"a": 1}])
def test_ids_are_a_list(api, value):
    for call in (
        lambda: api.similar("0", more=value),
        lambda: api.search(less=value),
        lambda: api.for_you(liked=value),
    ):
        with pytest.raises(InvalidRequest, match=r": expected a list of ids, found "):
            call()


@pytest.mark.parametrize("value", [5, 0, False, ["Summer"], {"a": 1}])
def test_texts_are_texts(api, value):
    for call in (
        lambda: api.for_you(season=value),
        lambda: api.for_you(occasion=value),
        lambda: api.search_by_words(value),
        lambda: api.similar("0", words=value),
        lambda: api.link(words=value),
    ):
        with pytest.raises(InvalidRequest, match=r": expected a text, found "):
            call()


def test_a_text_may_be_left_out(api):
    assert api.for_you(season=None, occasion=None) == api.for_you()


# a damaged model

DAMAGE = {
    "empty": ("query.json", b""),
    "no numbers": ("query.json", b'{"revision": "f00d", "head_dims": "x", "scales": {}}'),
    "no tensors": ("query.safetensors", b"no tensors"),
}


@pytest.fixture(params=DAMAGE.values(), ids=DAMAGE)
def damaged(request, tmp_path):
    name, content = request.param
    write_model(tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(content)
    return tmp_path, name


def test_a_damaged_model_is_named_in_the_log_and_in_no_answer(damaged, capsys):
    folder, name = damaged
    api = api_of(shop(folder), folder)
    capsys.readouterr()
    for search in (lambda: api.similar("0"), lambda: api.search(item="0")):
        with pytest.raises(InvalidRequest) as raised:
            search()
        assert str(raised.value.message) == "The encoder cannot be loaded: the site's log says why."
        assert str(folder / "model" / name) in capsys.readouterr().err


def test_a_damaged_model_is_named_by_no_endpoint(damaged, tmp_path):
    folder, name = damaged
    api = api_of(shop(folder), folder)
    calls = [(api.similar, ["0"]), (api.complete_the_look, ["0"]), (api.for_you, [["0"]])]
    for endpoint, arguments in [*calls, (api.also_liked, ["0"]), (api.item, ["0"])]:
        try:
            checked_endpoint(endpoint)(*arguments)
        except gr.Error as error:
            assert name not in str(error.message)


def test_a_damaged_model_is_named_to_no_visitor(damaged, capsys, monkeypatch):
    folder, name = damaged
    said = []
    monkeypatch.setattr(callbacks, "warn", lambda text, title: said.append(text))
    service = SearchService(shop(folder), lambda: None, folder / "thumbs")
    page = callbacks.Callbacks(service, None, (), None, lambda: 0)
    assert page.open_link("?item=0", frozenset()) is callbacks.NO_CHANGE
    assert page.show_more([], Query(item="0"), frozenset()) is callbacks.NO_CHANGE
    assert said == ["That did not work. Please try again later."] * 2
    assert str(folder / "model" / name) in capsys.readouterr().err


def test_an_encoder_that_cannot_be_loaded_is_named_to_no_visitor(tmp_path, capsys, monkeypatch):
    def load():
        raise EncoderError("/srv/private/model: there is no such folder")

    said = []
    monkeypatch.setattr(callbacks, "warn", lambda text, title: said.append(text))
    write_model(tmp_path / "model")
    service = SearchService(shop(tmp_path), load, tmp_path / "thumbs")
    page = callbacks.Callbacks(service, None, (), None, lambda: 0)
    page.show_more([], Query(words="red hat"), frozenset())
    assert said == ["That did not work. Please try again later."]
    assert "/srv/private/model" in capsys.readouterr().err


def test_ids_given_twice_or_on_both_sides_count_as_in_the_link_to_the_answer(client):
    ids = {"item": "0", "more": ["1", "1", "2"], "less": ["2", "3"]}
    answer = client.predict(**ids, api_name="/search")
    assert answer["view"] == "?item=0&more=1,2&less=3"
    once = client.predict(item="0", more=["1", "2"], less=["3"], api_name="/search")
    assert hits_of(answer) == hits_of(once)
    feedback = {"more": ids["more"], "less": ids["less"]}
    assert hits_of(client.predict("0", **feedback, api_name="/similar")) == hits_of(once)
