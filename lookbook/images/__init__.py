"""Read pictures safely and bring them into one form."""
