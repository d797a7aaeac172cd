"""Which files a data set may name, and how fast that is found out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lookbook.catalog.files import inner_file
from lookbook.images.loading import ImageError


@pytest.fixture
def shop(tmp_path) -> Path:
    for name in ("shop/images/0.jpg", "shop/more/1.jpg", "secret/2.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"picture")
    return tmp_path / "shop"


def refused(folder: Path, name: str, **options) -> str:
    with pytest.raises(ImageError) as caught:
        inner_file(folder, name, **options)
    return caught.value.reason


def test_a_file_of_the_folder_is_given_with_the_folder_as_it_was_named(shop, monkeypatch):
    assert inner_file(shop, "images/0.jpg") == shop / "images/0.jpg"
    assert inner_file(shop / "more", "x/../1.jpg") == shop / "more/1.jpg"
    monkeypatch.chdir(shop)
    assert inner_file(Path(), "images\\0.jpg") == Path("images/0.jpg")
    assert inner_file(Path("../shop"), "images/0.jpg") == Path("../shop/images/0.jpg")


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("folder", [".", "./", "../shop", "more/.."])
def test_no_name_leads_out_of_the_working_folder(shop, monkeypatch, folder, links):
    monkeypatch.chdir(shop)
    assert inner_file(Path(folder), "images/0.jpg", links).read_bytes() == b"picture"
    secret = str(shop.parent / "secret/2.jpg")
    for name in ("../secret/2.jpg", "images/../../secret/2.jpg", "..\\secret/2.jpg", secret):
        assert refused(Path(folder), name, links=links) == "outside"


def test_a_folder_whose_name_begins_like_another_is_not_inside_it(shop, tmp_path):
    (tmp_path / "shop2").mkdir()
    (tmp_path / "shop2/3.jpg").write_bytes(b"picture")
    assert refused(shop, "../shop2/3.jpg") == "outside"
    assert inner_file(Path("/"), str(shop / "images/0.jpg")[1:]) == shop / "images/0.jpg"


def test_the_folder_itself_may_be_a_link(shop, tmp_path):
    (tmp_path / "link").symlink_to(shop)
    assert inner_file(tmp_path / "link", "images/0.jpg") == tmp_path / "link/images/0.jpg"


def test_links_may_lead_elsewhere_in_the_folder_and_not_out_of_it(shop, tmp_path):
    (shop / "images/again").symlink_to(shop / "more")
    (shop / "images/other.jpg").symlink_to("../more/1.jpg")
    (shop / "out").symlink_to(tmp_path / "secret")
    (shop / "images/out.jpg").symlink_to(tmp_path / "secret/2.jpg")
    (shop / "images/twice").symlink_to(shop / "out")
    (shop / "circle").symlink_to(shop / "circle")
    assert inner_file(shop, "images/again/1.jpg").read_bytes() == b"picture"
    assert inner_file(shop, "images/other.jpg").read_bytes() == b"picture"
    for name in ("out/2.jpg", "images/out.jpg", "images/twice/2.jpg", "../secret/2.jpg"):
        assert refused(shop, name) == "outside"
    assert inner_file(shop, "out/2.jpg", links=True) == shop / "out/2.jpg"
    assert refused(shop, "../secret/2.jpg", links=True) == "outside"
    assert refused(shop, "circle") == "missing"
    assert refused(shop, "images") == "missing"


def test_a_name_without_links_is_not_resolved(shop, monkeypatch):
    """Resolving takes many calls of the system: for each of 44,000 pictures it took seconds."""

    def resolved(*args, **kwargs):
        raise AssertionError("resolved")

    monkeypatch.setattr(os.path, "realpath", resolved)
    assert inner_file(shop, "images/0.jpg").is_file()
    (shop / "link.jpg").symlink_to("images/0.jpg")
    with pytest.raises(AssertionError, match="resolved"):
        inner_file(shop, "link.jpg")
