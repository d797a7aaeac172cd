"""Nearest-neighbour engines behind one interface."""
