"""The student: ResNet-50, a projection, the heads that only training needs, and the words."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers import ResNetConfig, ResNetModel

from lookbook.training.data import HEADS


class Student(nn.Module):
    """Pictures (n, 3, s, s) -> features (n, 2048) -> embedding (n, dim) of L2 norm 1."""

    def __init__(self, classes: dict[str, list[str]], dim: int, teacher: int, tokens: int) -> None:
        super().__init__()
        self.backbone = ResNetModel(ResNetConfig())
        self.projection = nn.Linear(2048, dim, bias=False)
        self.heads = nn.ParameterDict(
            {head: nn.Parameter(torch.randn(len(classes[head]), dim)) for head in HEADS}
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
        return F.normalize(self.projection(features), dim=1)

    def read(self, tokens: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Bags of token numbers -> (n, dim), L2 norm 1."""
        return F.normalize(self.words(tokens, offsets), dim=1)
