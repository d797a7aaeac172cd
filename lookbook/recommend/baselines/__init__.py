"""Recommenders that learn from one source of evidence each."""
