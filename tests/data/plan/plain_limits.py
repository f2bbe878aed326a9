"""What limits mean, written out once more; and limits and lengths for property tests."""

from hypothesis import strategies as st


def keeps(limits, rows, num_bytes):
    """Whether a batch of sequences of these lengths keeps all limits."""
    padded = len(rows) * (-(-max(rows) // limits.multiple_of) * limits.multiple_of)
    return all(
        most is None or found <= most
        for found, most in [
            (len(rows), limits.batch_size),
            (sum(rows), limits.max_steps),
            (padded, limits.max_padded_steps),
            (sum(num_bytes), limits.max_bytes),
        ]
    )


def greedy(limits, items):
    """Batches of (length, bytes) in order, each as large as may be; singles come by themselves."""
    batches, batch = [], []
    for length, size in items:
        if not keeps(limits, [length], [size]):
            batches.append([(length, size)])
            continue
        more = [*batch, (length, size)]
        if batch and not keeps(limits, *zip(*more, strict=True)):
            batches.append(batch)
            more = [(length, size)]
        batch = more
        if len(batch) == limits.batch_size:
            batches.append(batch)
            batch = []
    return batches + [batch] * bool(batch)


# Arguments, of which tests make limits: checks of annotations draw numbers of their own.
LIMITS = st.fixed_dictionaries(
    {"multiple_of": st.integers(1, 4)},
    optional={
        "batch_size": st.integers(1, 6),
        "max_steps": st.integers(1, 30),
        "max_padded_steps": st.integers(1, 40),
        "max_bytes": st.integers(1, 50),
    },
).filter(lambda arguments: len(arguments) > 1)
# Lengths and bytes.
SIZES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20)), max_size=40)
