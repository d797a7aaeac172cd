"""Arrays in safetensors files, read for models, indexes and recommenders alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# as safetensors names them: numpy knows neither bfloat16 nor floats of 8 bits
_NUMBERS = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U8")


class TensorsUnreadable(ValueError):  # noqa: N818
    """A safetensors file that is damaged or of other numbers; the message names it."""


def read_tensors(file: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file.

    Raises TensorsUnreadable when it is damaged or holds anything but _NUMBERS, and
    FileNotFoundError.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load_file

    try:
        with safe_open(file, framework="numpy") as tensors:
            types = {name: tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118
        if wrong := {name: found for name, found in types.items() if found not in _NUMBERS}:
            name, found = next(iter(wrong.items()))
            expected = f"expected one of {', '.join(_NUMBERS)}"
            raise TensorsUnreadable(f"{file}: {name}: {expected}, found {found}")
        return load_file(file)
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        raise TensorsUnreadable(f"{file}: expected a whole safetensors file ({error})") from None
