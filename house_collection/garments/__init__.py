"""How each kind of product is cut and drawn."""
