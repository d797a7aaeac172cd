"""A shop's own site: its links and colour, product pages on a phone's cards."""

from __future__ import annotations

import pytest
from seeing import RESULTS, running_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    options = [
        *("--state", str(folder), "--accent", "#0b6e4f", "--shop-url", "https://shop.example/{id}"),
        *("--footer-links", "Imprint=https://shop.example/imprint"),
    ]
    with running_site(folder / "app.log", *options) as address:
        yield address


def test_the_footer_has_links_and_what_is_pressed_the_accent(visit):
    page = visit("?item=100001")
    assert page.locator("#shop-links").inner_text().strip() == "Imprint"
    assert page.get_attribute("#shop-links a", "href") == "https://shop.example/imprint"
    page.wait_for_selector("#piece .shop-link")
    colour = page.eval_on_selector("#piece .shop-link", "link => getComputedStyle(link).color")
    assert colour == "rgb(11, 110, 79)"


@pytest.mark.parametrize("width", [320, 390])
def test_the_link_to_the_shop_stays_within_its_card_on_a_phone(visit, width):
    page = visit(viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True)
    beyond = page.eval_on_selector_all(
        f"{RESULTS} .shop-link",
        """links => links.filter(link => link.getBoundingClientRect().right >
            link.closest('.card').getBoundingClientRect().right + 1).length""",
    )
    assert page.locator(f"{RESULTS} .shop-link").count() == 24
    assert beyond == 0


def test_plotly_comes_with_explore_only_from_an_address_that_browsers_keep(visit):
    page = visit()
    assert not page.query_selector("script[src*=plotly]")
    with page.expect_response(lambda answer: "plotly" in answer.url) as answered:
        page.click("#pages button[role=tab]:has-text('Explore')")
    assert "immutable" in answered.value.headers["cache-control"]
    assert "gradio_api" not in answered.value.url
    page.wait_for_selector("#map .legend button")
