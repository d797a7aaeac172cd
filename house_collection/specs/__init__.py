"""What the collection offers: one GarmentSpec for each articleType.

Spelled as in the public data set (Fashion Product Images) that the columns follow.
"""

from .accessories import ACCESSORIES
from .clothing import CLOTHING
from .footwear import FOOTWEAR
from .garment_spec import GarmentSpec

SPECS: tuple[GarmentSpec, ...] = (*CLOTHING, *FOOTWEAR, *ACCESSORIES)
SPEC_OF_ARTICLE = {spec.article: spec for spec in SPECS}

# cuts whose shape decides the fabric
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

__all__ = ["FABRIC_OF_SHAPE", "SPECS", "SPEC_OF_ARTICLE", "GarmentSpec"]
