"""Everyday words of ten languages as concepts: "trainers", "Turnschuhe" -> sports_shoes.

The concepts, their roles and their terms are in thesaurus.csv, one concept a row, one language a
column, terms separated by "|". A shop adds rows or terms with a file of the same columns.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from lookbook.schema.spelling import SHORTEST_MISSPELT, nearest_term, no_other_letter, undoubled
from lookbook.schema.stemming import normalize, other_numbers, singular_forms, stem

SHIPPED = Path(__file__).with_name("thesaurus.csv")
ROLES = ("kind", "colour", "pattern", "material", "gender", "season", "usage")
GRAMMAR = ("stop", "not", "end", "under", "over", "word")
_COMPOUNDING = ("de", "nl")  # languages that write two nouns as one word
_FIELDS = ("concept", "role", "broader", "also")  # columns that are no languages
_LINKS = ("", "s", "n", "en", "e", "es")  # letters between the parts of a compound
_SHORTEST_PART = 3
_LONGEST_COMPOUND = 40  # letters; every part of a word is looked up
_LONGEST_TERM = 4  # words
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def _unknown(word: str) -> bool:
    return False


@dataclass(frozen=True)
class Concept:
    """One meaning: `role` is one of ROLES or GRAMMAR, `broader` the concept that includes it.

    `label` is its first English term, which is also str(); `labels` the first of each language;
    `also` a concept of another role that the terms say besides: the women of "knickers".
    """

    name: str
    role: str
    broader: str | None
    label: str
    labels: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    also: str | None = None

    def __str__(self) -> str:
        return self.label

    def label_in(self, language: str) -> str:
        """Return the first term of a language, the English one where it has none."""
        label = self.labels.get(language, self.label)
        is_noun = language == "de" and self.role != "pattern"  # German nouns have a capital
        return label[:1].upper() + label[1:] if is_noun else label


class Term(str):
    """A text of a catalogue as it is written, and its concept, which has terms in each language."""

    concept: Concept | None = None

    def label_in(self, language: str) -> str:
        """Return the term of a language; the text itself in English, and where none is known."""
        if language == "en" or self.concept is None:
            return str(self)
        return self.concept.label_in(language)


@dataclass(frozen=True)
class Mention:
    """A concept that a text names, by the tokens `start` to `stop`.

    `concepts` are the meanings that the words may have, the likeliest first; `surface` is what was
    written; `corrected` the term that a misspelt word was taken for, else None; `also` what a
    compound says besides: the leather of "Lederjacke".
    """

    concepts: tuple[str, ...]
    start: int
    stop: int
    surface: str
    corrected: str | None = None
    also: str | None = None


@dataclass(frozen=True)
class Reading:
    """What the tokens of a text mean: mentions in their order; the other tokens are `unread`."""

    tokens: tuple[str, ...]
    mentions: tuple[Mention, ...]
    language: str

    @property
    def unread(self) -> tuple[int, ...]:
        """Positions of the tokens that no mention covers."""
        covered = {n for m in self.mentions for n in range(m.start, m.stop)}
        return tuple(n for n in range(len(self.tokens)) if n not in covered)


class Thesaurus:
    """Concepts and the terms that name them; immutable, safe for any number of threads."""

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        self.concepts: dict[str, Concept] = {}
        self._exact: dict[str, dict[str, list[str]]] = defaultdict(dict)
        self._stems: dict[str, dict[str, list[str]]] = defaultdict(dict)
        self._terms: dict[str, dict[str, str]] = defaultdict(dict)
        self._undoubled: dict[str, set[str]] = defaultdict(set)
        self._listed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._accented: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            self._add(row)
        self.languages = tuple(self._exact)
        self._narrower = self._closures()

    @classmethod
    @cache
    def load(cls, *extra: Path) -> Thesaurus:
        """The shipped thesaurus, with the files of a shop after it.

        Raises ValueError, naming file and line, for a row that cannot be used; OSError.
        """
        rows: list[dict[str, str]] = []
        for file in (SHIPPED, *extra):
            rows += _rows(file)
        return cls(rows)

    def _add(self, row: dict[str, str]) -> None:
        name = row["concept"].strip()
        terms = {
            language: [t.strip() for t in (row[language] or "").split("|") if t.strip()]
            for language in row
            if language not in _FIELDS
        }
        if name not in self.concepts:
            labels = {language: listed[0] for language, listed in terms.items() if listed}
            label = labels.get("en", name.replace("_", " "))
            also = row.get("also") or None
            broader = row["broader"] or None
            self.concepts[name] = Concept(name, row["role"], broader, label, labels, also)
        for language, listed in terms.items():
            self._listed[name][language] += listed
            for term in listed:
                self._name(language, term, name)

    def _name(self, language: str, term: str, concept: str) -> None:
        spellings = {normalize(term)}
        if not term.isascii():
            self._accented[language].update(term.casefold().split())
        if language == "de":
            spellings.add(normalize(term.casefold().translate(_UMLAUTS)))
        for words in spellings:
            _append(self._exact[language], "".join(words), concept)
            if self.role(concept) in ROLES:  # "vans" is no plural of the Dutch "van"
                _append(self._stems[language], "".join(stem(w, language) for w in words), concept)
            if len(words) == 1 and self.role(concept) in ROLES:
                singulars = singular_forms(words[0]) if language == "en" else frozenset()
                for word in (words[0], *sorted(singulars)):
                    if stem(word, language) == stem(words[0], language):
                        self._terms[language].setdefault(word, term)
                        self._undoubled[language].add(undoubled(word))

    def _closures(self) -> dict[str, frozenset[str]]:
        narrower: dict[str, set[str]] = {name: {name} for name in self.concepts}
        for name in self.concepts:
            for ancestor in self.ancestors(name):
                narrower[ancestor].add(name)
        return {name: frozenset(found) for name, found in narrower.items()}

    def ancestors(self, name: str) -> list[str]:
        """The broader concepts of one, the nearest first."""
        found: list[str] = []
        broader = self.concepts[name].broader
        while broader and broader in self.concepts and broader not in found:
            found.append(broader)
            broader = self.concepts[broader].broader
        return found

    def narrower(self, name: str) -> frozenset[str]:
        """The concept itself and all that it includes."""
        return self._narrower[name]

    def role(self, name: str) -> str:
        """The role of a concept."""
        return self.concepts[name].role

    def term(self, text: str) -> Term:
        """Return a text with the concept of this English term, best the one that it is called."""
        names = self._exact["en"].get("".join(normalize(text)), ())
        concepts = sorted((self.concepts[n] for n in names), key=lambda one: one.label != text)
        term = Term(text)
        term.concept = next(iter(concepts), None)
        return term

    def spellings(self, name: str) -> list[str]:
        """Every term of a concept, in all languages, as it is written in the file."""
        return [t for listed in self._listed[name].values() for t in listed]

    def single_words(self, name: str, languages: Sequence[str]) -> frozenset[str]:
        """The terms of one word that a concept has in some languages, case folded."""
        terms = (t for language in languages for t in self._listed[name].get(language, ()))
        return frozenset(t.casefold() for t in terms if " " not in t)

    def stems(self, name: str, language: str) -> list[tuple[str, ...]]:
        """The stems of the words of each term of a concept in one language."""
        terms = self._listed[name].get(language, ())
        return [tuple(self.stem(word, language) for word in normalize(term)) for term in terms]

    @staticmethod
    def stem(word: str, language: str) -> str:
        """The word without its ending, by the Snowball stemmer of the language."""
        return stem(word, language)

    def same_word(self, one: str, other: str, language: str = "en") -> bool:
        """Whether two terms are alike but for case, accents, spaces and an ending."""
        return len({"".join(stem(w, language) for w in normalize(t)) for t in (one, other)}) == 1

    def is_misspelt(self, word: str, kind: str) -> bool:
        """Whether a word is a kind by its English stem alone, and no plural: "watchs".

        Words of other languages have more endings than can be told from mistakes.
        """
        if self.role(kind) != "kind" or any(word in exact for exact in self._exact.values()):
            return False
        languages = [name for name in self._stems if kind in self._lookup([word], name)]
        terms = {"".join(normalize(term)) for term in self._listed[kind].get("en", ())}
        return languages == ["en"] and terms.isdisjoint(other_numbers(word))

    def read(
        self,
        text: str,
        known: Callable[[str], bool] = _unknown,
        languages: Sequence[str] = (),
        catalogue_languages: Sequence[str] = ("en",),
    ) -> Reading:
        """Find the concepts that a text names, longest terms first.

        Reads in the language that explains most of the words (of equals the one whose letters are
        used, else English), then fills in from the others. A word that is `known` to a caller
        whose texts are in `catalogue_languages` is not filled in from others, nor is its ending
        changed there: "rock" in the titles of an English shop is no skirt, nor "ray" of "Ray-Ban"
        the French "rayé". Splits German and Dutch compounds; takes a word that is neither in the
        thesaurus nor `known` for the term that one or two typing mistakes make of it.
        """
        tokens = normalize(text)
        order = list(languages) or self._order(tokens, text)
        covered: list[Mention | None] = [None] * len(tokens)
        for language in order:
            foreign = not languages and language not in catalogue_languages
            self._match(tokens, covered, language, order, known if foreign else _unknown)
        for n, token in enumerate(tokens):
            if covered[n] is None and (mention := self._guess(token, n, order, known)):
                covered[n] = mention
        mentions = sorted({m for m in covered if m is not None}, key=lambda m: m.start)
        language = order[0] if order else "en"
        return Reading(tokens, self._without_words(mentions, language), language)

    def _without_words(self, mentions: Sequence[Mention], language: str) -> tuple[Mention, ...]:
        """Return the mentions but for words that only look like a concept (role "word").

        Beside a kind they are words: "short dress". By themselves they are what they look like by
        their stem, if anything: "denim short".
        """
        has_kind = any(self.role(m.concepts[0]) == "kind" for m in mentions)
        kept = []
        for mention in mentions:
            if self.role(mention.concepts[0]) == "word":
                found = self._stems[language].get(stem(mention.surface, language), [])
                if has_kind or not found:
                    continue
                mention = replace(mention, concepts=tuple(found))
            kept.append(mention)
        return tuple(kept)

    def _order(self, tokens: Sequence[str], text: str) -> list[str]:
        """Languages, the one that explains most of the words first."""
        explained = {}
        for language in self.languages:
            covered: list[Mention | None] = [None] * len(tokens)
            self._match(tokens, covered, language, [language], partial(self._is_doubled, language))
            as_written = self._accented[language].intersection(text.casefold().split())
            explained[language] = (sum(m is not None for m in covered), len(as_written))
        return sorted(self.languages, key=lambda language: explained[language], reverse=True)

    def _match(
        self,
        tokens: Sequence[str],
        covered: list[Mention | None],
        language: str,
        order: Sequence[str],
        excluded: Callable[[str], bool] = _unknown,
    ) -> None:
        start = 0
        while start < len(tokens):
            for length in range(min(_LONGEST_TERM, len(tokens) - start), 0, -1):
                part = tokens[start : start + length]
                if any(covered[start : start + length]) or not self._lookup(part, language):
                    continue
                exact = language == order[0] and part[0] in self._exact[language]
                if length == 1 and not exact and excluded(part[0]):
                    continue
                if length == 1 and self._is_slip(language, order[0], part[0]):
                    continue
                concepts = [c for other in order for c in self._lookup(part, other)]
                mention = Mention(
                    tuple(dict.fromkeys(concepts)), start, start + length, " ".join(part)
                )
                covered[start : start + length] = [mention] * length
                break
            else:
                length = 1
            start += length

    def _lookup(self, words: Sequence[str], language: str) -> list[str]:
        if exact := self._exact[language].get("".join(words)):
            return exact
        found = self._stems[language].get("".join(stem(w, language) for w in words), [])
        is_participle = words[-1].endswith("ed")  # a belted dress is no belt
        return [c for c in found if not (is_participle and self.role(c) == "kind")]

    def _is_slip(self, language: str, first: str, word: str) -> bool:
        """Whether a word of a foreign language is a misspelt one of `first`, that of the text.

        "Green dres" has no Polish tracksuit. Where only the stem is foreign, letters may also be
        missing, additional or swapped that are not double.
        """
        if language == first or word in self._exact[first] or len(word) < SHORTEST_MISSPELT:
            return False
        if word in self._exact[language]:
            return undoubled(word) in self._undoubled[first]
        term = nearest_term(word, [self._terms[first]])
        return term is not None and no_other_letter(word, term)

    def _is_doubled(self, language: str, word: str) -> bool:
        """Whether a word, foreign by its stem alone, is an English one but for a double letter."""
        return undoubled(word) in self._undoubled["en"] and self._is_slip(language, "en", word)

    def _guess(
        self, token: str, at: int, order: Sequence[str], known: Callable[[str], bool]
    ) -> Mention | None:
        """A compound of two terms, or else the nearest spelling."""
        for language in order:
            parts = self._compound(token, language) if language in _COMPOUNDING else ()
            if parts and not self._is_slip(language, order[0], token):
                return Mention(parts[:1], at, at + 1, token, also=(*parts, None)[1])
        if known(token):
            return None
        languages = dict.fromkeys((order[0], "en"))
        term = nearest_term(token, [self._terms[language] for language in languages])
        if term is None or (token.endswith("ed") and self._names_kind(term, "en")):
            return None
        concepts = dict.fromkeys(c for language in order for c in self._lookup([term], language))
        return Mention(tuple(concepts), at, at + 1, token, corrected=term)

    def head_of_compound(self, word: str, language: str) -> str | None:
        """The noun that a compound ends with: "kleid" of "abendkleid"; None for other words."""
        if language not in _COMPOUNDING or self._lookup([word], language):
            return None
        ends = (word[cut:] for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1))
        return next((end for end in ends if self._names_kind(end, language)), None)

    def _names_kind(self, word: str, language: str) -> bool:
        return any(self.role(concept) == "kind" for concept in self._lookup([word], language))

    def _compound(self, token: str, language: str) -> tuple[str, ...]:
        """The concepts of "lederjacke": the last part says what it is, the first how it is."""
        if len(token) > _LONGEST_COMPOUND:
            return ()
        for cut in range(_SHORTEST_PART, len(token) - _SHORTEST_PART + 1):
            last = self._lookup([token[cut:]], language)
            if not self._names_kind(token[cut:], language):
                continue
            for link in _LINKS:
                first = token[: cut - len(link)] if token[:cut].endswith(link) else ""
                before = self._lookup([first], language) if len(first) >= _SHORTEST_PART else []
                if before and any(self.role(c) in ROLES for c in before):
                    return (last[0],) if self.role(before[0]) == "kind" else (last[0], before[0])
        return ()


_shop_files: list[Path] = []


def use_shop_terms(file: Path | None) -> None:
    """Extend the thesaurus of this process by a shop's file; raises ValueError, OSError.

    Call it before an index is opened: what was read from a catalogue is not read again.
    """
    _shop_files[:] = [file] if file else []
    if file:
        shop_thesaurus()  # the shipped one alone is read when it is first asked


def shop_thesaurus() -> Thesaurus:
    """Return the shipped thesaurus with the shop's own terms."""
    return Thesaurus.load(*_shop_files)


def _append(table: dict[str, list[str]], key: str, concept: str) -> None:
    if key and concept not in table.setdefault(key, []):
        table[key].append(concept)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        if not {"concept", "role", "broader"} <= set(table.fieldnames or ()):
            raise ValueError(
                f"{file}: expected the columns concept, role, broader and one for each language, "
                f"found {', '.join(table.fieldnames or ()) or 'nothing'}"
            )
        rows = []
        for row in table:
            if None in row or row["role"] not in (*ROLES, *GRAMMAR) or not row["concept"]:
                raise ValueError(
                    f"{file}, line {table.line_num}: expected a concept and a role among "
                    f"{', '.join(ROLES)}, found {row['concept']!r} with role {row['role']!r}"
                )
            rows.append(row)
        return rows
