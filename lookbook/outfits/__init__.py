"""Whole outfits around one item."""
