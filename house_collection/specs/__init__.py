"""What the label sells: one row for each articleType, spelled as in the public set."""

from .accessories import ACCESSORIES
from .clothing import CLOTHING
from .footwear import FOOTWEAR
from .garment_spec import GarmentSpec

KINDS: tuple[GarmentSpec, ...] = (*CLOTHING, *FOOTWEAR, *ACCESSORIES)
KIND_OF = {kind.article: kind for kind in KINDS}

# Where the fabric follows from the shape.
FABRIC_OF_SHAPE = {
    "bomber": "nylon",
    "denim": "denim",
    "biker": "leather",
    "puffer": "nylon",
    "field": "cotton",
    "parka": "canvas",
    "fedora": "wool",
    "straw": "canvas",
    "bucket": "cotton",
}

__all__ = ["FABRIC_OF_SHAPE", "KINDS", "KIND_OF", "Kind"]
