"""Metrics other than the cosine: they rank otherwise where vectors keep their norm."""

from __future__ import annotations

import numpy as np
import pytest

from lookbook import Encoder
from lookbook.search.index import Index
from lookbook.search.opening import load_matching_encoder
from lookbook.search.query import Query, query_vector, run
from tests.shapes import draw_shape
from tests.tiny_index import publish_tiny, random_vectors

COUNT, DIM = 60, 8
ENCODER = {"id": "a", "normalize": False}


def shop(root, metric: str, engine: str = "exact", **options) -> Index:
    vectors = random_vectors(COUNT, DIM, 3) * np.linspace(0.2, 5, COUNT)[:, None].astype(np.float32)
    publish_tiny(root, count=COUNT, dim=DIM, vectors=vectors, metric=metric, **options)
    return Index.open(root, engine=engine)


def test_metrics_rank_otherwise_where_vectors_keep_their_norm(tmp_path):
    query, order = random_vectors(1, DIM, 9)[0], {}
    for metric in ("angular", "euclidean", "dot"):
        index = shop(tmp_path / metric, metric, encoder=ENCODER)
        order[metric] = [hit.row for hit in index.search(query, 10)]
        vectors = np.asarray(index.generation.vectors, np.float64)
        lengths = np.linalg.norm(vectors, axis=1)
        expected = {
            "angular": vectors @ query / lengths,
            "euclidean": -np.linalg.norm(vectors - query, axis=1),
            "dot": vectors @ query,
        }[metric]
        assert order[metric] == np.argsort(-expected, kind="stable")[:10].tolist()
    assert len({tuple(rows) for rows in order.values()}) == 3


def test_a_query_keeps_the_norm_of_what_was_shown(tmp_path):
    index = shop(tmp_path, "euclidean", encoder=ENCODER)
    picture = random_vectors(1, DIM, 4)[0] * 3
    vector = query_vector(Query(pictures=(picture,)), index)
    np.testing.assert_allclose(vector, picture, rtol=1e-5)
    hits = run(Query(item="a-7", count=5), index).hits
    assert [hit.id for hit in hits] == [hit.id for hit in index.similar("a-7", 5)]


@pytest.mark.parametrize("metric", ["euclidean", "dot"])
@pytest.mark.parametrize("encoder", [ENCODER, {"id": "a"}])
def test_words_of_the_catalogue_count_for_every_metric(tmp_path, metric, encoder):
    index = shop(tmp_path, metric, encoder=encoder)
    colours = [
        hit.item.attributes["colour"]
        for hit in run(Query(item="a-0", words="in blue", count=30), index, _Mute()).hits
    ]
    assert colours[:20] == ["blue"] * 20


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_a_query_far_from_all_rows_is_searched_exactly(tmp_path, metric):
    root = tmp_path / metric
    far = np.zeros(DIM, np.float32)
    far[0] = -1
    vectors = np.abs(random_vectors(COUNT, DIM, 3))
    publish_tiny(root, count=COUNT, dim=DIM, vectors=vectors, metric=metric)
    annoy, exact = (Index.open(root, engine=engine) for engine in ("annoy", "exact"))
    assert [h.id for h in annoy.search(far, 5)] == [h.id for h in exact.search(far, 5)]


def test_an_encoder_that_keeps_norms_says_so_and_is_found_again(tmp_path, tiny_model):
    kept = Encoder.load(str(tiny_model), precision="float32", normalize=False)
    unit = Encoder.load(str(tiny_model), precision="float32")
    picture = draw_shape("red", 0, (64, 64))
    raw, normed = kept.encode([picture])[0], unit.encode([picture])[0]
    np.testing.assert_allclose(raw / np.linalg.norm(raw), normed, atol=1e-5)
    assert abs(float(np.linalg.norm(raw)) - 1) > 1e-3
    assert kept.identity == unit.identity | {"normalize": False}
    vectors = kept.encode([draw_shape(c, k, (64, 64)) for c in ("red", "blue") for k in range(3)])
    publish_tiny(
        tmp_path,
        count=6,
        dim=vectors.shape[1],
        vectors=vectors,
        encoder=kept.identity | {"model": str(tiny_model)},
    )
    assert not load_matching_encoder(Index.open(tmp_path)).normalize


class _Mute:
    """An encoder without words."""

    def knows(self, text: str) -> bool:
        return False

    def unknown_words(self, text: str) -> list[str]:
        return []
