"""Every page has an address; back and forward; the saved list, shared by link; comparison."""

from __future__ import annotations

import pytest
from seeing import RESULTS, ids

PAGES = {"For you": "foryou", "Saved": "saved", "Explore": "explore", "About": "about"}
PARTS = {"foryou": "#feed .card", "saved": "#saved-pieces .empty"} | {
    "explore": ".shelf",
    "about": "#about dl",
}


def tab(page, name: str) -> None:
    page.click(f"button[role=tab]:has-text('{name}')")
    page.wait_for_function(
        "view => (new URLSearchParams(location.search).get('view') ?? '') === view",
        arg=PAGES.get(name, ""),
    )


def wait_for_tab(page, name: str) -> None:
    page.wait_for_selector(f"button[role=tab][aria-selected=true]:has-text('{name}')")


@pytest.mark.parametrize("view", PARTS)
def test_a_page_opens_by_its_address(browser, site, view):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}?view={view}")
    page.wait_for_selector(PARTS[view], state="visible")
    assert page.url == f"{site}?view={view}"
    context.close()


def test_back_and_forward_walk_through_the_pages_and_find_is_as_it_was(page):
    page.click(f"{RESULTS} >> nth=1 >> .open")
    page.wait_for_selector("#piece h2")
    item = page.url
    for name in PAGES:
        tab(page, name)
    page.click("button[role=tab]:has-text('Find')")
    page.wait_for_function("url => location.href === url", arg=item)
    for name in [*PAGES][::-1]:
        page.go_back()
        wait_for_tab(page, name)
    page.go_back()
    wait_for_tab(page, "Find")
    assert page.url == item
    assert page.is_visible("#piece h2")
    page.go_forward()
    wait_for_tab(page, "For you")


def test_the_page_of_the_api_opens_by_its_address(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}?view=api")
    page.wait_for_selector(".api-docs", state="visible")
    assert "view=api" in page.url
    context.close()


def test_saved_pieces_are_listed_compared_shared_and_removed_one_by_one(page, visit):
    saved = ids(page)[1:4]
    for i in (1, 2, 3):
        page.click(f"{RESULTS} >> nth={i} >> [data-act=like]")
        page.wait_for_timeout(600)
    page.click(f"{RESULTS} >> nth=5 >> .open")
    page.wait_for_selector("#piece h2")
    viewed = page.inner_text("#piece h2")
    tab(page, "Saved")
    page.wait_for_selector("#saved-pieces .card >> nth=2")
    listed = "all => all.map(one => one.dataset.id)"
    assert page.eval_on_selector_all("#saved-pieces .open", listed) == saved[::-1]
    page.wait_for_selector(f"#recent .card:has-text('{viewed[:12]}')")
    page.click("#saved-pieces [data-act=compare] >> nth=0")
    page.wait_for_selector("#comparison:has-text('another piece')")
    page.click("#saved-pieces [data-act=compare] >> nth=2")
    page.wait_for_selector("#comparison thead a >> nth=1")
    page.wait_for_selector("#comparison th:has-text('Fabric')")
    page.click("#saved-top [data-act=link]")
    page.wait_for_function("document.querySelector('#list-link input')?.value.includes('list=')")
    link = page.input_value("#list-link input")
    page.click("#saved-pieces [data-act=like] >> nth=0")
    page.wait_for_selector("#saved-top:has-text('2 pieces saved')")
    other = visit("?" + link.partition("?")[2])
    other.wait_for_selector("#saved-top:has-text('shared with you: 3 pieces')")
    assert other.eval_on_selector_all("#saved-pieces .open", listed) == saved[::-1]
    other.click("#saved-top [data-act=own]")
    other.wait_for_selector("#saved-pieces .empty")
