"""A shop's name, logo, colour, links and pages."""

from __future__ import annotations

import pytest
from PIL import Image

from lookbook.ui.branding import PAGES, Branding, BrandingError, parse_links


def test_the_head_shows_name_and_tagline_as_text():
    head = Branding("Shop <b>", "Clothes & more").masthead_html()
    assert head == "<h1>Shop &lt;b&gt;</h1><p>Clothes &amp; more</p>"


def test_a_logo_stands_for_the_name(tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("RGB", (8, 8)).save(logo)
    head = Branding("Shop", logo=logo).masthead_html()
    assert 'alt="Shop"' in head
    assert "data:image/png;base64," in head


def test_the_footer_links_to_what_the_shop_names():
    links = parse_links("Imprint=https://shop.example/i?a=b; Privacy=/privacy ;")
    assert links == (("Imprint", "https://shop.example/i?a=b"), ("Privacy", "/privacy"))
    assert 'href="https://shop.example/i?a=b"' in Branding(links=links).links_html()


def test_the_first_page_is_always_there():
    assert [page for page in PAGES if Branding(pages=("about",)).shows(page)] == ["find", "about"]


def test_the_accent_colours_what_is_pressed():
    # where site.css sets the colour: on :root it would hold nowhere
    assert ".gradio-container { --accent: #123abc; }" in Branding(accent="#123abc").css()
    assert Branding().css() == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pages": ("home",)}, "expected some of find, .* found 'home'"),
        ({"accent": "red; }"}, "expected a colour like #b92b33"),
        ({"links": (("Imprint", "javascript:x"),)}, "expected TEXT=ADDRESS"),
        ({"links": (("Imprint", ""),)}, "expected TEXT=ADDRESS"),
    ],
)
def test_what_cannot_be_used_is_refused(settings, message):
    with pytest.raises(BrandingError, match=message):
        Branding(**settings)


def test_a_logo_of_another_type_missing_or_too_large_is_refused(tmp_path):
    with pytest.raises(BrandingError, match=r"expected \.svg, .* found logo.gif"):
        Branding(logo=tmp_path / "logo.gif")
    with pytest.raises(BrandingError, match="cannot be read"):
        Branding(logo=tmp_path / "logo.png")
    large = tmp_path / "logo.svg"
    large.write_bytes(b" " * 300 * 1024)
    with pytest.raises(BrandingError, match="at most 256 KB, found 300"):
        Branding(logo=large)
