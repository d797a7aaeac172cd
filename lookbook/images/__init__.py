"""Decode images safely and transform them: limits, letterbox, thumbnail, foreground mask."""
