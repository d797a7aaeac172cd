"""Recommenders behind one interface: what people did, what items look like, and both together."""

from lookbook.recommend.context import Context, season_of
from lookbook.recommend.factors import ALS, BPR
from lookbook.recommend.hybrid import Hybrid
from lookbook.recommend.interactions import History, Interactions
from lookbook.recommend.items import Items
from lookbook.recommend.neighbours import ItemKNN
from lookbook.recommend.popularity import Popularity
from lookbook.recommend.recommender import Answer, ModelCorrupt, Recommendation, Recommender
from lookbook.recommend.visual import Visual

MODELS: dict[str, type[Recommender]] = {
    kind.name: kind for kind in (Popularity, ItemKNN, ALS, BPR, Visual, Hybrid)
}

__all__ = [
    "ALS",
    "BPR",
    "MODELS",
    "Answer",
    "Context",
    "History",
    "Hybrid",
    "Interactions",
    "ItemKNN",
    "Items",
    "ModelCorrupt",
    "Popularity",
    "Recommendation",
    "Recommender",
    "Visual",
    "season_of",
]
