"""The Find page: layout, callbacks and wiring."""
