"""Interpolation between two backbones."""

from __future__ import annotations

import pytest
import torch
from transformers import ResNetConfig, ResNetModel

from lookbook.training.interpolation import interpolate_weights
from tests.tiny_training import tiny_batch, tiny_model, tiny_trainer


def test_an_interpolated_backbone_has_new_batch_norm_statistics(tmp_path):
    trainer, other = tiny_trainer(tmp_path, freeze_stages=2), tiny_model()
    other.backbone.save_pretrained(tmp_path)
    name = "encoder.stages.1.layers.0.layer.0.convolution.weight"
    backbone = trainer.model.backbone
    ends = [b.state_dict()[name].clone() for b in (backbone, other.backbone)]
    batches = [tiny_batch() for _ in range(30)]
    trainer.interpolate(tmp_path, 0.25, iter(batches))
    torch.testing.assert_close(backbone.state_dict()[name], 0.75 * ends[0] + 0.25 * ends[1])
    with torch.no_grad():
        maps = [backbone.embedder.embedder.convolution(batch.images) for batch in batches]
    norm = backbone.embedder.embedder.normalization
    expected = torch.cat(maps).mean((0, 2, 3))
    # the convolutions may have been computed in bfloat16
    torch.testing.assert_close(norm.running_mean, expected, atol=0.01, rtol=0.02)
    assert not norm.training, "it is frozen again"
    torch.testing.assert_close(trainer.ema_model.state_dict(), trainer.model.state_dict())


def test_other_architectures_and_shares_are_rejected(tmp_path):
    ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="downsample_in_bottleneck False, found True"):
        interpolate_weights(tiny_model().backbone, tmp_path, 0.5)
    with pytest.raises(ValueError, match=r"share of 0 to 1, found 1\.5"):
        interpolate_weights(tiny_model().backbone, tmp_path, 1.5)
