"""A recommender that weighs the evidence of all others."""
