"""The site in a real Chromium, on the shipped index, for all browser tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from seeing import RESULTS, camera_film, examples, is_outside, running_site

CHROMIUM = "/usr/bin/chromium"
NAMELESS = re.compile(r"/upload_progress\?upload_id=$")


def pytest_collection_modifyitems(items):
    """Every test in this folder drives a browser."""
    absent = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(absent)


@pytest.fixture(scope="session")
def uploads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="session")
def state(tmp_path_factory) -> Path:
    """The folder of the events of the tests: not the one beside the shipped index."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def site(uploads, state):
    """The site that most tests visit."""
    log = uploads.parent / "app.log"
    with running_site(log, "--state", str(state), GRADIO_TEMP_DIR=str(uploads)) as address:
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    film = camera_film(tmp_path_factory.mktemp("camera") / "film.y4m", examples()[0])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, site):
    """A function that opens a page for a new visitor; fails on outside requests and errors."""
    contexts, outside, errors = [], [], []

    def opened(path: str = "", **how):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(45_000)
        page.on("request", lambda r: outside.append(r.url) if is_outside(r.url, site) else None)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.on("response", lambda r: errors.append(r.url) if r.status >= 400 else None)
        # gradio's webcam asks for the progress of an upload without an id; on a slow machine that
        # request gets a 404, which is not an error of the site
        page.route(NAMELESS, lambda route: route.fulfill(content_type="text/event-stream", body=""))
        page.goto(site + path)
        # on the Find page, which may not be the one that the address opens
        page.wait_for_selector(f"{RESULTS}, #results .empty", state="attached")
        return page

    yield opened
    assert outside == []
    assert errors == []
    for context in contexts:
        context.close()


@pytest.fixture
def page(visit):
    """The first page, for a new visitor."""
    return visit()
