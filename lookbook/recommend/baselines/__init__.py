"""Recommenders that use one source of evidence each."""
