"""The Find page: layout (components), callbacks, and wiring (which event calls which)."""
