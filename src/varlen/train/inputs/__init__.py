"""Features as numbers: each encoder learns from the training split, is stored, and has a layer."""

from varlen.train.inputs._encoder import Encoder, Fitting, Spec
from varlen.train.inputs._find import find_context, find_sequence, find_sequences
from varlen.train.inputs._inputs import InputLayer, Inputs, fit_inputs
from varlen.train.inputs._labels import LabelFitting, Labels
from varlen.train.inputs._notes import NoteCounts, NoteEncoder
from varlen.train.inputs._symbols import SymbolEncoder, SymbolLayer
from varlen.train.inputs._tokens import TokenEncoder, TokenFitting
from varlen.train.inputs._vectors import VectorEncoder
from varlen.train.inputs._vocabulary import Vocabulary
from varlen.train.inputs._words import WordEncoder

__all__ = [
    "Encoder",
    "Fitting",
    "InputLayer",
    "Inputs",
    "LabelFitting",
    "Labels",
    "NoteCounts",
    "NoteEncoder",
    "Spec",
    "SymbolEncoder",
    "SymbolLayer",
    "TokenEncoder",
    "TokenFitting",
    "VectorEncoder",
    "Vocabulary",
    "WordEncoder",
    "find_context",
    "find_sequence",
    "find_sequences",
    "fit_inputs",
]
