"""Requests to the endpoints of a running site: what they pass on, what they refuse, what they hide.

The shop and the model are those of `test_intents`, so that the right answers are known.
"""

from __future__ import annotations

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from lookbook.search.photo_query import PhotoQuery
from lookbook.ui import build_site, serving
from lookbook.ui.api import Api
from lookbook.ui.guard import GuardOptions
from lookbook.ui.services.search import SearchService
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


def test_every_endpoint_takes_all_that_its_docstring_names(client):
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, endpoint in named.items():
        function = getattr(Api, name.removeprefix("/"))
        names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
        assert [p["parameter_name"] for p in endpoint["parameters"]] == list(names), name
