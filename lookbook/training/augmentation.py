"""Augment training photos, a whole batch at a time.

Three kinds of views: `studio` (nearly unchanged), `street` (as a webcam or phone sees a product:
another background, rotated, off centre, small, dark, tinted, blurred, noisy, compressed) and
`phone` (of photos that are street photos already). `StrongViews` make each of them harder. All
images here are float32 (n, channels, size, size) in 0..1. Views are made where the photos lie, on
the CPU or a GPU, and all randomness comes from torch's global generators of the two.

`street` is training augmentation. The evaluation simulates street photos otherwise, from a seed for
each photo (`evaluation.street_photos`), so that it does not measure on the training distribution.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from lookbook.training.strong_views import StrongViews, jpeg_on_device


def on_device_of_photos(view: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Make and draw all new tensors of a `view` on the device of its first argument."""

    @functools.wraps(view)
    def on_device(photos: torch.Tensor, *args: Any) -> torch.Tensor:
        with torch.device(photos.device):
            return view(photos, *args)

    return on_device


def uniform(n: int, low: float, high: float, device: str | None = None) -> torch.Tensor:
    """Draw float32 (n,) uniformly between `low` and `high`."""
    return torch.empty(n, device=device).uniform_(low, high)


def drawn_rows(n: int, share: float) -> torch.Tensor:
    """Draw a `share` of n rows. On the CPU, as nothing can wait for a GPU to tell how many."""
    return (torch.rand(n, device="cpu") < share).nonzero()[:, 0]


def warp_grid(
    n: int, size: int, scale: tuple[float, float], rotation: float, shift: float, perspective: float
) -> torch.Tensor:
    """Draw sampling grids (n, size, size, 2): similarity, perspective and mirroring.

    `scale`: size of the image relative to the frame; `rotation` in degrees; `shift` in half frames;
    `perspective`: strength.
    """
    zoom = torch.exp(uniform(n, math.log(scale[0]), math.log(scale[1])))
    angle = uniform(n, -rotation, rotation) * math.pi / 180
    aspect = uniform(n, 0.9, 1.1)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    matrix = torch.zeros(n, 3, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = cos * mirror * aspect, -sin * mirror
    matrix[:, 1, 0], matrix[:, 1, 1] = sin, cos / aspect
    matrix[:, 0, 2], matrix[:, 1, 2] = uniform(n, -shift, shift), uniform(n, -shift, shift)
    matrix[:, 2, 0] = uniform(n, -perspective, perspective)
    matrix[:, 2, 1] = uniform(n, -perspective, perspective)
    matrix[:, 2, 2] = 1
    line = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3)
    warped = points @ matrix.transpose(1, 2)
    return (warped[..., :2] / warped[..., 2:].clamp_min(0.2)).reshape(n, size, size, 2)


def sample(rgba: torch.Tensor, grid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sample RGBA images by `grid`: colour (n, 3, s, s) and alpha (n, 1, s, s)."""
    colour = F.grid_sample(rgba[:, :3], grid, padding_mode="border", align_corners=False)
    alpha = F.grid_sample(rgba[:, 3:], grid, padding_mode="zeros", align_corners=False)
    return colour, alpha


def noise_backgrounds(n: int, size: int) -> torch.Tensor:
    """Draw backgrounds: noise at several scales around a random colour, some with stripes."""
    background = torch.rand(n, 3, 1, 1).expand(n, 3, size, size).clone()
    for cells in (2, 4, 9, 24):
        strength = torch.rand(n, 1, 1, 1) ** 2 * 0.5
        coloured = torch.rand(n, 1, 1, 1) < 0.5
        noise = torch.rand(n, 3, cells, cells) - 0.5
        noise = torch.where(coloured, noise, noise.mean(1, keepdim=True))
        background += strength * F.interpolate(noise, (size, size), mode="bicubic")
    angle = torch.rand(n, 1, 1) * math.pi
    line = torch.linspace(-1, 1, size)
    distance = line[None, :, None] * torch.cos(angle) + line[None, None, :] * torch.sin(angle)
    stripes = (torch.sin(distance * (4 + 30 * torch.rand(n, 1, 1))) > 0.9).float()
    strength = torch.where(torch.rand(n, 1, 1) < 0.4, torch.rand(n, 1, 1) - 0.5, torch.zeros(1))
    return (background + (stripes * strength)[:, None]).clamp(0, 1)


def photo_backgrounds(photos: torch.Tensor, size: int) -> torch.Tensor:
    """Cut backgrounds from other photos (n, 4, c, c), enlarged, rotated and mirrored."""
    grid = warp_grid(len(photos), size, (1.6, 5.0), 180, 0.5, 0.1)
    return sample(photos, grid)[0]


def adjust_lighting(images: torch.Tensor, min_exposure: float) -> torch.Tensor:
    """Apply a light gradient, and an exposure between `min_exposure` and 1.2."""
    n, _, size, _ = images.shape
    line = torch.linspace(-1, 1, size)
    gradient = uniform(n, -0.35, 0.35)[:, None, None] * line[None, :, None]
    gradient = gradient + uniform(n, -0.35, 0.35)[:, None, None] * line[None, None, :]
    exposure = uniform(n, min_exposure, 1.2)[:, None, None]
    return (images * ((1 + gradient) * exposure)[:, None]).clamp(0, 1)


def color_jitter(images: torch.Tensor, strength: float) -> torch.Tensor:
    """Apply a colour cast, contrast and saturation, each drawn around 1 with `strength`."""
    n = len(images)
    cast = 1 + strength * (torch.rand(n, 3, 1, 1) * 2 - 1)
    grey = images.mean((1, 2, 3), keepdim=True)
    contrast = 1 + strength * 1.5 * (torch.rand(n, 1, 1, 1) * 2 - 1)
    images = (images - grey) * contrast + grey
    luma = images.mean(1, keepdim=True)
    saturation = 1 + strength * 1.5 * (torch.rand(n, 1, 1, 1) * 2 - 1)
    return (((images - luma) * saturation + luma) * cast).clamp(0, 1)


def lower_resolution(images: torch.Tensor, min_scale: float) -> torch.Tensor:
    """Blur three quarters of the images by resizing to a scale of `min_scale` to 0.95 and back."""
    out = images.clone()
    size = images.shape[-1]
    group = torch.randint(0, 4, (len(images),), device="cpu")
    for i in range(1, 4):
        rows = (group == i).nonzero()[:, 0]
        if len(rows):
            small = max(8, int(size * float(uniform(1, min_scale, 0.95, "cpu"))))
            low = F.interpolate(images[rows], (small, small), mode="area")
            out[rows] = F.interpolate(low, (size, size), mode="bilinear")
    return out


def gaussian_noise(images: torch.Tensor, max_std: float) -> torch.Tensor:
    """Add sensor noise with a standard deviation of up to `max_std`."""
    noise = torch.randn_like(images) * uniform(len(images), 0, max_std)[:, None, None, None]
    return (images + noise).clamp(0, 1)


def jpeg_compress(images: torch.Tensor, share: float) -> torch.Tensor:
    """Compress a `share` of the images as JPEG of quality 30 to 85."""
    out, rows = images.clone(), drawn_rows(len(images), share)
    qualities = uniform(len(rows), 30, 85, "cpu")
    if images.device.type != "cpu":
        out[rows] = jpeg_on_device(images[rows], qualities)
        return out
    for row, quality in zip(rows.tolist(), qualities.tolist(), strict=True):
        image = Image.fromarray((images[row].permute(1, 2, 0) * 255).byte().numpy())
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(quality))
        pixels = np.asarray(Image.open(buffer)).copy()
        out[row] = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    return out


def letterbox_bars(images: torch.Tensor, share: float) -> torch.Tensor:
    """Paint white bars on a `share`, as the letterbox of a 3:4 or 4:3 photo has them."""
    n, _, size, _ = images.shape
    width = torch.where(torch.rand(n) < share, size * uniform(n, 0.08, 0.2), -1.0)
    pixel = torch.arange(size)
    bars = torch.minimum(pixel, size - 1 - pixel) < width.floor()[:, None]
    at_sides = (torch.rand(n) < 0.75)[:, None, None]
    white = torch.where(at_sides, bars[:, None, :], bars[:, :, None])
    return torch.where(white[:, None], 1.0, images)


TO_YCC = torch.tensor(  # luma and two chromas: ITU-R BT.601
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
FROM_YCC = torch.linalg.inv(TO_YCC)


@on_device_of_photos
def recolour(rgba: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Show the products at `rows` (bool, (n,)) in another colour, cut and print unchanged.

    Around the mean colour of the foreground, hues are rotated by any angle and lightness is
    stretched; then the mean is replaced by that of another product in the batch, or by a random
    colour where there is no other.
    """
    n, alpha = len(rgba), rgba[:, 3:]
    to_ycc, from_ycc = TO_YCC.to(rgba.device), FROM_YCC.to(rgba.device)
    ycc = torch.einsum("ij,njhw->nihw", to_ycc, rgba[:, :3])
    mean = (ycc * alpha).sum((2, 3)) / alpha.sum((2, 3)).clamp_min(1)
    deviation = ycc - mean[:, :, None, None]
    angle = uniform(n, -math.pi, math.pi)
    change = torch.zeros(n, 3, 3)
    change[:, 0, 0] = uniform(n, 0.6, 1.3)
    change[:, 1, 1] = change[:, 2, 2] = torch.cos(angle)
    change[:, 2, 1] = torch.sin(angle)
    change[:, 1, 2] = -change[:, 2, 1]
    shift = int(torch.randint(1, max(n, 2), (), device="cpu"))
    others = mean.roll(shift, 0) if n > 1 else torch.rand(1, 3) @ to_ycc.T
    changed = torch.einsum("nij,njhw->nihw", change, deviation) + others[:, :, None, None]
    colour = torch.einsum("ij,njhw->nihw", from_ycc, changed).clamp(0, 1)
    alpha = alpha * rows[:, None, None, None]
    return torch.cat([rgba[:, :3].lerp(colour, alpha), rgba[:, 3:]], 1)


@on_device_of_photos
def studio(rgba: torch.Tensor, size: int, strong: StrongViews | None = None) -> torch.Tensor:
    """Return studio views: slightly warped, on their own background."""
    rgba = strong.fold(rgba) if strong else rgba
    grid = warp_grid(len(rgba), size, (0.82, 1.12), 6, 0.06, 0.02)
    images = sample(rgba, grid)[0]
    return gaussian_noise(lower_resolution(color_jitter(images, 0.06), 0.5), 0.02)


@on_device_of_photos
def street(
    rgba: torch.Tensor,
    background_photos: torch.Tensor,
    size: int,
    strong: StrongViews | None = None,
) -> torch.Tensor:
    """Return street views: the foreground on noise or on parts of `background_photos` (RGBA)."""
    n = len(rgba)
    rgba = strong.fold(rgba) if strong else rgba
    colour, alpha = sample(rgba, warp_grid(n, size, (0.55, 1.15), 28, 0.25, 0.18))
    from_noise = (torch.rand(n) < 0.5)[:, None, None, None]
    background = torch.where(
        from_noise, noise_backgrounds(n, size), photo_backgrounds(background_photos, size)
    )
    images = colour * alpha + background * (1 - alpha)
    images = strong.photograph(images) if strong else images
    images = color_jitter(adjust_lighting(images, 0.45), 0.18)
    images = gaussian_noise(lower_resolution(images, 0.4), 0.05)
    return letterbox_bars(jpeg_compress(images, 0.5), 0.5)


@on_device_of_photos
def phone(rgba: torch.Tensor, size: int, strong: StrongViews | None = None) -> torch.Tensor:
    """Return views of street photos: warped, cropped and with other lighting."""
    images = sample(rgba, warp_grid(len(rgba), size, (0.9, 1.6), 15, 0.2, 0.1))[0]
    images = strong.photograph(images) if strong else images
    images = color_jitter(adjust_lighting(images, 0.6), 0.12)
    return jpeg_compress(gaussian_noise(lower_resolution(images, 0.5), 0.04), 0.3)
