"""Open an index with the encoder it was built with, checked against each other."""

from __future__ import annotations

from pathlib import Path

from lookbook.encoding.encoder import DEFAULT_MODEL, Encoder
from lookbook.search.index import Index


class EncoderMismatch(ValueError):  # noqa: N818
    """The loaded encoder gives other vectors than those the index holds."""


def load_matching_encoder(
    index: Index,
    model: str | None = None,
    device: str = "auto",
    backend: str = "auto",
    concurrent: bool = False,
) -> Encoder:
    """Load the encoder that `index` was built with, in the same pooling and precision.

    Where the vectors of precisions agree, in the fastest of them: `Encoder.compatible_precisions`.
    `model` is its folder or Hub id, if it has moved; `concurrent` as in `Encoder.load`. Raises
    EncoderMismatch, naming both, when anything that changes the vectors differs; EncoderError when
    it cannot be loaded.
    """
    built = index.manifest.encoder
    if missing := {"id", "revision", "pooling", "precision", "denoise"} - set(built):
        raise EncoderMismatch(f"the manifest does not say the encoder's {', '.join(missing)}")
    encoder = Encoder.load(
        model or built.get("model") or DEFAULT_MODEL,
        pooling=built["pooling"],
        index_precision=built["precision"],
        device=device,
        backend=backend,
        denoise=built["denoise"],
        normalize=built.get("normalize", True),
        concurrent=concurrent,
    )
    if built["precision"] in encoder.compatible_precisions:
        built = built | {"precision": encoder.precision}
    for name, found in encoder.identity.items():
        if name != "id" and found != built.get(name):
            raise EncoderMismatch(
                f"the index was built with {built['id']} whose {name} is {built.get(name)!r}, "
                f"but {encoder.name} has {found!r}: give the right one by --model, or run embed.py "
                "again"
            )
    return encoder


def open_with_encoder(
    path: Path, engine: str, model: str | None, device: str, backend: str = "auto"
) -> tuple[Index, Encoder]:
    """Open an index and load its encoder."""
    index = Index.open(path, engine)
    return index, load_matching_encoder(index, model, device, backend)
