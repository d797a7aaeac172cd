"""Tasks that measure an encoder, each on pictures that it was not trained on.

Products held out by id: `like`, `like strictly`, `same product`, `street`, `words`, `words for
colour and kind`. Photographers held out: `phone`, `phone to shop`. Products of another shop:
`transfer`. Queries are adapted to their intent (`Encoder.as_query`), but for those of `phone`,
which compares photos with photos.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lookbook.catalog import Catalog, Item
from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.metrics import (
    Estimate,
    bootstrap_mean,
    knn_accuracy,
    precision_at,
    recall_at,
)
from lookbook.evaluation.phone_labels import ARTICLE_TYPES
from lookbook.evaluation.splits import (
    PEOPLE_HELD_OUT,
    PRODUCTS_HELD_OUT,
    final_half,
    held_out,
)
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import ImageError, content_hash, load_rgb, read_bytes
from lookbook.images.transforms import thumbnail_descriptor
from lookbook.index.engines.exact import exact_neighbours
from lookbook.index.near_duplicates import group_near_duplicates
from lookbook.schema.missing import is_missing
from lookbook.schema.thesaurus import shop_thesaurus

MIN_GROUP_SIZE = 30  # items of a group that is measured by itself
DEPTH = 30  # neighbours searched; more than 10, as those of the query's own group are skipped

Results = dict[str, dict[str, Estimate]]  # {task: {measure: estimate}}


@dataclass
class Gallery:
    """Encoded items, one for each group of near-duplicates; `row_of` maps every id to its row.

    `queries` (n, dim) are the vectors as queries of the intent that is measured.
    """

    items: list[Item]
    vectors: np.ndarray
    row_of: dict[str, int]
    queries: np.ndarray

    def labels(self, *columns: str) -> np.ndarray:
        """(n,) text: the attributes `columns` of each item, joined by tabs."""
        rows = [[str(i.attributes.get(c)) for c in columns] for i in self.items]
        return np.array(["\t".join(row) for row in rows])


def required_attribute(item: Item, column: str) -> str:
    """An attribute as text; raises ValueError where the item has none of this name."""
    if column not in item.attributes:
        columns = ", ".join(item.attributes) or "none"
        raise ValueError(f"this task needs the column {column!r}; the columns are: {columns}")
    return str(item.attributes[column])


def decodable_items(items: Iterable[Item]) -> Iterator[tuple[Item, Image.Image, bytes]]:
    """Items with their decoded image and its bytes; those that cannot be decoded are skipped."""
    for item in items:
        try:
            data = item.image
            if isinstance(data, str | os.PathLike):
                data = read_bytes(data)
            if not isinstance(data, bytes):
                raise TypeError(f"expected the bytes or the path of a picture, found {type(data)}")
            yield item, load_rgb(data), data
        except ImageError:
            continue


def encode_gallery(items: Iterable[Item], encoder: Encoder, intent: str = "item") -> Gallery:
    """Encode items, one for each near-duplicate group: duplicates would inflate every score."""
    decoded = list(decodable_items(items))
    vectors = encoder.encode([data for _, _, data in decoded])
    descriptors = np.stack([thumbnail_descriptor(image) for _, image, _ in decoded])
    hashes = [content_hash(data) for _, _, data in decoded]
    groups = group_near_duplicates(vectors, descriptors, hashes)
    representatives, row_of = np.unique(groups, return_inverse=True)
    return Gallery(
        [decoded[n][0] for n in representatives],
        vectors[representatives],
        {item.id: int(row) for (item, _, _), row in zip(decoded, row_of, strict=True)},
        encoder.as_query(vectors[representatives], intent),
    )


def nearest_rows(queries: np.ndarray, gallery: np.ndarray, k: int = DEPTH) -> np.ndarray:
    """int (q, min(k, n)): rows of `gallery` (n, dim) for `queries` (q, dim), closest first."""
    return exact_neighbours(gallery, queries, min(k, len(gallery)), "angular")[0]


def category_precision(gallery: Gallery, *columns: str, min_count: int = 0) -> Estimate:
    """P@10: each item is a query, and a result is relevant if it has the same `columns`.

    `min_count`: only items whose values more than so many items share are queries.
    """
    labels = gallery.labels(*columns)
    queries = np.isin(labels, _frequent(labels, min_count))
    return bootstrap_mean(_neighbour_precision(gallery, labels)[queries])


def _frequent(labels: np.ndarray, min_count: int) -> np.ndarray:
    """The distinct labels that more than so many items have."""
    names, counts = np.unique(labels, return_counts=True)
    return names[counts > min_count]


def category_precision_by_group(
    gallery: Gallery, column: str, category: str = "articleType"
) -> dict[str, Estimate]:
    """P@10 of `category` for each value of `column` that at least 30 items have, largest first."""
    values = gallery.labels(column)
    precision = _neighbour_precision(gallery, gallery.labels(category))
    names, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    large = [names[i] for i in order if counts[i] >= MIN_GROUP_SIZE]
    return {f"{column}={name}": bootstrap_mean(precision[values == name]) for name in large}


def _neighbour_precision(gallery: Gallery, labels: np.ndarray) -> np.ndarray:
    """(n,): share of the ten nearest others of each item that have its label."""
    return precision_at(10, labels[_ten_nearest_others(gallery)], labels)


def _ten_nearest_others(gallery: Gallery) -> np.ndarray:
    """int (n, 10): rows of the nearest items of each item but itself."""
    rows = nearest_rows(gallery.queries, gallery.vectors)
    return np.stack([ranked[ranked != row][:10] for row, ranked in enumerate(rows)])


def text_precision(
    gallery: Gallery, encoder: Encoder, *columns: str, min_count: int
) -> Estimate | None:
    """P@10: the values of `columns` as a text query ("Red Dresses") for the items that have them.

    `min_count`: only values that more than so many items share. None where no item has all of the
    values, or the encoder knows none of their words.
    """
    labels = gallery.labels(*columns)
    texts = [t for t in _frequent(labels, min_count) if _is_complete(t) and encoder.knows(t)]
    if not texts:
        return None
    rows = nearest_rows(encoder.as_query(encoder.encode_text(texts), "text"), gallery.vectors)
    return bootstrap_mean(precision_at(10, labels[rows], np.array(texts)))


def _is_complete(label: str) -> bool:
    """Whether no value of a label is one that catalogues write for a missing one."""
    return not any(map(is_missing, label.split("\t")))


def instance_recall(gallery: Gallery, queries: np.ndarray, ids: list[str]) -> dict[str, Estimate]:
    """R@1 and R@10 of `queries` (q, dim), each for the product `ids[i]` or its near-duplicates."""
    relevant = np.array([gallery.row_of[id] for id in ids])
    rows = nearest_rows(queries, gallery.vectors)
    return {f"R@{k}": bootstrap_mean(recall_at(k, rows, relevant)) for k in (1, 10)}


def product_tasks(
    encoder: Encoder, products: Catalog, larger: Catalog | None, by: Sequence[str] = ()
) -> Results:
    """Measure on products held out by id; `larger` has larger photos of some of them.

    `by`: attributes whose groups are measured one by one.
    """
    gallery = encode_gallery((i for i in products if held_out(i.id, PRODUCTS_HELD_OUT)), encoder)
    strict = ("articleType", "gender", "baseColour")
    results: Results = {
        "like": {"P@10": category_precision(gallery, "articleType")},
        "like strictly": {"P@10": category_precision(gallery, *strict, min_count=10)},
    }
    for column in by:
        results[f"like by {column}"] = category_precision_by_group(gallery, column)
    if larger is not None:
        results |= _photo_tasks(encoder, gallery, larger)
    if encoder.text_embeddings is not None:
        results |= _text_tasks(encoder, gallery)
    return results


def _photo_tasks(encoder: Encoder, gallery: Gallery, larger: Catalog) -> Results:
    """Find a product by its larger photo, and by that photo as a webcam would see it."""
    photos = [(i, photo) for i, photo, _ in decodable_items(larger) if i.id in gallery.row_of]
    ids = [item.id for item, _ in photos]
    studio = encoder.as_query(encoder.encode([photo for _, photo in photos]), "photo")
    street = [simulate_street_photo(photo, seed) for seed, (_, photo) in enumerate(photos)]
    queries = encoder.as_query(encoder.encode(street), "photo")
    final = final_half(ids)
    kept = [id for id, is_final in zip(ids, final, strict=True) if is_final]
    return {
        "same product": instance_recall(gallery, studio[final], kept),
        "street": instance_recall(gallery, queries[final], kept)
        | attribute_precision(gallery, queries[final], kept),
    }


def attribute_precision(
    gallery: Gallery, queries: np.ndarray, ids: list[str]
) -> dict[str, Estimate]:
    """P@10 of `queries` (q, dim), each a photo of the product `ids[i]`: kind, colour, and both.

    Colours agree where they are of one family: navy and teal are blue.
    """
    relevant = np.array([gallery.row_of[id] for id in ids])
    rows = nearest_rows(queries, gallery.vectors)[:, :10]
    kinds = gallery.labels("articleType")
    colours = np.array([colour_family(item.attributes.get("baseColour")) for item in gallery.items])
    kind = kinds[rows] == kinds[relevant][:, None]
    colour = colours[rows] == colours[relevant][:, None]
    shares = {"P@10 kind": kind, "P@10 colour": colour, "P@10 both": kind & colour}
    return {name: bootstrap_mean(share.mean(1)) for name, share in shares.items()}


def colour_family(name: object) -> str:
    """Return the broadest colour that the thesaurus knows for a colour's name, or the name."""
    thesaurus = shop_thesaurus()
    concepts = [concept for m in thesaurus.read(str(name)).mentions for concept in m.concepts]
    colours = [concept for concept in concepts if thesaurus.role(concept) == "colour"]
    return [colours[0], *thesaurus.ancestors(colours[0])][-1] if colours else str(name)


def _text_tasks(encoder: Encoder, gallery: Gallery) -> Results:
    """Find a product by its title, and products by their colour and category."""
    items = [item for item in gallery.items if encoder.knows(item.title)]
    titles = encoder.as_query(encoder.encode_text([item.title for item in items]), "text")
    results = {"words": instance_recall(gallery, titles, [item.id for item in items])}
    precision = text_precision(gallery, encoder, "baseColour", "articleType", min_count=10)
    if precision:
        results["words for colour and kind"] = {"P@10": precision}
    return results


def phone_task(encoder: Encoder, photos: Catalog) -> dict[str, Estimate]:
    """kNN-10 accuracy of `label` among the photos of other people; held-out people are queries."""
    decoded = list(decodable_items(photos))
    people = np.array([required_attribute(item, "sender_id") for item, _, _ in decoded])
    labels = np.array([required_attribute(item, "label") for item, _, _ in decoded])
    vectors = encoder.encode([data for _, _, data in decoded])
    test = np.array([held_out(person, PEOPLE_HELD_OUT) for person in people])
    accuracies = []
    for person in np.unique(people[test]):
        own = people == person
        rows = nearest_rows(vectors[own], vectors[~own], 10)
        accuracies.append(knn_accuracy(10, labels[~own][rows], labels[own]))
    return {"kNN-10": bootstrap_mean(np.concatenate(accuracies))}


def phone_to_shop_task(encoder: Encoder, photos: Catalog, products: Catalog) -> dict[str, Estimate]:
    """P@10 of the right kind: photos of held-out people asked of held-out products.

    A phone label stands for the article types that `phone_labels` names, any other for itself;
    photos of types that are not among the products are left out. Empty where none is left.
    """
    gallery = encode_gallery((i for i in products if held_out(i.id, PRODUCTS_HELD_OUT)), encoder)
    people = (i for i in photos if held_out(required_attribute(i, "sender_id"), PEOPLE_HELD_OUT))
    types = gallery.labels("articleType")
    mapped = (i for i in people if np.isin(types, _article_types(i)).any())
    decoded = list(decodable_items(mapped))
    if not decoded:
        return {}
    final = final_half([required_attribute(item, "sender_id") for item, _, _ in decoded])
    decoded = [row for row, is_final in zip(decoded, final, strict=True) if is_final]
    queries = encoder.as_query(encoder.encode([data for _, _, data in decoded]), "photo")
    kinds = types[nearest_rows(queries, gallery.vectors)[:, :10]]
    right = [
        np.isin(row, _article_types(item)).mean()
        for row, (item, _, _) in zip(kinds, decoded, strict=True)
    ]
    return {"P@10 kind": bootstrap_mean(np.array(right))}


def _article_types(photo: Item) -> tuple[str, ...]:
    label = required_attribute(photo, "label")
    return ARTICLE_TYPES.get(label, (label,))


def colourway_recall(gallery: Gallery, codes: np.ndarray) -> Estimate:
    """Mean over items of |first ten that are other colourways| / min(10, how many there are)."""
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    others = counts[inverse] - 1
    found = (codes[_ten_nearest_others(gallery)] == codes[:, None]).sum(1)
    return bootstrap_mean((found / np.clip(others, 1, 10))[others > 0])


def transfer_task(
    encoder: Encoder, articles: Catalog, max_items: int = 1600
) -> dict[str, Estimate]:
    """R@1 and R@10 of another colourway of an article's product among `max_items` articles.

    "recall@10" is the share of the colourways that are among the first ten.
    """
    ordered = sorted(
        articles, key=lambda i: content_hash(required_attribute(i, "product_code").encode())
    )
    gallery = encode_gallery(ordered[:max_items], encoder, "colourway")
    codes = gallery.labels("product_code")
    queries = np.isin(codes, _frequent(codes, 1))
    ranked = codes[_ten_nearest_others(gallery)]
    hits = {f"R@{k}": bootstrap_mean(recall_at(k, ranked, codes)[queries]) for k in (1, 10)}
    return hits | {"recall@10": colourway_recall(gallery, codes)}


def evaluate_encoder(
    encoder: Encoder,
    *,
    products: Catalog | None = None,
    larger: Catalog | None = None,
    phone: Catalog | None = None,
    transfer: Catalog | None = None,
    by: Sequence[str] = (),
) -> Results:
    """Run every task whose data is given: {task: {measure: Estimate}}.

    `products`, `larger` and `by` are those of `product_tasks`. Raises ValueError for a catalogue
    without the columns of its task.
    """
    results: Results = {}
    if products is not None:
        results |= product_tasks(encoder, products, larger, by)
    if phone is not None:
        results["phone"] = phone_task(encoder, phone)
        if products is not None:
            results["phone to shop"] = phone_to_shop_task(encoder, phone, products)
    if transfer is not None:
        results["transfer"] = transfer_task(encoder, transfer)
    return results
