"""A catalogue from the owner's browser to a published index, and back."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import Encoder
from lookbook.indexing import BuildOptions, build
from lookbook.search.index import Index
from lookbook.ui.guard import Guard, GuardOptions
from lookbook.ui.owner import OwnerPage
from lookbook.ui.services.search import SearchService
from lookbook.ui.services.visitor import VisitorService

PASSWORD = "correct horse battery"
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@pytest.fixture
def owner(tmp_path, shapes, tiny_model):
    encoder = Encoder.load(tiny_model)
    options = BuildOptions(model=str(tiny_model), engine="exact", draw_map=False)
    build(open_catalog(str(shapes), limit=4), encoder, tmp_path / "index", options, quiet=True)
    index = Index.open(tmp_path / "index")
    search = SearchService(index, lambda: encoder, tmp_path / "thumbs")
    visitors = VisitorService(index, tmp_path / "state", tmp_path)
    return OwnerPage(PASSWORD, "Shop", tmp_path / "owner", search, visitors)


@pytest.fixture
def client(owner):
    app = FastAPI()
    app.include_router(owner.router())
    return TestClient(Guard(app, GuardOptions(owner=True)))


def zip_of(folder):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return out.getvalue()


def test_an_upload_is_checked_indexed_and_rolled_back(client, owner, shapes, tmp_path):
    token = TOKEN.search(client.post("/owner/login", data={"password": PASSWORD}).text)[1]
    upload = {"file": ("all shapes.zip", zip_of(shapes))}
    page = client.post("/owner/upload", data={"token": token}, files=upload)
    assert "is being read" in page.text and 'http-equiv="refresh"' in page.text
    second = client.post("/owner/upload", data={"token": token}, files=upload)
    assert "wait or stop it first" in second.text

    assert owner.job.wait(120).stage == "checked", owner.job.status
    page = client.get("/owner").text
    assert "16 items" in page or "15 items" in page
    assert "taken for" in page and "colour" in page
    assert str(tmp_path) not in page
    (before,) = owner.generations()

    client.post("/owner/index", data={"token": token})
    status = owner.job.wait(300)
    assert status.stage == "done", status
    assert status.total, "a bar was read"
    assert "15 pieces" in status.message and "rejected: 1" in status.message
    assert str(tmp_path) not in client.get("/owner").text
    new, old = owner.generations()
    assert (new.items, new.source, old.name) == (15, "all-shapes", before.name)
    assert len(Index.open(tmp_path / "index")) == 15
    assert new.current and old.shown, "the site takes the new one within seconds"
    assert not (tmp_path / "owner").exists(), "nothing of the upload is kept"

    client.post("/owner/rollback", data={"token": token})
    assert len(Index.open(tmp_path / "index")) == 4


def test_a_table_that_cannot_be_read_is_a_sentence(client, owner):
    token = TOKEN.search(client.post("/owner/login", data={"password": PASSWORD}).text)[1]
    upload = {"file": ("feed.csv", b"a,b\n1,2\n")}
    client.post("/owner/upload", data={"token": token}, files=upload)
    status = owner.job.wait(120)
    assert status.stage == "failed"
    assert "feed.csv" in status.message and "Traceback" not in status.message
    assert len(owner.generations()) == 1


def test_an_upload_is_discarded_while_it_is_read(client, owner, shapes):
    token = TOKEN.search(client.post("/owner/login", data={"password": PASSWORD}).text)[1]
    upload = {"file": ("shapes.zip", zip_of(shapes))}
    client.post("/owner/upload", data={"token": token}, files=upload)
    page = client.post("/owner/discard", data={"token": token})
    assert "Upload and check" in page.text
    assert owner.job.status.stage == "empty"
    assert owner.job._process is None or owner.job._process.wait(20) is not None
