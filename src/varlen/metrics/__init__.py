from varlen.metrics._accuracy import Accuracy, accuracy

__all__ = ["Accuracy", "accuracy"]
