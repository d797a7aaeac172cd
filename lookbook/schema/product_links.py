"""The address of a product's page in its shop, and whether the shop has the product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from lookbook.schema.column_names import find_column, normalize_column_name
from lookbook.schema.missing import is_missing

LINK_NAMES = (
    *("link", "url", "producturl", "productlink", "permalink", "canonicallink", "canonicalurl"),
    *(
        "itemurl",
        "weburl",
        "pageurl",
        "deeplink",
        "produktlink",
        "produkturl",
        "lien",
        "urlproduit",
    ),
    *("enlace", "urlproducto", "collegamento", "urlprodotto", "urunlinki"),
)
STOCK_NAMES = (
    *("availability", "stockstatus", "instock", "isinstock", "available", "verfugbarkeit"),
    *("disponibilite", "disponibilidad", "disponibilita", "lagerstatus", "stokdurumu"),
    *("stock", "stockquantity", "quantity", "qty", "inventoryquantity", "variantinventoryqty"),
    *("bestand", "lagerbestand", "stok"),
)
_SOLD_OUT = frozenset(
    (
        *("outofstock", "soldout", "unavailable", "discontinued", "no", "false", "notavailable"),
        *("nichtverfugbar", "ausverkauft", "vergriffen", "nein", "epuise", "rupturedestock", "non"),
        *("indisponible", "agotado", "sinstock", "nodisponible", "esaurito", "nondisponibile"),
        *("tukendi", "uitverkocht", "brak"),
    )
)
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class ProductLinks:
    """How the address of a product's page is made.

    A column such as `link` gives it. `shop_url` completes relative links; where there is no link,
    its `{id}` and `{column}` are replaced, and without braces `/products/{id}` is added to it, as
    Shopify has it. `parameters` ("utm_source=lookbook&utm_medium=search") are added to each.
    Raises ValueError for a `shop_url` that is no http address.
    """

    shop_url: str = ""
    parameters: str = ""

    def __post_init__(self) -> None:
        if self.shop_url and not _is_web_address(_FIELD.sub("x", self.shop_url)):
            raise ValueError(
                f"shop-url: expected an address such as https://shop.example, found "
                f"{self.shop_url!r}"
            )

    def address(self, id: str, attributes: Mapping[str, object]) -> str:
        """Return the http(s) address of an item's page, "" where none is known or it is unsafe."""
        column = find_column(attributes, LINK_NAMES)
        text = "" if column is None or is_missing(attributes[column]) else str(attributes[column])
        found = urljoin(_FIELD.sub("", self.shop_url), text.strip()) if text else ""
        if not found and self.shop_url:
            found = self._from_template(id, attributes)
        return self._with_parameters(found) if _is_web_address(found) else ""

    def _from_template(self, id: str, attributes: Mapping[str, object]) -> str:
        template = self.shop_url
        if not _FIELD.search(template):
            template = template.rstrip("/") + "/products/{id}"
        values = {"id": id} | {
            normalize_column_name(name): str(value)
            for name, value in attributes.items()
            if not is_missing(value)
        }
        names = [normalize_column_name(name) for name in _FIELD.findall(template)]
        if any(name not in values for name in names):
            return ""
        return _FIELD.sub(lambda m: quote(values[normalize_column_name(m[1])], safe=""), template)

    def _with_parameters(self, address: str) -> str:
        if not self.parameters:
            return address
        parts = urlsplit(address)
        added = parse_qsl(self.parameters.lstrip("?&"), keep_blank_values=True)
        names = {name for name, _ in added}
        kept = [p for p in parse_qsl(parts.query, keep_blank_values=True) if p[0] not in names]
        return urlunsplit(parts._replace(query=urlencode([*kept, *added])))


def is_sold_out(attributes: Mapping[str, object]) -> bool:
    """Whether a column of availability or stock says that the shop does not have an item.

    An item whose columns say nothing is taken as available.
    """
    column = find_column(attributes, STOCK_NAMES)
    value = None if column is None else attributes[column]
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value <= 0
    if not isinstance(value, str):
        return False
    return (
        normalize_column_name(value) in _SOLD_OUT or re.fullmatch(r"-?0+|-\d+", value) is not None
    )


def _is_web_address(text: str) -> bool:
    """Whether `text` is an absolute http(s) address without characters that could leave HTML."""
    if re.search(r"[\s\"'<>\\\x00-\x1f]", text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
