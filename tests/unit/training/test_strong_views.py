"""Harder views and mixed images."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lookbook.training import augmentation, strong_views
from lookbook.training.strong_views import StrongViews, ViewMixer, jpeg_on_device
from tests.shapes import COLOURS

CPU = torch.device("cpu")
SHARES = ("FOLD_SHARE", "TURN_SHARE", "COVER_SHARE", "LIGHT_SHARE", "SHAKE_SHARE")
RED = torch.tensor(COLOURS["red"]) / 255


@pytest.fixture
def only(monkeypatch):
    """A function that makes `StrongViews` of which some always happen and the others never."""

    def make(*names: str) -> StrongViews:
        for name in SHARES:
            monkeypatch.setattr(strong_views, name, float(name in names))
        torch.manual_seed(0)
        return StrongViews(CPU)

    return make


def red_squares(n: int = 8, size: int = 64) -> torch.Tensor:
    """RGBA images of a red square on white, whose mask is the square."""
    rgba = torch.ones(n, 4, size, size)
    rgba[:, 3] = 0
    middle = slice(size // 4, -size // 4)
    rgba[:, :3, middle, middle] = RED[:, None, None]
    rgba[:, 3, middle, middle] = 1
    return rgba


def test_a_mask_is_folded_with_its_photo(only):
    rgba = red_squares()
    folded = only("FOLD_SHARE").fold(rgba)
    assert (folded[:, 3] - rgba[:, 3]).abs().amax((1, 2)).min() > 0.5, "every photo has moved"
    # colour and mask are interpolated alike: white where the mask is 0, red where it is 1
    expected = 1 + folded[:, 3:] * (RED[:, None, None] - 1)
    torch.testing.assert_close(folded[:, :3], expected, atol=1e-4, rtol=0)


def test_a_turn_is_by_quarters_and_keeps_every_pixel(only):
    images = torch.rand(12, 3, 32, 32)
    turned = only("TURN_SHARE").photograph(images)
    turns = set()
    for image, result in zip(images, turned, strict=True):
        differences = [
            float((torch.rot90(image, k, (1, 2)) - result).abs().max()) for k in range(4)
        ]
        assert min(differences) < 1e-3
        turns.add(int(np.argmin(differences)))
    assert turns == {1, 2, 3}


def test_a_cover_hides_as_much_as_it_may_and_nothing_else(only):
    images = red_squares()[:, :3]
    covered = only("COVER_SHARE").photograph(images)
    changed = (covered != images).any(1)
    low, high = strong_views.COVER_AREA
    areas = changed.float().mean((1, 2))
    assert low * 0.7 < float(areas.min()) <= float(areas.max()) < high * 1.3
    assert (covered.movedim(1, -1)[changed] == 0.5).all()


def test_light_and_shaking_keep_a_plain_colour(only):
    plain = RED[:, None, None].expand(8, 3, 64, 64).contiguous()
    lit = only("LIGHT_SHARE").photograph(plain)
    change = lit - plain
    inside = (lit > 0.01) & (lit < 0.99)  # where nothing was clipped
    assert change.abs().amax((1, 2, 3)).min() > 0.03
    assert float(change[inside].abs().max()) <= strong_views.LIGHT_GAIN[1] + 1e-3
    shaken = only("SHAKE_SHARE").photograph(plain)
    torch.testing.assert_close(shaken, plain, atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", ["studio", "street", "phone"])
def test_red_stays_red_in_all_harder_views(only, kind, monkeypatch):
    def red_backgrounds(n: int, size: int) -> torch.Tensor:
        return RED[:, None, None].expand(n, 3, size, size)

    monkeypatch.setattr(augmentation, "noise_backgrounds", red_backgrounds)
    rgba = torch.cat([RED[:, None, None].expand(3, 64, 64), torch.ones(1, 64, 64)])
    rgba = rgba.expand(16, 4, 64, 64).contiguous()
    strong = only(*SHARES)
    background = [rgba] if kind == "street" else []
    views = getattr(augmentation, kind)(rgba, *background, 48, strong)
    red, green, blue = views.flatten(2).median(2).values.T
    assert (red > green + 0.1).all() and (red > blue + 0.1).all()
    assert 0 <= float(views.min()) <= float(views.max()) <= 1


def test_mixed_images_are_mixed_by_the_returned_share():
    colours = torch.linspace(0, 1, 6)[:, None, None, None].expand(6, 3, 32, 32).contiguous()
    own, kinds = colours[:, 0, 0, 0], set()
    for seed in range(12):
        torch.manual_seed(seed)
        mixed, partners, share = ViewMixer()(colours)
        assert sorted(partners.tolist()) == [0, 1, 2, 3, 4, 5]
        assert 0.15 <= share <= 0.85
        torch.testing.assert_close(mixed.mean((1, 2, 3)), own.lerp(own[partners], share))
        differs = partners != torch.arange(6)
        assert differs.any()
        one = mixed[differs][0]
        kinds.add("cutmix" if len(one.unique()) == 2 else "mixup")
    assert kinds == {"cutmix", "mixup"}


def test_jpeg_on_a_device_is_as_that_of_pillow():
    line = torch.linspace(0, 1, 64)
    wave = 0.5 + 0.4 * torch.sin(12 * line[None, :] * line[:, None])
    images = torch.stack([wave, line.expand(64, 64), 1 - wave])[None].repeat(2, 1, 1, 1)
    qualities = torch.tensor([30.0, 85.0])
    for image, quality, result in zip(
        images, qualities, jpeg_on_device(images, qualities), strict=True
    ):
        buffer = io.BytesIO()
        pixels = (image.permute(1, 2, 0) * 255).byte().numpy()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=int(quality))
        expected = torch.from_numpy(np.asarray(Image.open(buffer)).copy()).permute(2, 0, 1) / 255
        assert float((result - expected).abs().mean()) < 0.01
        assert float((result - image).abs().mean()) > 0.001, "it was compressed"
    assert jpeg_on_device(images[:0], qualities[:0]).shape == (0, 3, 64, 64)
