"""Errors of the encoder."""


class EncoderError(ValueError):
    """A model that cannot be loaded or used; the message says what to do."""
