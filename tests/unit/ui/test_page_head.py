"""What a shared link shows in a preview: title, description, picture, icon and manifest."""

from __future__ import annotations

import html
import io
import re
from html.parser import HTMLParser

import gradio as gr
import pytest
from fastapi import FastAPI, Response
from PIL import Image
from starlette.testclient import TestClient

from lookbook.images.transforms import thumbnail
from lookbook.search.index import Index
from lookbook.ui import pictures
from lookbook.ui.branding import Branding
from lookbook.ui.components import markup
from lookbook.ui.guard import GuardOptions
from lookbook.ui.page_head import HeadMiddleware, PageHead, router, with_tags
from lookbook.ui.services.search import SearchService
from lookbook.ui.serving import launch
from tests.tiny_index import publish_tiny

NASTY = '"><script>alert(1)</script>{{x}}${y}'
SITE = "https://lookbook.example/"


class Tags(HTMLParser):
    """The tags of a head: `title`, and `meta` by name or property."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.meta: dict[str, list[str]] = {}
        self.scripts, self.title, self._open = 0, "", ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self._open, self.scripts = tag, self.scripts + (tag == "script")
        if tag == "meta" and (name := values.get("property") or values.get("name")):
            self.meta.setdefault(name, []).append(values["content"])

    def handle_data(self, data):
        self.title += data if self._open == "title" else ""

    def handle_endtag(self, tag):
        self._open = ""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    root = tmp_path_factory.mktemp("head")
    items = {
        "id": ["a", "b", "no title"],
        "title": ["Anna bag", NASTY, ""],
        "colour": ["black", NASTY[:20], "navy"],
        "price": [89.5, 20.0, 30.0],
        "currency": ["EUR"] * 3,
    }
    publish_tiny(root / "index", count=3, items=items)
    return SearchService(Index.open(root / "index"), lambda: None, root / "thumbs")


@pytest.fixture(scope="module")
def head(service):
    return PageHead(Branding("Shop & Co", "All <our> clothes"), service)


def tags(head, search):
    return Tags(head.tags(search, SITE))


def test_a_piece_is_previewed_with_its_name_price_and_picture(head):
    found = tags(head, "item=a")
    assert found.title == "Anna bag · Shop & Co"
    assert found.meta["og:title"] == [found.title]
    assert "89.50" in found.meta["og:description"][0]
    assert "black" in found.meta["og:description"][0]
    (picture,) = found.meta["og:image"]
    assert picture.startswith(f"{SITE}pictures/")
    assert (head._search.folder / picture.rsplit("/", 1)[1]).read_bytes() == b"a-picture-0"
    assert found.meta["og:url"] == [f"{SITE}?item=a"]
    assert found.meta["twitter:card"] == ["summary_large_image"]


def test_the_preview_of_a_picture_that_is_stored_as_avif_is_a_jpeg(tmp_path):
    photo = thumbnail(Image.new("RGB", (60, 80), (200, 30, 30)), file_format="avif")
    publish_tiny(tmp_path / "index", count=2, thumbs=[photo] * 2)
    search = SearchService(Index.open(tmp_path / "index"), lambda: None, tmp_path / "thumbs")
    page = PageHead(Branding("Shop", ""), search).tags("item=a-0", SITE)
    [address] = re.findall(rf'og:image" content="{SITE}(pictures/\w+\.\w+)"', page)
    shown = TestClient(with_pictures(search)).get(address)
    assert shown.headers["content-type"] == "image/jpeg"
    jpeg = Image.open(io.BytesIO(shown.content))
    assert (jpeg.format, jpeg.size) == ("JPEG", (60, 80)) and jpeg.getpixel((30, 40))[0] > 180
    card = TestClient(with_pictures(search)).get(markup.file_url(search.thumb_file("a-0")))
    assert (card.headers["content-type"], card.content) == ("image/avif", photo)


def with_pictures(search):
    app = FastAPI()
    app.add_middleware(pictures.PictureFiles, folder=search.folder)
    return app


@pytest.mark.parametrize(
    "search, title",
    [
        ("", "Shop & Co"),
        ("words=red+dress", "red dress · Shop & Co"),
        ("where=colour=black", "black · Shop & Co"),
        ("words=red&where=colour=black", "red · black · Shop & Co"),
        ("view=saved", "Saved · Shop & Co"),
        ("view=nothing", "Shop & Co"),
        ("item=unknown", "Shop & Co"),
        ("item=no+title", "no title · Shop & Co"),
        ("where=%%%&n=x&item=%00", "Shop & Co"),
    ],
)
def test_every_address_has_a_title(head, search, title):
    found = tags(head, search)
    assert found.title == title
    assert found.meta["description"]


def test_a_page_that_the_shop_does_not_show_is_not_named(service):
    head = PageHead(Branding("Shop", pages=("find",)), service)
    assert tags(head, "view=saved").title == "Shop"


@pytest.mark.parametrize("search", ["item=b", f"words={NASTY}", f"where=colour={NASTY}"])
def test_texts_are_escaped(head, search):
    page = head.tags(search, f"https://evil.example{html.escape(NASTY)}/")
    assert Tags(page).scripts == 0
    assert "{{" not in page and "${" not in page


def test_the_tags_replace_those_of_gradio_and_leave_its_scripts_alone():
    page = (
        '<html><head><meta charset="utf-8" /><meta property="og:title" content="Gradio" />'
        '<meta\n\tname="twitter:creator"\n content="@Gradio" /><meta name="viewport" content="w">'
        "<script>window.gradio_config = "
        '"<meta property="og:title" content="of a catalogue">"</script>'
        '<link rel="manifest" href="/manifest.json" /></head></html>'
    )
    made = with_tags(page, "<title>Mine</title>")
    assert "Gradio" not in made and "of a catalogue" in made and "viewport" in made
    assert made.index("<title>Mine") > made.index("charset")
    assert "manifest" not in made


def test_only_the_page_itself_is_changed():
    app = FastAPI()
    page = '<head><meta charset="utf-8"></head>'

    @app.get("/")
    def root(kind: str = "text/html") -> Response:
        return Response(page, media_type=kind, headers={"cache-control": "max-age=9"})

    @app.get("/other")
    def other() -> Response:
        return Response(page, media_type="text/html")

    client = TestClient(HeadMiddleware(app, lambda search, site: f"<title>{search} {site}</title>"))
    changed = client.get("/?item=a")
    assert "<title>item=a http://testserver/</title>" in changed.text
    assert changed.headers["content-length"] == str(len(changed.content))
    assert changed.headers["cache-control"] == "no-cache"
    assert client.get("/?kind=text/plain").text == page
    assert client.get("/other").text == page


def test_a_large_page_is_compressed_for_browsers_that_read_it():
    page = "<html><head></head><body>" + "a dress " * 1000 + "</body></html>"
    app = FastAPI()
    app.get("/")(lambda: Response(page, media_type="text/html"))
    client = TestClient(HeadMiddleware(app, lambda search, site: ""))
    answer = client.get("/", headers={"accept-encoding": "br, gzip;q=0.8"})
    assert (answer.headers["content-encoding"], answer.text) == ("gzip", page)
    assert int(answer.headers["content-length"]) < len(page) / 10
    plain = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == page


def icons(branding):
    app = FastAPI()
    app.include_router(router(branding))
    return TestClient(app)


def test_a_site_without_a_logo_has_an_icon_of_ours():
    client = icons(Branding("Shop", "All clothes"))
    icon = client.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.text.startswith("<svg")
    manifest = client.get("/manifest.json").json()
    assert (manifest["name"], manifest["description"]) == ("Shop", "All clothes")
    assert [one["src"] for one in manifest["icons"]] == ["favicon.ico"]
    assert client.get("/pwa_icon/192").status_code == 404


def test_the_logo_is_the_icon_padded_to_a_square(tmp_path):
    Image.new("RGB", (40, 20), (255, 0, 0)).save(tmp_path / "logo.png")
    branding = Branding("Shop", logo=tmp_path / "logo.png", accent="#123abc")
    client = icons(branding)
    assert client.get("/favicon.ico").content == (tmp_path / "logo.png").read_bytes()
    manifest = client.get("/manifest.json").json()
    assert manifest["theme_color"] == "#123abc"
    for one in manifest["icons"]:
        icon = Image.open(io.BytesIO(client.get(f"/{one['src']}").content))
        assert f"{icon.width}x{icon.height}" == one["sizes"]
        assert icon.getpixel((icon.width // 2, icon.height // 2)) == (255, 0, 0, 255)
        assert icon.getpixel((2, 2))[3] == 0
    assert client.get("/pwa_icon/99999").status_code == 404


def test_the_real_page_of_gradio_gets_them(head):
    with gr.Blocks(title="Shop", analytics_enabled=False) as site:
        gr.HTML("x")
    routes = [router(head.branding)]
    launch(site, GuardOptions(), routes=routes, head_tags=head.tags, quiet=True)
    try:
        import httpx

        page = httpx.get(f"{site.local_url}?item=a", headers={"accept-encoding": "gzip"})
        found = Tags(page.text.split("<script>window.gradio_config", 1)[0])
        assert found.title == "Anna bag · Shop & Co"
        for name in ("og:title", "og:description", "og:image", "og:url", "twitter:card"):
            assert len(found.meta[name]) == 1, name
        assert found.meta["og:image"][0].startswith(f"{site.local_url}pictures/")
        assert "gradio.app" not in page.text.split("<script>window.gradio_config", 1)[0]
        assert page.text.count('rel="manifest"') == 1
        assert httpx.get(f"{site.local_url}manifest.json").json()["name"] == "Shop & Co"
    finally:
        site.close()
