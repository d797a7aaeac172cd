"""The trained model: ResNet-50, embedding heads, text embeddings, and proxies for the losses."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers import ResNetConfig, ResNetModel

from lookbook.encoding.category_head import CategoryHead
from lookbook.encoding.pooling import average_pool, max_pool_stages
from lookbook.training.class_embeddings import grassmannian_frame
from lookbook.training.data import LABEL_COLUMNS

CATEGORY_COLUMN = "articleType"  # the label with a head of its own
AVG_FEATURES, MAX_FEATURES = 2048, 2048 + 1024  # average- and max-pooled features, in this order
FEATURES = AVG_FEATURES + MAX_FEATURES
CATEGORY_PREFIX = "category_head."  # of its parameters' names
CATEGORY_WEIGHT_DECAY = 0.1  # high: there are many more features than classes
HEAD_RATIO = (3, 3, 1)  # dimensions of the general, the detail and the category head
DETAIL_SCALE = 1.5  # norm of the detail head, of the general one 1; best of 1.0 to 1.5, held out
TRAINING_DETAIL_SCALE = 1.1  # during training, so that the general head does not rely on it
CATEGORY_SCALE = 1.5  # norm of the category head of a confident image
CATEGORY_DROPOUT = 0.3  # of its input features, which are redundant

HeadOutputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # see `EmbeddingModel.head_outputs`


def head_dims(dim: int) -> tuple[int, int, int]:
    """Split `dim` into the dimensions of the general, the detail and the category head."""
    unit = dim // sum(HEAD_RATIO)
    _, detail, category = (part * unit for part in HEAD_RATIO)
    return dim - detail - category, detail, category


class TrainableCategoryHead(nn.Module):
    """A low-rank classifier on standardized features; exported as `CategoryHead`."""

    feature_stats: torch.Tensor
    class_embeddings: torch.Tensor

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        # mean and standard deviation of the features, see `category_fitting`
        stats = torch.stack([torch.zeros(FEATURES), torch.ones(FEATURES)])
        self.register_buffer("feature_stats", stats)
        self.bottleneck = nn.Linear(FEATURES, dim, bias=False)
        self.classifier = nn.Linear(dim, classes)
        self.register_buffer("class_embeddings", grassmannian_frame(classes, dim))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return class logits (n, classes) of features (n, 5120)."""
        mean, deviation = self.feature_stats
        standardized = (features - mean) / deviation
        dropped = F.dropout(standardized, CATEGORY_DROPOUT, self.training)
        return self.classifier(self.bottleneck(dropped))

    def embed(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the expected class embedding (n, dim), at most CATEGORY_SCALE long."""
        return CATEGORY_SCALE * logits.softmax(1) @ self.class_embeddings

    def reset_parameters(self) -> None:
        """Start from new random weights."""
        self.bottleneck.reset_parameters()
        self.classifier.reset_parameters()

    def exported(self) -> CategoryHead:
        """Return the head for unstandardized features: the statistics fold into its weights."""
        mean, deviation = self.feature_stats
        bottleneck = self.bottleneck.weight / deviation
        bias = self.classifier.bias - self.classifier.weight @ bottleneck @ mean
        embeddings = CATEGORY_SCALE * self.class_embeddings
        return CategoryHead(bottleneck, self.classifier.weight, bias, embeddings)


class TextModel(nn.Module):
    """Text embeddings (n tokens, dim), or none, and the scales of cosines that train them."""

    def __init__(self, vocabulary_size: int, dim: int) -> None:
        super().__init__()
        self.text_embeddings = (
            nn.EmbeddingBag(vocabulary_size, dim, mode="sum") if vocabulary_size else None
        )
        if self.text_embeddings is not None:
            nn.init.normal_(self.text_embeddings.weight, std=dim**-0.5)
        # log scales of cosines: of views, of image and text, of detail heads, of embeddings
        self.logit_scale = nn.Parameter(torch.tensor([2.3, 2.3, 2.3, 2.3]))

    def embed_text(self, tokens: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Return (n, dim) of L2 norm 1 for the `embedding_bag_inputs` of n texts."""
        if self.text_embeddings is None:
            raise ValueError("this model has no text embeddings: its vocabulary is empty")
        return F.normalize(self.text_embeddings(tokens, offsets), dim=1)


class EmbeddingModel(TextModel):
    """Map images (n, 3, s, s) to features (n, 5120) and an embedding (n, dim) of L2 norm 1.

    The embedding concatenates three heads: a general one, which all losses train; a detail head for
    cut and print whatever the colour; and a category head. In a single head colour, print and
    category would compete. The general head reads averages of the last feature map, the detail head
    maxima of the last two (`encoding.pooling`), the category head both (`encoding.category_head`).

    The stem and the first stages, `frozen_stages` of five together, are not trained, and their
    batch norms keep their statistics.
    """

    head_norms: torch.Tensor

    def __init__(
        self,
        classes: dict[str, list[str]],
        dim: int,
        teacher_dim: int,
        vocabulary_size: int,
        frozen_stages: int = 0,
        config: ResNetConfig | None = None,
    ) -> None:
        super().__init__(vocabulary_size, dim)
        self.backbone = ResNetModel(config or ResNetConfig())
        hidden_sizes: Any = self.backbone.config.hidden_sizes
        self.head_dims, self.categories = head_dims(dim), tuple(classes[CATEGORY_COLUMN])
        general, detail, category = self.head_dims
        if (channels := hidden_sizes[-1]) != AVG_FEATURES:
            raise ValueError(
                f"expected a backbone of {AVG_FEATURES} features, a ResNet-50; found {channels}"
            )
        self.projection = nn.Linear(AVG_FEATURES, general, bias=False)
        self.detail_head = nn.Linear(MAX_FEATURES, detail, bias=False)
        self.category_head = TrainableCategoryHead(category, len(self.categories))
        # running mean norms of the general and the detail head
        self.register_buffer("head_norms", torch.ones(2))
        self.proxies = nn.ParameterDict(
            {
                column: nn.Parameter(torch.randn(len(classes[column]), general))
                for column in LABEL_COLUMNS
            }
        )
        self.teacher_head = nn.Linear(AVG_FEATURES, teacher_dim) if teacher_dim else None
        self._zero_init_residuals()
        stages = [self.backbone.embedder, *self.backbone.encoder.stages]
        self.frozen_stages = stages[:frozen_stages]  # a list: no module is registered twice
        for parameter in (p for stage in self.frozen_stages for p in stage.parameters()):
            parameter.requires_grad_(False)
        self.train()  # again, for the frozen stages

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.logit_scale.device

    def train(self, mode: bool = True) -> EmbeddingModel:
        """Set the mode as `nn.Module.train` does; frozen stages stay in eval mode."""
        super().train(mode)
        for stage in self.frozen_stages:
            stage.eval()
        return self

    def _zero_init_residuals(self) -> None:
        """Start each residual branch at zero (Goyal et al. 2017), for stable early training."""
        stages: Any = self.backbone.encoder.stages
        for stage in stages:
            for layer in stage.layers:
                nn.init.zeros_(layer.layer[-1].normalization.weight)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 (n, 5120): averages of the last map, then maxima of the last two."""
        maps = self.backbone(images, output_hidden_states=True).hidden_states
        return torch.cat([average_pool(maps), max_pool_stages(maps)], 1)

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """Return embeddings (n, dim) of L2 norm 1."""
        return self.combine(*self.head_outputs(features))

    def head_outputs(self, features: torch.Tensor) -> HeadOutputs:
        """Return general and detail embeddings and category logits, each (n, ...).

        In training mode the running `head_norms` are updated.
        """
        average, maximum = features.split([AVG_FEATURES, MAX_FEATURES], 1)
        general, detail = self.projection(average), self.detail_head(maximum)
        if self.training:
            norms = torch.stack([head.detach().norm(dim=1).mean() for head in (general, detail)])
            self.head_norms.lerp_(norms, 0.05)
        return general, detail, self.category_head(features)

    def combine(
        self, general: torch.Tensor, detail: torch.Tensor, category_logits: torch.Tensor
    ) -> torch.Tensor:
        """Concatenate `head_outputs` to embeddings (n, dim) of L2 norm 1."""
        scales = self._scales(TRAINING_DETAIL_SCALE if self.training else DETAIL_SCALE)
        category = self.category_head.embed(category_logits)
        return F.normalize(torch.cat([general * scales[0], detail * scales[1], category], 1), dim=1)

    def head_arrays(self) -> dict[str, torch.Tensor]:
        """Return the heads, scaled, as `lookbook.encoding.heads` reads them.

        They are scaled by mean norms, not by each image's, so that an embedding stays linear in
        the features and can be attributed to positions.
        """
        scales = self._scales(DETAIL_SCALE)
        arrays = {
            "projection": self.projection.weight * scales[0],
            "detail": self.detail_head.weight * scales[1],
            **self.category_head.exported().arrays(),
        }
        return {name: array.detach() for name, array in arrays.items()}

    def _scales(self, detail: float) -> torch.Tensor:
        """Return factors that give general and detail head the mean norms 1 and `detail`."""
        return torch.tensor([1.0, detail], device=self.device) / self.head_norms
