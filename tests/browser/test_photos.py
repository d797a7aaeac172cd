"""A product with several photos in the item panel, in a real browser."""

from __future__ import annotations

import pytest
from seeing import running_site

from lookbook import Encoder
from lookbook.catalog import open_catalog
from lookbook.indexing import BuildOptions, build
from tests.shapes import draw_shape


@pytest.fixture(scope="module")
def shop(tmp_path_factory, tiny_model) -> str:
    """The address of a shop: three photos of the red shape, the second one large, one of black."""
    root = tmp_path_factory.mktemp("shop")
    (root / "pictures").mkdir()
    for colour, kinds in (("red", 3), ("black", 1)):
        for kind in range(kinds):
            size = (900, 1200) if kind == 1 else (120, 160)
            draw_shape(colour, kind, size).save(root / "pictures" / f"{colour}-{kind}.png")
    (root / "pictures" / "metadata.csv").write_text(
        "file_name,id,title\nred-0.png|red-1.png|red-2.png,red,Red shape\nblack-0.png,black,Black\n"
    )
    catalog = open_catalog(str(root / "pictures"))
    encoder = Encoder.load(tiny_model, precision="float32")
    options = BuildOptions(model=str(tiny_model), draw_map=False)
    build(catalog, encoder, root / "index", options, quiet=True)
    given = ("--index", str(root / "index"), "--state", str(root / "state"))
    with running_site(root / "app.log", *given, GRADIO_TEMP_DIR=str(root / "temp")) as address:
        yield address


@pytest.fixture
def panel(browser, shop):
    """A function that opens the page of an item."""
    contexts = []

    def opened(id: str):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(45_000)
        page.goto(f"{shop}?item={id}")
        page.wait_for_selector("#piece h2")
        return page

    yield opened
    for context in contexts:
        context.close()


def test_a_press_on_a_photo_of_an_item_shows_it_large(panel):
    page = panel("red")
    buttons = page.query_selector_all("#piece .views .small")
    assert [b.get_attribute("aria-label") for b in buttons] == [
        f"Photo {n} of 3" for n in (1, 2, 3)
    ]
    large = page.query_selector("#piece .large img")
    sources = [b.query_selector("img").get_attribute("src") for b in buttons]
    assert large.get_attribute("src") == sources[0] and len(set(sources)) == 3
    for number in (2, 0, 1):
        buttons[number].press("Enter")
        page.wait_for_function(
            "number => document.querySelectorAll('#piece .views .small')[number]"
            ".getAttribute('aria-pressed') === 'true'",
            arg=number,
        )
        assert large.get_attribute("src").endswith(sources[number])
        assert large.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    assert page.inner_text("#piece h2") == "Red shape", "no search was begun"


def test_a_large_photo_opens_in_its_full_size(panel):
    page = panel("red")
    assert page.is_disabled("#piece .large"), "the first photo is small"
    page.click("#piece .small >> nth=1")
    page.click("#piece .large")
    image = page.wait_for_selector("#piece dialog[open] img")
    assert image.evaluate("img => img.decode().then(() => img.naturalHeight)") == 1024
    address = image.get_attribute("src")
    answer = page.request.get(page.url.split("?")[0] + address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    page.keyboard.press("Escape")
    page.wait_for_selector("#piece dialog", state="hidden")
    page.click("#piece .large")
    page.click("#piece dialog[open] img")
    page.wait_for_selector("#piece dialog", state="hidden")
    page.click("#piece .small >> nth=2")
    assert page.is_disabled("#piece .large")


def test_an_item_of_one_photo_has_no_small_photos(panel):
    page = panel("black")
    assert page.query_selector("#piece .views > img") is not None
    assert page.query_selector_all("#piece .views .small") == []
