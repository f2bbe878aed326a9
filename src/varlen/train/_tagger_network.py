"""The network of the tagger: embeddings, a bidirectional LSTM, a linear head."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from varlen.rnn import LSTMCell, bidirectional_dynamic_rnn

_FORM_SIZE = 100
_PART_SIZE = 32
_EMBEDDING_STD = 0.1
_DROPOUT = 0.3
# How often training hides a word's form, so that its other views learn to do without.
_HIDDEN_FORMS = 0.1


class TaggerNetwork(nn.Module):
    """Scores the tags of each step from the views of its word and of those around it.

    Embeddings and head are computed on live steps only, and random draws are per live step, so
    padding changes nothing.

    Args:
        view_sizes: how many numbers there are per view of a word, the form first; 0 is the unknown.
        num_tags: how many tags there are.
        units: width of the LSTM, per direction.
    """

    def __init__(self, view_sizes: Sequence[int], num_tags: int, *, units: int) -> None:
        super().__init__()
        widths = [_FORM_SIZE] + [_PART_SIZE] * (len(view_sizes) - 1)
        self.embeddings = nn.ModuleList(
            nn.Embedding(size, width) for size, width in zip(view_sizes, widths, strict=True)
        )
        for table in self.embeddings.parameters():
            nn.init.normal_(table, std=_EMBEDDING_STD)
        self.forward_cell = LSTMCell(sum(widths), units)
        self.backward_cell = LSTMCell(sum(widths), units)
        self.head = nn.Linear(2 * units, num_tags)

    def forward(
        self, words: Int[Tensor, "batch time views"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch time tags"]:
        """The scores (logits) of the tags; 0 past the lengths."""
        live = torch.arange(words.shape[1], device=words.device) < lengths[:, None]
        outputs, _ = bidirectional_dynamic_rnn(
            self.forward_cell,
            self.backward_cell,
            _spread(self._embed(words[live]), live),
            sequence_length=lengths,
        )
        features = F.dropout(torch.cat(outputs, dim=-1)[live], _DROPOUT, self.training)
        return _spread(self.head(features), live)

    def _embed(self, words: Int[Tensor, "steps views"]) -> Float[Tensor, "steps features"]:
        forms, *parts = words.unbind(-1)
        if self.training:
            forms = forms.masked_fill(torch.rand(forms.shape) < _HIDDEN_FORMS, 0)
        embedded = [
            embedding(numbers)
            for embedding, numbers in zip(self.embeddings, [forms, *parts], strict=True)
        ]
        return F.dropout(torch.cat(embedded, dim=-1), _DROPOUT, self.training)


def _spread(
    steps: Float[Tensor, "steps features"], live: Bool[Tensor, "batch time"]
) -> Float[Tensor, "batch time features"]:
    """Puts the live steps where they belong, and 0 elsewhere."""
    return steps.new_zeros(*live.shape, steps.shape[-1]).index_put((live,), steps)
