"""What a shop sets of its own site: name, logo, colour, links, and which pages there are."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lookbook.schema.message import Message
from lookbook.ui import assets
from lookbook.ui.components import markup
from lookbook.ui.messages import _

PAGES = ("find", "foryou", "saved", "explore", "about", "api")
_LOGO_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
}
_MAX_LOGO = 256 * 1024  # bytes: it is part of every page
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class BrandingError(ValueError):
    """A setting of the shop that cannot be used; the message says which and what is expected."""


@dataclass(frozen=True)
class Branding:
    """`accent` is a colour such as #b92b33; `links` are (text, address) of the footer.

    `pages` are some of PAGES; the first page, find, is always there. Raises BrandingError.
    """

    name: str = "Lookbook"
    tagline: str = Message("Find clothes by picture.")
    logo: Path | None = None
    accent: str | None = None
    links: Sequence[tuple[str, str]] = ()
    pages: Sequence[str] = PAGES

    def __post_init__(self) -> None:
        if unknown := [page for page in self.pages if page not in PAGES]:
            raise BrandingError(f"pages: expected some of {', '.join(PAGES)}, found {unknown[0]!r}")
        if self.accent is not None and not _COLOUR.fullmatch(self.accent):
            raise BrandingError(f"accent: expected a colour like #b92b33, found {self.accent!r}")
        if self.logo is not None:
            _check_logo(self.logo)
        for text, address in self.links:
            if not text or not re.fullmatch(r"(https?://|mailto:|/)[^\s\"'<>]+", address):
                raise BrandingError(
                    "footer-link: expected TEXT=ADDRESS such as Imprint=https://shop.example/imprint"
                    f", found {text}={address}"
                )

    def shows(self, page: str) -> bool:
        """Whether a page of PAGES is part of the site."""
        return page == "find" or page in self.pages

    def icon(self) -> tuple[bytes, str]:
        """Return the site's icon and its media type: the logo, else a drawing of our own."""
        if self.logo is None:
            return assets.read("icon.svg").encode(), "image/svg+xml"
        return self.logo.read_bytes(), _LOGO_TYPES[self.logo.suffix.casefold()]

    def masthead_html(self) -> str:
        """Return the name, or the logo that stands for it, and the tagline."""
        name = markup.escape(self.name)
        if self.logo is not None:
            data, kind = self.icon()
            encoded = base64.b64encode(data).decode("ascii")
            name = f'<img class="logo" src="data:{kind};base64,{encoded}" alt="{name}">'
        return f"<h1>{name}</h1><p>{markup.escape(_(self.tagline))}</p>"

    def links_html(self) -> str:
        """Return the links of the footer."""
        return " · ".join(
            f'<a href="{markup.escape(address)}" target="_blank" rel="noopener">'
            f"{markup.escape(text)}</a>"
            for text, address in self.links
        )

    def css(self) -> str:
        """Return the rules that set the accent colour, of what is pressed and of links."""
        if self.accent is None:
            return ""
        return (
            f".gradio-container {{ --accent: {self.accent}; }} "
            ".dark .gradio-container, .gradio-container.dark { "
            f"--accent: color-mix(in srgb, {self.accent} 55%, white); }} "
            '.acts button[aria-pressed="true"], #piece .acts .shop-link, .logo '
            "{ color: var(--accent); } "
            ":focus-visible { outline-color: var(--accent); }"
        )


def parse_links(text: str) -> tuple[tuple[str, str], ...]:
    """Read "TEXT=ADDRESS; TEXT=ADDRESS" as (text, address) of each."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return tuple((name.strip(), address.strip()) for name, _, address in pairs)


def _check_logo(logo: Path) -> None:
    if logo.suffix.casefold() not in _LOGO_TYPES:
        raise BrandingError(f"logo: expected {', '.join(_LOGO_TYPES)}, found {logo.name}")
    try:
        size = logo.stat().st_size
    except OSError as error:
        raise BrandingError(f"logo: {logo} cannot be read: {error.strerror}") from None
    if size > _MAX_LOGO:
        raise BrandingError(f"logo: expected at most {_MAX_LOGO // 1024} KB, found {size // 1024}")
