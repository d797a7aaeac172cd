"""Whether the probabilities of results for photos are right: predicted against observed.

python -m benchmarks.photo_calibration --data PRODUCTS --phone-photos PHOTOS --work FOLDER

Products and photographers are those held out from training. Half of the photos fit a logistic
correction, the other half measure the probabilities without and with it: phone photos whose label
means one articleType, and simulated street photos of products. Vectors are kept in FOLDER.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import Encoder
from lookbook.evaluation.phone_labels import ARTICLE_TYPES
from lookbook.evaluation.retrieval import decodable_items
from lookbook.evaluation.splits import PEOPLE_HELD_OUT, PRODUCTS_HELD_OUT, development, held_out
from lookbook.evaluation.street_photos import simulate_street_photo
from lookbook.images.loading import ImageError, Picture
from lookbook.search.calibration import Calibration, fit
from lookbook.search.photo_query import photo_query

SHOWN, BINS = 24, 10
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
    }


def shown(
    curve: Calibration, queries: np.ndarray, right: np.ndarray, gallery: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return float (m,) the probability of each result shown, and bool whether it is right.

    `right` int (q, n): 1 right, 0 wrong, -1 the product of the photo itself, which is left out.
    """
    cosine = np.where(right < 0, -np.inf, queries @ gallery.T)
    top = np.argsort(-cosine, axis=1)[:, :SHOWN]
    scores = np.take_along_axis(cosine, top, axis=1)
    said = np.vectorize(lambda score: curve.of(score).probability)(scores)
    return said.ravel(), np.take_along_axis(right, top, axis=1).ravel() == 1


def report(name: str, said: np.ndarray, true: np.ndarray) -> None:
    """Print predicted against observed by tenths, and the mean errors."""
    bin_of = np.minimum((said * BINS).astype(int), BINS - 1)
    print(f"\n{name}: {len(said)} results\n| predicted | observed | results |\n| --- | --- | --- |")
    error = 0.0
    for b in np.unique(bin_of):
        own = bin_of == b
        error += own.mean() * abs(said[own].mean() - true[own].mean())
        print(f"| {said[own].mean():.2f} | {true[own].mean():.2f} | {own.sum()} |")
    print(f"mean predicted {said.mean():.3f}, observed {true.mean():.3f}")
    print(f"calibration error {error:.3f}, Brier score {((said - true) ** 2).mean():.3f}")


def fit_correction(said: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of a logistic correction of probabilities (Platt 1999)."""
    from scipy.optimize import minimize

    logits = logit(said)

    def loss(parts: np.ndarray) -> float:
        values = parts[0] * logits + parts[1]
        return float((np.logaddexp(0, values) - true * values).mean())

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(intercept)


def logit(shares: np.ndarray) -> np.ndarray:
    """Return the logits of shares, which are kept a little away from 0 and 1."""
    inside = np.clip(shares, 0.005, 0.995)
    return np.log(inside / (1 - inside))


def measure(found: dict[str, np.ndarray], encoder: Encoder) -> None:
    """Report probabilities as they are, and as corrected on half of the photos of each set."""
    gallery, kinds = found["gallery"], found["kinds"]
    assert encoder.query_adapter is not None, "expected a model with a query adapter"
    adapt = partial(encoder.query_adapter, intent="photo")
    curve = fit(
        gallery, "angular", kinds=kinds.tolist(), kind="articleType", sample=300, as_query=adapt
    )
    assert curve is not None
    phone = adapt(found["phone"])
    known = np.isin(found["labels"], list(EXACT_KINDS))
    right = np.stack([kinds == EXACT_KINDS.get(label, "") for label in found["labels"]]).astype(int)
    rows = found["street_rows"]
    street = (kinds[rows][:, None] == kinds).astype(int)
    street[np.arange(len(street)), rows] = -1
    sets = {
        "phone photos": (phone[known], right[known], found["fitting"][known]),
        "street photos": (adapt(found["street"]), street, np.arange(len(street)) % 2 == 0),
    }
    corrections = {
        name: fit_correction(*shown(curve, queries[fitting], truth[fitting], gallery))
        for name, (queries, truth, fitting) in sets.items()
    }
    for name, (queries, truth, fitting) in sets.items():
        said, true = shown(curve, queries[~fitting], truth[~fitting], gallery)
        report(f"{name}, as served", said, true)
        for other, (slope, intercept) in corrections.items():
            corrected = 1 / (1 + np.exp(-slope * logit(said) - intercept))
            report(f"{name}, corrected on {other}", corrected, true)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="products with an articleType")
    parser.add_argument("--phone-photos", required=True, help="photos with label and sender_id")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=600, help="phone photos; half as many street")
    args = parser.parse_args()
    encoder, file = Encoder.load(), args.work / "photo_calibration.npz"
    if not file.exists():
        args.work.mkdir(parents=True, exist_ok=True)
        np.savez(file, **encode(args, encoder))
    measure(dict(np.load(file)), encoder)


if __name__ == "__main__":
    main()
