"""The results: to the last match, in another order, as links; the start page."""

from __future__ import annotations

from seeing import ROOT, ids, wait_for_change, wait_for_line
from test_refine import prices

from lookbook.search.index import Index
from lookbook.search.product_groups import product_groups
from lookbook.search.query import Query, run


def test_show_more_goes_on_to_the_last_match_and_a_new_query_begins_anew(visit):
    where = ("masterCategory=Footwear", "gender=Women")
    matches = run(Query(where=where, count=2000), Index.open(ROOT / "index")).hits
    assert len(matches) % 24, "the last page is not full"
    page = visit("?where=" + ";".join(where))
    shown = ids(page)
    while page.is_visible("#more"):
        page.click("#more")
        page.wait_for_function(
            "count => document.querySelectorAll('#results .card').length > count", arg=len(shown)
        )
        assert ids(page)[: len(shown)] == shown, "what was shown stays"
        shown = ids(page)
        page.wait_for_timeout(200)
    assert shown == [hit.id for hit in matches]
    page.click("#results .card >> nth=-1 >> .open")
    assert len(wait_for_change(page, shown)) <= 96


def test_results_are_sorted_by_price_and_by_age(page):
    before = ids(page)
    page.select_option("#sort select", "price-down")
    after = wait_for_change(page, before)
    assert prices(page) == sorted(prices(page), reverse=True)
    page.click("#results .card >> nth=3 >> .open")
    wait_for_change(page, after)
    assert "Of the 200 closest" in wait_for_line(page, "closest")
    assert prices(page) == sorted(prices(page), reverse=True)
    assert "sort=price-down" in page.url
    page.select_option("#sort select", "fit")
    page.wait_for_function("!location.search.includes('sort')")


def test_a_card_is_a_link_that_opens_in_another_tab(page):
    before, first = ids(page), "#results .card .open >> nth=2"
    with page.context.expect_page() as opened:
        page.click(first, modifiers=["Control"])
    other = opened.value
    other.wait_for_selector("#piece h2")
    assert f"item={before[2]}" in other.url
    assert ids(page) == before, "this page stays as it is"


def test_the_start_page_shows_each_product_once(page):
    index = Index.open(ROOT / "index")
    products = product_groups(index)
    shown = [products[index.row_of(id)] for id in ids(page)]
    assert len(shown) == len(set(shown)) == 24
