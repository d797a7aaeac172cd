"""The house collection: a catalogue that we draw ourselves."""

from .collection import products
from .imagefolder import write_imagefolder
from .product import Product, draw_cutout
from .street import street_shot

__all__ = ["Product", "draw_cutout", "products", "street_shot", "write_imagefolder"]
