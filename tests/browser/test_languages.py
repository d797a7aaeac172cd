"""The site in the language of the browser: its first screen, a search, an item."""

from __future__ import annotations

import pytest
from seeing import RESULTS, wait_for_line

SAID = {
    "de-DE": {
        "tabs": ["Suchen", "Für dich", "Gemerkt", "Entdecken", "Über uns"],
        "placeholder": "rotes Kleid oder ein Name",
        "first": "1.500 Artikel. Zeig ein Bild oder",
        "query": "rotes Kleid",
        "line": "von 1.500 Artikeln, gefunden",
        "words": ["Verfeinern", "Teilen", "Herunterladen", "Probier eins davon"],
        "look": "Look vervollständigen",
    },
    "fr-FR": {
        "tabs": ["Rechercher", "Pour vous", "Favoris", "Explorer", "À propos"],
        "placeholder": "robe rouge, ou un nom",
        "first": "articles. Montrez une photo",
        "query": "robe rouge",
        "line": "articles sur",
        "words": ["Affiner", "Partager", "Télécharger", "Essayez l'une de ces photos"],
        "look": "Compléter le look",
    },
}
ENGLISH = ["Refine", "Share", "Download", "Try one of these", "pieces", "For you", "Sort", "Add"]


@pytest.mark.parametrize("locale", SAID)
def test_the_first_screen_and_a_search_are_in_the_language_of_the_browser(visit, locale):
    said = SAID[locale]
    page = visit("", locale=locale)
    assert page.get_attribute("html", "lang") == locale[:2]
    tabs = page.eval_on_selector_all("#pages button[role=tab]", "all => all.map(e => e.innerText)")
    assert [tab for tab in tabs if tab in said["tabs"]] == said["tabs"]
    assert page.get_attribute("#name textarea, #name input", "placeholder") == said["placeholder"]
    wait_for_line(page, said["first"])
    shown = page.inner_text("body")
    assert [word for word in said["words"] if word not in shown] == []
    assert [word for word in ENGLISH if word in shown.split("\n")] == []
    page.fill("#name textarea, #name input", said["query"])
    page.keyboard.press("Enter")
    wait_for_line(page, said["line"])
    kinds = page.eval_on_selector_all(f"{RESULTS} .title", "all => all.map(e => e.innerText)")
    assert all("Dress" in kind for kind in kinds[:8]), kinds
    page.click(f"{RESULTS} >> nth=0 >> .open")
    page.wait_for_selector(f'#piece button:has-text("{said["look"]}")')


def test_a_page_keeps_its_language_where_gradio_has_no_texts_of_it(visit):
    page = visit("", locale="it-IT")
    wait_for_line(page, "Mostra una foto")
    page.evaluate("document.documentElement.lang = 'en'")  # as gradio does, sooner or later
    page.wait_for_function("document.documentElement.lang === 'it'")
