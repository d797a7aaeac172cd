"""What an update keeps of the published generation, and when it computes anew."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookbook.catalog import open_catalog
from lookbook.encoding.encoder import Preprocessing
from lookbook.index import Generation, IndexCorrupt, engine_files
from lookbook.index.engines import by_size
from lookbook.index.manifest import MANIFEST, Manifest, add_checksum
from lookbook.indexing import BuildOptions, build, enrichment, pipeline, tuning_queries
from lookbook.indexing.reuse import CALIBRATION, EFFORT, EVALUATION, MAP, PROJECTION, Previous
from lookbook.search import item_calibration
from lookbook.search.index import Index
from lookbook.ui import messages
from lookbook.ui.pages.about import about_html

COUNT = 200  # items, so that 10 changes are the 5 % from which all is computed anew
ALL = {CALIBRATION, EVALUATION, MAP, EFFORT}


class ColourEncoder:
    """A picture's vector is its colour, and some of its brightness in each corner."""

    preprocessing = Preprocessing(size=16, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3)
    normalize = True

    def __init__(self, revision: str = "1") -> None:
        self.identity = {"id": "colours", "revision": revision}

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        small = (
            pixels.reshape(len(pixels), 2, 8, 2, 8, 3).mean(axis=(2, 4)).reshape(len(pixels), 12)
        )
        vectors = small.astype(np.float32) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Shop:
    """A folder of pictures with a table; `rows`: id -> (number of its picture, title, kind)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder / "shop", folder / "index"
        self.folder.mkdir()
        self.rows: dict[str, tuple[int, str, str]] = {}
        self.columns = ["category"]
        for n in range(COUNT):
            self.add(n)

    def add(self, n: int, *, id: str = "", picture: int | None = None) -> None:
        picture = n if picture is None else picture
        corners = np.random.default_rng(picture).integers(0, 255, (2, 2, 3), np.uint8)
        Image.fromarray(corners.repeat(8, 0).repeat(8, 1)).save(self.folder / f"{picture}.png")
        self.rows[id or str(n)] = (picture, f"Thing {n}", f"kind {n % 4}")

    def change(self, count: int, start: int) -> None:
        """Give some items another picture."""
        for n in range(start, start + count):
            self.add(n, picture=1000 + n)

    def update(self, revision: str = "1", resume: bool = True, **options) -> Manifest:
        names = {f"{picture}.png" for picture, _, _ in self.rows.values()}
        for path in self.folder.glob("*.png"):
            if path.name not in names:
                path.unlink()
        with (self.folder / "metadata.csv").open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["file_name", "id", "title", *self.columns])
            for id, (picture, title, kind) in self.rows.items():
                out.writerow([f"{picture}.png", id, title, *[kind] * len(self.columns)])
        catalog = open_catalog(str(self.folder))
        # with this recall the least effort is enough, whatever the forest
        made = BuildOptions(**{"recall": 0.1} | options)
        build(catalog, ColourEncoder(revision), self.output, made, resume=resume, quiet=True)
        return self.generation.manifest

    @property
    def generation(self) -> Generation:
        return Generation.open(self.output)


@pytest.fixture
def computed(monkeypatch) -> Counter:
    """How often each thing has been computed from the whole catalogue."""
    counts: Counter = Counter()

    def counted(module: object, name: str, what: str) -> None:
        function = getattr(module, name)

        def call(*args, **kwargs):
            counts[what] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    # t-SNE takes seconds: any places will do here
    monkeypatch.setattr(
        enrichment, "project_2d", lambda vectors, seed: vectors[:, :2].astype(np.float32)
    )
    counted(enrichment.calibration, "fit", CALIBRATION)
    counted(enrichment, "index_report", EVALUATION)
    counted(enrichment, "project_2d", MAP)
    counted(pipeline, "whitening", PROJECTION)
    return counts


@pytest.fixture
def shop(tmp_path, computed) -> Shop:
    made = Shop(tmp_path)
    first = made.update()
    assert first.kept == {} and set(computed) == {CALIBRATION, EVALUATION, MAP}
    computed.clear()
    return made


def content(shop: Shop, name: str) -> bytes:
    return (shop.generation.path / name).read_bytes()


def test_few_changes_keep_what_is_costly_and_the_manifest_says_whose_it_is(shop, computed):
    first, before = (
        shop.generation.manifest,
        {n: content(shop, n) for n in (CALIBRATION, EVALUATION)},
    )
    shop.change(2, 0)
    shop.add(COUNT)
    del shop.rows["9"]
    manifest = shop.update()
    origin = {"generation": first.generation, "created": first.created, "changed": 4}
    assert manifest.kept == dict.fromkeys(ALL, origin)
    assert manifest.search_k == first.search_k
    assert {n: content(shop, n) for n in before} == before
    assert not computed


def test_the_recall_is_measured_of_the_new_forest(shop, monkeypatch):
    measured = []
    tune = engine_files.tune

    def spy(engine, vectors, *args, **options):
        tuning = tune(engine, vectors, *args, **options)
        measured.append((len(vectors), tuning["item"].recall))
        return tuning

    monkeypatch.setattr(engine_files, "tune", spy)
    shop.add(COUNT)
    manifest = shop.update()
    assert measured == [(COUNT + 1, pytest.approx(manifest.recall, abs=1e-6))]
    assert EFFORT in manifest.kept


def test_both_engines_of_a_large_catalogue_keep_their_efforts_or_neither(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(by_size, "LISTS_FROM", COUNT)
    shop, first = Shop(tmp_path), {}
    before = shop.update()
    tune = engine_files.tune

    def spy(engine, *args, **options):
        first[engine] = options["first"]
        return tune(engine, *args, **options)

    monkeypatch.setattr(engine_files, "tune", spy)
    shop.add(COUNT)
    manifest = shop.update()
    efforts = {kind: one["effort"] for kind, one in before.beside["query_kinds"].items()}
    assert first["faiss"] == efforts and set(efforts) == {"item", "photo"}
    assert first["annoy"] == {kind: one["effort"] for kind, one in before.query_kinds.items()}
    assert {kind: manifest.effort(kind, "faiss") for kind in efforts} == efforts
    assert EFFORT in manifest.kept
    shop.change(10, 0)  # with the one before, more than one in twenty
    assert EFFORT not in shop.update().kept
    assert not first["faiss"] and not first["annoy"]


def test_an_effort_that_is_not_enough_any_more_is_tuned_anew_and_not_said_to_be_kept(tmp_path):
    shop = Shop(tmp_path)
    shop.update(recall=0.99)
    path = shop.generation.path / MANIFEST
    value = json.loads(path.read_text())
    value["query_kinds"]["item"]["effort"] = 1
    path.write_text(json.dumps(add_checksum(value)))
    shop.add(COUNT)
    manifest = shop.update(recall=0.99)
    assert manifest.search_k > 1 and manifest.recall >= 0.99
    assert set(manifest.kept) == ALL - {EFFORT}


def test_changes_add_up_over_updates_until_all_is_computed_anew(shop, computed):
    first = shop.generation.manifest.generation
    for turn in range(2):
        shop.change(4, 10 * turn)
        kept = shop.update().kept
        assert {o["generation"] for o in kept.values()} == {first}
        assert {o["changed"] for o in kept.values()} == {4 * (turn + 1)}
    assert not computed
    shop.change(4, 20)  # 12 of 200
    third = shop.update()
    assert third.kept == {} and computed == {CALIBRATION: 1, EVALUATION: 1, MAP: 1}
    shop.change(4, 30)
    kept = shop.update().kept
    assert set(kept) == ALL
    assert {(o["generation"], o["changed"]) for o in kept.values()} == {(third.generation, 4)}


def test_an_item_that_changes_again_and_again_counts_each_time(shop, computed):
    for turn in range(3):
        shop.rows["5"] = (COUNT + turn, "Thing", "kind 1")
        shop.add(5, picture=2000 + turn)
        kept = shop.update().kept
    assert {o["changed"] for o in kept.values()} == {3}


@pytest.mark.parametrize(("changed", "is_kept"), [(9, True), (10, False)])
def test_the_limit_is_one_in_twenty(shop, changed, is_kept):
    shop.change(changed, 0)
    assert set(shop.update().kept) == (ALL if is_kept else set())


def test_other_words_keep_all_and_other_kinds_the_map_alone(shop, computed):
    for id, (picture, _, kind) in shop.rows.items():
        shop.rows[id] = (picture, f"Renamed {id}", kind)
    kept = shop.update().kept
    assert set(kept) == ALL and {o["changed"] for o in kept.values()} == {0}
    evaluation = content(shop, EVALUATION)
    for id in list(shop.rows)[:12]:
        shop.rows[id] = (shop.rows[id][0], f"Renamed {id}", "kind 9")
    kept = shop.update().kept
    assert set(kept) == {MAP, EFFORT}
    assert computed == {CALIBRATION: 1, EVALUATION: 1}
    assert content(shop, EVALUATION) != evaluation


def test_a_new_column_is_measured(shop, computed):
    shop.columns = ["category", "season"]
    assert set(shop.update().kept) == {MAP, EFFORT}
    assert computed[EVALUATION] == 1 and b"season" in content(shop, EVALUATION)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"licence": "CC0"}, ALL),
        ({"seed": 1}, {MAP, EFFORT}),
        ({"near_duplicates": False}, {MAP, EFFORT}),
        ({"metric": "euclidean"}, {MAP}),
        ({"recall": 0.9}, ALL - {EFFORT}),
        ({"trees": 7}, ALL - {EFFORT}),
        ({"engine": "exact"}, ALL - {EFFORT}),
        ({"draw_map": False}, ALL - {MAP}),
        ({"dim": 4}, set()),
        ({"resume": False}, set()),
        ({"revision": "2"}, set()),
    ],
)
def test_what_was_computed_with_other_options_is_not_kept(shop, options, kept):
    shop.add(COUNT)
    assert set(shop.update(**options).kept) == kept


def test_a_projection_is_kept_and_all_that_was_computed_after_it_goes_with_it(tmp_path, computed):
    shop = Shop(tmp_path)
    shop.update(dim=4)
    assert computed[PROJECTION] == 1
    shop.change(5, 0)
    kept = shop.update(dim=4).kept
    assert set(kept) == ALL | {PROJECTION} and computed[PROJECTION] == 1
    shop.change(5, 10)
    assert shop.update(dim=4).kept == {} and computed[PROJECTION] == 2
    shop.change(1, 20)
    assert shop.update().kept == {}, "without the projection all vectors are others"


def test_the_about_page_says_of_when_the_figures_are(shop):
    assert "Figures of" not in about_html(Index(shop.generation))
    day = messages.day(shop.generation.manifest.created)
    shop.change(3, 0)
    shop.update()
    assert f"Figures of</dt><dd>{day}, 3 changes ago" in about_html(Index(shop.generation))


def test_where_nothing_has_changed_the_origins_stay(shop):
    shop.change(3, 0)
    manifest = shop.update()
    assert shop.update() == manifest


@pytest.mark.parametrize("kept", [[], {"map.npy": 3}, {"map.npy": {"generation": "x"}}])
def test_a_manifest_that_says_nonsense_of_what_is_kept_is_refused(shop, kept):
    value = json.loads((shop.generation.path / MANIFEST).read_text())
    assert Manifest.from_json(value) == Manifest.from_json(
        add_checksum({n: v for n, v in value.items() if n != "kept"})
    )
    with pytest.raises(IndexCorrupt, match="kept"):
        Manifest.from_json(value | {"kept": kept})


def test_photo_and_text_queries_are_made_once_and_kept_with_the_effort(shop, monkeypatch):
    made: Counter = Counter()

    def photos(encoder, pictures, projection, seed):
        made["photo"] += 1
        return np.eye(4, 12, dtype=np.float32)

    def texts(encoder, texts, projection, length):
        made["text"] += 1
        return np.eye(6, 12, dtype=np.float32)[2:]

    monkeypatch.setattr(tuning_queries, "photo_queries", photos)
    monkeypatch.setattr(tuning_queries, "text_queries", texts)
    first = shop.update(resume=False)
    assert set(first.query_kinds) == {"item", "photo", "text"}
    shop.add(COUNT)
    second = shop.update()
    assert made == {"photo": 1, "text": 1}
    assert EFFORT in second.kept
    efforts = [{k: v["effort"] for k, v in m.query_kinds.items()} for m in (first, second)]
    assert efforts[0] == efforts[1]
    kept = Previous(shop.generation).queries()
    assert np.array_equal(kept["photo"], np.eye(4, 12))
    assert np.array_equal(kept["text"], np.eye(6, 12)[2:])


def test_what_says_how_likely_results_are_follows_their_order_though_nothing_has_changed(
    shop, computed, monkeypatch
):
    before = shop.update()
    monkeypatch.setattr(item_calibration, "order_key", lambda index: "f00d")
    after = shop.update()
    assert after.generation != before.generation
    stored = json.loads((shop.generation.path / CALIBRATION).read_text())
    assert stored["items"]["revision"] == "f00d"
    assert not computed, "all else is kept"
    assert shop.update().generation == after.generation


def test_an_index_of_an_earlier_version_is_tuned_though_nothing_has_changed(shop, computed):
    path = shop.generation.path / MANIFEST
    value = json.loads(path.read_text())
    del value["query_kinds"], value["checksum"]
    path.write_text(json.dumps(value))
    before = Manifest.read(path.parent)
    assert before.query_kinds == {}
    after = shop.update()
    assert after.generation != before.generation
    assert set(after.query_kinds) == {"item", "photo"}
    assert not computed, "all else is kept"
    assert shop.update().generation == after.generation
