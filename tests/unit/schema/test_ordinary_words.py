"""A word that is itself correct is never taken for a misspelt colour or kind."""

from __future__ import annotations

import pytest

from lookbook.schema.thesaurus import Thesaurus

ENGLISH = """
sold bold cold told hold fold for new cheap gift gifts sale hot cool best back old light good shop
store order cost price made make style start single soft wide wood tall plus match book card full
real deal trust just must team dream cream range point paint mini midi love live face hand foot wind
soon rise worn stand french other while near each does know feel said tell call move bring write
send talk reach block blank link town crown trendy online size small large medium delivery returns
refund gold pocket neckline released starting branches
"""
OTHERS = """
bald kalt alle neue gutes kleid kaufen verkauf verfügbar angebot geschenk freundin hochzeit
soldes cadeau belle petite grande livraison mariage rebajas regalo barato bonita boda offerta
saldi sconto regalo matrimonio uitverkocht korting esgotado presente
"""


@pytest.mark.parametrize("word", (ENGLISH + OTHERS).split())
def test_an_ordinary_word_is_not_corrected(word):
    assert [m for m in Thesaurus.load().read(word).mentions if m.corrected] == []


@pytest.mark.parametrize(
    ("typed", "concept"),
    [
        ("shrit", "shirt"),
        ("skrit", "skirt"),
        ("yelow", "yellow"),
        ("jaket", "jacket"),
        ("swetshirt", "sweatshirt"),
        ("brwon", "brown"),
        ("trosers", "trousers"),
        ("jens", "jeans"),
        ("causal", "casual"),
        ("velvety", "velvet"),
    ],
)
def test_a_misspelt_term_still_is(typed, concept):
    (mention,) = Thesaurus.load().read(typed).mentions
    assert mention.concepts[0] == concept and mention.corrected
