"""Export a trained model to the folder that `Encoder.load` reads, and load it from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from lookbook.encoding.category_head import ARRAY_NAMES, CategoryHead
from lookbook.encoding.garment_kinds import KINDS_FILE
from lookbook.encoding.heads import HEADS_FILE, EmbeddingHeads, load_text_embeddings
from lookbook.encoding.hub import revision
from lookbook.encoding.query_adapter import SETTINGS_FILE
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.data import COMBINED_LABEL
from lookbook.training.model import CATEGORY_SCALE, DETAIL_SCALE, EmbeddingModel, TextModel

# names in the metadata of HEADS_FILE
HEAD_DIMS_KEY, CATEGORIES_KEY = "sides", "kinds"

# names in the checkpoints of earlier versions; those that end with a dot are prefixes
_OLD_ENTRIES = {
    "student": "model",
    "average": "ema",
    "optimiser": "optimizer",
    "still": "frozen_stages",
}
_OLD_PARAMETERS = {
    "cut.": "detail_head.",
    "kind.": "category_head.bottleneck.",
    "kinds.": "category_head.classifier.",
    "usual": "category_head.feature_stats",
    "codes": "category_head.class_embeddings",
    "lengths": "head_norms",
    "heads.exactly": f"proxies.{COMBINED_LABEL}",
    "heads.": "proxies.",
    "teach.": "teacher_head.",
    "words.": "text_embeddings.",
    "sharpness": "logit_scale",
}


def export(model: EmbeddingModel, vocabulary: Vocabulary, size: int, folder: Path) -> None:
    """Write backbone, heads and text embeddings in half precision, for images of `size` px.

    Proxies and teacher head are left out. Raises ValueError when a weight is too large.
    """
    from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    check_float16(model.backbone)
    model.backbone.half().save_pretrained(folder)
    ConvNextImageProcessorPil(
        size={"shortest_edge": size},
        crop_pct=1.0,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)
    arrays = {name: w.to(torch.float16).contiguous() for name, w in model.head_arrays().items()}
    metadata = {
        HEAD_DIMS_KEY: json.dumps(model.head_dims),
        CATEGORIES_KEY: json.dumps(model.categories),
    }
    save_file(arrays, folder / HEADS_FILE, metadata=metadata)
    if model.text_embeddings is not None:
        save_text_embeddings(model, vocabulary, folder)


def save_text_embeddings(model: TextModel, vocabulary: Vocabulary, folder: Path) -> None:
    """Write the text embeddings of a model in half precision, and the words that they are of."""
    assert model.text_embeddings is not None
    table = model.text_embeddings.weight.detach().numpy().astype(np.float16)
    save_arrays({"words": table}, folder / "words.safetensors")
    lists = {"words": vocabulary.words, "pieces": vocabulary.ngrams}
    text = json.dumps(lists, ensure_ascii=False, separators=(",", ":"))
    (folder / "words.json").write_text(text, encoding="utf-8")


def write_revision(folder: Path) -> None:
    """Write the revision of a folder into its settings that name it, where there are any."""
    found = revision(folder)  # reads all weights; the settings do not count
    for name in (SETTINGS_FILE, KINDS_FILE):
        if (file := folder / name).exists():
            settings = json.loads(file.read_text(encoding="utf-8"))
            write_json(file, settings | {"revision": found})


def write_json(file: Path, values: Mapping[str, Any]) -> None:
    """Write an object as indented JSON."""
    file.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_float16(backbone: nn.Module) -> None:
    """Raise ValueError when half precision, which ends at 65,504, cannot hold a weight."""
    for name, value in backbone.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value.half()).all():
            raise ValueError(f"{name}: expected values up to 65,504, found larger or none at all")


def exported_head_dims(folder: Path) -> list[int] | None:
    """Return the dimensions of each head of an exported folder, None if it has no heads."""
    from safetensors import safe_open

    if not (folder / HEADS_FILE).exists():
        return None
    with safe_open(folder / HEADS_FILE, "pt") as file:
        dims = (file.metadata() or {}).get(HEAD_DIMS_KEY)  # not in editions one to five
        return json.loads(dims) if dims else [file.get_slice("projection").get_shape()[0]]


def has_category_head(model: EmbeddingModel, folder: Path) -> bool:
    """Return whether an exported folder has the same categories in the same order."""
    from safetensors import safe_open

    with safe_open(folder / HEADS_FILE, "pt") as file:
        categories = (file.metadata() or {}).get(CATEGORIES_KEY, "null")
    return json.loads(categories) == list(model.categories)


def load_shipped(model: EmbeddingModel, vocabulary: Vocabulary, folder: Path) -> None:
    """Load backbone, heads and text embeddings of an exported folder into a new model.

    Proxies, and tokens that the folder does not have, keep their random start. A folder without
    heads gives its backbone only; the category head is loaded if the categories are the same.
    Raises ValueError when the heads have other dimensions.
    """
    from safetensors.torch import load_file

    model.backbone.load_state_dict(load_file(folder / "model.safetensors"))
    if (dims := exported_head_dims(folder)) is None:
        return
    if dims != (expected := list(model.head_dims)):
        raise ValueError(f"{folder}: expected heads of {expected} dimensions, found {dims}")
    heads = EmbeddingHeads.load(folder)
    assert heads is not None
    heads = heads.to("cpu")
    _copy(model.projection.weight, heads.projection, "projection")
    _copy(model.detail_head.weight, heads.detail, "detail", DETAIL_SCALE)
    if has_category_head(model, folder):
        _load_category_head(model, heads.category)
    if model.text_embeddings is None:
        return
    if (texts := load_text_embeddings(folder, heads)) is None:
        return
    shipped_vocabulary, table = texts
    row_of = {name: row for row, name in enumerate(shipped_vocabulary.names)}
    for row, name in enumerate(vocabulary.names):
        if name in row_of:
            vector = table[row_of[name], : heads.text_dim]
            shipped = torch.from_numpy(vector.astype("float32"))
            model.text_embeddings.weight.data[row] = shipped


def _load_category_head(model: EmbeddingModel, exported: CategoryHead | None) -> None:
    """Copy an exported head, whose weights are for unstandardized features."""
    head, arrays = model.category_head, exported.arrays() if exported else {}
    for field, own, scale in (
        ("bottleneck_weight", head.bottleneck.weight, 1.0),
        ("classifier_weight", head.classifier.weight, 1.0),
        ("bias", head.classifier.bias, 1.0),
        ("class_embeddings", head.class_embeddings, CATEGORY_SCALE),
    ):
        name = ARRAY_NAMES[field]
        _copy(own, arrays.get(name), name, scale)


@torch.no_grad()
def _copy(own: torch.Tensor, array: torch.Tensor | None, name: str, scale: float = 1.0) -> None:
    """Copy an array that was exported times `scale`. Raises ValueError for another shape."""
    expected, shape = tuple(own.shape), None if array is None else tuple(array.shape)
    if array is None or shape != expected:
        raise ValueError(f"{name}: expected an array of shape {expected}, found {shape}")
    own.copy_(array / scale)


def load_run(file: Path) -> dict[str, Any]:
    """Read the `run.pt` of a training; the names of earlier versions are converted."""
    state = {
        _OLD_ENTRIES.get(name, name): value
        for name, value in torch.load(file, map_location="cpu", weights_only=True).items()
    }
    return state | {name: current_names(state[name]) for name in ("model", "ema")}


def current_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a model's state dict with the parameter names of earlier versions converted."""
    return {_current_name(name): value for name, value in state.items()}


def _current_name(name: str) -> str:
    wrapper = "module." if name.startswith("module.") else ""  # of an averaged model
    bare = name.removeprefix(wrapper)
    for old, new in _OLD_PARAMETERS.items():
        if bare == old or (old.endswith(".") and bare.startswith(old)):
            return wrapper + new + bare.removeprefix(old)
    return name
