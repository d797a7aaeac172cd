"""Recommenders behind one interface: what people did, what items look like, and both together."""

from lookbook.recommend.base import ModelCorrupt, Recommendation, Recommendations, Recommender
from lookbook.recommend.baselines.factors import ALS, BPR
from lookbook.recommend.baselines.item_knn import ItemKNN
from lookbook.recommend.baselines.popularity import Popularity
from lookbook.recommend.baselines.visual import Visual
from lookbook.recommend.context import Context, season_of
from lookbook.recommend.data import History, Interactions
from lookbook.recommend.hybrid.model import Hybrid
from lookbook.recommend.items import Items

MODELS: dict[str, type[Recommender]] = {
    kind.name: kind for kind in (Popularity, ItemKNN, ALS, BPR, Visual, Hybrid)
}

__all__ = [
    "ALS",
    "BPR",
    "MODELS",
    "Context",
    "History",
    "Hybrid",
    "Interactions",
    "ItemKNN",
    "Items",
    "ModelCorrupt",
    "Popularity",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "Visual",
    "season_of",
]
