"""The owner's page in a browser: log in, check a catalogue, index it, publish it, roll back."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest
from seeing import ROOT, ids, running_site, wait_for_line

from tests.shapes import COLOURS, draw_shape

PASSWORD = "correct horse battery"
FORMS = ("square", "disc", "bar")


def draw_shop(folder, forms):
    """Write a folder of one picture a colour and form, with a table that names them."""
    folder.mkdir()
    rows = ["file_name,id,title"]
    for colour in COLOURS:
        for form in forms:
            name = f"{colour}-{form}"
            draw_shape(colour, FORMS.index(form)).save(folder / f"{name}.png")
            rows.append(f"{name}.png,{name},{name.replace('-', ' ').title()}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of five squares, with an owner's page."""
    folder = tmp_path_factory.mktemp("owner")
    shop = draw_shop(folder / "squares", ["square"])
    command = [sys.executable, "embed.py", "--dataset", str(shop), "--no-map"]
    command += ["--output", str(folder / "index")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ)
    options = ["--index", str(folder / "index"), "--state", str(folder / "state")]
    options += ["--reload-seconds", "1"]
    secret = {"LOOKBOOK_OWNER_PASSWORD": PASSWORD, "GRADIO_TEMP_DIR": str(folder / "uploads")}
    with running_site(folder / "app.log", *options, **secret) as address:
        yield address


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """A zip of ten discs and bars, and one row whose picture is not there."""
    folder = draw_shop(tmp_path_factory.mktemp("new") / "shop", ["disc", "bar"])
    (folder / "red-disc.png").unlink()
    path = folder.parent / "spring.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


@pytest.fixture
def owner(browser):
    """A page of the owner; fails on errors of its scripts."""
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    page, errors = context.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield page
    assert errors == []
    context.close()


def row(text):
    """Return the selector of the row of one published index, by what it was made of."""
    return f"section:has-text('Published indexes') tr:has-text('{text}')"


def wait_for_shown(page, source):
    """Load the page again until the site shows the index made of `source`."""
    page.wait_for_selector(row(source))
    for _ in range(240):
        if "shown by the site" in page.inner_text(row(source)):
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(f"the site does not show the index of {source}")


def forms_found(visit):
    """Return the forms of all pieces that a new visitor finds, searching for red ones."""
    visitor = visit("?words=red")
    wait_for_line(visitor, "found in")
    return {id.split("-")[1] for id in ids(visitor)}


def log_in(page, address):
    page.goto(address)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#plot svg")


def test_a_catalogue_is_checked_indexed_published_and_rolled_back(owner, site, visit, catalogue):
    log_in(owner, site + "owner")
    no_zip = {"name": "x.zip", "mimeType": "application/zip", "buffer": b"no zip"}
    owner.set_input_files("[name=file]", no_zip)
    owner.click("text=Upload and check")
    owner.wait_for_selector("[role=alert]:has-text('The zip cannot be read')")

    owner.set_input_files("[name=file]", catalogue)
    owner.click("text=Upload and check")
    owner.wait_for_selector("button:has-text('Index it')")
    checked = owner.inner_text("main")
    assert "What would be indexed of spring.zip" in checked and "9 items" in checked
    assert "red-disc" in owner.inner_text("table:has(caption:has-text('Refused'))")
    assert "shown by the site" in owner.inner_text(row("squares")), "a dry run changes nothing"

    owner.click("text=Index it")
    owner.wait_for_selector("[role=status]:has-text('spring.zip is being indexed') + progress")
    owner.wait_for_selector("[role=status]:has-text('spring.zip is indexed')")
    wait_for_shown(owner, "spring")
    assert "published" in owner.inner_text(row("spring"))
    assert forms_found(visit) == {"disc", "bar"}

    owner.click(f"{row('squares')} >> text=Publish")
    wait_for_shown(owner, "squares")
    assert forms_found(visit) == {"square"}
    owner.click("text=Roll back")
    wait_for_shown(owner, "spring")
    assert owner.locator(row("squares")).count() == 0
    assert forms_found(visit) == {"disc", "bar"}

    owner.click("text=Log out")
    owner.wait_for_selector("[name=password]")
