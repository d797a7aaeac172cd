"""Which items are of which concept of the thesaurus, by a catalogue's own attributes and titles."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lookbook.schema.column_names import (
    COLOUR_NAMES,
    KIND_NAMES,
    PEOPLE_NAMES,
    SEASON_NAMES,
    USAGE_NAMES,
    normalize_column_name,
)
from lookbook.schema.filters import Coded, cell_values
from lookbook.schema.stemming import normalize
from lookbook.schema.thesaurus import ROLES, Thesaurus, shop_thesaurus
from lookbook.search.calibration import kind_column
from lookbook.search.index import Index
from lookbook.search.per_index import per_index

_ROLE_OF_COLUMN = {
    name: role
    for role, names in (
        ("kind", KIND_NAMES),
        ("colour", COLOUR_NAMES),
        ("gender", PEOPLE_NAMES),
        ("season", SEASON_NAMES),
        ("usage", USAGE_NAMES),
        ("pattern", ("pattern", "graphicalappearancename", "print")),
        ("material", ("material", "fabric", "composition")),
    )
    for name in names
}
FEW = 24  # items of a concept, beside which others may be of it without saying so
STRAY_SHARE = 0.05  # of the items of a kind; fewer of one kind say nothing of the others
TOO_BROAD = ("clothing", "accessories")  # kinds whose narrower ones have little in common
_TITLES_TELL = ("kind", "gender")  # roles in which a title may name a concept beside the stated one
_MAX_VALUES = 400  # a column with more distinct values holds names, not attributes
_MIN_SHARE = 0.5  # of the items of a column, whose values name one role, to give it that role
_SEPARATOR = re.compile(r"[/&,+]| and ", re.IGNORECASE)
_HEAD_FIRST = ("fr", "es", "it", "pt", "pl")  # languages in which a noun's attributes follow it
_SAMPLED_TITLES = 300  # to tell the language of a catalogue


class ConceptIndex:
    """Rows by concept; immutable but for a memo, safe for any number of threads."""

    def __init__(
        self, columns: Mapping[str, Coded], titles: Sequence[str], thesaurus: Thesaurus
    ) -> None:
        self.thesaurus = thesaurus
        self._titles = titles
        self._count = len(titles)
        self.languages = self._catalogue_languages()
        self._by_column: dict[str, dict[str, list[np.ndarray]]] = {
            role: defaultdict(list) for role in ROLES
        }
        self._finest_column = kind_column(columns)
        self._finest_kinds: dict[str, int] = {}
        self._stated = {role: np.zeros(self._count, bool) for role in ROLES}
        for name in sorted(columns, key=_priority):
            self._add_column(name, *columns[name])
        self._heads: dict[tuple[str, str], str | None] = {}
        self._title_rows = self._words_of_titles()
        self._memo: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return self._count

    def rows(self, concept: str) -> np.ndarray:
        """Return bool (n,): items that the catalogue says are of the concept or a narrower one.

        An attribute decides. A title decides where no attribute says anything of that role, and
        tells a hoodie where the attribute only says sweatshirt, the broader concept. Where
        attributes hardly name the concept, it tells one beside it as well: boots among the casual
        shoes, as both are footwear.
        """
        if concept not in self._memo:
            self._memo[concept] = self._find(concept)
        return self._memo[concept]

    def _find(self, concept: str) -> np.ndarray:
        role, mentioned = self.thesaurus.role(concept), self._mentioned(concept)
        stated = self.stated(concept)
        untold = ~self._stated[role]
        for name in self.thesaurus.ancestors(concept):
            untold |= self.exactly(name)
        found = stated | (mentioned & untold)
        if role in _TITLES_TELL and self._is_hardly_named(concept):
            beside = mentioned & self._beside(concept) & ~found
            found |= self._headed(concept, beside) if role == "kind" else beside
        return found

    def _is_hardly_named(self, concept: str) -> bool:
        """Whether attributes say a concept of few items or none, so that they may say it otherwise.

        Of kinds also few for those beside it: a small shop that sells eight lipsticks and ten
        glosses tells them apart.
        """
        stated = int(self.stated(concept).sum())
        if self.thesaurus.role(concept) != "kind" or not stated:
            return stated < FEW
        beside = sum(int(self.exactly(name).sum()) for name in self._relatives(concept))
        return stated < min(FEW, STRAY_SHARE * (stated + beside))

    def _headed(self, kind: str, rows: np.ndarray) -> np.ndarray:
        """Return bool (n,): those of `rows` whose titles have the kind as their head noun.

        "Body fit T-shirt" is no bodysuit.
        """
        narrower, found = self.thesaurus.narrower(kind), np.zeros(self._count, bool)
        for row in np.flatnonzero(rows).tolist():
            found[row] = not narrower.isdisjoint(self._concepts(self._titles[row])["kind"])
        return found

    def stated(self, concept: str) -> np.ndarray:
        """Return bool (n,): items that an attribute says are of the concept or a narrower one."""
        role, rows = self.thesaurus.role(concept), np.zeros(self._count, bool)
        for name in self.thesaurus.narrower(concept):
            rows |= self._column_rows(role, name)
        return rows

    def _beside(self, concept: str) -> np.ndarray:
        """Return the items of other concepts of the same broader one, which titles do not name.

        "Leather boot flats" are flats, if an attribute says so as well; infant boys are both.
        """
        rows, role = np.zeros(self._count, bool), self.thesaurus.role(concept)
        for name in self._relatives(concept):
            others = self._column_rows(role, name)
            if role == "kind" and others.any():
                others = others & ~self._mentioned(name)
            rows |= others
        return rows

    def _relatives(self, concept: str) -> frozenset[str]:
        """Return the other concepts below the same broader one, if that is not too broad."""
        parent = self.thesaurus.concepts[concept].broader
        if not parent or parent in TOO_BROAD:
            return frozenset()
        return self.thesaurus.narrower(parent) - self.thesaurus.narrower(concept) - {parent}

    def exactly(self, concept: str) -> np.ndarray:
        """Return bool (n,): items of this concept and of no narrower one by their attributes."""
        role = self.thesaurus.role(concept)
        rows = self._column_rows(role, concept).copy()
        for name in self.thesaurus.narrower(concept) - {concept}:
            rows &= ~self._column_rows(role, name)
        return rows

    def is_general(self, kind: str) -> bool:
        """Whether the catalogue's finest column of kinds names narrower ones, hardly just this."""
        counts = [self._finest_kinds.get(name, 0) for name in self.thesaurus.narrower(kind)]
        just_this = self._finest_kinds.get(kind, 0)
        return just_this < sum(counts) and just_this <= STRAY_SHARE * sum(counts)

    def broadest(self, names: Sequence[str]) -> list[str]:
        """Return concepts once each, in their order, without those that others of them include."""
        return [
            name
            for name in dict.fromkeys(names)
            if not set(names).intersection(self.thesaurus.ancestors(name))
        ]

    def told_by_titles(self, concept: str) -> np.ndarray:
        """Return bool (n,): items that only their titles say are of the concept."""
        return np.asarray(self.rows(concept) & ~self.stated(concept))

    def stated_alike(self, concept: str) -> np.ndarray:
        """Return bool (n,): what attributes say the same of as of those that titles tell.

        Sweatshirts for hoodies; formal and casual shoes, if these are what boots are among.
        """
        told, rows = self.told_by_titles(concept), np.zeros(self._count, bool)
        for name in (*self.thesaurus.ancestors(concept), *self._relatives(concept)):
            stated = self.exactly(name)
            if (stated & told).any():
                rows |= stated
        return rows

    def _column_rows(self, role: str, concept: str) -> np.ndarray:
        rows = np.zeros(self._count, bool)
        for part in self._by_column[role].get(concept, ()):
            rows[part] = True
        return rows

    def _mentioned(self, concept: str) -> np.ndarray:
        """Return bool (n,): items whose title names the concept or a narrower one."""
        rows = np.zeros(self._count, bool)
        for name in self.thesaurus.narrower(concept):
            for language in self.languages:
                for term in self.thesaurus.stems(name, language):
                    known = self._title_rows[language]
                    if all(word in known for word in term):
                        found = set.intersection(*(set(known[word]) for word in term))
                        rows[np.array(sorted(found), np.int64)] = True
        return rows

    def _add_column(self, name: str, values: Sequence[Any], codes: np.ndarray) -> None:
        counts = np.bincount(codes, minlength=len(values))
        if len(values) > _MAX_VALUES or not any(map(_texts, values)):
            return
        readings = [self._concepts(value) for value in values]
        role = self._role(name, readings, counts)
        if role is None:
            return
        if name == self._finest_column:
            for reading, count in zip(readings, counts.tolist(), strict=True):
                for kind in reading["kind"]:
                    self._finest_kinds[kind] = self._finest_kinds.get(kind, 0) + count
        # the first column of colours decides: a shop's own name for a shade is looser
        free = ~self._stated[role] if role == "colour" else np.ones(self._count, bool)
        for code, by_role in enumerate(readings):
            if not by_role.get(role):
                continue
            rows = np.flatnonzero((codes == code) & free)
            for concept in by_role[role]:
                self._by_column[role][concept].append(rows)
            self._stated[role][rows] = True

    def _concepts(self, value: object) -> dict[str, list[str]]:
        """Return the concepts of one or several values, by role; of a compound noun its head."""
        found: dict[str, list[str]] = defaultdict(list)
        for part in (part for text in _texts(value) for part in _SEPARATOR.split(text)):
            mentions = self.thesaurus.read(part, languages=self.languages).mentions
            for role in ROLES:
                named = [
                    next((c for c in m.concepts if self.thesaurus.role(c) == role), None)
                    for m in mentions
                    if not m.corrected
                ]
                concepts = [concept for concept in named if concept]
                if role == "kind":  # "shoe accessories" are accessories, "sac en cuir" is a sac
                    head_first = self.languages[0] in _HEAD_FIRST
                    concepts = concepts[:1] if head_first else concepts[-1:]
                found[role] += concepts
        return found

    def _role(
        self, name: str, readings: Sequence[Mapping[str, list[str]]], counts: np.ndarray
    ) -> str | None:
        """Return what a column says: by its name, else by what most of its values are."""
        if role := _ROLE_OF_COLUMN.get(normalize_column_name(name)):
            return role
        total = max(1, int(counts.sum()))
        shares = {
            role: sum(int(n) for n, reading in zip(counts, readings, strict=True) if reading[role])
            / total
            for role in ROLES
        }
        best = max(ROLES, key=lambda role: shares[role])
        return best if shares[best] >= _MIN_SHARE else None

    def _catalogue_languages(self) -> tuple[str, ...]:
        """Return English, and the language that explains most words of the titles."""
        step = max(1, self._count // _SAMPLED_TITLES)
        sample = " ".join(self._titles[::step])
        language = self.thesaurus.read(sample).language if sample.strip() else "en"
        return tuple(dict.fromkeys((language, "en")))

    def _head(self, word: str, language: str) -> str | None:
        """Return the stem of the noun that a compound ends with, looked up once for a word."""
        if (word, language) not in self._heads:
            head = self.thesaurus.head_of_compound(word, language)
            self._heads[word, language] = self.thesaurus.stem(head, language) if head else None
        return self._heads[word, language]

    def _words_of_titles(self) -> dict[str, dict[str, set[int]]]:
        """Return rows by the stem of a title's word, for each language of the catalogue."""
        rows: dict[str, dict[str, set[int]]] = {language: {} for language in self.languages}
        for row, title in enumerate(self._titles):
            for word in set(normalize(title)):
                for language in self.languages:
                    key = self.thesaurus.stem(word, language)
                    rows[language].setdefault(key, set()).add(row)
                    if head := self._head(word, language):
                        rows[language].setdefault(head, set()).add(row)
        return rows


def _priority(name: str) -> int:
    """Return the place of a column's name among the known ones, of other names the last."""
    names = list(_ROLE_OF_COLUMN)
    plain = normalize_column_name(name)
    return names.index(plain) if plain in _ROLE_OF_COLUMN else len(names)


@per_index
def concept_index(index: Index) -> ConceptIndex:
    """Return the concepts of an index's items, with the thesaurus of its shop."""
    columns = {name: index.categorical_codes(name) for name in index.columns}
    return ConceptIndex(columns, index.titles, shop_thesaurus())


def _texts(value: object) -> list[str]:
    """Return the texts of a cell, which may hold several values."""
    return [one for one in cell_values(value) if isinstance(one, str)]
