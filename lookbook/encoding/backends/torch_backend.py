"""Run a network of transformers with torch, on any device that torch knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lookbook.encoding.cpu import disable_malloc_trim
from lookbook.encoding.pooling import pool

if TYPE_CHECKING:
    import torch

    from lookbook.encoding.heads import EmbeddingHeads
    from lookbook.encoding.preprocessing import Preprocessing


@dataclass(frozen=True)
class Network:
    """A transformers vision model with its heads, or else a pooling of its last feature map."""

    model: torch.nn.Module
    heads: EmbeddingHeads | None
    pooling: str

    @classmethod
    def of(cls, model: torch.nn.Module, heads: EmbeddingHeads | None, pooling: str) -> Network:
        """Prepare a model for inference."""
        folded = _fold_batch_norms(model.eval().requires_grad_(False))
        return cls(folded, heads.to("cpu") if heads else None, pooling)

    @property
    def fixed_size(self) -> bool:
        """Whether its position embeddings fix the size of pictures."""
        config = self.model.config
        timm = getattr(config, "pretrained_cfg", None) or {}
        return hasattr(config, "image_size") or bool(timm.get("fixed_input_size"))

    @property
    def stages(self) -> tuple[int, ...]:
        """Feature maps that a vector is made of, as indices of `hidden_states`."""
        return self.heads.stages if self.heads else (-1,)

    def feature_maps(self, x: torch.Tensor, stages: Sequence[int]) -> list[torch.Tensor]:
        """Return a map (n, channels, positions...) for each stage, in the model's precision."""
        out = self.model(x, output_hidden_states=any(stage != -1 for stage in stages))
        maps = [out.last_hidden_state if s == -1 else out.hidden_states[s] for s in stages]
        return [m if m.ndim == 4 else m.transpose(1, 2) for m in maps]  # tokens as positions

    def embed(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return (n, dim), not normalized, of the maps of `stages`."""
        return self.heads.embed(maps) if self.heads else pool(maps[-1], self.pooling)


class TorchBackend:
    """A network in one precision on one device."""

    name = "torch"

    def __init__(
        self, network: Network, preprocessing: Preprocessing, precision: str, device: str
    ) -> None:
        import torch

        self._preprocessing, self._device = preprocessing, device
        self._dtype: torch.dtype = getattr(torch, precision)
        model = network.model.to(device, self._dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        heads = network.heads.to(device) if network.heads else None
        self._network = Network(model, heads, network.pooling)
        self.fixed_size = network.fixed_size
        disable_malloc_trim()

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (n, dim), not normalized, for uint8 (n, size, size, 3)."""
        import torch

        with torch.inference_mode():
            maps = self._network.feature_maps(self._normalize(pixels), self._network.stages)
            result: np.ndarray = self._network.embed(maps).cpu().numpy()
        return result

    def feature_maps(self, pixels: np.ndarray, stages: tuple[int, ...]) -> list[np.ndarray]:
        """Return float32 (n, channels, positions...) for each of `stages`."""
        import torch

        with torch.inference_mode():
            maps = self._network.feature_maps(self._normalize(pixels), stages)
            return [m.float().cpu().numpy() for m in maps]

    def embed_with_maps(
        self, pixels: np.ndarray, stages: tuple[int, ...]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the results of `embed` and of `feature_maps` in one forward pass."""
        import torch

        own = self._network.stages
        with torch.inference_mode():
            maps = self._network.feature_maps(self._normalize(pixels), (*own, *stages))
            vectors = self._network.embed(maps[: len(own)]).cpu().numpy()
            return vectors, [m.float().cpu().numpy() for m in maps[len(own) :]]

    def _normalize(self, pixels: np.ndarray) -> torch.Tensor:
        """Return the network's input (n, 3, size, size)."""
        import torch

        x = network_input(pixels, self._preprocessing, self._device).to(self._dtype)
        return x.contiguous(memory_format=torch.channels_last)


def network_input(pixels: np.ndarray, preprocessing: Preprocessing, device: str) -> torch.Tensor:
    """Return float32 (n, 3, size, size), what a network reads for uint8 (n, size, size, 3)."""
    import torch

    x = torch.tensor(pixels, device=device).permute(0, 3, 1, 2).float()
    mean, std = (
        torch.tensor(v, device=device)[:, None, None]
        for v in (preprocessing.mean, preprocessing.std)
    )
    return (x * preprocessing.scale - mean) / std


def _fold_batch_norms(model: torch.nn.Module) -> torch.nn.Module:
    """Merge batch norms into the preceding convolutions: the same function, in less time."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in model.modules():
        convolution = getattr(module, "convolution", None)
        norm = getattr(module, "normalization", None)
        if isinstance(convolution, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
            module.convolution = fuse_conv_bn_eval(convolution, norm)
            module.normalization = torch.nn.Identity()
    return model
