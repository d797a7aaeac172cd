"""OpenVINO computes what torch computes, from a graph that is converted once."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from lookbook.encoding import backends, cpu
from lookbook.encoding.backends import openvino_backend
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
from lookbook.encoding.errors import EncoderError
from tests.shapes import COLOURS, draw_shape


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lookbook" / "backends"


@pytest.fixture(scope="module")
def pictures():
    return [draw_shape(colour, kind) for colour in COLOURS for kind in range(3)]


def load(model, backend: str, **options) -> Encoder:
    return Encoder.load(model, backend=backend, **{"precision": "float32"} | options)


@pytest.mark.parametrize("pooling", ["avg", "max", "gem"])
def test_vectors_and_maps_equal_those_of_torch(tiny_model, pooling, pictures):
    by_torch, by_openvino = (load(tiny_model, b, pooling=pooling) for b in ("torch", "openvino"))
    assert by_openvino.identity == by_torch.identity
    np.testing.assert_allclose(by_openvino.encode(pictures), by_torch.encode(pictures), atol=1e-5)
    maps = [e.feature_map(pictures[0], size=96, stage=-2) for e in (by_torch, by_openvino)]
    np.testing.assert_allclose(*maps, atol=1e-4)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_one_pass_gives_the_vector_and_the_map_of_two(tiny_model, pictures, backend):
    encoder = load(tiny_model, backend)
    vector, features = encoder.encode_with_map(pictures[0], -2)
    np.testing.assert_allclose(vector, encoder.encode(pictures[:1])[0], atol=1e-6)
    np.testing.assert_allclose(features, encoder.feature_map(pictures[0], stage=-2), atol=1e-6)


def test_bfloat16_agrees_with_torch(tiny_model, pictures):
    vectors = [
        load(tiny_model, b, precision="bfloat16").encode(pictures) for b in ("torch", "openvino")
    ]
    assert (vectors[0] * vectors[1]).sum(1).mean() > 0.999


def test_the_network_is_read_and_converted_once(tiny_model, pictures, cache, monkeypatch):
    first = load(tiny_model, "openvino").encode(pictures)
    assert len(list(cache.glob("*.xml"))) == 1
    monkeypatch.setattr(
        "lookbook.encoding.encoder.load_network", lambda *_: pytest.fail("read again")
    )
    np.testing.assert_array_equal(load(tiny_model, "openvino").encode(pictures), first)


ALONE = """
import sys

from lookbook.encoding.attribution import attribution_maps
from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
from lookbook.search.photo_query import photo_queries, photo_query

picture, vectors = sys.argv[1:]
encoder = Encoder.load(DEFAULT_MODEL, precision="float32", backend="openvino")
photo_query(picture, encoder), photo_queries(picture, encoder)
attribution_maps(encoder, picture, picture)
encoder.encode([picture]).tofile(vectors)
print([name for name in ("torch", "transformers") if name in sys.modules])
"""


def test_a_converted_model_answers_without_torch_the_same(tmp_path, pictures):
    """The site starts two seconds sooner, and is 300 MB smaller."""
    picture, vectors = tmp_path / "picture.png", tmp_path / "vectors"
    pictures[0].save(picture)
    by_torch = load(DEFAULT_MODEL, "torch").encode([picture])[0]
    load(DEFAULT_MODEL, "openvino")
    command = [sys.executable, "-c", ALONE, str(picture), str(vectors)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr
    assert np.fromfile(vectors, np.float32) @ by_torch > 0.9999


def test_a_damaged_graph_is_converted_again(tiny_model, pictures, cache):
    first = load(tiny_model, "openvino").encode(pictures)
    (graph,) = cache.glob("*.xml")
    graph.write_bytes(graph.read_bytes()[:1000])
    np.testing.assert_allclose(load(tiny_model, "openvino").encode(pictures), first, atol=1e-6)


def test_threads_get_their_own_results(tiny_model, pictures):
    encoder = load(tiny_model, "openvino")
    expected = encoder.encode(pictures)
    with ThreadPoolExecutor(4) as threads:
        alone = list(threads.map(lambda p: encoder.encode([p])[0], pictures * 4))
    np.testing.assert_allclose(alone, np.tile(expected, (4, 1)), atol=1e-5)


@pytest.mark.parametrize("requests", [1, 3])
def test_concurrent_callers_and_batches_share_the_requests(
    tiny_model, pictures, monkeypatch, requests
):
    monkeypatch.setattr(openvino_backend, "available_cores", lambda: requests)
    expected = load(tiny_model, "openvino").encode(pictures)
    encoder = load(tiny_model, "openvino", concurrent=True)
    np.testing.assert_allclose(encoder.encode(pictures), expected, atol=1e-5)
    taken = encoder.backend._take(requests + 1)
    assert len(taken) == requests, "as many as there are cores"
    encoder.backend._idle.put(taken.pop())  # the others are busy: one answers everything
    np.testing.assert_allclose(encoder.encode(pictures), expected, atol=1e-5)
    for request in taken:
        encoder.backend._idle.put(request)
    with ThreadPoolExecutor(4) as threads:
        alone = list(threads.map(lambda p: encoder.encode([p])[0], pictures * 4))
    np.testing.assert_allclose(alone, np.tile(expected, (4, 1)), atol=1e-5)


class Request:
    """A request of OpenVINO that is refused when it is started, that fails, or that answers 1s."""

    def __init__(self, problem: str = "") -> None:
        self.problem, self.running = problem, False

    def start_async(self, inputs):
        assert not self.running, "request is busy"
        if self.problem == "start":
            raise RuntimeError("cannot be started")
        self.running = True

    def wait(self):
        self.running = False
        if self.problem:
            raise RuntimeError("cannot be computed")

    def get_output_tensor(self, number):
        return SimpleNamespace(data=np.ones((1, 2)))


@pytest.mark.parametrize("problem", ["start", "wait"])
def test_no_request_is_idle_before_it_has_ended(problem):
    backend = object.__new__(openvino_backend.OpenVinoBackend)
    backend._idle = openvino_backend.queue.LifoQueue()
    running = [Request(), Request(problem), Request()]
    for request in running:
        backend._idle.put(request)
    with pytest.raises(RuntimeError, match="cannot be"):
        backend.embed(np.zeros((3, 8, 8, 3), np.uint8))
    assert backend._idle.qsize() == 3
    assert not any(request.running for request in running)
    running[1].problem = ""
    np.testing.assert_array_equal(backend.embed(np.zeros((3, 8, 8, 3), np.uint8)), np.ones((3, 2)))


def test_a_refused_batch_leaves_the_requests_usable(tiny_model, pictures, monkeypatch):
    monkeypatch.setattr(openvino_backend, "available_cores", lambda: 2)
    encoder = load(tiny_model, "openvino", concurrent=True)
    expected = encoder.encode(pictures)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            encoder.backend.embed(np.zeros((2, 48, 48, 5), np.uint8))
    np.testing.assert_allclose(encoder.encode(pictures), expected, atol=1e-6)


def test_there_are_as_many_requests_as_cores_up_to_a_limit(tiny_model, monkeypatch):
    monkeypatch.setattr(cpu, "cpu_quota", lambda: math.inf)
    monkeypatch.setattr(cpu.os, "sched_getaffinity", lambda pid: {3, 5, 8}, raising=False)
    assert cpu.available_cores() == 3
    assert load(tiny_model, "openvino", concurrent=True).backend._idle.qsize() == 3
    monkeypatch.setattr(openvino_backend, "_MAX_REQUESTS", 2)
    assert load(tiny_model, "openvino", concurrent=True).backend._idle.qsize() == 2
    assert load(tiny_model, "openvino").backend._idle.qsize() == 1
    monkeypatch.delattr(cpu.os, "sched_getaffinity")
    monkeypatch.setattr(cpu.os, "cpu_count", lambda: None)
    assert cpu.available_cores() == 1


def test_graphs_used_least_recently_are_removed(tiny_model, cache, monkeypatch):
    monkeypatch.setattr(openvino_backend, "_KEPT", 2)
    for pooling in ("avg", "max", "gem"):
        load(tiny_model, "openvino", pooling=pooling)
    assert len(list(cache.glob("*.xml"))) == len(list(cache.glob("*.bin"))) == 2


def test_auto_takes_the_faster_one_and_remembers_it(tiny_model, monkeypatch, caplog):
    monkeypatch.setattr(backends, "_MIN_PARAMETERS", 0)
    monkeypatch.setattr(
        backends, "_seconds", lambda backend, size: {"torch": 2.0, "openvino": 1.0}[backend.name]
    )
    assert load(tiny_model, "auto").backend.name == "openvino"
    monkeypatch.setattr(backends, "_seconds", lambda *_: pytest.fail("measured again"))
    assert load(tiny_model, "auto").backend.name == "openvino"


def test_auto_times_both_on_all_threads_whatever_the_site_wants(tiny_model, pictures, monkeypatch):
    monkeypatch.setattr(backends, "_MIN_PARAMETERS", 0)
    monkeypatch.setattr(openvino_backend, "available_cores", lambda: 3)
    timed = {}

    def seconds(backend, size):
        timed[backend.name] = backend
        return {"torch": 2.0, "openvino": 1.0}[backend.name]

    monkeypatch.setattr(backends, "_seconds", seconds)
    encoder = load(tiny_model, "auto", concurrent=True)
    assert timed["openvino"]._idle.qsize() == 1
    assert encoder.backend._idle.qsize() == 3
    expected = load(tiny_model, "torch").encode(pictures)
    np.testing.assert_allclose(encoder.encode(pictures), expected, atol=1e-5)


def test_auto_leaves_small_models_and_what_cannot_be_converted_to_torch(
    tiny_model, monkeypatch, caplog
):
    assert load(tiny_model, "auto").backend.name == "torch"
    monkeypatch.setattr(backends, "_MIN_PARAMETERS", 0)

    def refuse(*_):
        raise RuntimeError("an operation is not known")

    monkeypatch.setattr(openvino_backend, "_convert", refuse)
    with caplog.at_level(logging.WARNING):
        assert load(tiny_model, "auto", pooling="max").backend.name == "torch"
    assert "an operation is not known" in caplog.text
    with pytest.raises(EncoderError, match="an operation is not known"):
        load(tiny_model, "openvino", pooling="gem")


def test_no_conversion_is_reported(tiny_model):
    load(tiny_model, "openvino")
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


@pytest.mark.parametrize("earlier", [False, True])
def test_auto_takes_torch_where_openvino_cannot_compute(tiny_model, monkeypatch, caplog, earlier):
    monkeypatch.setattr(backends, "_MIN_PARAMETERS", 0)
    if earlier:
        monkeypatch.setattr(backends, "_seconds", lambda backend, size: backend.name == "torch")
        assert load(tiny_model, "auto").backend.name == "openvino"

    def fail(*_):
        raise RuntimeError("could not create a primitive descriptor")

    monkeypatch.setattr(openvino_backend.OpenVinoBackend, "_infer", fail)
    with caplog.at_level(logging.WARNING):
        assert load(tiny_model, "auto").backend.name == "torch"
    assert "could not create a primitive" in caplog.text


def test_names_and_devices_are_checked(tiny_model, monkeypatch):
    with pytest.raises(EncoderError, match="'onnx' is not one of auto, torch, openvino"):
        load(tiny_model, "onnx")
    with pytest.raises(EncoderError, match="stages"):
        load(tiny_model, "openvino").feature_map(draw_shape("red", 0), stage=0)
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EncoderError, match="pip install openvino"):
        load(tiny_model, "openvino")
    assert load(tiny_model, "auto").backend.name == "torch"
