"""Complete outfits around one item."""

from lookbook.outfits.completion import Outfit, OutfitList, complete
from lookbook.outfits.slots import OutfitSlots, outfit_slots

__all__ = ["Outfit", "OutfitList", "OutfitSlots", "complete", "outfit_slots"]
