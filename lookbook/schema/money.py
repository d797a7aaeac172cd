"""Prices as shops write them: amounts read by the convention of their whole column, and shown."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_NUMBER = re.compile(r"[.,]?\d(?:[\d.,'’ ]*\d)?")
_TRAILER = re.compile(r"[.,][-–—]+")  # 49,- and CHF 49.–
_SPACES = re.compile(r"\s+")
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_SYMBOLS = {
    **{"€": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "us$": "USD", "us $": "USD"},
    **{"£": "GBP", "¥": "JPY", "￥": "JPY", "円": "JPY", "元": "CNY", "cn¥": "CNY", "rmb": "CNY"},
    **{"₹": "INR", "rs": "INR", "rs.": "INR", "₺": "TRY", "tl": "TRY", "₽": "RUB", "руб": "RUB"},
    **{"руб.": "RUB", "zł": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON", "лв": "BGN"},
    **{"лв.": "BGN", "₴": "UAH", "грн": "UAH", "₩": "KRW", "₫": "VND", "฿": "THB", "₱": "PHP"},
    **{"₦": "NGN", "₪": "ILS", "rp": "IDR", "rm": "MYR", "r$": "BRL", "a$": "AUD", "au$": "AUD"},
    **{"c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "mx$": "MXN"},
    **{"nt$": "TWD", "fr": "CHF", "fr.": "CHF", "sfr": "CHF", "sfr.": "CHF"},
}


@dataclass(frozen=True)
class Amount:
    """A price: its amount, and its currency as an ISO 4217 code where the text says one."""

    value: float
    currency: str | None = None


@dataclass(frozen=True)
class Convention:
    """How a column writes numbers: its decimal mark, and whether a lone `1.299` was a guess."""

    decimal: str
    guessed: bool = False


def convention_of(texts: Iterable[str]) -> Convention:
    """Tell a column's decimal mark from all of its texts.

    A mark that stands twice in a number or before another mark groups thousands; a last mark with
    one, two or four digits behind it is a decimal one. Where every number has three digits behind
    its only mark, as in `1.299`, the mark is taken to group thousands and `guessed` is true.
    """
    votes: Counter[str] = Counter()
    lone: Counter[str] = Counter()
    for text in texts:
        number = _number(text)
        mark, sure = _vote(number) if number else (None, False)
        if mark:
            (votes if sure else lone)[mark] += 1
    if votes:
        return Convention(votes.most_common(1)[0][0])
    if lone:
        mark = lone.most_common(1)[0][0]
        return Convention("," if mark == "." else ".", guessed=True)
    return Convention(".")


def parse_amount(text: str, convention: Convention) -> Amount | None:
    """Read one price, or None for a text that is not exactly one amount (a range, a word)."""
    from price_parser import Price

    plain = _plain(text)
    found = _NUMBER.findall(plain)
    if len(found) != 1:
        return None
    rest = plain.replace(found[0], " ", 1).strip(" .,-–—/:")
    currency = currency_code(rest) if rest else None
    if "%" in plain or "-" in plain.partition(found[0])[0] or (rest and currency is None):
        return None
    number = re.sub(r"['’ ]", "", found[0])
    mark, sure = _vote(number)
    decimal = mark if sure and mark else convention.decimal
    if not sure and currency in _THREE_DECIMALS and convention.guessed and mark:
        decimal = mark
    group = "." if decimal == "," else ","
    if not _well_grouped(found[0], decimal):
        return None
    price = Price.fromstring(number, decimal_separator=decimal, digit_group_separator=group)
    return None if price.amount is None else Amount(float(price.amount), currency)


def _well_grouped(number: str, decimal: str) -> bool:
    """Whether digits are grouped by three (or by two before the last three, as in India)."""
    whole, _, decimals = number.rpartition(decimal) if decimal in number else (number, "", "")
    first, *groups = re.split(r"[.,'’ ]", whole)
    threes = all(len(g) == 3 for g in groups)
    indian = bool(groups) and len(groups[-1]) == 3 and all(len(g) == 2 for g in groups[:-1])
    fits = not groups or (len(first) <= 3 and (threes or indian))
    return fits and decimals.isdigit() | (not decimals)


def currency_code(text: str) -> str | None:
    """The ISO 4217 code of `EUR`, `€`, `Rs.`, `kr` as itself; None for what is no currency."""
    bare = _SPACES.sub(" ", text).strip()
    if bare.upper() in _iso_codes():
        return bare.upper()
    if bare.casefold() in _SYMBOLS:
        return _SYMBOLS[bare.casefold()]
    if bare.casefold() in ("kr", "kr."):
        return "kr"  # of four countries: kept as it is
    words = {code for word in re.split(r"[\s()]+", bare) if (code := _known(word))}
    known = all(_known(word) for word in re.split(r"[\s()]+", bare) if word)
    return words.pop() if known and len(words) == 1 else _dollar(bare)


def _known(word: str) -> str | None:
    return word.upper() if word.upper() in _iso_codes() else _SYMBOLS.get(word.casefold())


def _dollar(text: str) -> str | None:
    """`NZD$` and `$ CAD`: the code says which dollar."""
    code = text.replace("$", "").strip().upper()
    return code if "$" in text and code in _iso_codes() else None


def format_price(value: float, currency: str | None, language: str = "en") -> str:
    """A price as it is shown: `€ 49.90`, or the bare number where no currency is known.

    In other languages than English as they write it: `49,90 €`, the space one that does not break.
    """
    from babel.numbers import format_currency, format_decimal

    if not currency and language == "en":
        return f"{value:g}" if float(value).is_integer() else f"{value:.2f}"
    if not currency:
        pattern = "0" if float(value).is_integer() else "0.00"
        return format_decimal(value, format=pattern, locale=language)
    if currency not in _iso_codes():
        return f"{currency} {format_decimal(value, format='#,##0.00', locale=language)}"
    if language != "en":
        return format_currency(value, currency, locale=language)
    return format_currency(value, currency, format="¤ #,##0.00", locale="en").replace("\xa0", " ")


@lru_cache(maxsize=1)
def _iso_codes() -> frozenset[str]:
    from babel import Locale

    return frozenset(Locale("en").currencies)


def _plain(text: str) -> str:
    """NFKC (full-width digits, no-break spaces), digits of any script as 0 to 9, `,-` dropped."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
    text = text.replace("٫", ".").replace("٬", ",")
    return _SPACES.sub(" ", _TRAILER.sub("", text)).strip()


def _number(text: str) -> str | None:
    found = _NUMBER.findall(_plain(text))
    return re.sub(r"['’ ]", "", found[0]) if len(found) == 1 else None


def _vote(number: str) -> tuple[str | None, bool]:
    """Return (decimal mark that a number suggests, whether it is certain); a lone mark is not."""
    marks = [c for c in number if c in ".,"]
    if not marks:
        return None, False
    if len(set(marks)) == 2:
        return marks[-1], marks.count(marks[-1]) == 1
    mark = marks[0]
    if len(marks) > 1:
        return ("," if mark == "." else "."), True
    before, _, behind = number.partition(mark)
    if len(behind) == 3 and before.strip("0") and len(before) <= 3:
        return mark, False
    return mark, True
