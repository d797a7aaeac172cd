"""Fit the text embeddings on fixed image vectors.

    python -m house_collection --count 4000 --seed 1001 --output drawn
    python -m lookbook.training.text_fitting --data small --data drawn \\
        --output models/lookbook-resnet50

fits those of a folder anew, on the products of all sources that are not held out from training, and
keeps the vocabulary. Drawn pictures among photos make words point right in both: fitted on photos
alone, words for colour and kind find half as many of the right drawn pictures. Encodes the pictures
once (kept in `--work`), then takes some minutes. The revision of the folder changes: what names it
(`query.json`, `garments.json`) is made to fit, and indexes have to be made anew.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lookbook.encoding.encoder import Encoder
from lookbook.encoding.heads import load_text_embeddings
from lookbook.encoding.query_adapter import unit_rows
from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.checkpoints import save_text_embeddings, write_revision
from lookbook.training.data import description
from lookbook.training.descriptions import Description
from lookbook.training.head_finetuning import WEIGHT_DECAY, PairFeatures, optimizer_step
from lookbook.training.model import EmbeddingModel, TextModel
from lookbook.training.objective import text_loss
from lookbook.training.sources import (
    Pictures,
    add_folder_options,
    decoded,
    encoded,
    training_products,
    work_file,
)

STEPS, BATCH, LR = 180, 2048, 2e-3
# with drawn pictures among the photos; without, more steps than STEPS help photos and harm drawings
STEPS_ANEW = 1600
RESET_SCALE = 0.05  # of the usual initial norm, so that rare words do not outweigh others


def fit_text_embeddings(
    model: EmbeddingModel, features: PairFeatures, vocabulary: Vocabulary, reset: bool = False
) -> list[float]:
    """Train `model.text_embeddings` on the vectors of `features`, see `fit_on_vectors`."""
    if model.text_embeddings is None:
        return []
    descriptions = features.labels.all_descriptions
    return fit_on_vectors(model, _vectors(model, features), descriptions, vocabulary, STEPS, reset)


def fit_on_vectors(
    model: TextModel,
    vectors: torch.Tensor,
    descriptions: Sequence[Description],
    vocabulary: Vocabulary,
    steps: int,
    reset: bool = False,
) -> list[float]:
    """Train `model.text_embeddings` on image vectors (n, dim); return the loss of each step.

    `reset` starts from new random embeddings. The image vectors do not change. Without an image
    whose description has a word of the `vocabulary` nothing is changed.
    """
    described = [row for row, d in enumerate(descriptions) if vocabulary.tokens(d.text)]
    if not described or model.text_embeddings is None:
        return []
    rows_with_text = torch.tensor(described)
    if reset:
        std = RESET_SCALE * model.text_embeddings.embedding_dim**-0.5
        nn.init.normal_(model.text_embeddings.weight, std=std)
    parameters = [*model.text_embeddings.parameters(), model.logit_scale]
    optimizer = torch.optim.AdamW(parameters, lr=LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    history = []
    for _ in range(steps):
        rows = rows_with_text[torch.randperm(len(rows_with_text))[:BATCH]]
        texts = [descriptions[row] for row in rows.tolist()]
        loss = text_loss(model, vocabulary, vectors[rows], texts)
        if loss.requires_grad:  # False if all drawn queries are of out-of-vocabulary words
            optimizer_step(loss, optimizer)
        schedule.step()
        history.append(loss.item())
    return history


@torch.no_grad()
def _vectors(model: EmbeddingModel, features: PairFeatures) -> torch.Tensor:
    """Return (2n, dim): of all first views, then of all second ones, in eval mode."""
    model.eval()
    parts = [*features.first.split(4096), *features.second.split(4096)]
    return torch.cat([model.embed(part.float()) for part in parts])


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the text embeddings of `--output` anew, whose settings are made to fit them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", action="append", required=True, help="a catalogue; repeatable")
    add_folder_options(parser)
    args = parser.parse_args(argv)
    torch.manual_seed(0)
    encoder = Encoder.load(args.model)
    heads = encoder.heads
    if heads is None or (loaded := load_text_embeddings(args.model, heads)) is None:
        raise SystemExit(f"{args.model}: expected heads and text embeddings, found none")
    vocabulary = loaded[0]
    vectors, descriptions = read_products(args, encoder)
    model = TextModel(len(vocabulary), heads.text_dim)
    rows = torch.from_numpy(unit_rows(vectors[:, : heads.text_dim]))
    losses = fit_on_vectors(model, rows, descriptions, vocabulary, STEPS_ANEW, True)
    if not losses:
        raise SystemExit("no product has a word of the vocabulary: nothing was written")
    print(f"{len(rows)} products, loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    save_text_embeddings(model, vocabulary, args.output)
    write_revision(args.output)


def read_products(
    args: argparse.Namespace, encoder: Encoder
) -> tuple[np.ndarray, list[Description]]:
    """Return vectors (n, dim) and descriptions of the products that are in training."""
    read = [
        encoded(
            work_file(args.work, "products", name, encoder),
            encoder,
            functools.partial(_pictures, name),
        )
        for name in args.data
    ]
    descriptions = [description(str(row["title"]), row) for _, rows in read for row in rows]
    return np.concatenate([vectors for vectors, _ in read]), descriptions


def _pictures(name: str) -> Pictures:
    return decoded(training_products(name))


if __name__ == "__main__":
    main()
