"""Columns, filters, colours and text of a catalogue; a leaf: imports nothing of ours."""
