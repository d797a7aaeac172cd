"""The garments of a photo arrive after its results, and only on the photo that they belong to."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from PIL import Image
from seeing import ids, wait_for_change

from lookbook.ui.components.photos import Photos
from tests.garment_photos import garment_photo, striped_background

LEFT_AND_RIGHT = ((40, 60, 280, 400), (370, 90, 600, 410))  # px of 640 x 480
ONE_ABOVE_ANOTHER = ((140, 30, 340, 270), (120, 360, 360, 625))  # px of 480 x 640


def two_garments(size: tuple[int, int], boxes, numbers=(14, 40)) -> Image.Image:
    photo = striped_background(size)
    for number, box in zip(numbers, boxes, strict=True):
        photo.paste(garment_photo(number, size, box).crop(box), box[:2])
    return photo


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A photo with a garment on the left and one on the right."""
    path = tmp_path_factory.mktemp("photos") / "wide.png"
    two_garments((640, 480), LEFT_AND_RIGHT).save(path)
    return path


@pytest.fixture(scope="module")
def tall(tmp_path_factory):
    """A photo with one garment above another."""
    path = tmp_path_factory.mktemp("photos") / "tall.png"
    two_garments((480, 640), ONE_ABOVE_ANOTHER, (3, 14)).save(path)
    return path


@contextmanager
def holding_back_garments(page):
    """Hold back the requests that locate garments; yields a list of them, sends it at the end."""
    held = []

    def hold(route):
        body = route.request.post_data_json or {}
        data = body.get("data") or []
        shown = data[0] if len(data) == 2 and isinstance(data[0], dict) else {}
        held.append(route) if "photos" in shown else route.continue_()

    page.route("**/queue/join*", hold)
    try:
        yield held
    finally:
        page.unroute("**/queue/join*")
        for route in held:
            with page.expect_response(lambda r: "queue/join" in r.url):
                route.continue_()


def wait_for(page, held: list, count: int) -> None:
    for _ in range(450):
        if len(held) >= count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(held)} requests for garments, expected {count}")


def give(page, path) -> None:
    page.set_input_files("#photo-input input[type=file] >> nth=1", path)


def boxes(page) -> list[list[float]]:
    return page.eval_on_selector_all(
        "#photos .garment", "all => all.map(one => JSON.parse(one.dataset.box))"
    )


def side_by_side(found) -> bool:
    return any(one[2] <= other[0] + 10 for one in found for other in found)


def one_above_another(found) -> bool:
    return any(one[3] <= other[1] + 10 for one in found for other in found)


def width_of_photo(page) -> int:
    return page.eval_on_selector(
        "#photos .pic img", "img => img.decode().then(() => img.naturalWidth)"
    )


def test_results_come_first_and_garments_then_move_and_take_nothing(page, wide):
    before = ids(page)
    with holding_back_garments(page) as held:
        give(page, wide)
        results = wait_for_change(page, before)
        wait_for(page, held, 1)
        assert page.inner_text("#photos .garments[role=status]") == "Looking for more garments…"
        assert not page.query_selector("#photos .garment")
        page.focus("#photos [data-act=whole]")
        top = page.eval_on_selector("#photos .add", "e => e.getBoundingClientRect().top")
    page.wait_for_selector("#photos .garment >> nth=1")
    assert side_by_side(boxes(page))
    assert page.eval_on_selector("#photos .add", "e => e.getBoundingClientRect().top") == top
    assert page.evaluate("document.activeElement.dataset.act") == "whole", "the focus stays"
    assert ids(page) == results, "the results stay"
    assert page.query_selector("#photos .seeking") is None
    page.focus("#photos .garment >> nth=0")
    page.keyboard.press("Enter")
    part = wait_for_change(page, results)
    page.wait_for_selector("#photos .garment >> nth=0 >> xpath=self::*[@aria-pressed='true']")
    page.click("#photos [data-act=whole]")
    wait_for_change(page, part)
    assert len(boxes(page)) >= 2, "they stay with their photo whatever its box is"


def test_a_box_that_is_drawn_before_they_arrive_keeps_its_answer_and_gets_them(page, wide):
    before = ids(page)
    with holding_back_garments(page) as held:
        give(page, wide)
        results = wait_for_change(page, before)
        wait_for(page, held, 1)
        page.click("#photos [data-act=whole]")
        whole = wait_for_change(page, results)
        page.wait_for_selector("#photos figcaption:has-text('The whole picture is searched')")
    page.wait_for_selector("#photos .garment >> nth=1")
    assert ids(page) == whole
    assert page.is_visible("#photos figcaption:has-text('The whole picture is searched')")


def test_a_garment_that_fills_the_photo_is_named_and_searched_as_the_whole(page, tmp_path):
    garment_photo(40, (480, 640), (20, 30, 460, 610)).save(tmp_path / "close.png")
    give(page, tmp_path / "close.png")
    page.wait_for_selector("#photos .garment")
    assert page.inner_text("#photos .garment") == "Top"
    assert page.get_attribute("#photos .garment", "aria-pressed") == "true"
    assert "The whole picture is searched." in page.inner_text("#photos figcaption")


def test_a_photo_given_right_after_another_gets_its_own_garments_only(page, wide, tall):
    before = ids(page)
    with holding_back_garments(page) as held:
        give(page, wide)
        first = wait_for_change(page, before)
        wait_for(page, held, 1)
        give(page, tall)  # while the garments of the first are still to be located
        second = wait_for_change(page, first)
        wait_for(page, held, 2)
        held.pop(1).continue_()
        page.wait_for_selector("#photos .garment >> nth=1")
        assert one_above_another(boxes(page)) and not side_by_side(boxes(page))
        shown = boxes(page)
    # those of the first were asked for now: nothing of them is shown, and nothing is replaced
    late = {"0123456789abcdef": [{"box": [0, 0, 40, 90], "kind": "bag"}] * 2}  # were they answered
    page.evaluate(
        "late => document.dispatchEvent(new CustomEvent('garments', {detail: late}))", late
    )
    page.click("#photos .garment >> nth=0")
    wait_for_change(page, second)
    assert boxes(page) == shown
    assert width_of_photo(page) == 480


def test_two_photos_in_quick_succession_end_with_the_garments_of_the_second(page, wide, tall):
    give(page, wide)
    give(page, tall)  # before the first is answered
    page.wait_for_function(
        """() => {
          const img = document.querySelector('#photos .pic img');
          const garments = document.querySelectorAll('#photos .garment');
          return img && img.naturalWidth === 480 && garments.length > 1;
        }"""
    )
    assert one_above_another(boxes(page)) and not side_by_side(boxes(page))


def test_a_photo_that_is_removed_meanwhile_gets_no_garments(page, wide, tall):
    before = ids(page)
    with holding_back_garments(page) as held:
        give(page, wide)
        wait_for_change(page, before)
        wait_for(page, held, 1)
        page.click("#photos [data-act=drop]")
        page.wait_for_selector("#photos .pic", state="detached")
    page.wait_for_selector("#line:has-text('pieces')")
    assert not page.query_selector("#photos .garments")
    give(page, tall)
    page.wait_for_selector("#photos .garment >> nth=1")
    assert one_above_another(boxes(page)) and not side_by_side(boxes(page))


def test_words_given_meanwhile_are_answered_and_stay(page, wide):
    before = ids(page)
    with holding_back_garments(page) as held:
        give(page, wide)
        results = wait_for_change(page, before)
        wait_for(page, held, 1)
        page.fill("#name textarea, #name input", "red dress")
        page.press("#name textarea, #name input", "Enter")
        words = wait_for_change(page, results)
        page.wait_for_selector("#photos .pic", state="detached")
    page.wait_for_selector("#line:has-text('pieces')")
    assert ids(page) == words
    assert not page.query_selector("#photos .garments")


def test_of_a_long_visit_the_garments_of_the_last_photos_are_kept(browser):
    page = browser.new_page()
    kept = page.evaluate(
        """script => {
          const props = {};
          new Function('props', 'element', 'trigger', script)(props, document.body, () => {});
          const arrive = (key, kind) => document.dispatchEvent(
            new CustomEvent('garments', {detail: {[key]: [{kind}]}}));
          arrive('a', 'bag');
          arrive('b', 'bag');
          for (let i = 0; i < 20; i++) arrive('c' + i, 'top');
          arrive('a', 'shoes');  // the same photo once more
          for (let i = 0; i < 20; i++) arrive('d' + i, 'top');
          return props.located;
        }""",
        Photos.script,
    )
    page.close()
    assert len(kept) < 42
    assert "b" not in kept
    assert kept["a"] == [{"kind": "shoes"}], "it was located lately"
    assert {f"d{i}" for i in range(20)} < set(kept)
