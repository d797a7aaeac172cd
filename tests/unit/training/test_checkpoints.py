"""Export of a model, and loading it again."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from transformers import ResNetConfig, ResNetModel

from lookbook.encoding.text_tokenizer import Vocabulary
from lookbook.training.checkpoints import current_names, export, has_category_head, load_shipped
from lookbook.training.data import LABEL_COLUMNS
from lookbook.training.model import AVG_FEATURES, MAX_FEATURES, EmbeddingModel
from tests.tiny_training import VOCABULARY, tiny_model


def test_an_exported_model_is_loaded_again(tmp_path):
    classes = {column: ["a", "b"] for column in LABEL_COLUMNS}
    old, new = (EmbeddingModel(classes, 10, 0, 2).eval() for _ in range(2))
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        expected = old.embed(old.features(images))
    shirt = old.text_embeddings.weight[1].detach().clone()
    export(old, VOCABULARY, 64, tmp_path)
    load_shipped(new, Vocabulary(("blue", "shirt"), ()), tmp_path)
    with torch.inference_mode():
        vectors = new.embed(new.features(images))
    torch.testing.assert_close(vectors, expected, atol=2e-2, rtol=0)  # stored in half precision
    torch.testing.assert_close(new.text_embeddings.weight[1].detach(), shirt, atol=1e-3, rtol=0)
    assert not torch.allclose(new.text_embeddings.weight[0], old.text_embeddings.weight[0])


def test_a_backbone_without_heads_is_loaded(tmp_path):
    ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).save_pretrained(tmp_path)
    config = ResNetConfig.from_pretrained(tmp_path)
    new = tiny_model(config=config)
    before = new.projection.weight.detach().clone()
    load_shipped(new, VOCABULARY, tmp_path)
    backbone = ResNetModel.from_pretrained(tmp_path).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        expected = backbone(images).last_hidden_state.mean((2, 3))
        torch.testing.assert_close(new.eval().features(images)[:, :AVG_FEATURES], expected)
    torch.testing.assert_close(new.projection.weight.detach(), before)


def test_heads_of_other_dimensions_are_rejected(tmp_path):
    export(tiny_model(), VOCABULARY, 64, tmp_path)
    load_shipped(tiny_model(), VOCABULARY, tmp_path)  # of the same dimensions
    other = {"sides": "[16, 4]"}
    save_file({"projection": torch.zeros(20, 2048)}, tmp_path / "projection.safetensors", other)
    with pytest.raises(ValueError, match=r"heads of \[12, 6, 2\] dimensions, found \[16, 4\]"):
        load_shipped(tiny_model(), VOCABULARY, tmp_path)


def test_the_head_of_other_categories_is_not_loaded(tmp_path):
    old, same, others = tiny_model(), tiny_model(), tiny_model(("b", "c"))
    export(old, VOCABULARY, 64, tmp_path)
    fresh = others.category_head.bottleneck.weight.detach().clone()
    for new in (same, others):
        load_shipped(new, VOCABULARY, tmp_path)
    assert has_category_head(same, tmp_path) and not has_category_head(others, tmp_path)
    torch.testing.assert_close(
        same.category_head.bottleneck.weight,
        old.category_head.bottleneck.weight,
        atol=1e-4,
        rtol=1e-3,
    )
    torch.testing.assert_close(others.category_head.bottleneck.weight.detach(), fresh)
    torch.testing.assert_close(
        others.detail_head.weight, old.detail_head.weight, atol=1e-4, rtol=1e-3
    )


def test_an_array_of_another_shape_is_rejected(tmp_path):
    export(tiny_model(), VOCABULARY, 64, tmp_path)
    arrays = {"projection": torch.zeros(1, AVG_FEATURES), "detail": torch.zeros(6, MAX_FEATURES)}
    save_file(arrays, tmp_path / "projection.safetensors", {"sides": "[12, 6, 2]"})
    with pytest.raises(ValueError, match=r"projection: expected .*\(12, 2048\), found \(1, 2048\)"):
        load_shipped(tiny_model(), VOCABULARY, tmp_path)


def test_a_weight_too_large_for_half_precision_is_rejected_by_name(tmp_path):
    new = tiny_model()
    new.backbone.embedder.embedder.normalization.running_var[3] = 1e5
    with pytest.raises(ValueError, match=r"embedder.embedder.normalization.running_var: expected"):
        export(new, VOCABULARY, 64, tmp_path)


def test_names_of_earlier_versions_are_converted():
    names = tiny_model(teacher_dim=3).state_dict().keys()
    old_names = {
        "category_head.bottleneck.": "kind.",
        "category_head.classifier.": "kinds.",
        "category_head.feature_stats": "usual",
        "category_head.class_embeddings": "codes",
        "detail_head.": "cut.",
        "head_norms": "lengths",
        "proxies.combined": "heads.exactly",
        "proxies.": "heads.",
        "teacher_head.": "teach.",
        "text_embeddings.": "words.",
        "logit_scale": "sharpness",
    }
    for wrapper in ("", "module."):
        old = {}
        for name in names:
            new = next((new for new in old_names if name.startswith(new)), None)
            renamed = old_names[new] + name.removeprefix(new) if new else name
            old[wrapper + renamed] = wrapper + name
        assert sum(old_name != new_name for old_name, new_name in old.items()) == 18
        assert current_names(old) == {name: name for name in old.values()}
        assert current_names(dict.fromkeys(old.values(), 0)).keys() == set(old.values())
