"""How well predictions hit, counted over real steps so that batches, and ranks, add up."""

from varlen.metrics._accuracy import Accuracy, accuracy
from varlen.metrics._edit_distance import EditDistance, edit_distance
from varlen.metrics._f1 import F1, class_f1
from varlen.metrics._hits import Hits
from varlen.metrics._perplexity import Perplexity, perplexity
from varlen.metrics._spans import Span, bio_spans, span_f1

__all__ = [
    "F1",
    "Accuracy",
    "EditDistance",
    "Hits",
    "Perplexity",
    "Span",
    "accuracy",
    "bio_spans",
    "class_f1",
    "edit_distance",
    "perplexity",
    "span_f1",
]
