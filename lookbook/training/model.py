"""The student: ResNet-50, a projection, the heads that only training needs, and the words."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers import ResNetConfig, ResNetModel

from lookbook.training.data import HEADS

KINDS = ("articleType", "label")  # heads that have a side of the vector for themselves
KIND_PART = 5  # that side has one in so many of the dimensions
KIND_SHARE = 0.7  # how long that side is beside the other; of 0.5 to 0.9, on held-out products


class Student(nn.Module):
    """Pictures (n, 3, s, s) -> features (n, 2048) -> embedding (n, dim) of L2 norm 1.

    A vector has two sides: one that is asked for everything, and one that only tells kinds of
    clothes apart. Together on one side, colour, print and kind contend for the same length.
    """

    def __init__(self, classes: dict[str, list[str]], dim: int, teacher: int, tokens: int) -> None:
        super().__init__()
        self.backbone = ResNetModel(ResNetConfig())
        kind = dim // KIND_PART
        self.projection = nn.Linear(2048, dim - kind, bias=False)
        self.kind = nn.Linear(2048, kind, bias=False)
        self.register_buffer("lengths", torch.ones(2))  # of the two sides, usually
        self.heads = nn.ParameterDict(
            {head: nn.Parameter(torch.randn(len(classes[head]), dim - kind)) for head in HEADS}
        )
        self.kinds = nn.ParameterDict(
            {head: nn.Parameter(torch.randn(len(classes[head]), kind)) for head in KINDS}
        )
        self.teach = nn.Linear(2048, teacher) if teacher else None
        self.words = nn.EmbeddingBag(tokens, dim, mode="sum") if tokens else None
        if self.words is not None:
            nn.init.normal_(self.words.weight, std=dim**-0.5)
        self.sharpness = nn.Parameter(torch.tensor([2.3, 2.3]))  # log of instance and words scale
        self._quiet_residuals()

    def _quiet_residuals(self) -> None:
        """Start each residual branch at zero (Goyal et al. 2017): early training is steadier."""
        for stage in self.backbone.encoder.stages:
            for layer in stage.layers:
                nn.init.zeros_(layer.layer[-1].normalization.weight)

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Global average of the last feature map, (n, 2048) float32."""
        return self.backbone(pictures).last_hidden_state.mean((2, 3)).float()

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(n, dim), L2 norm 1."""
        return F.normalize(features @ self.joined().T, dim=1)

    def joined(self) -> torch.Tensor:
        """(dim, 2048): both projections, scaled to their shares of a vector.

        By their usual lengths, not by those of each picture: the embedding stays linear, so that
        what a place of the picture gives to it can be told.
        """
        whole, kind = self.lengths
        return torch.cat([self.projection.weight / whole, self.kind.weight * (KIND_SHARE / kind)])

    def sides(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both sides of the vectors, each of L2 norm 1; in training their lengths are noted."""
        raw = self.projection(features), self.kind(features)
        if self.training:
            seen = torch.stack([side.detach().norm(dim=1).mean() for side in raw])
            self.lengths.lerp_(seen, 0.05)
        return F.normalize(raw[0], dim=1), F.normalize(raw[1], dim=1)

    def read(self, tokens: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Bags of token numbers -> (n, dim), L2 norm 1."""
        return F.normalize(self.words(tokens, offsets), dim=1)
