"""For you, Explore and About; the site by keyboard, on a phone, and its accessibility."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from seeing import RESULTS, ids, titles, wait_for_change, wait_for_line

WIDTHS = [360, 768, 1440, 2560]
PARTS = (
    *(("For you", "#feed .card"), ("Saved", "#saved-pieces .card")),
    *(("Explore", ".shelf"), ("About", "#about dl")),
)


def open_tab(page, name: str, selector: str) -> None:
    page.click(f"button[role=tab]:has-text('{name}')")
    page.wait_for_selector(selector)


def feed(page) -> list[str]:
    return page.eval_on_selector_all("#feed .card .open", "all => all.map(one => one.dataset.id)")


def test_the_feed_follows_likes_and_forgets_them(visit):
    page = visit("?where=articleType=Dresses;baseColour=Red|Burgundy|Maroon|Rust")
    red = titles(page)
    assert len(red) >= 3, "the collection has dresses in reds"
    open_tab(page, "For you", "#feed .card")
    assert "nothing yet" in page.inner_text("#feed-top")
    page.wait_for_selector("#choices .card >> nth=2")
    page.click("button[role=tab]:has-text('Find')")
    for i in range(3):
        page.click(f"{RESULTS} >> nth={i} >> [data-act=like]")
        page.wait_for_selector(f"{RESULTS} >> nth={i} >> [data-act=like][aria-pressed=true]")
        page.wait_for_timeout(800)
    open_tab(page, "For you", "#feed-top:has-text('3 pieces you like')")
    page.wait_for_selector("#feed .note:has-text('you liked')")
    kinds = page.eval_on_selector_all("#feed .title", "all => all.map(one => one.innerText)")
    assert sum("Dress" in kind for kind in kinds) >= 6, kinds
    page.click("#feed-top [data-act=export]")
    page.wait_for_selector("#feed-top a[download]")
    page.click("#feed-top button:has-text('Forget me')")
    page.click("#feed-top .keep")
    assert not page.is_visible("#feed-top [data-act=forget]"), "nothing is forgotten unasked"
    page.click("#feed-top button:has-text('Forget me')")
    page.click("#feed-top [data-act=forget]")
    page.wait_for_selector("#feed-top:has-text('nothing yet')")
    page.wait_for_selector("#choices .card >> nth=2")
    assert not page.query_selector("#feed .note:has-text('you liked')")


def test_a_disliked_item_leaves_the_feed_at_once(page):
    open_tab(page, "For you", "#feed .card")
    first = feed(page)[0]
    page.click("#feed .card >> nth=0 >> [data-act=less]")
    page.wait_for_function(
        "id => document.querySelector('#feed .card .open').dataset.id !== id", arg=first
    )
    assert first not in feed(page)


def test_likes_are_still_there_when_the_visitor_comes_back(page):
    page.click(f"{RESULTS} >> nth=0 >> [data-act=like]")
    page.wait_for_timeout(800)
    page.reload()
    page.wait_for_selector(f"{RESULTS} >> nth=0")
    open_tab(page, "For you", "#feed-top:has-text('1 piece you like')")


def test_a_point_of_the_map_shows_its_picture_and_opens_its_item(page):
    open_tab(page, "Explore", "#map .plot .scatterlayer .point")
    point = page.locator("#map .plot .scatterlayer .point >> nth=3")
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    page.wait_for_selector("#map .tip:not([hidden]) img")
    page.wait_for_function("document.querySelector('#map .tip img').naturalWidth > 0")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector("#piece h2", state="visible")
    assert "item=" in page.url


def test_a_press_on_the_legend_hides_a_group_and_shows_it_again(page):
    open_tab(page, "Explore", "#map .plot .scatterlayer .point")
    shown = "document.querySelectorAll('#map .plot .scatterlayer .point').length"
    all_of_them = page.evaluate(shown)
    assert page.locator("#map .legend li").last.inner_text() == "other kinds"
    page.click("#map .legend button >> nth=0")
    page.wait_for_function(f"{shown} < {all_of_them}")
    page.click("#map .legend button >> nth=0")
    page.wait_for_function(f"{shown} == {all_of_them}")


def test_a_shelf_leads_to_all_items_of_its_value(page):
    open_tab(page, "Explore", "#shelves .shelf")
    value = page.get_attribute("#shelves .shelf [data-act=all]", "data-value")
    page.click("#shelves .shelf [data-act=all] >> nth=0")
    page.wait_for_selector(f"#asked button:has-text('{value}')", state="visible")
    assert "where=" in page.url


def test_about_shows_the_index_and_the_bias_audit(page):
    open_tab(page, "About", "#about dl")
    page.click("#about summary:has-text('Technical figures')")
    page.wait_for_selector("#about table.plot")
    text = page.inner_text("#about")
    assert "Is anybody served worse?" in text
    assert f"{1500:,}" in text


def test_a_search_by_keyboard_alone(page):
    before = ids(page)
    page.focus("#name textarea, #name input")
    page.keyboard.type(titles(page)[4], delay=10)
    page.wait_for_selector("#names label")
    page.keyboard.press("Enter")
    after = wait_for_change(page, before)
    page.focus(f"{RESULTS} >> nth=0 >> .open")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.id") == after[1]
    page.keyboard.press("Enter")
    wait_for_change(page, after)
    assert f"item={after[1]}" in page.url


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(visit, width):
    page = visit(viewport={"width": width, "height": 800})
    page.click(f"{RESULTS} >> nth=0 >> [data-act=like]")
    page.wait_for_timeout(800)
    for name, part in PARTS:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        open_tab(page, name, part)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_results_scroll_into_view(visit):
    page = visit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    assert not page.is_visible("#filters"), "filters are folded"
    page.click("#examples button >> nth=2")
    wait_for_line(page, "found in")
    page.wait_for_function("document.querySelector('#answer').getBoundingClientRect().top < 200")


def test_on_a_phone_a_link_opens_at_its_results(visit):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    page = visit("?where=gender=Women", **phone)
    page.wait_for_function("document.querySelector('#answer').getBoundingClientRect().top < 200")
    page = visit("", **phone)
    page.wait_for_timeout(800)
    assert page.evaluate("window.scrollY") == 0, "without a query the page opens at its top"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, scheme):
    page = visit(color_scheme=scheme)
    page.click(f"{RESULTS} >> nth=0 >> .open")
    page.wait_for_selector("#piece h2")
    page.click("#piece [data-act=like]")
    page.wait_for_timeout(800)
    violations = serious(page)
    for name, part in PARTS:
        open_tab(page, name, part)
        page.wait_for_timeout(300)
        violations += serious(page)
    assert violations == []


def serious(page) -> list[str]:
    """Return the serious and critical violations: rule, element."""
    broken = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:120]}"
        for rule in broken
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
