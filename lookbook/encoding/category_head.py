"""What kind of thing a picture shows, as a side of its vector: the mean of the kinds' codes.

A projection puts a top that might be a T-shirt between both, where everything else that is unclear
lies too. Here kinds contend first (softmax): a picture that is sure lies on its kind's code, one
that is not stays short, and then the other sides of its vector say more.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class CategoryHead:
    """Features (n, f) -> the side (n, d), no longer than the codes.

    `read` (r, f) and `tell` (k, r) with `bias` (k) give each of k kinds a number, the softmax of
    which weighs the `codes` (k, d).
    """

    read: torch.Tensor
    tell: torch.Tensor
    bias: torch.Tensor
    codes: torch.Tensor

    @classmethod
    def among(cls, arrays: dict[str, torch.Tensor]) -> CategoryHead | None:
        """From "kinds.read" and so on, None where there is none; raises ValueError for a part."""
        names = [f"kinds.{field.name}" for field in fields(cls)]
        found = {name: tuple(arrays[name].shape) for name in names if name in arrays}
        if not found:
            return None
        if len(found) < len(names):
            raise ValueError(f"expected {', '.join(names)}, found only {', '.join(found)}")
        read, tell, bias, codes = found.values()
        flat = [len(shape) for shape in found.values()] == [2, 2, 1, 2]
        if not flat or (tell, codes[:1]) != ((*bias, read[0]), bias):
            raise ValueError(f"expected kinds of one number and rank, found {found}")
        return cls(*(arrays[name] for name in names))

    def arrays(self) -> dict[str, torch.Tensor]:
        """What `among` reads."""
        return {f"kinds.{field.name}": getattr(self, field.name) for field in fields(self)}

    def to(self, device: torch.device) -> CategoryHead:
        """The same on `device`."""
        return CategoryHead(*(getattr(self, field.name).to(device) for field in fields(self)))

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """(n, k): how much speaks for each kind."""
        return features @ self.read.T @ self.tell.T + self.bias

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        return self.logits(features).softmax(-1) @ self.codes

    def spatial_embeddings(self, places: torch.Tensor) -> torch.Tensor:
        """(n, d): what each of n places (n, f), whose mean a picture's features are, gives.

        The softmax of the whole picture, made linear where it stands (gradient times input:
        Shrikumar et al. 2016); the mean over the places is the picture's side.
        """
        said = self.logits(places)
        usual = said.mean(0)
        shares, beyond = usual.softmax(0), said - usual
        moved = shares * (beyond - (beyond @ shares)[:, None])
        return (shares + moved) @ self.codes
