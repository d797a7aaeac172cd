"""Whatever is damaged, swapped, hostile or from elsewhere is refused, and nothing crashes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from copy import copy as copy_of
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookbook.index import Generation, IndexCorrupt
from lookbook.index.manifest import CHECKSUM, Manifest, add_checksum, file_record
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation, projection_2d
from lookbook.search.index import Index
from tests.tensors import write_tensor
from tests.tiny_index import small_extras, write_tiny

REPOSITORY = Path(__file__).parents[3]
GOLDEN = REPOSITORY / "tests" / "golden" / "index-schema-1"
FILES = ["items.parquet", "vectors.npy", "forest.ann", "thumbs.bin", "thumbs.npy"]
EXTRAS = ["calibration.json", "map.npy", "evaluation.json"]
OPTIONAL = ["projection.safetensors", "report.json", *EXTRAS]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One generation with every file that a generation can have."""
    projection = (np.zeros(8, np.float32), np.eye(8, 6, dtype=np.float32))
    return write_tiny(
        tmp_path_factory.mktemp("written"),
        projection=projection,
        report={"rejected": []},
        enrich=small_extras,
    )


@pytest.fixture
def copy(written, tmp_path):
    return Path(shutil.copytree(written, tmp_path / "copy"))


def edit_manifest(generation, **changes):
    path = generation / "manifest.json"
    path.write_text(json.dumps(add_checksum(json.loads(path.read_text()) | changes)))


def agree_with_manifest(generation, name):
    """Let the manifest vouch for a file that was changed, as a hostile writer would."""
    files = json.loads((generation / "manifest.json").read_text())["files"]
    edit_manifest(generation, files=files | {name: file_record(generation / name)})


@pytest.mark.parametrize("name", FILES + OPTIONAL)
def test_a_missing_file_is_refused(copy, name):
    (copy / name).unlink()
    with pytest.raises(IndexCorrupt, match=f"{name} is not there"):
        Generation.open(copy)


@pytest.mark.parametrize("verify", ["full", "quick"])
@pytest.mark.parametrize("name", FILES + OPTIONAL)
def test_a_truncated_or_longer_file_is_refused_with_both_sizes(copy, name, verify):
    content = (copy / name).read_bytes()
    for damaged in (content[:-1], content[: len(content) // 2], b"", content + b"\0"):
        (copy / name).write_bytes(damaged)
        with pytest.raises(IndexCorrupt) as refused:
            Generation.open(copy, verify)
        told = f"{name} has {len(damaged)} bytes, the manifest says {len(content)}"
        assert told in str(refused.value)


@pytest.mark.parametrize("name", FILES + OPTIONAL)
def test_any_flipped_bit_is_refused(copy, name):
    content = bytearray((copy / name).read_bytes())
    for at in np.random.default_rng(0).integers(0, len(content), 10):
        flipped = content.copy()
        flipped[at] ^= 1
        (copy / name).write_bytes(flipped)
        with pytest.raises(IndexCorrupt, match=f"{name} has sha256 .*, the manifest says"):
            Generation.open(copy)


_OPEN = """
import shutil, sys
from pathlib import Path
import numpy as np
from lookbook.index import IndexCorrupt
from lookbook.index.manifest import add_checksum, file_record
from lookbook.search.calibration import calibration
from lookbook.search.enrichment import evaluation, projection_2d
from lookbook.search.index import Index
import json
good = Path(sys.argv[1])

def damage(work, name):
    print(name, flush=True)
    shutil.copytree(good, work)
    content = (good / name).read_bytes()
    rng = np.random.default_rng(0)
    for turn in range(60):
        bad = np.frombuffer(content, np.uint8).copy()
        if turn % 2:
            at = rng.integers(0, len(bad), 8)
            bad[at] = rng.integers(0, 256, 8)
        else:
            bad = rng.integers(0, 256, len(bad), dtype=np.uint8)
        (work / name).write_bytes(bad.tobytes())
        manifest = json.loads((good / "manifest.json").read_text())
        manifest["files"][name] = file_record(work / name)
        (work / "manifest.json").write_text(json.dumps(add_checksum(manifest)))
        try:
            index = Index.open(work, engine="annoy")
            index.similar("a-3")
        except (IndexCorrupt, LookupError):
            continue

for name in sys.argv[3:]:
    damage(Path(sys.argv[2]) / name, name)
"""


def test_random_files_that_the_manifest_vouches_for_never_crash(written, tmp_path):
    names = FILES + OPTIONAL
    run = subprocess.run(
        [sys.executable, "-c", _OPEN, str(written), str(tmp_path), *names],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
    assert run.stdout.split() == list(names)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_generation_is_refused(copy, name, tmp_path):
    other = write_tiny(tmp_path / "other", tag="other", seed=5)
    shutil.copy(other / name, copy / name)
    with pytest.raises(IndexCorrupt, match=name):
        Generation.open(copy)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (name, other)
        for name in ("vectors.npy", "forest.ann", "items.parquet", "thumbs.npy")
        for other in ({"count": 29}, {"count": 31}, {"dim": 16})
        if other != {"dim": 16} or name in ("vectors.npy", "forest.ann")
    ],
)
def test_a_file_of_another_shape_is_refused_even_if_the_manifest_vouches(tmp_path, name, other):
    mine, theirs = write_tiny(tmp_path / "mine"), write_tiny(tmp_path / "theirs", **other)
    shutil.copy(theirs / name, mine / name)
    agree_with_manifest(mine, name)
    with pytest.raises(IndexCorrupt, match=name.split(".")[0]):
        Index.open(mine, engine="annoy")


def test_pickle_is_never_read(copy):
    np.save(copy / "thumbs.npy", np.array([{"a": 1}]), allow_pickle=True)
    agree_with_manifest(copy, "thumbs.npy")
    with pytest.raises(IndexCorrupt, match=r"thumbs\.npy cannot be read: .*allow_pickle"):
        Generation.open(copy)


@pytest.mark.parametrize(
    "offsets", [[0, 5, 3], [-1, 2, 9], [0, 2, 10], [1, 2, 9], [0, 9], [0.0, 2.0, 9.0]]
)
def test_thumb_offsets_must_climb_from_nothing_to_the_end(tmp_path, offsets):
    items = {"id": ["a", "b"], "title": ["", ""]}
    folder = write_tiny(tmp_path, count=2, items=items, thumbs=[b"four", b"fiver"])
    np.save(folder / "thumbs.npy", np.array(offsets))
    agree_with_manifest(folder, "thumbs.npy")
    with pytest.raises(IndexCorrupt, match=r"thumbs\.npy"):
        Generation.open(folder)


def test_items_without_their_columns_are_refused(copy):
    table = pq.read_table(copy / "items.parquet").drop_columns(["title"])
    pq.write_table(table, copy / "items.parquet")
    agree_with_manifest(copy, "items.parquet")
    with pytest.raises(IndexCorrupt, match="no column 'title'"):
        Generation.open(copy)


RECORD = {"sha256": "0" * 64, "bytes": 4}
MEASURED = {"effort": 9, "recall": 1.0, "engine_ms": 0.1, "exact_ms": 0.2, "engine": "annoy"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema 2, this version reads 1"),
        ({"schema": "1"}, "schema '1'"),
        ({"dim": 7}, "the manifest says .*7"),
        ({"dim": 0}, "dim = 0: expected 1 to"),
        ({"dim": "6"}, "dim = '6': expected int"),
        ({"dim": True}, "dim = True"),
        ({"raw_dim": 9}, r"the manifest says \(9, 6\)"),
        ({"dtype": "float32"}, "the manifest says .*float32"),
        ({"count": 10**12}, "count = 1000000000000"),
        ({"count": 31}, "the manifest says .*31"),
        ({"metric": "cosine"}, "metric = 'cosine': expected one of"),
        ({"engine": None}, "engine = None"),
        ({"engine": "magic"}, "engine = 'magic': expected one of"),
        ({"engine": "hnswlib"}, r"does not name graph\.hnsw"),
        ({"search_k": None}, "search_k = None, engine annoy needs one"),
        ({"search_k": -1}, "search_k = -1"),
        ({"query_kinds": {"photo": {"effort": 1}}}, "for queries, 'photo'"),
        ({"query_kinds": {"dream": MEASURED}}, "for queries, 'dream'"),
        ({"query_kinds": {"text": MEASURED | {"effort": 0}}}, "for queries, 'text'"),
        ({"query_kinds": {"text": MEASURED | {"engine": "hnswlib"}}}, "'hnswlib' for text queries"),
        ({"pictures": {"index": "/"}}, "'index' = '/' for pictures"),
        ({"pictures": {"picture_quality": "9"}}, "'picture_quality' = '9' for pictures"),
        ({"files": {}}, r"does not name items\.parquet"),
        ({"files": []}, r"files = \[\]: expected dict"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copy, changes, message):
    edit_manifest(copy, **changes)
    with pytest.raises(IndexCorrupt, match=message):
        Generation.open(copy)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/b", "..", "CURRENT", "", "x" * 999]
)
def test_a_manifest_cannot_name_files_elsewhere(copy, name):
    files = json.loads((copy / "manifest.json").read_text())["files"]
    edit_manifest(copy, files=files | {name: RECORD})
    with pytest.raises(IndexCorrupt, match="which no generation holds"):
        Generation.open(copy)


def test_a_manifest_names_the_file_of_one_engine_only(copy):
    files = json.loads((copy / "manifest.json").read_text())["files"]
    edit_manifest(copy, files=files | {"graph.hnsw": RECORD})
    with pytest.raises(IndexCorrupt, match="files of the engines annoy and hnswlib, expected one"):
        Generation.open(copy)


@pytest.mark.parametrize(
    "record",
    [None, 3, {}, RECORD | {"sha256": "XYZ"}, RECORD | {"bytes": "4"}, RECORD | {"bytes": 1.5}],
)
def test_a_record_must_have_a_sum_and_a_size(copy, record):
    files = json.loads((copy / "manifest.json").read_text())["files"]
    edit_manifest(copy, files=files | {"vectors.npy": record})
    with pytest.raises(IndexCorrupt, match=r"for vectors\.npy: expected sha256, bytes"):
        Generation.open(copy)


def test_a_link_in_place_of_a_file_is_refused(copy, written):
    (copy / "thumbs.bin").unlink()
    (copy / "thumbs.bin").symlink_to(written / "thumbs.bin")
    with pytest.raises(IndexCorrupt, match=r"thumbs\.bin is not there"):
        Generation.open(copy)


def test_a_manifest_that_was_changed_is_refused(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"search_k": 1}))
    with pytest.raises(IndexCorrupt, match="its checksum is of another content"):
        Generation.open(copy)
    del manifest[CHECKSUM]  # as earlier versions wrote it
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert len(Index.open(copy)) == 30


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", "[" * 100_000, " " * (2 << 20)])
def test_a_manifest_that_is_not_one_is_refused(copy, text):
    (copy / "manifest.json").write_text(text)
    with pytest.raises(IndexCorrupt, match=r"manifest\.json"):
        Generation.open(copy)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=5), inner)),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # drawing its first text is
@given(changes=st.dictionaries(st.sampled_from(sorted(Manifest.__dataclass_fields__)), json_values))
def test_any_value_in_a_manifest_is_read_or_refused(changes):
    value = json.loads(next(GOLDEN.glob("*/manifest.json")).read_text())
    try:
        Manifest.from_json(value | changes)
    except IndexCorrupt as refused:
        assert str(refused)


def test_a_manifest_from_later_may_say_more(copy):
    edit_manifest(copy, colour_of_the_editor="green")
    assert len(Index.open(copy)) == 30


def test_a_projection_in_numbers_that_numpy_does_not_know_is_refused(copy):
    file = copy / "projection.safetensors"
    write_tensor(file, "mean", "BF16")
    agree_with_manifest(copy, file.name)
    with pytest.raises(IndexCorrupt, match=r"projection\.safetensors.* found BF16"):
        Generation.open(copy)


def test_a_pointer_of_git_lfs_is_named_as_such(copy):
    (copy / "forest.ann").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(IndexCorrupt, match="git lfs pull") as refused:
        Generation.open(copy)
    assert "rollback" not in str(refused.value), "the index is not damaged"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("calibration.json", b"{}"),
        ("calibration.json", b'{"kind": 1, "scores": [0], "shares": [2], "pairs": 1}'),
        ("calibration.json", b"[" * 100_000),
        ("evaluation.json", b"[]"),
        ("evaluation.json", b"\xff"),
        ("map.npy", b"\x93NUMPY\x01\x00"),
    ],
)
def test_a_vouched_for_file_that_makes_no_sense_is_refused(copy, name, content):
    (copy / name).write_bytes(content)
    agree_with_manifest(copy, name)
    index = Index.open(copy)
    with pytest.raises(IndexCorrupt, match=name) as refused:
        _ = calibration(index), projection_2d(index), evaluation(index)
    assert str(refused.value).count("python -m lookbook rollback") == 1
    assert str(copy_of(refused.value)) == str(refused.value)


@pytest.mark.parametrize(
    "flat",
    [np.zeros((29, 2), np.float32), np.zeros((30, 2)), np.full((30, 2), np.nan, np.float32)],
)
def test_a_map_of_something_else_is_refused(copy, flat):
    np.save(copy / "map.npy", flat)
    agree_with_manifest(copy, "map.npy")
    with pytest.raises(IndexCorrupt, match=r"map.npy holds .*, expected finite \(30, 2\)"):
        projection_2d(Index.open(copy))
