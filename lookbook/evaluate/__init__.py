"""How good is it? Metrics with intervals, and the tasks that an encoder is measured on."""

from lookbook.evaluate.metrics import Figure, figure, knn_accuracy, precision_at, recall_at
from lookbook.evaluate.of_index import evaluate_index
from lookbook.evaluate.tasks import evaluate_encoder

__all__ = [
    "Figure",
    "evaluate_encoder",
    "evaluate_index",
    "figure",
    "knn_accuracy",
    "precision_at",
    "recall_at",
]
