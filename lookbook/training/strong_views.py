"""Harder views, mixed images and JPEG on a GPU, by kornia: whole batches on their own device.

`augmentation` says what a view is made of; `StrongViews` adds to it what a visitor's photo has and
a shop's has not: folds, quarter turns, covered parts, spots of light and shadow, shaking. Colours
stay: RandAugment, which inverts and posterizes, would contradict the labels of colour.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import torch

FOLD_SHARE, FOLD_SCALE = 0.5, 0.12  # of half frames, that five points of a photo move by at most
TURN_SHARE = 0.15  # of street and phone photos, by 90, 180 or 270 degrees
COVER_SHARE, COVER_AREA = 0.25, (0.02, 0.12)  # of the frame
LIGHT_SHARE, LIGHT_GAIN = 0.3, (0.05, 0.25)  # brighter or darker, at a round spot
SHAKE_SHARE, SHAKE_SIZES = 0.2, (3, 9)  # px
MIXED_SHARES = (0.2, 0.8)  # of the second image of a mixed one
MISSING_KORNIA = "expected the package kornia, found none; run `pip install kornia`"


def has_kornia() -> bool:
    """Return whether kornia is installed (extra `train`)."""
    return importlib.util.find_spec("kornia") is not None


class StrongViews:
    """What is added to the views of `augmentation`, on RGBA or RGB images in 0..1."""

    def __init__(self, device: torch.device) -> None:
        import kornia.augmentation as K  # noqa: N812

        self._fold = K.RandomThinPlateSpline(FOLD_SCALE, padding_mode="border", p=FOLD_SHARE)
        self._photograph = [
            K.RandomRotation90((1, 3), p=TURN_SHARE),
            K.RandomErasing(COVER_AREA, value=0.5, p=COVER_SHARE),
            K.RandomGaussianIllumination(LIGHT_GAIN, p=LIGHT_SHARE),
            K.RandomMotionBlur(SHAKE_SIZES, 180.0, 1.0, border_type="replicate", p=SHAKE_SHARE),
        ]
        for transform in (self._fold, *self._photograph):
            transform.set_rng_device_and_dtype(device, torch.float32)

    def fold(self, rgba: torch.Tensor) -> torch.Tensor:
        """Bend photos (n, 4, s, s), with their masks, as a garment that is folded or worn."""
        with torch.device("cpu"):  # kornia relies on that default, whatever `augmentation` has set
            return self._fold(rgba)

    def photograph(self, images: torch.Tensor) -> torch.Tensor:
        """Turn, cover, light and shake some of images (n, 3, s, s)."""
        with torch.device("cpu"):
            for transform in self._photograph:
                images = transform(images)
        return images


class ViewMixer:
    """Mix each image of a batch with another one, by CutMix or mixup in turn by chance."""

    def __init__(self) -> None:
        import kornia.augmentation as K  # noqa: N812

        low, high = MIXED_SHARES
        options: dict[str, Any] = {"same_on_batch": True, "data_keys": ["input", "class"]}
        # both draw the share of one image: CutMix that of the first, mixup that of the second
        self._cutmix = K.RandomCutMixV2(
            cut_size=(1 - high, 1 - low), use_correct_lambda=True, **options
        )
        self._mixup = K.RandomMixUpV2((low, high), **options)

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Return images (n, c, s, s), int64 (n,) partners, and the share of these in each image."""
        rows = torch.arange(len(images), device=images.device)
        if cut := bool(torch.rand((), device="cpu") < 0.5):
            mixed, [labels] = self._cutmix(images, rows)
        else:
            mixed, labels = self._mixup(images, rows)
        share = float(labels[0, 2])
        return mixed, labels[:, 1].long(), 1 - share if cut else share


def jpeg_on_device(images: torch.Tensor, qualities: torch.Tensor) -> torch.Tensor:
    """Compress images (n, 3, s, s) in 0..1 as JPEG of the given qualities, without a round trip."""
    from kornia.enhance import jpeg_codec_differentiable

    if not len(images):
        return images
    with torch.device("cpu"):
        return jpeg_codec_differentiable(images, qualities.to(images.device)).clamp(0, 1)
