"""Tables of embeddings."""

from torch import nn

# A step sees some thousand rows. In larger tables it does not touch the others.
_LARGEST_DENSE = 100_000
_STD = 0.1


def embedding_table(num_rows: int, size: int) -> nn.Embedding:
    """A new table, `[num_rows, size]`. The gradient of a large one has the rows of a batch only."""
    table = nn.Embedding(num_rows, size, sparse=num_rows > _LARGEST_DENSE)
    nn.init.normal_(table.weight, std=_STD)
    return table
