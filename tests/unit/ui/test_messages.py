"""Every text of the site has a translation in each language, and none is left in English."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import re
import string
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from babel.messages.pofile import read_po
from gradio.state_holder import SessionState
from PIL import Image

from lookbook.images.loading import ImageError, load_rgb
from lookbook.schema.message import Message
from lookbook.schema.money import format_price
from lookbook.schema.thesaurus import shop_thesaurus
from lookbook.search.index import Index
from lookbook.search.permalinks import from_params
from lookbook.search.query import Query
from lookbook.ui import build_site, messages
from lookbook.ui.components.comparison import comparison_html
from lookbook.ui.components.filter_panel import filters_html
from lookbook.ui.components.item_panel import item_html
from lookbook.ui.components.query_bar import query_html
from lookbook.ui.components.share import share_html
from lookbook.ui.components.sort_menu import sort_html
from lookbook.ui.guard import Guard, GuardOptions
from lookbook.ui.pages import explore, for_you, saved
from lookbook.ui.site import Site
from tests.tiny_index import publish_tiny

TRANSLATED = [name for name in messages.LANGUAGES if name != "en"]


def collector():
    path = Path(__file__).resolve().parents[3] / "docs" / "messages.py"
    spec = importlib.util.spec_from_file_location("collect_messages", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COLLECTOR = collector()
MESSAGES = sorted({message for _, message in COLLECTOR.messages()}, key=str)


def catalogue(language: str):
    with (messages.LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def test_french_guillemets_are_not_parted_from_their_words():
    texts = [one.string for one in catalogue("fr") if isinstance(one.string, str)]
    quoted = [text for text in texts if "«" in text]
    assert quoted
    assert [text for text in quoted if re.search("«(?!\N{NO-BREAK SPACE})", text)] == []
    assert [text for text in quoted if re.search("(?<!\N{NO-BREAK SPACE})»", text)] == []


def within(language: str, function, *args):
    """Call a function in a language; nothing of it remains."""

    def call():
        messages.use_language(language)
        return function(*args)

    return contextvars.copy_context().run(call)


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_the_collector_sees_python_f_strings_scripts_and_templates():
    plain = [message for message in MESSAGES if isinstance(message, str)]
    assert {"Sold out", "Copied", "Take a photo", "Why this?"} <= set(plain)
    assert ("{count} piece saved.", "{count} pieces saved.") in MESSAGES


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_has_a_translation_with_the_same_placeholders(language):
    translated = catalogue(language)
    for message in MESSAGES:
        found = translated.get(message if isinstance(message, str) else message[0])
        assert found is not None, f"{language}.po lacks {message!r}: run docs/messages.py"
        for original, text in zip(
            COLLECTOR.strings(found.id), COLLECTOR.strings(found.string), strict=True
        ):
            assert text.strip(), f"{language}.po: {message!r} has no translation"
            assert placeholders(text) == placeholders(original), f"{language}.po: {text!r}"
    unused = {m.id if isinstance(m.id, str) else tuple(m.id) for m in translated if m.id}
    assert unused <= set(MESSAGES), "run docs/messages.py"


class Texts(HTMLParser):
    """The texts of a page that a visitor sees or hears."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(html)

    def handle_data(self, data):
        self.texts.append(data.strip())

    def handle_starttag(self, tag, attrs):
        named = ("aria-label", "title", "alt", "placeholder")
        self.texts += [value for name, value in attrs if name in named and value]


def english_left_over(texts: list[str], language: str) -> list[str]:
    """Return the texts that are an English message whose translation is another."""
    translated = catalogue(language)
    patterns = []
    for message in translated:
        forms = zip(COLLECTOR.strings(message.id), COLLECTOR.strings(message.string), strict=False)
        for one, other in forms:
            letters = re.sub(r"\{\w+\}|\W", "", one)
            if one != other and len(letters) > 2:
                patterns.append(re.sub(r"\\\{\w+\\\}", ".+", re.escape(one)))
    whole = re.compile("|".join(patterns))
    return [text for text in texts if whole.fullmatch(text)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    publish_tiny(folder / "index")
    return build_site(Index.open(folder / "index"), lambda: None, state=folder / "state")


def strings_of(part) -> list[str]:
    if isinstance(part, dict):
        # `choices` are pairs of a label and a value, which the visitor does not see
        return [s for key, value in part.items() if key != "id" for s in strings_of(value)]
    if isinstance(part, (list, tuple)):
        return [s for value in part for s in strings_of(value)]
    return Texts(part).texts if isinstance(part, str) else []


def shown_of_page(site) -> list[str]:
    """The labels, placeholders, buttons and first HTML of all components of the site's pages."""
    named = ("label", "placeholder", "value", "submit_btn", "alt_text")
    published = {"Words", "Conditions", "Count", "Variety", "Crop", "Results"}  # of the API
    shown = []
    for component in site.config["components"]:
        props = component["props"]
        shown += strings_of([props.get(name) for name in named])
        shown += [choice[0] for choice in props.get("choices") or []]
    return [text for text in shown if text not in published]


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_page_as_it_is_sent_has_no_english(site, language):
    shown = within(language, shown_of_page, site)
    assert within(language, messages._, "For you") in shown
    assert within(language, messages._, "Skip to results") in shown
    assert english_left_over(shown, language) == []
    english = within("en", shown_of_page, site)
    assert "For you" in english, "the language of one request does not stay for the next"
    assert len(english_left_over(english, language)) > 20, "the check finds English where it is"


@pytest.mark.parametrize("language", TRANSLATED)
def test_scripts_and_templates_hold_no_message_to_translate(site, language):
    def scripts():
        names = ("js_on_load", "html_template")
        parts = [c["props"].get(name) or "" for c in site.config["components"] for name in names]
        return "\n".join(parts)

    sent = within(language, scripts)
    assert not messages.SCRIPT_MESSAGE.search(sent)
    assert within(language, messages._, "Take a photo") in sent


def answers(site) -> str:
    """The HTML of a search, an item, the filters and the other pages, as callbacks return it."""
    search, visitors = _services(site)
    index = search.index
    first, second = index.ids[:2]
    token = visitors.ensure_token("")
    view = search.search(Query(count=3))
    items = [search.item_view(first), search.item_view(second)]
    query = Query(words="red", positive=(first,), negative=(second,))
    thumbs = {id: search.thumb_and_title(id) for id in (first, second)}
    feed = for_you.Callbacks(search, visitors)
    pages = saved.Callbacks(search, visitors)
    visitors.toggle_like(token, first)
    parts = [
        view.summary,
        item_html(items[0]),
        comparison_html(items),
        comparison_html(items[:1]),
        query_html(query, thumbs),
        sort_html(("fit", "price", "price-down", "newest"), "fit"),
        share_html("item=x", private=True),
        filters_html([], None),
        *feed.recommend(token, frozenset({first}), "", "", None),
        *feed.recommend(visitors.ensure_token(""), frozenset(), "", "", None),
        *(part for part in pages.own(token, frozenset({first})) if isinstance(part, str)),
        explore.Callbacks(search).shelves(None),
        *map(messages.translate, from_params({"item": "gone", "n": "many"}, index)[1]),
    ]
    return "\n".join(f"<div>{part}</div>" for part in parts)


def _services(site):
    found = {}
    for function in site.fns.values():
        owner = getattr(function.fn, "__self__", None)
        for name in ("search_service", "visitor_service"):
            if hasattr(owner, name):
                found[name] = getattr(owner, name)
    return found["search_service"], found["visitor_service"]


@pytest.mark.parametrize("language", TRANSLATED)
def test_answers_have_no_english(site, language):
    html = within(language, answers, site)
    texts = [text for text in Texts(html).texts if text]
    assert within(language, messages._, "Forget me") in texts
    assert english_left_over(texts, language) == []
    english = [text for text in Texts(within("en", answers, site)).texts if text]
    assert len(english_left_over(english, language)) > 20, "the check finds English where it is"


def test_a_browser_is_answered_in_the_language_that_it_prefers():
    assert messages.choose_language("de-AT,de;q=0.9,en;q=0.7") == "de"
    assert messages.choose_language("pt-BR,fr;q=0.6,en;q=0.7") == "en"
    assert messages.choose_language("nl, it;q=0.5") == "it"
    assert messages.choose_language("en;q=0, es") == "es"
    for nonsense in ("", "*", "xx;q=y", ";;;,,,", "de" * 5000, "../../etc"):
        assert messages.choose_language(nonsense) == "en"


def test_values_follow_the_language():
    assert (
        within(
            "de",
            messages._,
            "{n}",
        )
        == "{n}"
    ), "without values a text stays as it is"
    found = Message(
        "{count} of these: {attributes}; the others are the closest",
        count=1234,
        attributes=["a", "b"],
    )
    assert found == "1,234 of these: a and b; the others are the closest"
    assert within("de", messages.translate, found).startswith("1.234 davon mit: a und b")
    assert within("fr", messages._n, "{count} piece.", "{count} pieces.", 0) == "0 article."
    red = shop_thesaurus().term("red")
    assert Message("Tone on tone with {colour}", colour=red) == "Tone on tone with red"
    reason = Message("Tone on tone with {colour}", colour=red)
    assert within("es", messages.translate, reason) == "Tono sobre tono con rojo"


def test_prices_are_written_as_the_language_writes_them():
    assert format_price(1049.9, "EUR") == "€ 1,049.90"
    assert format_price(1049.9, "EUR", "de").replace("\xa0", " ") == "1.049,90 €"
    assert format_price(49.9, None, "fr") == "49,90"
    assert format_price(49, None, "it") == "49"
    assert format_price(1049.9, "kr", "de") == "kr 1.049,90"


def test_errors_of_lower_rooms_are_said_in_the_language():
    with pytest.raises(ImageError) as caught:
        load_rgb(Image.new("RGB", (2, 2)))
    assert "at least" in within("en", messages.error_text, caught.value)
    assert "mindestens" in within("de", messages.error_text, caught.value)
    unknown = ValueError("a technical detail")
    assert within("en", messages.error_text, unknown) == "a technical detail"
    assert "technical" not in within("it", messages.error_text, unknown)


def in_a_loop(coroutine) -> None:
    """Run a coroutine in a thread of its own: browser tests leave a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


def language_behind_the_guard(options: GuardOptions, accepted: str) -> str:
    seen = []

    async def app(scope, receive, send):
        seen.append((scope[messages.SCOPE_KEY], messages.language()))

    async def send(message):
        raise AssertionError(f"refused: {message}")

    headers = [(b"accept-language", accepted.encode())]
    scope = {"type": "http", "path": "/", "method": "GET", "headers": headers}
    in_a_loop(Guard(app, options)(scope, None, send))
    ((of_scope, of_context),) = seen
    assert of_scope == of_context
    return of_scope


def test_the_owner_sets_one_language_or_lets_each_browser_choose():
    assert language_behind_the_guard(GuardOptions(), "fr-FR,fr;q=0.9") == "fr"
    assert language_behind_the_guard(GuardOptions(language="it"), "fr-FR,fr;q=0.9") == "it"


@pytest.mark.parametrize(("visibility", "expected"), [("private", "de"), ("public", "en")])
def test_pages_are_answered_in_the_language_of_their_request_and_programs_in_english(
    visibility, expected
):
    """gradio runs a callback outside the context of the request that asked for it."""
    seen = []
    with Site() as blocks:
        button = gr.Button()
        button.click(lambda: seen.append(messages.language()), api_visibility=visibility)
    (function,) = blocks.fns.values()
    request = gr.Request(SimpleNamespace(scope={messages.SCOPE_KEY: "de"}))
    state = SessionState(blocks)
    in_a_loop(blocks.process_api(function, [], state=state, request=request))
    assert seen == [expected]
