"""Pictures and words to embeddings: the encoder, its heads, its text and its spatial maps."""
