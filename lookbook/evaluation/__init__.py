"""Evaluation: metrics with confidence intervals, and what they are measured on."""

from lookbook.evaluation.index_report import evaluate_index
from lookbook.evaluation.metrics import (
    Estimate,
    bootstrap_mean,
    knn_accuracy,
    precision_at,
    recall_at,
)
from lookbook.evaluation.retrieval import evaluate_encoder

__all__ = [
    "Estimate",
    "bootstrap_mean",
    "evaluate_encoder",
    "evaluate_index",
    "knn_accuracy",
    "precision_at",
    "recall_at",
]
