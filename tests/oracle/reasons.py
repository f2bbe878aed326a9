"""Why reference cases are left out: every reason there is. A case may be left out for no other."""

REASONS = {
    # Other works.
    "checkpoints": "TensorFlow's checkpoints are no part of the library yet",
    # What TensorFlow does and this library does otherwise, on purpose.
    "graph": "an error that exists only because TensorFlow 1 built graphs",
    "length range": "a length outside of 0 to T is an error here (tests/rnn/test_unroll.py)",
    "length type": "lengths that are no integers are an error here (tests/rnn/test_unroll.py)",
    "sound": "what TensorFlow refuses and works here (SOUND in tests/oracle/errors.py)",
    "words": "an error in words that tests/oracle/errors.py does not know",
    "initialiser": "an initialiser of TensorFlow's is not described by its name alone",
    "Q4": (
        "Q4: each block of a grid has a state of its own, also in one tensor "
        "(tests/rnn/test_frequency_cells.py)"
    ),
    "Q9": "Q9: a skip connection leaves the state as it is (tests/rnn/test_conv_cells.py)",
    "Q16": (
        "Q16: dequeue_up_to gives what is left in a closed PriorityQueue "
        "(tests/data/queues/test_queues.py)"
    ),
    "Q18": "Q18: a file cut inside a record's header is an error (tests/records/test_reader.py)",
    "Q19 end": (
        "Q19: a compressed stream without its end is an error (tests/records/test_reader.py)"
    ),
    "Q19 rest": (
        "Q19: what follows a compressed stream is read, or an error (tests/records/test_reader.py)"
    ),
    "Q21": (
        "Q21: a SparseFeature has its values, also if a VarLenFeature asks for its parts, when "
        "TensorFlow returns nothing (tests/features/test_parse_example.py)"
    ),
    "Q23": (
        "Q23: an empty batch is parsed, which TensorFlow refuses if the context has features of "
        "fixed length (tests/features/test_parse_batch.py)"
    ),
}


class LeftOut(Exception):  # noqa: N818 - not an error
    """Raised by a runner's `covers` for a case that it does not run; the reason is in the table."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
