"""Run a network with OpenVINO, from a graph that is converted once and kept.

Both float32 and bfloat16 are computed from one float32 graph; the precision is an option of its
compilation. For int8 there is a graph of its own, which says what is rounded; the rest of it is
computed in float32.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookbook.encoding.cpu import available_cores
from lookbook.encoding.errors import EncoderError
from lookbook.encoding.hub import first_line
from lookbook.resources import cache_folder

if TYPE_CHECKING:
    import torch

    from lookbook.encoding.backends.torch_backend import Network
    from lookbook.encoding.preprocessing import Preprocessing

STAGES = (-2, -1)  # the maps that the graph gives beside the vector
_MAX_REQUESTS = 16  # each has memory of its own for all layers
_KEPT = 4  # converted graphs, of some 95 MB each
_HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
_log = logging.getLogger(__name__)


class OpenVinoBackend:
    """A compiled graph: uint8 (n, size, size, 3) to vectors and the maps of STAGES.

    A request serves one caller at a time. There is one, on all threads; if `concurrent` one for
    each core that this process may use, _MAX_REQUESTS at most, on one thread, and a batch is split
    among those that are idle.
    """

    name = "openvino"

    def __init__(self, graph: Any, precision: str, concurrent: bool = False) -> None:
        openvino = _import_openvino()

        streams = min(available_cores(), _MAX_REQUESTS) if concurrent else 1
        options = {"INFERENCE_PRECISION_HINT": _HINTS[precision], "NUM_STREAMS": streams}
        if not concurrent:
            options["PERFORMANCE_HINT"] = "LATENCY"
        compiled = openvino.Core().compile_model(graph, "CPU", options)
        self.fixed_size = compiled.input(0).partial_shape[1].is_static
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (n, dim), not normalized, for uint8 (n, size, size, 3)."""
        return self._infer(pixels, (0,))[0]

    def feature_maps(self, pixels: np.ndarray, stages: tuple[int, ...]) -> list[np.ndarray]:
        """Return float32 (n, channels, positions...) for each of `stages`, which are in STAGES."""
        return self._infer(pixels, _outputs(stages))

    def embed_with_maps(
        self, pixels: np.ndarray, stages: tuple[int, ...]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the results of `embed` and of `feature_maps` in one forward pass."""
        vectors, *maps = self._infer(pixels, (0, *_outputs(stages)))
        return vectors, maps

    def _infer(self, pixels: np.ndarray, outputs: tuple[int, ...]) -> list[np.ndarray]:
        requests = self._take(len(pixels))
        try:
            parts = np.array_split(pixels, len(requests))
            for request, part in zip(requests, parts, strict=True):
                request.start_async([np.ascontiguousarray(part)])
            for request in requests:
                request.wait()
            # copies: a request writes its next results to the same memory
            return [
                np.concatenate([r.get_output_tensor(i).data for r in requests]) for i in outputs
            ]
        finally:
            for request in requests:
                self._put_back(request)

    def _put_back(self, request: Any) -> None:
        """Make a request idle; where another of its batch failed, it may still be running."""
        with contextlib.suppress(RuntimeError):  # its own failure, which `_infer` has raised
            request.wait()
        self._idle.put(request)

    def _take(self, most: int) -> list[Any]:
        """Wait for a request; return it with others that are idle, at most so many."""
        requests = [self._idle.get()]
        with contextlib.suppress(queue.Empty):
            while len(requests) < most:
                requests.append(self._idle.get_nowait())
        return requests


def _outputs(stages: tuple[int, ...]) -> tuple[int, ...]:
    """Return the outputs of the graph that are the maps of `stages`; raises EncoderError."""
    if not set(stages) <= set(STAGES):
        raise EncoderError(
            f"the backend openvino computes the stages {STAGES}, not {stages}: use torch"
        )
    return tuple(1 + STAGES.index(stage) for stage in stages)


def open_or_convert(
    load: Callable[[], Network],
    preprocessing: Preprocessing,
    key: str,
    precision: str,
    concurrent: bool = False,
) -> OpenVinoBackend:
    """Return the backend of the graph that is kept for `key`, converted at the first call.

    `load` gives the network in float32, for the conversion only; `concurrent` as in
    OpenVinoBackend. Raises EncoderError when it cannot be converted, or cannot be computed on this
    processor.
    """
    file = graph_file(key)
    try:
        backend = _open(file, precision, concurrent)
        if backend is None:
            graph = _convert(load(), preprocessing)
            _keep(graph, file)
            backend = OpenVinoBackend(graph, precision, concurrent)
        # some layers fail when they are first computed only, for some shapes and precisions
        backend.embed(np.zeros((1, preprocessing.size, preprocessing.size, 3), np.uint8))
        return backend
    except (RuntimeError, ValueError, TypeError, ImportError) as error:
        raise EncoderError(f"OpenVINO cannot run this model: {first_line(error)}") from error


def _open(file: Path, precision: str, concurrent: bool) -> OpenVinoBackend | None:
    """Return the backend of a kept graph, None where there is none or it is damaged."""
    if not file.exists():
        return None
    try:
        file.touch()  # the graphs used last are kept
        return OpenVinoBackend(str(file), precision, concurrent)
    except (RuntimeError, OSError) as error:
        _log.warning("%s cannot be read, it is made again: %s", file, first_line(error))
        return None


def _import_openvino() -> Any:
    """Import openvino with its stub of openvino_telemetry, which would report each conversion."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # not importable
    import openvino

    return openvino


def graph_file(key: str) -> Path:
    """Return where the graph for `key` is kept; a newer OpenVINO converts anew."""
    return cache_folder("backends") / f"{key}-{version('openvino')}.xml"


def _convert(network: Network, preprocessing: Preprocessing) -> Any:
    """Trace the network and put the normalization of pixels into its graph."""
    import torch

    openvino = _import_openvino()

    example = torch.zeros(2, 3, preprocessing.size, preprocessing.size)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # each shape check that becomes constant warns
        graph = openvino.convert_model(
            _traceable(network), example_input=example, input=[-1, 3, *_sides(network, example)]
        )
    steps = openvino.preprocess.PrePostProcessor(graph)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    mean, std = (
        [value / preprocessing.scale for value in values]
        for values in (preprocessing.mean, preprocessing.std)
    )
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(mean).scale(std)
    return steps.build()


def _sides(network: Network, example: torch.Tensor) -> list[int]:
    """Return the height and width of the graph's input, -1 where pictures of any size fit."""
    return list(example.shape[2:]) if network.fixed_size else [-1, -1]


def _traceable(network: Network) -> torch.nn.Module:
    """Return a module (n, 3, size, size) -> (vectors, the maps of STAGES)."""
    import torch

    class Traceable(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = network.model  # its weights become the graph's

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            maps = network.feature_maps(x, STAGES)
            return network.embed(maps[-len(network.stages) :]), *maps

    return Traceable().eval()


def _keep(graph: Any, file: Path) -> None:
    """Save a graph whole or not at all, and remove those used least recently.

    Without a writable cache the graph is converted anew by each process.
    """
    openvino = _import_openvino()

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            staged = Path(folder) / file.name
            openvino.save_model(graph, staged, compress_to_fp16=False)
            for suffix in (".bin", ".xml"):  # a reader looks for the .xml
                staged.with_suffix(suffix).replace(file.with_suffix(suffix))
        for old in sorted(file.parent.glob("*.xml"), key=lambda f: -f.stat().st_mtime)[_KEPT:]:
            old.unlink(missing_ok=True)
            old.with_suffix(".bin").unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        _log.warning("the converted model cannot be kept in %s: %s", file.parent, error)
