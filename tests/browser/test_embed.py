"""A page of a shop, of another origin, shows similar pieces by the script and by the frame."""

from __future__ import annotations

import http.server
import threading

import pytest
from seeing import running_site

ITEM = "100001"


@pytest.fixture(scope="module")
def shop_page():
    """The address of a shop's page, and its HTML by path, which a test may set."""
    pages = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in pages else 404)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(pages.get(self.path, "").encode())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()


@pytest.fixture(scope="module")
def site(shop_page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    options = ("--state", str(folder), "--embed-origins", shop_page[0])
    with running_site(folder / "app.log", *options) as address:
        yield address


def test_a_shop_shows_similar_pieces_by_a_script_and_in_a_frame(browser, site, shop_page):
    address, pages = shop_page
    pages["/product"] = (
        f'<h1>A product</h1><script src="{site}embed/widget.js" data-item="{ITEM}" '
        f'data-count="5" async></script><iframe src="{site}embed/look?item={ITEM}"></iframe>'
    )
    page = browser.new_page()
    refused = []
    page.on("console", lambda m: refused.append(m.text) if m.type == "error" else None)
    page.goto(f"{address}/product")
    cards = page.locator("h1 ~ div li a")  # Playwright looks into the shadow root
    cards.first.wait_for()
    assert cards.count() == 5
    assert cards.first.get_attribute("href").startswith(f"{site}?item=")
    assert page.locator("h1 ~ div img").first.evaluate("image => image.decode().then(() => true)")
    framed = page.frame_locator("iframe").locator("li a")
    framed.first.wait_for()
    assert framed.count() > 1
    assert not [text for text in refused if "favicon" not in text and "404" not in text]
    page.close()


def test_pages_of_other_origins_get_nothing(browser, site, shop_page):
    address, pages = shop_page
    pages["/other"] = f'<script src="{site}embed/widget.js" data-item="{ITEM}" async></script>'
    page = browser.new_page()
    with page.expect_console_message(lambda m: "CORS" in m.text):
        page.goto(address.replace("127.0.0.1", "localhost") + "/other")
    assert page.locator("li").count() == 0
    page.close()
