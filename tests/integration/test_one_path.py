"""One photo and one text give one answer: site, API, command line and Python, shipped index."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from lookbook.__main__ import main
from lookbook.search import Index, Query, photo_query, run
from lookbook.search.opening import load_matching_encoder
from lookbook.search.photo_query import WHOLE
from lookbook.ui.api import Api
from lookbook.ui.components.photo_input import Upload
from lookbook.ui.pages.find.callbacks import Callbacks
from lookbook.ui.services.search import SearchService

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = [ROOT / "examples" / name for name in ("street-caps.jpg", "street-jackets.jpg")]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    index = Index.open(ROOT / "index")
    encoder = load_matching_encoder(index)
    made = SearchService(index, lambda: encoder, tmp_path_factory.mktemp("thumbs"))
    made.warm_up()
    return made


@pytest.fixture
def site(service):
    return Callbacks(service, MagicMock(), [])


@pytest.fixture(autouse=True)
def opened_once(service, monkeypatch):
    """The command line, run in this process, gets the index and encoder that are open already."""
    both = (service.index, service.encoder)
    monkeypatch.setattr("lookbook.search.opening.open_with_encoder", lambda *settings: both)


def shown(site, answer):
    return [id for id, _ in answer[site.components.shown]]


def by_command(capsys, *options):
    assert main(["search", "--index", str(ROOT / "index"), "--json", *options]) == 0
    told = capsys.readouterr()
    return [row["id"] for row in json.loads(told.out)], told.err


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_photo_is_searched_alike_everywhere(service, site, path, capsys):
    query = photo_query(path, service.encoder)
    assert query.box != WHOLE, "a garment stands out in this photo"
    answers = {}
    for crop in (True, False):
        vector = photo_query(path, service.encoder, crop).vector
        python = [h.id for h in run(Query(pictures=(vector,)), service.index).hits]
        api = Api(service, None).search_by_picture(Upload(path.read_bytes()), crop=crop)
        command = by_command(capsys, "--image", str(path), "--crop" if crop else "--no-crop")
        assert [row["id"] for row in api] == python
        assert command[0] == python
        answers[crop] = python
    uploaded = site.search_upload(Upload(path.read_bytes()), Query(), (), False, ())
    assert shown(site, uploaded) == answers[True]
    photos = site.components.photos
    shown_photos, keys = uploaded[photos], uploaded[site.components.photo_keys]
    ((key, garments),) = site.locate_garments(shown_photos, keys)[site.components.garments].items()
    assert key == shown_photos[0].key
    expected = Api(service, None).garments(Upload(path.read_bytes()))
    assert [kind for _, kind in garments] == [row["kind"] for row in expected]
    boxes = [side for box, _ in garments for side in box]
    assert boxes == pytest.approx([side for row in expected for side in row["box"]], abs=1e-4)
    sent = MagicMock(_data={"i": "0"})
    whole = site.use_whole(uploaded[photos], uploaded[site.components.query], (), sent)
    assert shown(site, whole) == answers[False]
    again = site.find_garment(whole[photos], whole[site.components.query], (), sent)
    assert shown(site, again) == answers[True], "cropped from the same pixels"
    assert answers[True] != answers[False]


def test_the_command_line_and_the_api_crop_unless_told_otherwise(service, capsys):
    path = PHOTOS[0]
    api = [row["id"] for row in Api(service, None).search_by_picture(Upload(path.read_bytes()))]
    python = photo_query(path, service.encoder).vector
    expected = [hit.id for hit in run(Query(pictures=(python,)), service.index).hits]
    assert api == by_command(capsys, "--image", str(path))[0] == expected


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("navy shirt without stripes", []),
        ("wobblyish navy shirt qqzzx, not striped", ["wobblyish", "qqzzx"]),
        ("qqzzx", ["qqzzx"]),
    ],
)
def test_a_text_is_searched_alike_everywhere(service, site, text, unknown, capsys):
    answer = run(Query(words=text), service.index, service.encoder)
    python = [hit.id for hit in answer.hits]
    assert answer.unknown_words == unknown
    assert [row["id"] for row in Api(service, None).search_by_words(text)] == python
    ids, notes = by_command(capsys, "--text", text)
    assert ids == python
    assert all(word in notes for word in unknown)
    assert shown(site, site.search_text(text, Query(), ())) == python
    assert bool(python) == (text != "qqzzx")


def test_photo_and_text_are_searched_alike_everywhere(service, site, capsys):
    path, text = PHOTOS[0], "in navy, without stripes"
    vector = photo_query(path, service.encoder).vector
    query = Query(pictures=(vector,), words=text)
    python = [hit.id for hit in run(query, service.index, service.encoder).hits]
    api = Api(service, None).search_by_picture(Upload(path.read_bytes()), text)
    assert [row["id"] for row in api] == python
    assert by_command(capsys, "--image", str(path), "--text", text)[0] == python
    uploaded = site.search_upload(Upload(path.read_bytes()), Query(), (), False, ())
    refined = site.add_words(text, uploaded[site.components.query], ())
    assert shown(site, refined) == python


def test_what_photo_and_text_are_matched_on_holds_everywhere(service, site, capsys):
    path, text = PHOTOS[0], "plain, for men"
    vector = photo_query(path, service.encoder).vector
    query = Query(pictures=(vector,), words=text)
    found = {
        match: [hit.id for hit in run(asked, service.index, service.encoder).hits]
        for match in ("", "shape", "colour", "kind")
        for asked in [replace(query, match=match)]
    }
    assert found["shape"] != found[""] != found["colour"] != found["shape"]
    python, options = found["shape"], ("--image", str(path), "--text", text, "--match", "shape")
    api = Api(service, None).search_by_picture(Upload(path.read_bytes()), text, match="shape")
    assert [row["id"] for row in api] == python == by_command(capsys, *options)[0]
    uploaded = site.search_upload(Upload(path.read_bytes()), Query(), (), False, ())
    refined = site.add_words(text, uploaded[site.components.query], ())
    pressed = MagicMock(_data={"on": "shape"})
    matched = site.set_match(refined[site.components.query], (), pressed)
    assert shown(site, matched) == python
    assert 'data-on="shape" aria-pressed="true"' in matched[site.components.match]


def test_what_an_item_and_text_are_matched_on_holds_in_links_and_the_api(service, site):
    id, text = service.index.ids[5], "in navy"
    query = Query(item=id, words=text, match="shape")
    python = [hit.id for hit in run(query, service.index, service.encoder).hits]
    api = Api(service, None)
    assert [row["id"] for row in api.similar(id, text, match="shape")] == python
    assert [row["id"] for row in api.similar(id, text)] != python
    assert shown(site, site.open_link(api.link(id, text, match="shape"), ())) == python
