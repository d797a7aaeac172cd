"""The language of a request, and what the site says in it.

Every text that a visitor sees is written in English where it is used: `_("Sold out")` in a
function, `Message("Sold out")` where the language is not known yet, `_('Sold out')` in JavaScript
and in the templates of components. `locales/LANGUAGE.po` holds the translations, one file a
language; `docs/messages.py` collects the messages. Numbers, prices and dates follow the language.
"""

from __future__ import annotations

import gettext
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel.core import negotiate_locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from lookbook.encoding.errors import ModelUnusable
from lookbook.index.errors import IndexCorrupt
from lookbook.schema.message import Message
from lookbook.schema.thesaurus import Concept, Term

LOCALES = Path(__file__).with_name("locales")
LANGUAGES = ("en", *sorted(file.stem for file in LOCALES.glob("*.po")))
# a message within JavaScript; Python is written with double quotes
SCRIPT_MESSAGE = re.compile(r"(?<!\w)_\('((?:[^'\\]|\\.)+)'\)")
SCOPE_KEY = "lookbook.language"  # of an ASGI scope
_SCRIPTS = ("js_on_load", "html_template")  # of a component
_MAX_HEADER = 500  # characters
_language: ContextVar[str] = ContextVar("language", default="en")


def language() -> str:
    """Return the language that the present request is answered in, one of LANGUAGES."""
    return _language.get()


def use_language(name: str) -> None:
    """Answer the present request, and what it calls, in one of LANGUAGES."""
    _language.set(name)


def language_of(request: Any) -> str:
    """Return the language that the guard chose for gradio's request, "en" without one."""
    scope = getattr(getattr(request, "request", None), "scope", {})
    return str(scope.get(SCOPE_KEY, "en"))


def choose_language(accept_language: str) -> str:
    """Return the one of LANGUAGES that a browser prefers, by its header Accept-Language."""
    return _preferred_language(accept_language[:_MAX_HEADER])


@lru_cache(256)  # every request has the header, and browsers few values of it
def _preferred_language(accept_language: str) -> str:
    preferred = []
    for part in accept_language.split(","):
        name, _, quality = part.strip().partition(";q=")
        with_quality = _quality(quality)
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*", name) and with_quality:
            preferred.append((-with_quality, name))
    names = [name for _, name in sorted(preferred, key=lambda pair: pair[0])]
    return negotiate_locale(names, LANGUAGES, sep="-") or "en"


def _quality(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    if name == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (LOCALES / f"{name}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _(template: str, **values: Any) -> str:
    """Return a message in the language of the request, filled with `values`."""
    return _filled(_catalogue(language()).gettext(template), values)


def _n(one: str, many: str, count: int, **values: Any) -> str:
    """Return the form of a message that belongs to a number, which fills {count}."""
    return _filled(_catalogue(language()).ngettext(one, many, count), {"count": count} | values)


def translate(text: str) -> str:
    """Return a message of any room in the language of the request; other texts as they are."""
    return _(text.template, **text.values) if isinstance(text, Message) else text


def as_sentence(text: str) -> str:
    """Return a translated clause as a sentence: with a capital, and a stop at its end."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}." if text else ""


def error_text(error: Exception, general: str = "") -> str:
    """Return what an error says to a visitor; `general` where that has no translation.

    And where it names files of the server.
    """
    is_message = bool(error.args) and isinstance(error.args[-1], Message)
    names_files = isinstance(error, (ModelUnusable, IndexCorrupt))
    if language() == "en" and not is_message and not names_files:
        return str(error)
    return public_text(error, general)


def public_text(error: Exception, general: str = "") -> str:
    """Return what an error of any kind says to a visitor: a message of the site, else `general`."""
    text = error.args[-1] if error.args else ""
    if isinstance(text, Message):
        return translate(text)
    return general or _("That did not work. Please try again later.")


def _filled(template: str, values: Mapping[str, Any]) -> str:
    texts = {name: _value(value) for name, value in values.items()}
    return template.format(**texts) if texts else template


def _value(value: object) -> str:
    if isinstance(value, Message):
        return translate(value)
    if isinstance(value, (Concept, Term)):
        return value.label_in(language())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    if isinstance(value, (list, tuple)):
        return _enumerated([_value(one) for one in value])
    return str(value)


def _enumerated(texts: list[str]) -> str:
    if language() == "en":  # without the comma before "and"
        return str(Message("{texts}", texts=texts))
    return format_list(texts, locale=language())


def any_of(texts: Sequence[str]) -> str:
    """Return "a or b", the last two texts joined by "or" in the language."""
    if language() == "en":  # without the comma before "or"
        return " or ".join(texts)
    return format_list(texts, style="or", locale=language())


def quoted(text: str) -> str:
    """Return a text in the quotation marks of the language."""
    return _("“{text}”", text=text)


def number(value: float, decimals: int = 2) -> str:
    """Return a number as it is written in the language, with up to so many decimals."""
    return _number(value, decimals, language())


@lru_cache(4096)  # the counts beside the filters
def _number(value: float, decimals: int, locale: str) -> str:
    return format_decimal(value, format=f"#,##0.{'#' * decimals}", locale=locale)


def fixed(value: float) -> str:
    """Return a number with exactly two decimals."""
    return format_decimal(value, format="0.00", locale=language())


def percent(share: float) -> str:
    """Return a share of 0 to 1 as a percentage without decimals."""
    return _percent(round(100 * share), language())


@lru_cache(1024)
def _percent(hundredths: int, locale: str) -> str:
    return format_percent(Decimal(hundredths) / 100, locale=locale)


def day(iso: str) -> str:
    """Return a date that begins with YYYY-MM-DD in words; anything else as it is."""
    try:
        return format_date(date.fromisoformat(iso[:10]), format="long", locale=language())
    except ValueError:
        return iso


def in_script(script: str) -> str:
    """Return JavaScript with its messages as strings of the request's language."""
    return SCRIPT_MESSAGE.sub(lambda found: _string(found[1]), script)


class Rendered(str):
    """A text that is made anew for each page, in its language; as a string it is in English."""

    make: Callable[[], str]

    def __new__(cls, make: Callable[[], str]) -> Rendered:
        """Hold what `make` returns now, and make it again when a page is sent."""
        self = super().__new__(cls, make())
        self.make = make
        return self


def localized(part: Any) -> Any:
    """Return a part of a page's configuration with its messages in the request's language."""
    if isinstance(part, Message):
        return translate(part)
    if isinstance(part, Rendered):
        return part.make()
    if isinstance(part, dict):
        return {
            name: in_script(value)
            if name in _SCRIPTS and isinstance(value, str)
            else localized(value)
            for name, value in part.items()
        }
    if isinstance(part, (list, tuple)):
        return [localized(value) for value in part]
    return part


def _string(escaped: str) -> str:
    text = _(escaped.replace("\\'", "'"))
    return json.dumps(text, ensure_ascii=False).replace("</", "<\\/")
