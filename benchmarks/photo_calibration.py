"""Whether the probabilities of results for photos are right: predicted against observed.

python -m benchmarks.photo_calibration --data PRODUCTS --phone-photos PHOTOS [--work FOLDER] [--fit]

Products and photographers are those held out from training. Results of the development half fit the
logistic regression of `lookbook.search.photo_calibration` and of simpler ones; those of the other
half measure them, phone photos whose label means one articleType, simulated street photos of
products, and, of neither kind and in no fit, products themselves. Intervals are those of a
bootstrap over photos. `--fit` writes the regression into the folder of the model. Vectors are kept
in FOLDER.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
from lookbook.encoding.hub import local_folder
from lookbook.encoding.query_adapter import QueryAdapter
from lookbook.evaluation.phone_labels import ARTICLE_TYPES
from lookbook.evaluation.retrieval import decodable_items
from lookbook.evaluation.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT, development, held_out
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import ImageError, Picture
from lookbook.search.calibration import Calibration, fit
from lookbook.search.item_calibration import calibration_error
from lookbook.search.photo_calibration import (
    FEATURES,
    FILE,
    NEIGHBOURS,
    PhotoCalibration,
    features,
)
from lookbook.search.photo_query import photo_query

SHOWN = 24
_BOOTSTRAPS, _PENALTY = 1000, 1e-3
TRIED = {  # places of FEATURES
    "best probability": [1],
    "share of the kind": [0],
    "both": [0, 1],
    "share of the kind, heads": [0, 2, 3],
    "all four": [0, 1, 2, 3],
}
EXACT_KINDS = {  # labels of phone photos that mean one articleType, or hardly any other
    **{"Shirt": "Shirts", "Skirt": "Skirts", "Shorts": "Shorts", "Dress": "Dresses"},
    **{"Polo": "Tshirts", "T-Shirt": "Tshirts", "Hat": "Caps"},
}


def query_vectors(photos: Iterable[Picture], encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 (n, dim) of the photos that can be searched, and bool which of all can."""
    vectors, kept = [], []
    for photo in photos:
        try:
            vectors.append(photo_query(photo, encoder).vector)
            kept.append(True)
        except ImageError:
            kept.append(False)
    return np.stack(vectors), np.array(kept)


def encode(args: argparse.Namespace, encoder: Encoder) -> dict[str, np.ndarray]:
    """Encode products, phone photos and street photos; kinds, labels and halves go with them."""
    products = [i for i in open_catalog(args.data) if held_out(i.id, PRODUCTS_HELD_OUT)]
    decoded = list(decodable_items(products))
    people = [
        (item, data)
        for item, _, data in decodable_items(open_catalog(args.phone_photos))
        if held_out(str(item.attributes["sender_id"]), PEOPLE_HELD_OUT)
        and item.attributes["label"] in ARTICLE_TYPES
    ]
    draw = np.random.default_rng(0)
    people = [people[n] for n in draw.permutation(len(people))[: args.count]]
    rows = draw.choice(len(decoded), args.count // 2, replace=False)
    photos, kept = query_vectors((data for _, data in people), encoder)
    street, seen = query_vectors(
        (simulate_street_photo(decoded[row][1], int(row)) for row in rows), encoder
    )
    asked = [item.attributes for item, _ in people]
    return {
        "gallery": encoder.encode([data for *_, data in decoded]),
        "kinds": np.array([str(item.attributes["articleType"]) for item, *_ in decoded]),
        "phone": photos,
        "labels": np.array([str(values["label"]) for values in asked])[kept],
        "fitting": np.array([development(str(values["sender_id"])) for values in asked])[kept],
        "street": street,
        "street_rows": rows[seen],
        "street_fitting": np.array([development(decoded[row][0].id) for row in rows])[seen],
    }


@dataclass(frozen=True)
class Results:
    """The results of photos: `features` (q, SHOWN, 4), `curve` (q, SHOWN) the probability by the
    score alone, `right` bool (q, SHOWN), and `fitting` bool (q,), the photos of the development
    half.
    """

    features: np.ndarray
    curve: np.ndarray
    right: np.ndarray
    fitting: np.ndarray


def results(
    photos: np.ndarray,
    right: np.ndarray,
    fitting: np.ndarray,
    found: dict[str, np.ndarray],
    adapter: QueryAdapter,
    curve: Calibration,
) -> Results:
    """Search the gallery with photos (q, dim) as encoded.

    `right` int (q, n): 1 right, 0 wrong, -1 the product of the photo itself, which is left out.
    """
    queries, kinds = adapter(photos, "photo"), found["kinds"]
    cosine = np.where(right < 0, -np.inf, queries @ found["gallery"].T)
    top = np.argsort(-cosine, axis=1)[:, :SHOWN]
    scores = np.take_along_axis(cosine, top, axis=1)
    own = [
        features(photo, adapter.head_dims[:3], score[:NEIGHBOURS], near[:NEIGHBOURS], near, curve)
        for photo, score, near in zip(photos, scores, kinds[top], strict=True)
    ]
    said = np.interp(scores, curve.scores, curve.shares)
    return Results(np.stack(own), said, np.take_along_axis(right, top, axis=1) == 1, fitting)


def fit_regression(sets: Sequence[Results], columns: Sequence[int]) -> tuple[np.ndarray, float]:
    """Return weights (of all FEATURES, 0 where not in `columns`) and intercept.

    Each set counts as much as the others, however many photos it has.
    """
    x = np.concatenate(
        [s.features[s.fitting][..., columns].reshape(-1, len(columns)) for s in sets]
    )
    y = np.concatenate([s.right[s.fitting].ravel() for s in sets])
    of_set = [np.full(s.fitting.sum() * SHOWN, 1 / s.fitting.sum()) for s in sets]
    share = np.concatenate(of_set) / (SHOWN * len(sets))
    mean, scale = x.mean(0), x.std(0)

    def loss(parts: np.ndarray) -> float:
        values = (x - mean) / scale @ parts[:-1] + parts[-1]
        losses = share * (np.logaddexp(0, values) - y * values)
        return float(losses.sum() + _PENALTY * (parts[:-1] ** 2).sum())

    parts = minimize(loss, np.zeros(len(columns) + 1), method="BFGS").x
    weights = np.zeros(len(FEATURES))
    weights[list(columns)] = parts[:-1] / scale
    return weights, float(parts[-1] - (parts[:-1] * mean / scale).sum())


def brier(said: np.ndarray, true: np.ndarray) -> float:
    """Return the mean squared distance of probabilities from what is true."""
    return float(((said - true) ** 2).mean())


def interval(
    measure: Callable[[np.ndarray, np.ndarray], float], said: np.ndarray, true: np.ndarray
) -> str:
    """Return a measure with its 95 % interval by bootstrap over photos, as text."""
    draw = np.random.default_rng(0)
    drawn = draw.integers(0, len(said), (_BOOTSTRAPS, len(said)))
    low, high = np.quantile([measure(said[rows], true[rows]) for rows in drawn], [0.025, 0.975])
    return f"{measure(said, true):.3f} ({low:.3f}-{high:.3f})"


def measure(found: dict[str, np.ndarray], encoder: Encoder, fit_into: Path | None) -> None:
    """Report the curve alone and regressions fitted on the development half."""
    gallery, kinds, adapter = found["gallery"], found["kinds"], encoder.query_adapter
    assert adapter is not None, "expected a model with a query adapter"
    adapt = partial(adapter, intent="photo")
    curve = fit(
        gallery, "angular", kinds=kinds.tolist(), kind="articleType", sample=300, as_query=adapt
    )
    assert curve is not None
    known = np.isin(found["labels"], list(EXACT_KINDS))
    labels, rows = found["labels"][known], found["street_rows"]
    phone = np.stack([kinds == EXACT_KINDS[label] for label in labels]).astype(int)
    items = np.random.default_rng(0).choice(len(gallery), 300, replace=False)
    search = partial(results, found=found, adapter=adapter, curve=curve)
    sets = {
        "phone photos": search(found["phone"][known], phone, found["fitting"][known]),
        "simulated street photos": search(
            found["street"], same_kind(rows, kinds), found["street_fitting"]
        ),
        "products themselves": search(gallery[items], same_kind(items, kinds), items < 0),
    }
    fitted = {
        name: fit_regression(list(sets.values())[:2], columns) for name, columns in TRIED.items()
    }
    for name, one in sets.items():
        own, true = ~one.fitting, one.right[~one.fitting]
        print(f"\n{name}: {own.sum()}, observed {true.mean():.3f}")
        said = {"the curve alone": one.curve[own]} | {
            tried: 1 / (1 + np.exp(-(one.features[own] @ weights) - intercept))
            for tried, (weights, intercept) in fitted.items()
        }
        for tried, p in said.items():
            errors = " | ".join(interval(m, p, true) for m in (calibration_error, brier))
            print(f"| {tried} | {p.mean():.3f} | {errors} |")
    if fit_into is not None:
        weights, intercept = fitted["all four"]
        first, second, third = adapter.head_dims[:3]
        rounded = tuple(round(float(w), 4) for w in weights)
        dims, at = (first, second, third), round(intercept, 4)
        shipped = PhotoCalibration(adapter.revision, dims, rounded, at)
        (fit_into / FILE).write_text(json.dumps(shipped.to_json(), indent=2) + "\n")


def same_kind(rows: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return int (q, n): 1 where an item is of the kind of item `rows`, 0 where not, -1 itself."""
    same = (kinds[rows][:, None] == kinds).astype(int)
    same[np.arange(len(rows)), rows] = -1
    return same


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="products with an articleType")
    parser.add_argument("--phone-photos", required=True, help="photos with label and sender_id")
    parser.add_argument("--work", type=Path, help="where vectors are kept; else they are not")
    parser.add_argument("--count", type=int, default=700, help="phone photos; half as many street")
    parser.add_argument("--fit", action="store_true", help="write it into the folder of the model")
    args = parser.parse_args()
    encoder = Encoder.load()
    file = args.work / "photo_calibration.npz" if args.work else None
    is_kept = file is not None and file.exists()
    found = dict(np.load(file)) if is_kept else encode(args, encoder)
    if file is not None and not is_kept:
        args.work.mkdir(parents=True, exist_ok=True)
        np.savez(file, **found)
    measure(found, encoder, local_folder(DEFAULT_MODEL) if args.fit else None)


if __name__ == "__main__":
    main()
