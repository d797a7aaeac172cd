"""From a trained student to the folder that `Encoder.load` reads, and back again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.heads import HEADS_FILE, EmbeddingHeads, load_text_embeddings
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.model import CUT_SHARE, KIND_SHARE, EmbeddingModel


def export(student: EmbeddingModel, words: Vocabulary, size: int, folder: Path) -> None:
    """Write transformers files, sides and words in half precision; proxies stay behind.

    Raises ValueError when a weight is too large for that.
    """
    from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    check_float16(student.backbone)
    student.backbone.half().save_pretrained(folder)
    ConvNextImageProcessorPil(
        size={"shortest_edge": size},
        crop_pct=1.0,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)
    joined = {name: w.to(torch.float16).contiguous() for name, w in student.joined().items()}
    told = {"sides": json.dumps(student.sizes), "kinds": json.dumps(student.named)}
    save_file(joined, folder / HEADS_FILE, metadata=told)
    if student.words is not None:
        table = student.words.weight.detach().numpy().astype(np.float16)
        save_arrays({"words": table}, folder / "words.safetensors")
        listed = {"words": words.words, "pieces": words.ngrams}
        text = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
        (folder / "words.json").write_text(text, encoding="utf-8")


def check_float16(backbone: nn.Module) -> None:
    """Raises ValueError when a weight cannot be told in half precision, which ends at 65,504."""
    for name, value in backbone.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value.half()).all():
            raise ValueError(f"{name}: expected values up to 65,504, found larger or none at all")


def heads_of(folder: Path) -> list[int] | None:
    """Lengths of the sides of an exported folder's vectors, or None where it has no projection."""
    from safetensors import safe_open

    if not (folder / HEADS_FILE).exists():
        return None
    with safe_open(folder / HEADS_FILE, "pt") as file:
        told = (file.metadata() or {}).get("sides")  # editions one to five do not tell
        return json.loads(told) if told else [file.get_slice("projection").get_shape()[0]]


def has_category_head(student: EmbeddingModel, folder: Path) -> bool:
    """Whether an exported folder tells the same kinds apart, in the same order."""
    from safetensors import safe_open

    with safe_open(folder / HEADS_FILE, "pt") as file:
        return json.loads((file.metadata() or {}).get("kinds", "null")) == list(student.named)


def load_shipped(student: EmbeddingModel, words: Vocabulary, folder: Path) -> None:
    """Give a fresh student the backbone, sides and words of an exported folder.

    Words that the folder does not know keep their random start; proxies were not exported. A
    folder without a projection gives its backbone alone. Raises ValueError when the sides of its
    vectors have other lengths. The side for kinds comes if they are the same ones.
    """
    from safetensors.torch import load_file

    student.backbone.load_state_dict(load_file(folder / "model.safetensors"))
    if (found := heads_of(folder)) is None:
        return
    if found != (sizes := list(student.sizes)):
        raise ValueError(f"{folder}: expected sides of {sizes} dimensions, found {found}")
    sides = EmbeddingHeads.load(folder)
    _take(student.projection.weight, sides.projection, "projection")
    _take(student.cut.weight, sides.detail, "detail", CUT_SHARE)
    if has_category_head(student, folder):
        _begin_kinds(student, sides.category)
    if student.words is None or not (folder / "words.safetensors").exists():
        return
    there, table = load_text_embeddings(folder, sides.dim)
    known = {name: i for i, name in enumerate(there.names)}
    for row, name in enumerate(words.names):
        if name in known:
            student.words.weight.data[row] = torch.from_numpy(table[known[name]].astype("float32"))


def _begin_kinds(student: EmbeddingModel, kinds: CategoryHead | None) -> None:
    """The side for kinds as it was exported: what is usual of features stands in its weights."""
    found = kinds.arrays() if kinds else {}
    _take(student.kind.weight, found.get("kinds.read"), "kinds.read")
    _take(student.kinds.weight, found.get("kinds.tell"), "kinds.tell")
    _take(student.kinds.bias, found.get("kinds.bias"), "kinds.bias")
    _take(student.codes, found.get("kinds.codes"), "kinds.codes", KIND_SHARE)


@torch.no_grad()
def _take(own: torch.Tensor, array: torch.Tensor | None, name: str, share: float = 1.0) -> None:
    """Copy what was exported at `share` of its length; raises ValueError for another shape."""
    expected, found = tuple(own.shape), None if array is None else tuple(array.shape)
    if found != expected:
        raise ValueError(f"{name}: expected an array of shape {expected}, found {found}")
    own.copy_(array / share)
