"""Find the folder of a model: a local one, or a cached or downloaded copy of a Hub repository."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from pathlib import Path

from lookbook.catalog.hub_lookup import HubError, query_hub, unreachable_message
from lookbook.encoding.errors import UNREADABLE, EncoderError
from lookbook.encoding.int8 import INT8_FILE
from lookbook.encoding.query_adapter import NETWORKS_FILE

MODEL_FILES = [
    *("*.json", "model*.safetensors", "projection.safetensors", "words.safetensors"),
    NETWORKS_FILE,
    INT8_FILE,
]
REVISION_FILES = ("config.json", "*.safetensors", "words.json")
_HINT = (
    "Give a local folder with config.json, preprocessor_config.json and model.safetensors, or "
    "leave out --model to use the shipped encoder"
)


def model_folder(model: str) -> Path:
    """Return `model` if it is a folder, else the cached copy of that Hub id, fetched if needed.

    Raises EncoderError.
    """
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    if (cached := _cached_folder(model)) is not None:
        return cached
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model) or set(model) <= {"."}:
        raise EncoderError(f"{model}: there is no such folder. {_HINT}")
    try:
        info = query_hub(model, "model")
    except HubError as error:
        raise EncoderError(f"{error}. {_HINT}") from None
    try:
        folder = snapshot_download(model, allow_patterns=MODEL_FILES, local_files_only=info is None)
    except (OSError, ValueError) as error:
        reason = unreachable_message(model) if info is None else f"{model}: {first_line(error)}"
        raise EncoderError(f"{reason}. {_HINT}") from error
    return Path(folder)


def revision(folder: Path) -> str:
    """Return 16 hex digits over all files of the network, so that retrained weights differ.

    What adapts queries does not count, as it changes no vector of an index, nor does the
    calibration for int8, which belongs to one revision.
    """
    digest = hashlib.sha256()
    files = {f for pattern in REVISION_FILES for f in folder.glob(pattern)}
    for file in sorted(files - {folder / NETWORKS_FILE, folder / INT8_FILE}):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def check_timm(folder: Path, model: str) -> None:
    """Raise EncoderError where the model is one of timm's and timm cannot be imported."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except UNREADABLE:
        return  # transformers says what is wrong with it
    is_timm = isinstance(config, dict) and "architecture" in config and "pretrained_cfg" in config
    if not is_timm:
        return
    try:
        importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision of another torch
        raise EncoderError(
            f"{model} is a model of timm, which cannot be imported ({first_line(error)}): "
            "pip install timm, with the torchvision that belongs to the installed torch"
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def local_folder(model: str) -> Path | None:
    """Return `model` if it is a folder, else its cached copy; None without one. Asks no Hub."""
    return Path(model) if Path(model).is_dir() else _cached_folder(model)


def _cached_folder(model: str) -> Path | None:
    """Return a cached copy without asking the Hub: an index belongs to one revision."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(model, local_files_only=True))
    except (OSError, ValueError):
        return None
    return folder if any(folder.glob("model*.safetensors")) else None
