"""A page that stays open while the catalogue is updated: watched folder, running site, visitor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import ImageDraw
from seeing import ROOT, ids, running_site, wait_for_change, wait_for_line

from lookbook.index import published
from tests.shapes import COLOURS, draw_shape

BOX = "#name textarea, #name input"
COUNT = "#count input[type=number]"


class Shop:
    """A folder that `embed.py --watch` keeps an index of; `log` is what the site prints."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder / "shop", folder / "index"
        self.log = folder / "app.log"
        self.folder.mkdir()
        self.titles = {}
        for colour in COLOURS:
            for kind, form in enumerate(("square", "disc", "bar")):
                self.draw(f"{colour}-{form}", colour, kind)
        self.write()

    def draw(self, id: str, colour: str, kind: int, stripe: str = "") -> None:
        picture = draw_shape(colour, kind)
        if stripe:
            ImageDraw.Draw(picture).rectangle((30, 70, 90, 90), fill=COLOURS[stripe])
        picture.save(self.folder / f"{id}.png")
        words = id.replace("-", " ").title()
        self.titles[id] = f"{words} cushion no. {len(self.titles)}"  # each a product of its own

    def write(self) -> None:
        rows = [f"{id}.png,{id},{title}" for id, title in self.titles.items()]
        partial = self.folder.parent / "metadata.csv"
        partial.write_text("\n".join(["file_name,id,title", *rows]) + "\n")
        partial.replace(self.folder / "metadata.csv")

    def sell_out(self, id: str) -> None:
        del self.titles[id]
        (self.folder / f"{id}.png").unlink()

    def published(self) -> str:
        return next(iter(published(self.output)), "")

    def update(self) -> None:
        """Write the table, and wait until the site shows the generation that follows."""
        before = self.published()
        self.write()
        wait_until(lambda: self.published() != before, "a new generation is published")
        shown = f"generation {self.published()} is shown"
        wait_until(lambda: shown in self.log.read_text(), "the site shows it")


def wait_until(is_so, what: str) -> None:
    for _ in range(480):
        if is_so():
            return
        time.sleep(0.25)
    raise AssertionError(f"not within two minutes: {what}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("living"))
    command = [sys.executable, "embed.py", "--dataset", str(shop.folder), "--no-map"]
    command += ["--output", str(shop.output), "--watch", "--watch-seconds", "1"]
    with (shop.output.parent / "embed.log").open("w") as log:
        watching = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ)
    try:
        wait_until(lambda: shop.published() or watching.poll() is not None, "a first index")
        yield shop
        assert watching.poll() is None, (shop.output.parent / "embed.log").read_text()
    finally:
        watching.terminate()
        watching.wait(20)


@pytest.fixture(scope="module")
def site(shop, tmp_path_factory):
    """A site on the index of the shop; `visit` opens its pages."""
    options = ["--index", str(shop.output), "--reload-seconds", "1"]
    options += ["--state", str(tmp_path_factory.mktemp("state"))]
    uploads = str(tmp_path_factory.mktemp("uploads"))
    with running_site(shop.log, *options, GRADIO_TEMP_DIR=uploads) as address:
        yield address


def test_an_update_leaves_the_upload_and_the_results_of_an_open_page(visit, shop, tmp_path):
    page = visit()
    photo = tmp_path / "mine.png"
    draw_shape("red", 1, (200, 260)).save(photo)
    page.set_input_files("#picture input[type=file]", photo)
    wait_for_line(page, r"found in \d+ ms")
    before, address = ids(page), page.url
    assert "green-bar" in before
    page.evaluate("window.sameDocument = true")

    shop.draw("ruby-disc", "red", 1, "yellow")
    shop.sell_out("green-bar")
    shop.update()

    assert page.evaluate("window.sameDocument") and page.url == address
    assert page.is_visible("#photos .pic img")
    assert ids(page) == before, "what the visitor looks at stays until the next search"
    page.fill(COUNT, "20")  # the same photo, asked once more
    page.press(COUNT, "Tab")
    after = wait_for_change(page, before)
    assert "ruby-disc" in after and "green-bar" not in after
    assert page.is_visible("#photos .pic img") and page.evaluate("window.sameDocument")


def test_an_update_leaves_the_words_of_an_open_page_and_the_new_product_is_found(visit, shop):
    page = visit()
    page.fill(BOX, "blue")
    page.press(BOX, "Enter")
    wait_for_line(page, r"found in \d+ ms")
    before = ids(page)
    assert before[0].startswith("blue-")

    shop.draw("azure-anchor", "blue", 0, "red")
    shop.sell_out("yellow-bar")
    shop.update()

    assert page.input_value(BOX) == "blue" and "words=blue" in page.url
    page.fill(COUNT, "20")
    page.press(COUNT, "Tab")
    after = wait_for_change(page, before)
    assert "azure-anchor" in after and "yellow-bar" not in after
    assert page.input_value(BOX) == "blue"
    page.fill(BOX, shop.titles["azure-anchor"])
    page.press(BOX, "Enter")
    page.wait_for_selector("#piece h2:has-text('Azure Anchor cushion')")


def test_a_product_that_went_while_its_card_was_open_is_still_shown(visit, shop):
    page = visit()
    page.click("#results .card .open[data-id='black-square']")
    page.wait_for_selector("#piece h2:has-text('Black Square cushion')")
    before = ids(page)

    shop.sell_out("black-square")
    shop.update()

    assert page.is_visible("#piece h2:has-text('Black Square cushion')")
    assert ids(page) == before
    page.click(f"#results .card .open[data-id='{before[0]}']")
    after = wait_for_change(page, before)
    assert "black-square" not in after
