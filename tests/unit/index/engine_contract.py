"""What every engine must do, on toy data whose right answer follows from its construction."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lookbook.index.engines import METRICS, build_engine, get_engine, open_engine
from lookbook.index.engines.exact import exact_neighbours
from lookbook.index.errors import IndexCorrupt

ROOT = Path(__file__).parents[3]
COUNT, DIM = 300, 12

# Opens 300 damaged copies of the file of each metric: each is refused, or (a coordinate changed)
# searched.
_DAMAGE = """
import sys
from pathlib import Path
import numpy as np
from lookbook.index.engines import get_engine
from lookbook.index.errors import IndexCorrupt
name, count, dim = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
engine, shape = get_engine(name), np.empty((count, dim))

def refused(metric, path):
    print(metric, flush=True)
    good = np.fromfile(path, np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for turn in range(300):
        bad = good.copy()
        if turn % 3 == 0:
            bad = bad[: rng.integers(len(bad))]
        elif turn % 3 == 1:
            at = rng.integers(0, len(bad), 20)
            bad[at] = rng.integers(0, 256, 20)
        else:
            words = bad.view(np.int32)
            words[rng.integers(0, len(words), 5)] = rng.integers(-9, 400, 5)
        damaged = path.with_suffix(".bad")
        bad.tofile(damaged)
        try:
            opened = engine.open(damaged, shape, metric, 5000)
            opened.search(rng.normal(size=(3, dim)).astype(np.float32), 20)
        except IndexCorrupt:
            refused += 1
    return refused

for metric, path in zip(sys.argv[4::2], sys.argv[5::2]):
    print(refused(metric, Path(path)), flush=True)
"""


def grid(count: int = COUNT) -> np.ndarray:
    """Rows on a quarter circle, evenly apart: the neighbours of row r are r, r +- 1, r +- 2 ..."""
    angles = np.linspace(0, np.pi / 2, count)
    vectors = np.zeros((count, DIM), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    return vectors


def cloud(count: int = COUNT, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)


class EngineContract:
    """Subclasses say which engine by `name`."""

    name: str

    def build(self, vectors, metric="angular", **options):
        return build_engine(self.name, vectors, metric, **options)

    def reopened(self, folder, vectors, metric="angular", **options):
        """The engine after a way through its file, with an effort that visits every row."""
        engine = self.build(vectors, metric, **options)
        if engine.file:
            engine.save(folder / engine.file)
        return open_engine(self.name, folder, vectors, metric, engine.max_effort)

    @pytest.mark.parametrize("metric", METRICS)
    def test_neighbours_on_a_circle_are_the_rows_beside(self, metric, tmp_path):
        vectors = grid()
        engine = self.reopened(tmp_path, vectors, metric)
        rows, scores = engine.search(vectors[[100, 200]], 5)
        assert (rows.dtype, scores.dtype) == (np.int64, np.float32)
        assert [row[0] for row in rows.tolist()] == [100, 200]
        assert [sorted(row) for row in rows.tolist()] == [[*range(98, 103)], [*range(198, 203)]]
        step = np.pi / 2 / (COUNT - 1)
        angle = step * np.array([0, 1, 1, 2, 2])
        expected = -2 * np.sin(angle / 2) if metric == "euclidean" else np.cos(angle)
        np.testing.assert_allclose(scores, [expected] * 2, atol=1e-5)

    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize("count", [1, 2, 13, 14, 15, COUNT])
    def test_searched_whole_it_agrees_with_exact_search(self, metric, count, tmp_path):
        vectors, queries = cloud(count), cloud(5, seed=1)
        rows, scores = self.reopened(tmp_path, vectors, metric).search(queries, 10)
        expected_rows, expected = exact_neighbours(vectors, queries, 10, metric)
        assert (rows == expected_rows).all()
        np.testing.assert_allclose(scores, expected, atol=1e-5)

    def test_only_the_rows_that_are_asked_for(self, tmp_path):
        odd = np.arange(1, COUNT, 2)
        rows, _ = self.reopened(tmp_path, grid()).search(grid()[[100]], COUNT, odd)
        assert set(rows[0, :2].tolist()) == {99, 101}
        assert sorted(rows[0].tolist()) == odd.tolist()

    def test_equal_vectors_are_all_found(self, tmp_path):
        rows, scores = self.reopened(tmp_path, np.ones((40, DIM), np.float32)).search(
            np.ones((1, DIM), np.float32), 40
        )
        assert sorted(rows[0].tolist()) == [*range(40)]
        np.testing.assert_allclose(scores, 1, atol=1e-6)

    def test_half_precision_vectors_are_taken_as_they_are(self, tmp_path):
        vectors = cloud().astype(np.float16)
        rows, scores = self.reopened(tmp_path, vectors).search(vectors[[7]], 3)
        expected_rows, expected = exact_neighbours(vectors, vectors[[7]], 3, "angular")
        assert rows.tolist() == expected_rows.tolist()
        np.testing.assert_allclose(scores, expected, atol=1e-5)

    def test_a_query_of_another_length_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"shape \(q, 12\), found \(1, 5\)"):
            self.reopened(tmp_path, grid()).search(np.ones((1, 5)), 3)

    def test_an_unknown_metric_or_option_is_refused(self):
        with pytest.raises(ValueError, match="'cosine': expected one of angular, euclidean, dot"):
            self.build(grid(), "cosine")
        with pytest.raises(ValueError, match=f"engine {self.name} has no option 'wheels'"):
            self.build(grid(), wheels=4)

    def test_threads_get_the_answers_of_one(self, tmp_path):
        engine, queries = self.reopened(tmp_path, cloud()), cloud(40, seed=2)
        alone = [engine.search(query[None], 7, effort=30)[0].tolist() for query in queries]
        answers: dict[int, list] = {}

        def ask(thread):
            effort = 30 if thread % 2 else COUNT  # half of them disturb the others
            rows = [engine.search(query[None], 7, effort=effort)[0].tolist() for query in queries]
            answers[thread] = rows

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answers[n] for n in (1, 3, 5)] == [alone] * 3


class FileContract(EngineContract):
    """Of engines that keep a file."""

    def written(self, folder, metric="angular", **options):
        engine = self.build(cloud(), metric, **options)
        engine.save(folder / engine.file)
        return folder / engine.file

    def test_the_same_seed_gives_the_same_file_and_every_option_counts(self, tmp_path):
        first = self.written(tmp_path).read_bytes()
        assert self.written(tmp_path).read_bytes() == first
        assert self.written(tmp_path, seed=1).read_bytes() != first
        for option, value in get_engine(self.name).options.items():
            assert self.written(tmp_path, **{option: value // 2}).read_bytes() != first, option

    def test_progress_reaches_every_row(self):
        seen = []
        self.build(cloud(), progress=seen.append)
        assert seen[-1] == COUNT

    def test_more_effort_finds_no_less(self, tmp_path):
        vectors, queries = cloud(2000), cloud(50, seed=1)
        truth = exact_neighbours(vectors, queries, 10, "angular")[0]
        engine = self.reopened(tmp_path, vectors)

        def hits(effort):
            rows = [engine.search(query[None], 10, effort=effort)[0][0] for query in queries]
            return sum(len(set(a) & set(b)) for a, b in zip(rows, truth.tolist(), strict=True))

        assert hits(10) < hits(engine.max_effort) == truth.size

    @pytest.mark.parametrize(
        "wrong", [(COUNT, 11), (COUNT, 24), (COUNT, 4), (COUNT - 1, DIM), (9, DIM)]
    )
    def test_a_file_of_another_shape_is_refused(self, wrong, tmp_path):
        path = self.written(tmp_path)
        with pytest.raises(IndexCorrupt, match=path.name):
            get_engine(self.name).open(path, np.empty(wrong), "angular", 9)

    def test_a_file_without_an_effort_in_the_manifest_is_refused(self, tmp_path):
        path = self.written(tmp_path)
        with pytest.raises(IndexCorrupt, match="no search_k"):
            get_engine(self.name).open(path, cloud(), "angular", None)

    @pytest.mark.parametrize("content", [b"", b"\0" * 40, b"version https://git-lfs.github.com\n"])
    def test_what_is_no_file_of_it_is_refused(self, content, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(IndexCorrupt, match="file"):
            get_engine(self.name).open(path, cloud(), "angular", 9)

    def test_damaged_files_never_crash(self, tmp_path):
        command = [sys.executable, "-c", _DAMAGE, self.name, str(COUNT), str(DIM)]
        for metric in METRICS:
            (tmp_path / metric).mkdir()
            command += [metric, str(self.written(tmp_path / metric, metric))]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert run.returncode == 0, run.stdout + run.stderr
        words = run.stdout.split()
        assert words[::2] == list(METRICS)
        assert min(map(int, words[1::2])) > 150
