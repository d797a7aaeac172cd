"""Encode images and text: preprocessing, encoder, heads, localization and attribution."""
