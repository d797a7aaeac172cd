"""What happens to a picture before the encoder sees it in training, a whole batch at a time.

Two views: `studio` (the plain ground of a shop) and `street` (as a webcam or phone sees it: another
ground, tilted, off centre, small, dark, tinted, blurred, noisy, compressed). All pictures here are
float32 (n, channels, size, size) in 0..1.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    """float32 (n,) drawn evenly between `low` and `high`."""
    return torch.empty(n).uniform_(low, high)


def warp_grid(
    n: int, size: int, scale: tuple[float, float], turn: float, shift: float, bend: float
) -> torch.Tensor:
    """Sampling grid (n, size, size, 2): similarity + perspective + mirror, drawn for each picture.

    `scale`: how much of the frame the picture's canvas fills; `turn` in degrees; `shift` in halves
    of the frame; `bend`: strength of the perspective.
    """
    grow = torch.exp(uniform(n, math.log(scale[0]), math.log(scale[1])))
    angle = uniform(n, -turn, turn) * math.pi / 180
    squeeze = uniform(n, 0.9, 1.1)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) / grow, torch.sin(angle) / grow
    matrix = torch.zeros(n, 3, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = cos * mirror * squeeze, -sin * mirror
    matrix[:, 1, 0], matrix[:, 1, 1] = sin, cos / squeeze
    matrix[:, 0, 2], matrix[:, 1, 2] = uniform(n, -shift, shift), uniform(n, -shift, shift)
    matrix[:, 2, 0], matrix[:, 2, 1] = uniform(n, -bend, bend), uniform(n, -bend, bend)
    matrix[:, 2, 2] = 1
    line = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3)
    warped = points @ matrix.transpose(1, 2)
    return (warped[..., :2] / warped[..., 2:].clamp_min(0.2)).reshape(n, size, size, 2)


def sample(canvases: torch.Tensor, grid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour (n, 3, s, s) and alpha (n, 1, s, s) of RGBA canvases seen through `grid`."""
    colour = F.grid_sample(canvases[:, :3], grid, padding_mode="border", align_corners=False)
    alpha = F.grid_sample(canvases[:, 3:], grid, padding_mode="zeros", align_corners=False)
    return colour, alpha


def drawn_grounds(n: int, size: int) -> torch.Tensor:
    """Grounds of noise at several scales around a random colour, some with boards."""
    ground = torch.rand(n, 3, 1, 1).expand(n, 3, size, size).clone()
    for cells in (2, 4, 9, 24):
        strength = torch.rand(n, 1, 1, 1) ** 2 * 0.5
        tint = torch.rand(n, 1, 1, 1) < 0.5
        noise = torch.rand(n, 3, cells, cells) - 0.5
        noise = torch.where(tint, noise, noise.mean(1, keepdim=True))
        ground += strength * F.interpolate(noise, (size, size), mode="bicubic")
    angle = torch.rand(n, 1, 1) * math.pi
    line = torch.linspace(-1, 1, size)
    along = line[None, :, None] * torch.cos(angle) + line[None, None, :] * torch.sin(angle)
    boards = (torch.sin(along * (4 + 30 * torch.rand(n, 1, 1))) > 0.9).float()
    strength = torch.where(torch.rand(n, 1, 1) < 0.4, torch.rand(n, 1, 1) - 0.5, torch.zeros(1))
    return (ground + (boards * strength)[:, None]).clamp(0, 1)


def photo_grounds(photos: torch.Tensor, size: int) -> torch.Tensor:
    """Grounds cut from other photographs (n, 4, c, c), enlarged, turned and mirrored."""
    grid = warp_grid(len(photos), size, (1.6, 5.0), 180, 0.5, 0.1)
    return sample(photos, grid)[0]


def shade(pictures: torch.Tensor, darkest: float) -> torch.Tensor:
    """Light that falls off across the picture; exposure from `darkest` to a little over 1."""
    n, _, size, _ = pictures.shape
    line = torch.linspace(-1, 1, size)
    fall = uniform(n, -0.35, 0.35)[:, None, None] * line[None, :, None]
    fall = fall + uniform(n, -0.35, 0.35)[:, None, None] * line[None, None, :]
    exposure = uniform(n, darkest, 1.2)[:, None, None]
    return (pictures * ((1 + fall) * exposure)[:, None]).clamp(0, 1)


def tint(pictures: torch.Tensor, strength: float) -> torch.Tensor:
    """A colour cast, contrast and saturation, each drawn around 1 with `strength`."""
    n = len(pictures)
    cast = 1 + strength * (torch.rand(n, 3, 1, 1) * 2 - 1)
    grey = pictures.mean((1, 2, 3), keepdim=True)
    contrast = 1 + strength * 1.5 * (torch.rand(n, 1, 1, 1) * 2 - 1)
    pictures = (pictures - grey) * contrast + grey
    luma = pictures.mean(1, keepdim=True)
    saturation = 1 + strength * 1.5 * (torch.rand(n, 1, 1, 1) * 2 - 1)
    return (((pictures - luma) * saturation + luma) * cast).clamp(0, 1)


def soften(pictures: torch.Tensor, worst: float) -> torch.Tensor:
    """Each picture seen at a lower resolution, down to `worst` of its own; a quarter stay sharp."""
    out = pictures.clone()
    size = pictures.shape[-1]
    part = torch.randint(0, 4, (len(pictures),))
    for i in range(1, 4):
        rows = (part == i).nonzero()[:, 0]
        if len(rows):
            small = max(8, int(size * float(uniform(1, worst, 0.95))))
            low = F.interpolate(pictures[rows], (small, small), mode="area")
            out[rows] = F.interpolate(low, (size, size), mode="bilinear")
    return out


def grain(pictures: torch.Tensor, worst: float) -> torch.Tensor:
    """Sensor noise with a standard deviation up to `worst`."""
    n = len(pictures)
    return (
        pictures + torch.randn_like(pictures) * uniform(n, 0, worst)[:, None, None, None]
    ).clamp(0, 1)


def compress(pictures: torch.Tensor, chance: float) -> torch.Tensor:
    """JPEG at quality 30 to 85 for a share of the pictures."""
    out = pictures.clone()
    for row in (torch.rand(len(pictures)) < chance).nonzero()[:, 0].tolist():
        image = Image.fromarray((pictures[row].permute(1, 2, 0) * 255).byte().numpy())
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(uniform(1, 30, 85)))
        pixels = np.asarray(Image.open(buffer)).copy()
        out[row] = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    return out


def bars(pictures: torch.Tensor, chance: float) -> torch.Tensor:
    """White bars as the letterbox of a 3:4 or 4:3 photo leaves them."""
    size = pictures.shape[-1]
    for row in (torch.rand(len(pictures)) < chance).nonzero()[:, 0].tolist():
        bar = int(size * float(uniform(1, 0.08, 0.2)))
        if torch.rand(1) < 0.75:
            pictures[row, :, :, :bar] = pictures[row, :, :, size - bar :] = 1
        else:
            pictures[row, :, :bar] = pictures[row, :, size - bar :] = 1
    return pictures


TO_YCC = torch.tensor(  # luma and two chromas: ITU-R BT.601
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
FROM_YCC = torch.linalg.inv(TO_YCC)


def recolour(canvases: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """RGBA canvases, those at `rows` (bool, (n,)) as if the product came in another colour.

    Cut and print stay: around the mean of what is cut out, hues are turned by any angle and light
    is stretched or flattened; then it takes the mean colour of another product among `canvases`, or
    any colour where there is no other.
    """
    n, alpha = len(canvases), canvases[:, 3:]
    ycc = torch.einsum("ij,njhw->nihw", TO_YCC, canvases[:, :3])
    mean = (ycc * alpha).sum((2, 3)) / alpha.sum((2, 3)).clamp_min(1)
    detail = ycc - mean[:, :, None, None]
    angle = uniform(n, -math.pi, math.pi)
    change = torch.zeros(n, 3, 3)
    change[:, 0, 0] = uniform(n, 0.6, 1.3)
    change[:, 1, 1] = change[:, 2, 2] = torch.cos(angle)
    change[:, 2, 1] = torch.sin(angle)
    change[:, 1, 2] = -change[:, 2, 1]
    others = mean.roll(int(torch.randint(1, n, ())), 0) if n > 1 else torch.rand(1, 3) @ TO_YCC.T
    changed = torch.einsum("nij,njhw->nihw", change, detail) + others[:, :, None, None]
    colour = torch.einsum("ij,njhw->nihw", FROM_YCC, changed).clamp(0, 1)
    alpha = alpha * rows[:, None, None, None]
    return torch.cat([canvases[:, :3].lerp(colour, alpha), canvases[:, 3:]], 1)


def studio(canvases: torch.Tensor, size: int) -> torch.Tensor:
    """RGBA canvases as another shop would show them: nearly the same, on the plain ground."""
    grid = warp_grid(len(canvases), size, (0.82, 1.12), 6, 0.06, 0.02)
    pictures = sample(canvases, grid)[0]
    return grain(soften(tint(pictures, 0.06), 0.5), 0.02)


def street(canvases: torch.Tensor, grounds: torch.Tensor, size: int) -> torch.Tensor:
    """RGBA canvases cut out and seen by a webcam; `grounds` RGBA canvases of other photographs."""
    n = len(canvases)
    colour, alpha = sample(canvases, warp_grid(n, size, (0.55, 1.15), 28, 0.25, 0.18))
    drawn = (torch.rand(n) < 0.5)[:, None, None, None]
    ground = torch.where(drawn, drawn_grounds(n, size), photo_grounds(grounds, size))
    pictures = colour * alpha + ground * (1 - alpha)
    pictures = tint(shade(pictures, 0.45), 0.18)
    pictures = grain(soften(pictures, 0.4), 0.05)
    return bars(compress(pictures, 0.5), 0.5)


def handheld(canvases: torch.Tensor, size: int) -> torch.Tensor:
    """Photos that are street already: moved, cropped and lit otherwise."""
    grid = warp_grid(len(canvases), size, (0.9, 1.6), 15, 0.2, 0.1)
    pictures = tint(shade(sample(canvases, grid)[0], 0.6), 0.12)
    return compress(grain(soften(pictures, 0.5), 0.04), 0.3)
