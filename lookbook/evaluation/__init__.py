"""How good is it? Metrics with intervals, and the tasks that an encoder is measured on."""

from lookbook.evaluation.index_report import evaluate_index
from lookbook.evaluation.metrics import Estimate, figure, knn_accuracy, precision_at, recall_at
from lookbook.evaluation.retrieval import evaluate_encoder

__all__ = [
    "Estimate",
    "evaluate_encoder",
    "evaluate_index",
    "figure",
    "knn_accuracy",
    "precision_at",
    "recall_at",
]
