"""What a ResNet needs to compute in int8: scales of channels and ranges of activations.

Made by `lookbook.training.int8_calibration` from the weights of one revision, and kept beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookbook.encoding.errors import UNREADABLE, EncoderError

INT8_FILE = "int8.safetensors"
SCALES, RANGES = "scales.", "ranges."  # what the names of the file's arrays begin with
MIN_AGREEMENT = 0.999  # mean cosine from which precisions can share an index


@dataclass(frozen=True)
class Int8Calibration:
    """Scales and ranges by the name of the module whose output they belong to.

    `scales[name]` (channels,) divides the channels of an activation; the next convolution
    multiplies its weights by the same, so that the network's function stays. `ranges[name]` is the
    largest value of an activation after that division. `agreement`: mean cosine between the vectors
    in int8 and in float32. `digest` changes with the file.
    """

    revision: str
    agreement: float
    scales: Mapping[str, np.ndarray]
    ranges: Mapping[str, float]
    digest: str = ""

    @property
    def agrees(self) -> bool:
        """Whether vectors in int8 can be compared with those in float32."""
        return self.agreement >= MIN_AGREEMENT

    @classmethod
    def load(cls, folder: Path) -> Int8Calibration | None:
        """Read INT8_FILE of a folder, None if there is none. Raises EncoderError."""
        file = folder / INT8_FILE
        if not file.exists():
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="np") as opened:
                about = opened.metadata() or {}
                arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            revision, agreement = about["revision"], float(about["agreement"])
        except (SafetensorError, *UNREADABLE) as error:
            raise EncoderError(
                f"{file}: expected a safetensors file with revision and agreement ({error!r}); "
                "make it again by python -m lookbook.training.int8_calibration"
            ) from None
        if wrong := [name for name, a in arrays.items() if not _positive(name, a)]:
            raise EncoderError(f"{file}: expected scales and ranges above 0, found {wrong[:3]}")
        return cls(
            revision,
            agreement,
            {n.removeprefix(SCALES): a for n, a in arrays.items() if n.startswith(SCALES)},
            {
                n.removeprefix(RANGES): float(a[0])
                for n, a in arrays.items()
                if n.startswith(RANGES)
            },
            hashlib.sha256(file.read_bytes()).hexdigest()[:16],
        )

    def save(self, folder: Path) -> None:
        """Write INT8_FILE into a folder."""
        from safetensors.numpy import save_file

        arrays = {SCALES + n: np.asarray(s, np.float32) for n, s in self.scales.items()}
        arrays |= {RANGES + n: np.array([r], np.float32) for n, r in self.ranges.items()}
        about = {"revision": self.revision, "agreement": f"{self.agreement:.5f}"}
        save_file(arrays, folder / INT8_FILE, about)


def _positive(name: str, array: np.ndarray) -> bool:
    """Return whether an array of the file is what its name says."""
    expected = name.startswith(SCALES) or (name.startswith(RANGES) and array.shape == (1,))
    return expected and array.ndim == 1 and bool((np.isfinite(array) & (array > 0)).all())
