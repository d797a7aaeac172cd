"""A safetensors file of numbers that numpy does not know."""

from __future__ import annotations

import json
import struct
from pathlib import Path


def write_tensor(file: Path, name: str, dtype: str, count: int = 4, size: int = 2) -> None:
    """Write a file that holds `count` zeros of `size` bytes under a name, as of type `dtype`."""
    header = {name: {"dtype": dtype, "shape": [count], "data_offsets": [0, count * size]}}
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(count * size))
