"""No picture is lost: uploads, pastes, drops and snapshots, one after the other.

LOOKBOOK_SOAK is how many pictures are given (10); 50 and a busy machine are worth a try now and
then.
"""

from __future__ import annotations

import base64
import os

import pytest
from seeing import RESULTS, examples, running_site, wait_for_line

COUNT = int(os.environ.get("LOOKBOOK_SOAK", "10"))
SOURCE = "document.querySelector('#photos .pic img')?.src ?? ''"
# a paste or a drop of a file, as the browser makes it, on the part of the page that `place` names
GIVE = """([kind, place, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], 'photo.jpg', {type: 'image/jpeg'}));
  const target = document.querySelector(place), how = {bubbles: true, cancelable: true};
  if (kind === 'paste') {
    target.dispatchEvent(new ClipboardEvent('paste', {...how, clipboardData: carried}));
    return;
  }
  target.dispatchEvent(new DragEvent('dragover', {...how, dataTransfer: carried}));
  target.dispatchEvent(new DragEvent('drop', {...how, dataTransfer: carried}));
}"""


def give(page, way: str, photo) -> None:
    """Give the page a picture in one of the ways that a visitor has."""
    if way in ("paste", "drop"):
        data = base64.b64encode(photo.read_bytes()).decode()
        page.evaluate(GIVE, [way, "#colophon" if way == "paste" else "#results", data])
        return
    if way == "album":
        page.set_input_files("#photo-input .album input", photo)
        return
    if page.is_visible("#photos [data-act=drop]"):
        page.click("#photos [data-act=drop]")
        page.wait_for_selector("#photos .pic", state="detached")
    if way == "upload":
        page.set_input_files("#picture input[type=file]", photo)
        return
    page.click("button[aria-label='Capture from camera']")
    access = page.locator("text=Click to Access Webcam")
    page.wait_for_timeout(300)
    if access.is_visible():
        access.click()
    page.wait_for_selector("#picture video")
    page.wait_for_timeout(1200)
    page.click("button[aria-label='capture photo']")


def test_no_upload_paste_drop_or_snapshot_is_lost(page):
    ways = ("upload", "paste", "drop", "album", "snapshot")
    photos = examples()
    for number in range(COUNT):
        way, photo = ways[number % len(ways)], photos[number % len(photos)]
        before = page.evaluate(SOURCE)
        give(page, way, photo)
        page.wait_for_function(f"before => ![before, ''].includes({SOURCE})", arg=before)
        wait_for_line(page, "found in")
        assert page.locator("#photos .pic").count() == 1, (number, way)
        assert page.locator(RESULTS).count() == 24


def test_the_last_of_three_quick_pastes_is_the_one_that_is_searched(page):
    first, second, third = examples()[:3]
    give(page, "paste", third)
    page.wait_for_selector("#photos .pic img")
    expected = page.evaluate(SOURCE)
    page.click("#photos [data-act=drop]")
    page.wait_for_selector("#photos .pic", state="detached")
    for photo in (first, second, third):
        give(page, "paste", photo)
    page.wait_for_function(f"expected => {SOURCE} === expected", arg=expected)
    page.wait_for_timeout(1500)
    assert page.evaluate(SOURCE) == expected


def test_a_picture_pasted_on_another_page_is_searched_on_find(page):
    page.click("button[role=tab]:has-text('About')")
    page.wait_for_selector("#about dl", state="visible")
    give(page, "paste", examples()[2])
    page.wait_for_selector("#photos .pic img", state="visible")
    wait_for_line(page, "found in")


PASTE_TEXT = """([place, text]) => {
  const carried = new DataTransfer();
  carried.setData('text/plain', text);
  document.querySelector(place).dispatchEvent(new ClipboardEvent(
    'paste', {bubbles: true, cancelable: true, clipboardData: carried}));
}"""


def test_a_pasted_address_is_explained_where_addresses_are_not_fetched(page):
    page.evaluate(PASTE_TEXT, ["#colophon", "https://shop.example/dress.jpg"])
    page.wait_for_selector(".toast-body:has-text('paste or drop the picture itself')")
    assert page.locator("#results.waiting").count() == 0


@pytest.fixture(scope="module")
def fetching_site(tmp_path_factory):
    """The address of a site that fetches pictures whose address is pasted."""
    folder = tmp_path_factory.mktemp("fetching")
    with running_site(folder / "log", "--state", str(folder), "--fetch-urls") as address:
        yield address


@pytest.mark.parametrize("place", ["#colophon", "#name input"])
def test_a_private_address_is_refused_where_addresses_are_fetched(browser, fetching_site, place):
    context = browser.new_context()
    page = context.new_page()
    page.goto(fetching_site)
    page.wait_for_selector(RESULTS)
    page.wait_for_timeout(1000)
    page.evaluate(PASTE_TEXT, [place, f"{fetching_site}favicon.ico"])
    page.wait_for_selector(".toast-body:has-text('private network')")
    assert "--" not in page.inner_text(".toast-body"), "a visitor cannot set options"
    context.close()
