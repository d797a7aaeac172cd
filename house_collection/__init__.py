"""The house collection: a drawn demo catalogue.

Everything follows from a seed. The package imports nothing of lookbook; `python -m house_collection
--output FOLDER` writes the collection as an imagefolder.
"""

from .collection import products
from .imagefolder import write_imagefolder
from .product import Product, draw_cutout
from .street import street_shot

__all__ = ["Product", "draw_cutout", "products", "street_shot", "write_imagefolder"]
