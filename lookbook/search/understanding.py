"""What the words of a query mean for a catalogue: kinds filter, attributes rank, a price limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from lookbook.schema.filters import Condition
from lookbook.schema.message import Message
from lookbook.schema.thesaurus import ROLES, Concept, Mention, Thesaurus
from lookbook.search.article_numbers import article_rows
from lookbook.search.concepts import FEW, TOO_BROAD, ConceptIndex, concept_index
from lookbook.search.index import Index
from lookbook.search.lexical_index import lexical_index
from lookbook.search.mitigation import mitigation
from lookbook.search.near_colours import near_colours
from lookbook.search.price_limits import PriceReading, price_conditions, read_price
from lookbook.search.query_text import BETWEEN_PHRASES

# Added to the cosine of an item that has the attribute. Cosines differ by less than 2: thus every
# red dress comes before all other dresses, while usage and season only tip the scales.
WEIGHTS = {
    "colour": 4.0,
    "gender": 3.6,
    "pattern": 3.2,
    "material": 2.4,
    "usage": 0.4,
    "season": 0.3,
}
# An exact match ranks above a narrower concept: blue before navy, and trousers in any colour before
# jeans in the right one, as the query names the kind.
_EXACT_SHARE, _EXACT_KIND = 0.5, 6.0
# Colours and patterns of the family of the one asked for: purple where nothing is mauve. Other
# colours have a part of it, by how near they are.
_NEAR_SHARE = 0.25
# A kind that titles tell, as hoodies among sweatshirts, and few of them: a title that does not say
# so is no evidence, so the broader kind follows, what has the colour first. Where attributes name a
# kind beside it, as casual shoes for boots, the title decides, and an attribute more so.
_TITLE_KIND, _TOLD_KIND = 2.0, 5.0
# Similarity of a title from which a text is taken for this title typed, alone or where a word is no
# concept, as names of brands are; such items come first, whatever their attributes say.
_SAME_TITLE, _SAME_NAME, _NAMED = 0.97, 0.85, 20.0
# Roles of attributes of which several take turns, up to so many, as kinds do: each is searched by
# itself
_ALTERNATING, _MAX_ALTERNATIVES = ("colour", "pattern", "material"), 4
# "Something red to wear" is no underwear: it comes last where only a broader kind is asked for.
_BY_NAME_ONLY, _LAST = ("underwear", "undershirt", "nightwear"), 16.0
# After these words the material of the kind before follows: "short en jean" are no jeans.
_MADE_OF = {"fr": ["en"], "es": ["de"], "it": ["di", "in"], "pt": ["de", "em"], "de": ["aus"]}
_UNISEX, _KIDS = "unisex", "kids"
_NO_PRICES = Message("this shop names no prices: a limit of the price has no effect")


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Several kinds, colours, patterns or materials that are asked for: "red or blue".

    `rows`: bool (n,) the items of each, for several kinds in several colours those of each of both;
    `weight` is what one of them counts; `bonus` float32 (n,) is that of an item without them.
    """

    rows: tuple[np.ndarray, ...]
    weight: float
    bonus: np.ndarray


@dataclass(frozen=True)
class Understanding:
    """What words mean for one index.

    `kinds` and `attributes` are concepts, `unwanted` those to leave out; `rows` bool (n,) the items
    of the kinds, of which unwanted ones are not left out yet, or None for all; `bonus` float32 (n,)
    is added to their cosine, None for nothing; `terms` and `unwanted_terms` pair each word as typed
    with the name of its concept, for an encoder that knows only one of them; `words` are what no
    concept covers; `notes` are sentences for the person; `general` whether a kind is asked for that
    the catalogue has narrower ones of alone, as shoes.
    """

    kinds: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    bonus: np.ndarray | None = None
    terms: tuple[tuple[str, str], ...] = ()
    unwanted_terms: tuple[tuple[str, str], ...] = ()
    words: str = ""
    unwanted_words: str = ""
    conditions: tuple[Condition, ...] = ()
    notes: tuple[str, ...] = ()
    alternatives: Alternatives | None = None
    general: bool = False

    @property
    def empty(self) -> bool:
        """Whether the thesaurus knows none of the words."""
        return not (self.kinds or self.attributes or self.unwanted or self.conditions)


@dataclass
class _Plan:
    kinds: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    terms: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def understand(
    wanted: str, unwanted: str, index: Index, beside_picture: bool = False
) -> Understanding:
    """Read the wanted and unwanted words of a query against the catalogue of `index`.

    `unwanted` are phrases as `parse_negation` joins them. In "red, not blue bag" the bag is wanted;
    `beside_picture`, the picture or item says the kind.
    """
    concepts = concept_index(index)
    numbered = article_rows(index, wanted)
    price = PriceReading(wanted, unwanted, (), ())
    if not len(numbered):
        price = read_price(wanted, unwanted, concepts.thesaurus)
    wanted, unwanted = price.wanted, price.unwanted
    plan = _plan(wanted, index, concepts)
    against, kinds, terms = _plan_unwanted(unwanted, index, concepts, bool(plan.kinds))
    if not beside_picture:
        plan.kinds += kinds
        plan.terms += terms
    avoided = [*against.kinds, *against.attributes]
    named = _named(wanted, plan, numbered, index)
    if named is not None:
        named = _without_avoided(named, avoided, concepts)
    if len(numbered):  # an article number is understood, and may be a word of titles besides
        plan.words = [word for word in plan.words if lexical_index(index).has_title_word(word)]
    # as asked for: in place of a kind that is not here the nearest of a broader one are shown
    broadest = concepts.broadest(plan.kinds)
    general = len(broadest) == 1 and concepts.is_general(broadest[0])
    rows = _allowed(plan, concepts)
    if named is not None and len(numbered) and not plan.words:
        rows = named > 0
    conditions = price_conditions(price.limits, index)
    plan.notes += [_NO_PRICES] if price.limits and not conditions else price.notes
    return Understanding(
        kinds=tuple(plan.kinds),
        attributes=tuple(plan.attributes),
        unwanted=tuple(avoided),
        rows=rows if rows is None or named is None else rows | (named > 0),
        bonus=_bonus(plan, concepts, named),
        terms=tuple(plan.terms),
        unwanted_terms=tuple(against.terms),
        words=" ".join(plan.words),
        unwanted_words=" ".join(against.words),
        conditions=conditions,
        notes=tuple(plan.notes),
        alternatives=_alternatives(plan, concepts, named),
        general=general,
    )


def _plan(text: str, index: Index, concepts: ConceptIndex) -> _Plan:
    """Sort the mentions of a text into kinds and attributes that this catalogue knows."""
    plan, thesaurus = _Plan(), concepts.thesaurus
    if not text:
        return plan
    known = lexical_index(index).has_word
    reading = thesaurus.read(text, known=known, catalogue_languages=(*concepts.languages, "en"))
    for mention in reading.mentions:
        before = reading.tokens[: mention.start][-1:]
        made_of = bool(plan.kinds) and before in [(w,) for w in _MADE_OF.get(reading.language, ())]
        chosen = _choose(mention, concepts, made_of)
        if chosen is None or _is_unused_gender(chosen, thesaurus):
            continue
        (plan.kinds if thesaurus.role(chosen) == "kind" else plan.attributes).append(chosen)
        plan.terms.append((mention.surface, thesaurus.concepts[chosen].label))
        also = mention.also or thesaurus.concepts[chosen].also
        if also and thesaurus.role(also) in WEIGHTS and not _is_unused_gender(also, thesaurus):
            plan.attributes.append(also)
            plan.terms.append(("", thesaurus.concepts[also].label))
        if note := _note(mention, chosen, thesaurus):
            plan.notes.append(note)
    plan.words = [reading.tokens[n] for n in reading.unread]
    plan.terms += [(word, word) for word in plan.words]
    return plan


def _plan_unwanted(
    text: str, index: Index, concepts: ConceptIndex, has_kind: bool
) -> tuple[_Plan, list[str], list[tuple[str, str]]]:
    """Plan each phrase of what is unwanted; also return the kinds that are wanted, and their terms.

    "Not blue bag" and "no collar shirt" want a bag and a shirt, where no other words say a kind;
    "no bags, no blue" wants none.
    """
    against = _Plan()
    kinds: list[str] = []
    terms: list[tuple[str, str]] = []
    for phrase in text.split(BETWEEN_PHRASES):
        plan = _plan(phrase, index, concepts)
        if plan.kinds and (plan.attributes or plan.words) and not has_kind:
            of_phrase = _take_kinds(plan, concepts.thesaurus)
            kinds += of_phrase[0]
            terms += of_phrase[1]
        for one in fields(_Plan):
            getattr(against, one.name).extend(getattr(plan, one.name))
    return against, kinds, terms


def _is_unused_gender(concept: str, thesaurus: Thesaurus) -> bool:
    return mitigation().genderless and thesaurus.role(concept) == "gender"


def _take_kinds(plan: _Plan, thesaurus: Thesaurus) -> tuple[list[str], list[tuple[str, str]]]:
    """Remove the kinds and their terms from a plan, and return both."""
    kinds, plan.kinds = plan.kinds, []
    labels = {thesaurus.concepts[kind].label for kind in kinds}
    terms = [term for term in plan.terms if term[1] in labels]
    plan.terms = [term for term in plan.terms if term not in terms]
    return kinds, terms


def _named(text: str, plan: _Plan, numbered: np.ndarray, index: Index) -> np.ndarray | None:
    """Return float32 (n,): 1 for `numbered` rows, and how alike titles are that a text is one of.

    0 for all other items; None where it is 0 for all.
    """
    if not text.strip():
        return None
    similarity = lexical_index(index).title_similarity(text)
    similarity[similarity < (_SAME_NAME if plan.words else _SAME_TITLE)] = 0
    similarity[numbered] = 1
    return similarity if similarity.any() else None


def _without_avoided(
    named: np.ndarray, avoided: Sequence[str], concepts: ConceptIndex
) -> np.ndarray | None:
    """Return `named` with 0 for items of unwanted concepts; None where it is 0 for all."""
    for concept in avoided:
        named = np.where(concepts.rows(concept), np.float32(0), named)
    return named if named.any() else None


def _choose(mention: Mention, concepts: ConceptIndex, made_of: bool = False) -> str | None:
    """Return the first meaning that the catalogue has items of; the first one if it has none.

    Of a group of people the broader one, if only that has items: children for babies. A material,
    if it may be one and a kind is `made_of` it.
    """
    meanings = [c for c in mention.concepts if concepts.thesaurus.role(c) in ROLES]
    materials = [c for c in meanings if made_of and concepts.thesaurus.role(c) == "material"]
    meanings = materials or meanings
    grammar = concepts.thesaurus.role(mention.concepts[0]) not in ROLES
    if not meanings or grammar:
        return None
    broader = concepts.thesaurus.ancestors(meanings[0])
    wider = broader if concepts.thesaurus.role(meanings[0]) == "gender" else []
    return next((c for c in (*meanings, *wider) if concepts.rows(c).any()), meanings[0])


def _note(mention: Mention, chosen: str, thesaurus: Thesaurus) -> str | None:
    """Return "trainers: taken as sports shoes", None where the words already say so."""
    concept, words = thesaurus.concepts[chosen], mention.surface
    corrected = mention.corrected is not None or thesaurus.is_misspelt(words, chosen)
    same = thesaurus.same_word(words, concept.label) or words in concept.label
    if not corrected and (mention.also or same):
        return None
    return Message("{words}: taken as {concept}", words=words, concept=concept, corrected=corrected)


def _allowed(plan: _Plan, concepts: ConceptIndex) -> np.ndarray | None:
    """Return bool (n,): items of the kinds in the query; None for all."""
    rows: np.ndarray | None = None
    for number, kind in enumerate(plan.kinds):
        found: np.ndarray | None = concepts.rows(kind)
        if found is not None and not found.any():
            found = _closest(plan, number, concepts)
        if found is not None and named_in_few_titles(kind, concepts):
            found = found | concepts.stated_alike(kind)
        if found is not None:
            rows = found.copy() if rows is None else rows | found
    return rows


def without(unwanted: Sequence[str], rows: np.ndarray, concepts: ConceptIndex) -> np.ndarray:
    """Return bool (n,): `rows` without the items of each concept, unless nothing would be left."""
    for concept in unwanted:
        others = rows & ~concepts.rows(concept)
        if others.any():
            rows = others
    return rows


def named_in_few_titles(kind: str, concepts: ConceptIndex) -> bool:
    """Whether there are few items of a kind, and titles tell some of them."""
    return bool(concepts.rows(kind).sum() < FEW and concepts.told_by_titles(kind).any())


def _closest(plan: _Plan, number: int, concepts: ConceptIndex) -> np.ndarray | None:
    """Return the items of the nearest broader kind that the catalogue has, and note that."""
    thesaurus, kind = concepts.thesaurus, plan.kinds[number]
    concept = thesaurus.concepts[kind]
    for broader in thesaurus.ancestors(kind):
        rows = concepts.rows(broader)
        if rows.any() and broader not in TOO_BROAD:
            shown = thesaurus.concepts[broader]
            plan.notes.append(
                Message(
                    "nothing here is called {kind}: shown is {shown}", kind=concept, shown=shown
                )
            )
            plan.kinds[number] = broader
            return rows
    plan.notes.append(not_here(concept))
    return None


def not_here(concept: Concept) -> Message:
    """Return the sentence that the catalogue has nothing of a concept."""
    return Message("nothing here is called {kind}", kind=concept)


def _bonus(plan: _Plan, concepts: ConceptIndex, named: np.ndarray | None) -> np.ndarray | None:
    """Return float32 (n,): the weights of the concepts that each item has; None for none."""
    if not (plan.kinds or plan.attributes):
        return None if named is None else _NAMED * named.round(2)
    bonus = np.zeros(len(concepts), np.float32)
    for kind in plan.kinds:
        if not concepts.is_general(kind):  # what is just called a bag is no better bag
            bonus[concepts.exactly(kind)] = _EXACT_KIND
        if named_in_few_titles(kind, concepts):
            told, above = concepts.told_by_titles(kind), concepts.thesaurus.ancestors(kind)
            unsaid = any((concepts.exactly(name) & told).any() for name in above)
            bonus[told] = _TITLE_KIND if unsaid else _TOLD_KIND
        for narrower in concepts.thesaurus.narrower(kind).intersection(_BY_NAME_ONLY) - {kind}:
            bonus[concepts.rows(narrower)] -= _LAST
    for concept in plan.attributes:
        gender = concepts.thesaurus.role(concept) == "gender"
        bonus += (_gender_bonus if gender else _attribute_bonus)(concept, concepts)
    if named is not None:
        bonus += _NAMED * named
    return bonus.round(2)


def _attribute_bonus(concept: str, concepts: ConceptIndex) -> np.ndarray:
    """Return float32 (n,): the weight of a colour or pattern, a part of it for near ones."""
    role, has = concepts.thesaurus.role(concept), concepts.rows(concept)
    near = near_colours(concept, concepts) if role == "colour" else np.zeros(len(has), np.float32)
    if role in ("colour", "pattern"):
        for broader in concepts.thesaurus.ancestors(concept):
            near[concepts.rows(broader)] = 1
    exact = has & concepts.exactly(concept)
    share = np.where(has, 1 - _EXACT_SHARE, _NEAR_SHARE * near) + _EXACT_SHARE * exact
    return np.asarray(WEIGHTS[role] * share, np.float32)


def _gender_bonus(concept: str, concepts: ConceptIndex) -> np.ndarray:
    """Return float32 (n,): the weight of the people asked for; half of it for unisex.

    For other children, where some are asked for, a quarter; more where titles tell the ones asked
    for, as babies, so that others may be such.
    """
    share = np.zeros(len(concepts), np.float32)
    if concept in concepts.thesaurus.narrower(_KIDS):
        share[concepts.rows(_KIDS)] = 0.75 if concepts.told_by_titles(concept).any() else 0.25
    share[concepts.rows(_UNISEX)] = 0.5
    share[concepts.rows(concept)] = 1
    return WEIGHTS["gender"] * share


def _alternatives(
    plan: _Plan, concepts: ConceptIndex, named: np.ndarray | None
) -> Alternatives | None:
    """Return the kinds, and the colours, patterns or materials, of which several wanted are here.

    A narrower one beside its broader one is no alternative.
    """
    role_of, others, weight = concepts.thesaurus.role, plan, 0.0
    kinds, parts = _several(plan.kinds, concepts), []
    if kinds:
        others, weight = replace(others, kinds=[]), _EXACT_KIND
    for role in _ALTERNATING:
        parts = _several([name for name in plan.attributes if role_of(name) == role], concepts)
        if parts:
            left = [name for name in plan.attributes if role_of(name) != role]
            others, weight = replace(others, attributes=left), WEIGHTS[role]
            break
    if not (kinds or parts):
        return None
    rows = [kind & part for kind in kinds for part in parts] or kinds or parts
    bonus = _bonus(others, concepts, named)
    return Alternatives(
        tuple(rows), weight, np.zeros(len(concepts), np.float32) if bonus is None else bonus
    )


def _several(names: Sequence[str], concepts: ConceptIndex) -> list[np.ndarray]:
    """Return bool (n,) for each of several concepts of one role that items are of, else none."""
    rows = [concepts.rows(name) for name in concepts.broadest(names)]
    here = [has for has in rows if has.any()]
    return here if 1 < len(here) <= _MAX_ALTERNATIVES else []


def asks_for_a_colour(meaning: Understanding, index: Index) -> bool:
    """Whether the words name a colour that is wanted, as "in navy" does."""
    role = concept_index(index).thesaurus.role if meaning.attributes else None
    return role is not None and any(role(concept) == "colour" for concept in meaning.attributes)
