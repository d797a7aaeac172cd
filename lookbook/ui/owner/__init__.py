"""The owner's page: upload and index a catalogue, switch generations, see what visitors do."""

from lookbook.ui.owner.access import check_password
from lookbook.ui.owner.routes import OwnerPage

__all__ = ["OwnerPage", "check_password"]
