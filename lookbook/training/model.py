"""The student: ResNet-50, a projection, the heads that only training needs, and the words."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers import ResNetConfig, ResNetModel

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.cpu import supports_bfloat16
from lookbook.encoding.pooling import average_pool, max_pool_stages
from lookbook.training.class_embeddings import spread
from lookbook.training.data import HEADS

KIND = "articleType"  # the head that has a side of the vector for itself
AVERAGES, DETAILS = 2048, 2048 + 1024  # features of a picture, in this order
KINDS_SIDE = ("kind.", "kinds.")  # what the parameters that tell kinds begin like
KINDS_DECAY = 0.1  # of these weights: features are many more than kinds
PARTS = (3, 3, 1)  # of the dimensions: those of the sides for everything, for cut and for kinds
CUT_SHARE = 1.5  # how long that side is beside the whole; of 1.0 to 1.5, on held-out products
LEARNT_BESIDE = 1.1  # the same while anything but words of the last step learns: none leans on it
KIND_SHARE = 1.5  # the same of the side for kinds, of a picture that is sure of one
DROPPED = 0.3  # of the features that kinds are told by, in training: many say the same


def sides_of_dimensions(dim: int) -> tuple[int, int, int]:
    """How many of `dim` dimensions each side of a vector has: whole, cut, kinds."""
    unit = dim // sum(PARTS)
    return (dim - sum(PARTS[1:]) * unit, *(part * unit for part in PARTS[1:]))


def mixed_precision() -> torch.autocast:
    """Convolutions in bfloat16 where the processor computes in it, in float32 elsewhere."""
    return torch.autocast("cpu", torch.bfloat16, enabled=supports_bfloat16())


class EmbeddingModel(nn.Module):
    """Pictures (n, 3, s, s) -> features (n, 5120) -> embedding (n, dim) of L2 norm 1.

    A vector has three sides: one that is asked for everything, one that tells cut and print
    whatever the colour, and one that only tells kinds of clothes apart. Together on one side,
    colour, print and kind contend for the same length. The first reads averages of the last feature
    map, the second the largest values of the last two (`encoding.pooling`), the third both and
    decides: `encoding.category_head`.

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
        self.sizes, self.named = sides_of_dimensions(dim), tuple(classes[KIND])
        whole, cut, kind = self.sizes
        if (wide := self.backbone.config.hidden_sizes[-1]) != AVERAGES:
            raise ValueError(
                f"expected a backbone of {AVERAGES} features, a ResNet-50; found {wide}"
            )
        self.projection = nn.Linear(AVERAGES, whole, bias=False)
        self.cut = nn.Linear(DETAILS, cut, bias=False)
        # mean and deviation of features, for kinds; as `category_fitting` found them
        wide = AVERAGES + DETAILS
        self.register_buffer("usual", torch.stack([torch.zeros(wide), torch.ones(wide)]))
        self.kind = nn.Linear(wide, kind, bias=False)
        self.kinds = nn.Linear(kind, len(self.named))
        self.register_buffer("codes", spread(len(self.named), kind))
        self.register_buffer("lengths", torch.ones(2))  # of whole and cut, usually
        self.heads = nn.ParameterDict(
            {head: nn.Parameter(torch.randn(len(classes[head]), whole)) for head in HEADS}
        )
        self.teach = nn.Linear(AVERAGES, teacher) if teacher else None
        self.words = nn.EmbeddingBag(tokens, dim, mode="sum") if tokens else None
        if self.words is not None:
            nn.init.normal_(self.words.weight, std=dim**-0.5)
        # log of the scale of cosines of views, of picture and words, of cuts and of vectors
        self.sharpness = nn.Parameter(torch.tensor([2.3, 2.3, 2.3, 2.3]))
        self._quiet_residuals()
        stages = [self.backbone.embedder, *self.backbone.encoder.stages]
        self.still = stages[:still]  # a list, so that no module is registered twice
        for parameter in (p for stage in self.still for p in stage.parameters()):
            parameter.requires_grad_(False)
        self.train()  # again, now that it is known what stands still

    def train(self, mode: bool = True) -> EmbeddingModel:
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

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Averages of the last feature map, then the details of the last two; float32 (n, 5120)."""
        maps = self.backbone(pictures, output_hidden_states=True).hidden_states
        return torch.cat([average_pool(maps), max_pool_stages(maps)], 1)

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """(n, dim), L2 norm 1."""
        return self.vector(*self.sides(features))

    def sides(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Whole, cut and what speaks for each kind (n, kinds); in training lengths are noted."""
        averaged, detail = features.split([AVERAGES, DETAILS], 1)
        whole, cut = self.projection(averaged), self.cut(detail)
        if self.training:
            seen = torch.stack([side.detach().norm(dim=1).mean() for side in (whole, cut)])
            self.lengths.lerp_(seen, 0.05)
        return whole, cut, self.told(features)

    def told(self, features: torch.Tensor) -> torch.Tensor:
        """(n, kinds): what speaks for each kind."""
        mean, deviation = self.usual
        alike = (features - mean) / deviation
        return self.kinds(self.kind(F.dropout(alike, DROPPED, self.training)))

    def vector(self, whole: torch.Tensor, cut: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """(n, dim), L2 norm 1, of `sides`."""
        shares = self._shares(LEARNT_BESIDE if self.training else CUT_SHARE)
        kind = KIND_SHARE * told.softmax(1) @ self.codes
        return F.normalize(torch.cat([whole * shares[0], cut * shares[1], kind], 1), dim=1)

    def joined(self) -> dict[str, torch.Tensor]:
        """The sides as an encoder reads them (`lookbook.encoding.heads`), scaled to their shares.

        By their usual lengths, not by those of each picture: so what a place of the picture gives
        to the vector can be told.
        """
        shares = self._shares(CUT_SHARE)
        whole, cut = self.projection.weight * shares[0], self.cut.weight * shares[1]
        joined = {"projection": whole, "detail": cut, **self._telling().arrays()}
        return {name: array.detach() for name, array in joined.items()}

    def _telling(self) -> CategoryHead:
        """The side for kinds of features as they come: what is usual of them is in its weights."""
        mean, deviation = self.usual
        read = self.kind.weight / deviation
        bias = self.kinds.bias - self.kinds.weight @ read @ mean
        return CategoryHead(read, self.kinds.weight, bias, KIND_SHARE * self.codes)

    def _shares(self, cut: float) -> torch.Tensor:
        """What whole and cut are multiplied by to be usually as long as 1 and `cut`."""
        return torch.tensor([1.0, cut]) / self.lengths

    def read(self, tokens: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Bags of token numbers -> (n, dim), L2 norm 1."""
        return F.normalize(self.words(tokens, offsets), dim=1)
