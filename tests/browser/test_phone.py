"""What a visitor with a phone or a keyboard meets: the first screen, targets, filters, sliders."""

from __future__ import annotations

import pytest
from seeing import RESULTS, wait_for_change, wait_for_line

PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
# visible things to press that are smaller than 44 px; links within a text may be
SMALL_TARGETS = """() => [...document.querySelectorAll(
    '#page :is(button, a, summary, select, input:not([type=file])), #pages button[role=tab]')]
  .filter((e) => e.offsetParent && !e.closest('[aria-hidden=true]'))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
  .map(([e, box]) => `${e.outerHTML.slice(0, 90)} ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize("width, height", [(390, 800), (360, 640)])
def test_the_first_screen_of_a_phone_shows_products(visit, width, height):
    page = visit(**PHONE | {"viewport": {"width": width, "height": height}})
    bottoms = page.eval_on_selector_all(
        f"{RESULTS} .open", "all => all.map(one => one.getBoundingClientRect().bottom)"
    )
    assert sum(bottom < height for bottom in bottoms) >= 2
    assert page.get_attribute("#photo-input .camera input", "capture") == "environment"


def test_every_target_of_a_phone_has_44_pixels(visit):
    page = visit("?where=gender=Women", **PHONE)
    assert page.evaluate(SMALL_TARGETS) == []
    page.click(f"{RESULTS} >> nth=0 >> .open")
    page.wait_for_selector("#piece h2")
    assert page.evaluate(SMALL_TARGETS) == []
    page.click("#filter-button button")
    page.wait_for_selector("#filters .chip", state="visible")
    assert page.evaluate(SMALL_TARGETS) == []


def test_the_filter_button_stays_in_sight_and_opens_the_filters(visit):
    page = visit(**PHONE)
    page.evaluate("window.scrollTo(0, 2000)")
    box = page.locator("#filter-button button").bounding_box()
    assert 0 < box["y"] < 800
    assert not page.is_visible("#filters")
    page.click("#filter-button button")
    page.click("#filters .chip[data-value=Men]")
    wait_for_line(page, "meet the filters")
    assert page.is_visible("#filters"), "another filter can be chosen"
    page.wait_for_selector("#filter-button em:has-text('1')")
    page.click("#filter-button button:has-text('Show results')")
    page.wait_for_selector("#filters", state="hidden")


def test_like_stands_above_the_attributes_and_codes_are_no_rows(visit):
    page = visit("?item=100001")
    page.wait_for_selector("#piece dl")
    like = page.locator("#piece [data-act=like]").bounding_box()
    assert like["y"] < page.locator("#piece dl").first.bounding_box()["y"]
    rows = page.eval_on_selector_all("#piece dt", "all => all.map(one => one.textContent)")
    assert "Fabric" in rows
    assert "Style id" not in rows


def test_the_first_tab_stop_skips_to_the_results(page):
    url = page.url
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#results') !== null")
    assert page.url == url


def test_each_press_of_an_arrow_on_a_slider_counts(visit):
    page = visit("?item=100001")
    before = page.eval_on_selector_all(f"{RESULTS} .open", "all => all.map(e => e.dataset.id)")
    page.focus("#variety input[type=range]")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(60)
    wait_for_change(page, before)
    page.wait_for_function("location.search.includes('variety=0.6')")
    assert page.input_value("#variety input[type=number]") == "0.6"
