"""The garments of a photo, located after its answer: of the photo that is searched, or of none."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import MagicMock

import pytest
from PIL import Image

from lookbook.encoding.backends.yielding import Answers
from lookbook.encoding.encoder import Encoder
from lookbook.encoding.errors import EncoderError
from lookbook.images.loading import ImageError
from lookbook.search.index import Index
from lookbook.search.photo_query import GarmentBox
from lookbook.ui.components.photos import Photo
from lookbook.ui.pages.find.callbacks import NO_CHANGE, Callbacks
from lookbook.ui.services import search
from tests.tiny_index import publish_tiny

LEFT, RIGHT = (0.1, 0.2, 0.45, 0.9), (0.55, 0.2, 0.9, 0.9)


@pytest.fixture
def service():
    service = MagicMock()
    service.garments.return_value = [GarmentBox(LEFT, "top", 0.9), GarmentBox(RIGHT, "shoes", 0.8)]
    return service


@pytest.fixture
def page(service):
    return Callbacks(service, MagicMock(), [])


def photo(colour: str) -> Photo:
    return Photo.of(Image.new("RGB", (40, 30), colour))


def test_the_garments_of_the_photo_that_is_searched_are_offered_under_its_key(page, service):
    red, blue = photo("red"), photo("blue")
    updates = page.locate_garments((red, blue), (red.key, blue.key))
    assert updates == {page.components.garments: {blue.key: [(LEFT, "top"), (RIGHT, "shoes")]}}
    (located,), options = service.garments.call_args
    assert located.getpixel((0, 0)) == (0, 0, 255), "the last photo is the new one"
    assert options == {"in_background": True}


def test_a_photo_that_was_replaced_or_removed_meanwhile_is_not_looked_at(page, service):
    red, blue = photo("red"), photo("blue")
    for photos, keys in (((red,), (blue.key,)), ((red,), ()), ((), (red.key,)), ((), ())):
        assert page.locate_garments(photos, keys) is NO_CHANGE
    service.garments.assert_not_called()


def test_what_is_no_photo_is_not_looked_at(page, service):
    for address in ("", "\ud800", "data:image/webp;base64,AA"):
        sent = Photo(address)
        assert page.locate_garments((sent,), ()) is NO_CHANGE
        updates = page.locate_garments((sent,), (sent.key,))
        assert updates == {page.components.garments: {sent.key: None}}
    service.garments.assert_not_called()


def test_another_box_of_the_same_photo_keeps_its_garments(page):
    red = photo("red")
    marked = replace(red, box=LEFT)
    assert list(page.locate_garments((marked,), (red.key,)).values()) == list(
        page.locate_garments((red,), (red.key,)).values()
    )


@pytest.mark.parametrize("error", [EncoderError("gone"), ImageError("not-a-picture", "no picture")])
def test_a_photo_that_cannot_be_looked_at_offers_none_and_its_results_stay(page, service, error):
    service.garments.side_effect = error
    red = photo("red")
    assert page.locate_garments((red,), (red.key,)) == {page.components.garments: {red.key: None}}


def test_a_site_with_too_much_to_do_looks_at_no_more_photos(service):
    waiting = 9
    page = Callbacks(service, MagicMock(), [], None, lambda: waiting)
    red = photo("red")
    assert page.locate_garments((red,), (red.key,)) == {page.components.garments: {red.key: None}}
    service.garments.assert_not_called()
    waiting = 8
    ((_, offered),) = page.locate_garments((red,), (red.key,)).items()
    assert len(offered[red.key]) == 2


def test_answers_say_which_photos_are_searched(page):
    red, blue = photo("red"), photo("blue")
    keys = page.components.photo_keys
    assert page._photo_updates((red, blue))[keys] == (red.key, blue.key)
    assert page._photo_updates(())[keys] == ()


@pytest.mark.parametrize(("device", "waits"), [("cpu", 2), ("cuda", 0)])
def test_passes_wait_for_answers_on_the_cpu_only(device, waits, tiny_model, tmp_path, monkeypatch):
    publish_tiny(tmp_path / "index")
    encoder = Encoder.load(tiny_model, precision="float32", backend="torch", device="cpu")
    encoder.device = device  # as it would say: the tests have no GPU
    service = search.SearchService(
        Index.open(tmp_path / "index"), lambda: encoder, tmp_path / "thumbs"
    )
    tasks, passes = [], []

    def give_way(_):
        tasks.append(1)
        return lambda: passes.append(1)

    monkeypatch.setattr(Answers, "give_way", give_way)
    monkeypatch.setattr(search, "locate_garments", lambda image, found: found.encode([image] * 2))
    service.garments(Image.new("RGB", (40, 30)), in_background=True)
    assert len(passes) == waits
    assert len(tasks) <= 1, "all passes of a photo share one deadline"
