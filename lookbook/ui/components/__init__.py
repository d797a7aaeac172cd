"""The HTML components that the pages are made of."""
