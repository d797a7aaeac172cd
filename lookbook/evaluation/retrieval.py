"""The tasks that an encoder is measured on, each from catalogues that it never saw.

`like`, `like strictly`, `same product`, `street`, `words`, `words for colour and kind`: products
held out by id.
`phone`: photos by photographers held out. `transfer`: another shop's products altogether.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lookbook.catalog import Catalog, Item
from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.metrics import Estimate, figure, knn_accuracy, precision_at, recall_at
from lookbook.evaluation.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT, held_out
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import ImageError, content_hash, load_rgb, read_bytes
from lookbook.images.transforms import thumbnail_descriptor
from lookbook.index.engines.annoy import exact_neighbours
from lookbook.index.near_duplicates import fold

GROUP = 30  # items that a group needs to have a figure of its own
DEPTH = 30  # neighbours looked at; more than 10, so that a query's own group can be passed over


@dataclass
class Gallery:
    """Encoded items, one of each near-duplicate group; `group` maps every id to its row here."""

    items: list[Item]
    vectors: np.ndarray
    group: dict[str, int]

    def values(self, *columns: str) -> np.ndarray:
        """(n,) text: the attributes `columns` of each item, joined."""
        rows = [[str(i.attributes.get(c)) for c in columns] for i in self.items]
        return np.array(["\t".join(row) for row in rows])


def needed(item: Item, column: str) -> str:
    """An attribute that a task cannot do without, as text; raises ValueError."""
    if column not in item.attributes:
        there = ", ".join(item.attributes) or "none"
        raise ValueError(f"this task needs the column {column!r}; the columns are: {there}")
    return str(item.attributes[column])


def usable(items: Iterable[Item]) -> Iterator[tuple[Item, object, bytes]]:
    """Item, opened picture and bytes; bad pictures are passed over."""
    for item in items:
        try:
            data = item.image if isinstance(item.image, bytes) else read_bytes(item.image)
            yield item, load_rgb(data), data
        except ImageError:
            continue


def gallery_of(items: Iterable[Item], encoder: Encoder) -> Gallery:
    """Encode, and keep one item of each near-duplicate group: twins would inflate any score."""
    kept = list(usable(items))
    vectors = encoder.encode([data for _, _, data in kept])
    prints = np.stack([thumbnail_descriptor(picture) for _, picture, _ in kept])
    groups = fold(vectors, prints, [content_hash(data) for _, _, data in kept])
    first, row_of = np.unique(groups, return_inverse=True)
    return Gallery(
        [kept[row][0] for row in first],
        vectors[first],
        {item.id: int(row) for (item, _, _), row in zip(kept, row_of, strict=True)},
    )


def neighbours(queries: np.ndarray, gallery: np.ndarray, k: int = DEPTH) -> np.ndarray:
    """(q, k) row numbers of the gallery, closest first."""
    return exact_neighbours(gallery, queries, min(k, len(gallery)), "angular")[0]


def like(gallery: Gallery, *columns: str, min_count: int = 0) -> Estimate:
    """P@10: each item asks for the others; the same `columns` is right.

    `min_count`: only items that share their values with more than so many.
    """
    labels = gallery.values(*columns)
    asked = np.isin(labels, _shared(labels, min_count))
    return figure(_alike(gallery, labels)[asked])


def _shared(labels: np.ndarray, min_count: int) -> np.ndarray:
    """Those that more than so many share."""
    names, counts = np.unique(labels, return_counts=True)
    return names[counts > min_count]


def like_by(gallery: Gallery, column: str, kind: str = "articleType") -> dict[str, Estimate]:
    """P@10 of `kind` for each value of `column` that at least 30 items have, the largest first."""
    values, right = gallery.values(column), _alike(gallery, gallery.values(kind))
    names, counts = np.unique(values, return_counts=True)
    kept = [names[i] for i in np.argsort(-counts, kind="stable") if counts[i] >= GROUP]
    return {f"{column}={name}": figure(right[values == name]) for name in kept}


def _alike(gallery: Gallery, labels: np.ndarray) -> np.ndarray:
    """(n,): of each item's ten nearest others, the share with its label."""
    rows = neighbours(gallery.vectors, gallery.vectors)
    others = np.stack([r[r != i][:10] for i, r in enumerate(rows)])
    return precision_at(10, labels[others], labels)


def text_precision(
    gallery: Gallery, encoder: Encoder, *columns: str, min_count: int
) -> Estimate | None:
    """P@10: the values of `columns`, as words ("Red Dresses"), ask for the items that have them.

    `min_count`: only values that more than so many items share. None where no item says them
    all, or not in words that the encoder knows.
    """
    labels = gallery.values(*columns)
    known = [n for n in _shared(labels, min_count) if _says_all(n) and encoder.knows(n)]
    if not known:
        return None
    rows = neighbours(encoder.encode_text(known), gallery.vectors)
    return figure(precision_at(10, labels[rows], np.array(known)))


def _says_all(label: str) -> bool:
    """Whether no value of a label is one that catalogues write for nothing."""
    return not {"", "NA", "None", "nan"} & set(label.split("\t"))


def instance_recall(gallery: Gallery, queries: np.ndarray, ids: list[str]) -> dict[str, Estimate]:
    """R@1 and R@10: the query `ids[i]` is right when its own product, or a twin of it, comes."""
    wanted = np.array([gallery.group[id] for id in ids])
    rows = neighbours(queries, gallery.vectors)
    return {f"R@{k}": figure(recall_at(k, rows, wanted)) for k in (1, 10)}


def product_tasks(
    encoder: Encoder, small: Catalog, larger: Catalog | None, by: Sequence[str] = ()
) -> dict[str, dict]:
    """Tasks on products held out by id; `larger` has larger photos of some of them.

    `by`: attributes whose groups get a figure each.
    """
    gallery = gallery_of((i for i in small if held_out(i.id, PRODUCTS_HELD_OUT)), encoder)
    results: dict[str, dict] = {
        "like": {"P@10": like(gallery, "articleType")},
        "like strictly": {
            "P@10": like(gallery, "articleType", "gender", "baseColour", min_count=10)
        },
    }
    for column in by:
        results[f"like by {column}"] = like_by(gallery, column)
    if larger is not None:
        photos = [(i, p) for i, p, _ in usable(larger) if i.id in gallery.group]
        ids = [item.id for item, _ in photos]
        clean = encoder.encode([picture for _, picture in photos])
        results["same product"] = instance_recall(gallery, clean, ids)
        shots = encoder.encode(
            [simulate_street_photo(p, seed) for seed, (_, p) in enumerate(photos)]
        )
        results["street"] = instance_recall(gallery, shots, ids)
    if encoder.text_embeddings is not None:
        named = [item for item in gallery.items if encoder.knows(item.title)]
        said = encoder.encode_text([item.title for item in named])
        results["words"] = instance_recall(gallery, said, [item.id for item in named])
        wanted = text_precision(gallery, encoder, "baseColour", "articleType", min_count=10)
        if wanted:
            results["words for colour and kind"] = {"P@10": wanted}
    return results


def phone_task(encoder: Encoder, photos: Catalog) -> dict[str, Estimate]:
    """Label by the 10 nearest photos of other people; the asking photographers were held out."""
    kept = list(usable(photos))
    people = np.array([needed(item, "sender_id") for item, _, _ in kept])
    labels = np.array([needed(item, "label") for item, _, _ in kept])
    vectors = encoder.encode([data for _, _, data in kept])
    asking = np.array([held_out(person, PEOPLE_HELD_OUT) for person in people])
    hits = []
    for person in np.unique(people[asking]):
        own = people == person
        rows = neighbours(vectors[own], vectors[~own], 10)
        hits.append(knn_accuracy(10, labels[~own][rows], labels[own]))
    return {"kNN-10": figure(np.concatenate(hits))}


def transfer_task(encoder: Encoder, articles: Catalog, most: int = 1600) -> dict[str, Estimate]:
    """An article finds another colourway of its product among `most` articles."""
    ordered = sorted(articles, key=lambda i: content_hash(needed(i, "product_code").encode()))
    gallery = gallery_of(ordered[:most], encoder)
    codes = gallery.values("product_code")
    names, counts = np.unique(codes, return_counts=True)
    asked = counts[np.searchsorted(names, codes)] > 1
    rows = neighbours(gallery.vectors, gallery.vectors)
    others = np.stack([r[r != i][:10] for i, r in enumerate(rows)])
    return {f"R@{k}": figure(recall_at(k, codes[others], codes)[asked]) for k in (1, 10)}


def evaluate_encoder(
    encoder: Encoder,
    *,
    products: Catalog | None = None,
    larger: Catalog | None = None,
    phone: Catalog | None = None,
    transfer: Catalog | None = None,
    by: Sequence[str] = (),
) -> dict[str, dict[str, Estimate]]:
    """Every task whose data is given: {task: {measure: Figure}}; `by` as in `product_tasks`."""
    results: dict[str, dict[str, Estimate]] = {}
    if products is not None:
        results |= product_tasks(encoder, products, larger, by)
    if phone is not None:
        results["phone"] = phone_task(encoder, phone)
    if transfer is not None:
        results["transfer"] = transfer_task(encoder, transfer)
    return results
