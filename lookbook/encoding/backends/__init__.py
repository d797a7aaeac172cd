"""Runtimes of the encoder: torch, which runs any model, and OpenVINO, which is faster on CPUs.

Their vectors agree at one precision (cosine above 0.999, tested), so an index can be searched with
either. Only OpenVINO computes in int8.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lookbook.encoding.cpu import processor_name
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.int8 import Int8Calibration
from lookbook.encoding.preprocessing import Preprocessing
from lookbook.resources import cache_folder

if TYPE_CHECKING:
    from lookbook.encoding.backends.torch_backend import Network

BACKENDS = ("auto", "torch", "openvino")
_ROUNDS = 5  # of the comparison, in turns, so that other work on the machine slows both
_MIN_PARAMETERS = 1_000_000  # below, converting a network costs more than it will save
_log = logging.getLogger(__name__)


class Backend(Protocol):
    """A network with its heads as a function of preprocessed pixels. Thread-safe.

    `fixed_size`: whether the network takes pictures of its own size only.
    """

    name: str
    fixed_size: bool

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (n, dim), not normalized, for uint8 (n, size, size, 3)."""

    def feature_maps(self, pixels: np.ndarray, stages: tuple[int, ...]) -> list[np.ndarray]:
        """Return float32 (n, channels, positions...) for each of `stages`.

        Stages are indices of transformers' `hidden_states`. Raises EncoderError for a stage that
        the backend does not compute.
        """

    def embed_with_maps(
        self, pixels: np.ndarray, stages: tuple[int, ...]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the results of `embed` and of `feature_maps` in one forward pass."""


@dataclass(frozen=True)
class Model:
    """What a backend is made of.

    `key` changes with the weights, the pooling and the preprocessing; `load` gives the network in
    float32; `device` is torch's name of it. `concurrent`: one thread for each of several calls at
    once, as a site wants it, else all threads for one call. `int8` belongs to the precision "int8".
    """

    key: str
    load: Callable[[], Network]
    preprocessing: Preprocessing
    precision: str
    device: str
    concurrent: bool = False
    int8: Int8Calibration | None = None


def choose_backend(name: str, model: Model) -> Backend:
    """Return the backend called `name` for a model.

    "auto" is OpenVINO where it is installed and faster on this processor, which is measured once
    and remembered, and for int8. Raises EncoderError for a name that is none of BACKENDS, and for
    "openvino" where it cannot be used.
    """
    if name not in BACKENDS:
        raise EncoderError(f"backend {name!r} is not one of {', '.join(BACKENDS)}")
    possible = is_openvino_possible(model.device)
    if model.precision == "int8":
        if not possible or name == "torch":
            raise EncoderError(
                "int8 needs the package openvino, the device cpu and the backend openvino, found "
                f"device {model.device} and backend {name}: choose another precision, for an index "
                "by embed.py --precision"
            )
        return _openvino(model)
    if name == "openvino" and not possible:
        raise EncoderError(
            "the backend openvino needs the package openvino and the device cpu, found device "
            f"{model.device}: pip install openvino, or leave out --backend"
        )
    if name == "auto" and possible:
        return _faster(model)
    return _openvino(model) if name == "openvino" else _torch(model)


def is_openvino_possible(device: str) -> bool:
    """Return whether OpenVINO is installed and runs on a device, of torch's names."""
    return device == "cpu" and importlib.util.find_spec("openvino") is not None


def _torch(model: Model) -> Backend:
    from lookbook.encoding.backends.torch_backend import TorchBackend

    return TorchBackend(model.load(), model.preprocessing, model.precision, model.device)


def _openvino(model: Model) -> Backend:
    from lookbook.encoding.backends.openvino_backend import open_or_convert

    key = model.key if model.int8 is None else f"{model.key}-{model.int8.digest}"
    load = partial(_network, model)
    return open_or_convert(load, model.preprocessing, key, model.precision, model.concurrent)


def _network(model: Model) -> Network:
    """Return the network in float32, for int8 with what is rounded written into it."""
    network = model.load()
    if model.int8 is None:
        return network
    from lookbook.encoding.backends.int8_network import quantize

    return quantize(network, model.int8)


def _faster(model: Model) -> Backend:
    """Return the backend that was faster when both were timed, or time both now."""
    file = _choice_file(model)
    choice = file.read_text(encoding="ascii") if file.is_file() else ""
    if choice == "torch":
        return _torch(model)
    if choice == "openvino":
        return _openvino_or_torch(model)
    network = model.load()
    # on all threads both: one of OpenVINO against all of torch would compare nothing
    timed = replace(model, load=lambda: network, concurrent=False)
    backends = _candidates(timed, network)
    seconds = [_seconds(backend, model.preprocessing.size) for backend in backends]
    fastest = backends[int(np.argmin(seconds))]
    _log.info(
        "%s encodes (%s)",
        fastest.name,
        ", ".join(f"{b.name} {t * 1000:.1f} ms" for b, t in zip(backends, seconds, strict=True)),
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(fastest.name, encoding="ascii")
    except OSError as error:
        _log.warning("the choice of a backend cannot be kept in %s: %s", file.parent, error)
    return _openvino_or_torch(model) if fastest.name == "openvino" and model.concurrent else fastest


def _openvino_or_torch(model: Model) -> Backend:
    """Return the backend openvino, or torch where the graph is gone and cannot be made again."""
    try:
        return _openvino(model)
    except EncoderError as error:
        _log.warning("torch encodes: %s", error)
        return _torch(model)


def _candidates(model: Model, network: Network) -> list[Backend]:
    """Return the backends to compare: torch is last, as it changes the precision of `network`."""
    backends: list[Backend] = []
    if sum(p.numel() for p in network.model.parameters()) >= _MIN_PARAMETERS:
        try:
            backends.append(_openvino(model))
        except EncoderError as error:
            _log.warning("torch encodes: %s", error)
    return [*backends, _torch(model)]


def _seconds(backend: Backend, size: int) -> float:
    """Return the median seconds for one picture."""
    pixels = np.full((1, size, size, 3), 128, np.uint8)
    backend.embed(pixels)
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        backend.embed(pixels)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _choice_file(model: Model) -> Path:
    """Return where the choice for a model, this processor and these versions is kept."""
    versions = [version("torch"), version("openvino"), processor_name()]
    digest = hashlib.sha256(" ".join([model.key, model.precision, *versions]).encode()).hexdigest()
    return cache_folder("backends") / f"{digest[:16]}.txt"
