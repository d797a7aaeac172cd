"""Errors of the encoder."""

# whatever it raises to read a damaged file of JSON and to take numbers and texts out of it
UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


class EncoderError(ValueError):
    """A model that cannot be loaded or used; the message says what to do."""


class ModelUnusable(EncoderError):  # noqa: N818
    """A model whose files cannot be used; the message names them, so it is not for visitors."""
