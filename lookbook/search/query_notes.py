"""What a visitor is told of the words of a query and of what was found for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lookbook.schema.message import Message
from lookbook.schema.thesaurus import Concept
from lookbook.search.candidates import Candidates
from lookbook.search.concepts import ConceptIndex, concept_index
from lookbook.search.index import Index
from lookbook.search.understanding import Understanding, named_in_few_titles, not_here


def notes_on_words(
    meaning: Understanding, found: Candidates, shown: np.ndarray, index: Index
) -> list[Message]:
    """Return what is said of words: contradictions, what is left out, missing or short.

    `shown` int (k,) are the rows of the hits.
    """
    lower = meaning.unwanted_words
    others = [Message("ranked lower: {words}", words=lower)] if lower else []
    if not (meaning.kinds or meaning.attributes or meaning.unwanted):
        return others  # the concepts, which take long to derive, are not needed
    concepts = concept_index(index)
    notes = [*others, *_contradictions(meaning, concepts), *_left_out(meaning, found, concepts)]
    if found.kinds_missing:
        kind = concepts.thesaurus.concepts[meaning.kinds[0]]
        parts = [_quoted(kind), Message("the filters")]
        return [*notes, Message("nothing here fits {parts}: these are the closest", parts=parts)]
    return notes + (_missing(meaning, found, concepts) or _shortage(meaning, shown, concepts))


def _contradictions(meaning: Understanding, concepts: ConceptIndex) -> list[Message]:
    """Return a sentence for each concept that is wanted, while it or a broader one is not."""
    named = concepts.thesaurus.concepts
    return [
        Message("“{concept}” is asked for and left out at once", concept=named[name])
        for name in dict.fromkeys((*meaning.kinds, *meaning.attributes))
        if _is_unwanted(name, meaning, concepts)
    ]


def _is_unwanted(name: str, meaning: Understanding, concepts: ConceptIndex) -> bool:
    """Whether a concept or a broader one is to be left out."""
    return not {name, *concepts.thesaurus.ancestors(name)}.isdisjoint(meaning.unwanted)


def _left_out(meaning: Understanding, found: Candidates, concepts: ConceptIndex) -> list[Message]:
    """Return sentences about unwanted concepts, by whether items of them may still be shown."""
    named = concepts.thesaurus.concepts
    unwanted = dict.fromkeys(meaning.unwanted)
    here = [name for name in unwanted if concepts.rows(name).any()]
    kept = [name for name in here if (concepts.rows(name) & found.rows).any()]
    notes = [not_here(named[name]) for name in unwanted if name not in here]
    out = [name for name in here if name not in kept]
    stated = [named[name] for name in out if concepts.stated(name).any()]
    told = [named[name] for name in out if not concepts.stated(name).any()]
    if stated:
        notes.append(Message("left out: {concepts}", concepts=stated))
    if told:  # a print that no title names is still there
        notes.append(Message("left out where a title names it: {concepts}", concepts=told))
    if kept:
        notes.append(
            Message(
                "not left out, as nothing would remain: {concepts}",
                concepts=[named[name] for name in kept],
            )
        )
    return notes


def _missing(meaning: Understanding, found: Candidates, concepts: ConceptIndex) -> list[Message]:
    """Return sentences about attributes, or several together, that nothing of the kind has."""
    attributes = dict.fromkeys(meaning.attributes)
    asked = [name for name in attributes if not _is_unwanted(name, meaning, concepts)]
    by_role: dict[str, list[str]] = {}
    for name in asked:
        by_role.setdefault(concepts.thesaurus.role(name), []).append(name)
    alone = [names for names in by_role.values() if not _any_has(names, found, concepts)]
    combinations = alone or ([] if not asked or _any_has(asked, found, concepts) else [asked])
    return [_not_here(names, meaning, found, concepts) for names in combinations]


def _any_has(names: Sequence[str], found: Candidates, concepts: ConceptIndex) -> bool:
    return bool((has_all(names, concepts) & found.rows).any())


def _not_here(
    names: Sequence[str], meaning: Understanding, found: Candidates, concepts: ConceptIndex
) -> Message:
    """Say that nothing has all of `names`, with the kind and the filters where they matter."""
    rows = has_all(names, concepts)
    for name in meaning.unwanted:
        rows = rows & ~concepts.rows(name)
    parts: list[Concept | Message] = []
    if found.of_kind is not None:
        parts += _either(meaning.kinds, concepts, _quoted) or [Message("this kind")]
        rows = rows & found.of_kind
    parts += _either(names, concepts, _quoted)
    if found.filtered and rows.any():
        parts.append(Message("the filters"))
    return Message("nothing here fits {parts}: these are the closest", parts=parts)


def _shortage(meaning: Understanding, shown: np.ndarray, concepts: ConceptIndex) -> list[Message]:
    """Say how many of the rows shown have every attribute that was asked for, if some have not."""
    told = any(named_in_few_titles(kind, concepts) for kind in meaning.kinds)
    asked = [*(meaning.kinds if told else ()), *meaning.attributes]
    has = has_all(asked, concepts)[shown]
    if not asked or has.all() or not has.any():
        return []
    return [
        Message(
            "{count} of these: {attributes}; the others are the closest",
            count=int(has.sum()),
            attributes=_either(asked, concepts),
        )
    ]


def _either(
    names: Sequence[str],
    concepts: ConceptIndex,
    said: Callable[[Concept], Concept | Message] = lambda concept: concept,
) -> list[Concept | Message]:
    """Return concepts as they are `said`, those of one role as "red or blue"."""
    by_role: dict[str, Concept | Message] = {}
    for name in dict.fromkeys(names):
        concept = concepts.thesaurus.concepts[name]
        one, other = by_role.get(concept.role), said(concept)
        by_role[concept.role] = (
            other if one is None else Message("{one} or {other}", one=one, other=other)
        )
    return list(by_role.values())


def has_all(names: Sequence[str], concepts: ConceptIndex) -> np.ndarray:
    """Return bool (n,): items of each concept; of those of one role, as two colours, of any."""
    role = concepts.thesaurus.role
    by_role = {role(name): np.zeros(len(concepts), bool) for name in names}
    for name in names:
        by_role[role(name)] |= concepts.rows(name)
    return np.asarray(np.all([np.ones(len(concepts), bool), *by_role.values()], axis=0))


def _quoted(concept: Concept) -> Message:
    return Message("“{text}”", text=concept)
