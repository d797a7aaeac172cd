"""The student: ResNet-50, a projection, the heads that only training needs, and the words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers import ResNetConfig, ResNetModel

from lookbook.pooling import averages, details
from lookbook.processor import computes_in_bfloat16
from lookbook.training.data import HEADS

KINDS = ("articleType", "label")  # heads that have a side of the vector for themselves
AVERAGES, DETAILS = 2048, 2048 + 1024  # features of a picture, in this order
PARTS = (3, 1, 3)  # of the dimensions: those of the sides for everything, for kinds and for cut
KIND_SHARE = 1.1  # how long that side is beside the whole; of 0.8 to 1.5, on held-out products
CUT_SHARE = 1.15  # the same of the side for cut and print
SHARES = (1.0, KIND_SHARE, CUT_SHARE)  # in the order of `Student.projections`


def sides_of_dimensions(dim: int) -> tuple[int, int, int]:
    """How many of `dim` dimensions each side of a vector has."""
    unit = dim // sum(PARTS)
    return (dim - sum(PARTS[1:]) * unit, *(part * unit for part in PARTS[1:]))


def mixed_precision() -> torch.autocast:
    """Convolutions in bfloat16 where the processor computes in it, in float32 elsewhere."""
    return torch.autocast("cpu", torch.bfloat16, enabled=computes_in_bfloat16())


class Student(nn.Module):
    """Pictures (n, 3, s, s) -> features (n, 5120) -> embedding (n, dim) of L2 norm 1.

    A vector has three sides: one that is asked for everything, one that only tells kinds of clothes
    apart, and one that tells cut and print whatever the colour. Together on one side, colour, print
    and kind contend for the same length. The first two read averages of the last feature map, the
    third the largest values of the last two: `lookbook.pooling`.

    The stem and the first stages, `still` of these five together, do not learn: they stay as they
    came, their normalisation too.
    """

    def __init__(
        self,
        classes: dict[str, list[str]],
        dim: int,
        teacher: int,
        tokens: int,
        still: int = 0,
        config: ResNetConfig | None = None,
    ) -> None:
        super().__init__()
        self.backbone = ResNetModel(config or ResNetConfig())
        whole, part, cut = sides_of_dimensions(dim)
        if (wide := self.backbone.config.hidden_sizes[-1]) != AVERAGES:
            raise ValueError(
                f"expected a backbone of {AVERAGES} features, a ResNet-50; found {wide}"
            )
        self.projection = nn.Linear(AVERAGES, whole, bias=False)
        self.kind = nn.Linear(AVERAGES, part, bias=False)
        self.cut = nn.Linear(DETAILS, cut, bias=False)
        self.register_buffer("lengths", torch.ones(3))  # of the three sides, usually
        self.heads = nn.ParameterDict(
            {head: nn.Parameter(torch.randn(len(classes[head]), whole)) for head in HEADS}
        )
        self.kinds = nn.ParameterDict(
            {head: nn.Parameter(torch.randn(len(classes[head]), part)) for head in KINDS}
        )
        self.teach = nn.Linear(AVERAGES, teacher) if teacher else None
        self.words = nn.EmbeddingBag(tokens, dim, mode="sum") if tokens else None
        if self.words is not None:
            nn.init.normal_(self.words.weight, std=dim**-0.5)
        # log of the scale of cosines between views, of picture and words, and between cuts
        self.sharpness = nn.Parameter(torch.tensor([2.3, 2.3, 2.3]))
        self._quiet_residuals()
        stages = [self.backbone.embedder, *self.backbone.encoder.stages]
        self.still = stages[:still]  # a list, so that no module is registered twice
        for parameter in (p for stage in self.still for p in stage.parameters()):
            parameter.requires_grad_(False)
        self.train()  # again, now that it is known what stands still

    def train(self, mode: bool = True) -> Student:
        """As `nn.Module.train`, but what stands still keeps normalising by what it knows."""
        super().train(mode)
        for stage in self.still:
            stage.eval()
        return self

    def _quiet_residuals(self) -> None:
        """Start each residual branch at zero (Goyal et al. 2017): early training is steadier."""
        for stage in self.backbone.encoder.stages:
            for layer in stage.layers:
                nn.init.zeros_(layer.layer[-1].normalization.weight)

    @property
    def projections(self) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        """Of whole, kind and cut: the order of a vector's dimensions."""
        return self.projection, self.kind, self.cut

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Averages of the last feature map, then the details of the last two; float32 (n, 5120)."""
        maps = self.backbone(pictures, output_hidden_states=True).hidden_states
        return torch.cat([averages(maps), details(maps)], 1)

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(n, dim), L2 norm 1."""
        sides = zip(self._raw(features), self._shares(), strict=True)
        return F.normalize(torch.cat([side * share for side, share in sides], 1), dim=1)

    def joined(self) -> dict[str, torch.Tensor]:
        """The projections as an encoder reads them, scaled to their shares of a vector.

        "projection" (whole + kind, 2048) and "detail" (cut, 3072). By their usual lengths, not by
        those of each picture: the embedding stays linear, so that what a place of the picture gives
        to it can be told.
        """
        sides = zip(self.projections, self._shares(), strict=True)
        whole, kind, cut = (side.weight.detach() * share for side, share in sides)
        return {"projection": torch.cat([whole, kind]), "detail": cut}

    def sides(self, features: torch.Tensor) -> list[torch.Tensor]:
        """Whole, kind and cut, each of L2 norm 1; in training their lengths are noted."""
        raw = self._raw(features)
        if self.training:
            seen = torch.stack([side.detach().norm(dim=1).mean() for side in raw])
            self.lengths.lerp_(seen, 0.05)
        return [F.normalize(side, dim=1) for side in raw]

    def _shares(self) -> Sequence[torch.Tensor]:
        """What each side is multiplied by to be usually as long as its share."""
        return (torch.tensor(SHARES) / self.lengths).unbind()

    def _raw(self, features: torch.Tensor) -> list[torch.Tensor]:
        averaged, detail = features.split([AVERAGES, DETAILS], 1)
        return [self.projection(averaged), self.kind(averaged), self.cut(detail)]

    def read(self, tokens: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Bags of token numbers -> (n, dim), L2 norm 1."""
        return F.normalize(self.words(tokens, offsets), dim=1)
