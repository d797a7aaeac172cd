"""Drawing functions of the garments, one module for each group of them."""
