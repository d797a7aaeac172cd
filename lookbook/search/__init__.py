"""Answer queries on an index: vectors, words, filters, product groups, links."""
