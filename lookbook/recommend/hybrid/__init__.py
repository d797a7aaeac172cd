"""A recommender that ranks candidates from every source by a small learnt model."""
