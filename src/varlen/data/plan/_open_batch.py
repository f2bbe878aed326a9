"""`OpenBatch`: a batch that is being filled, and whether another example fits in."""

from collections.abc import Mapping

from varlen.data.plan._limits import BatchLimits, budget_of


class OpenBatch:
    """How full a batch is. Examples are known by their lengths, by feature, and their bytes.

    The definition of what limits mean; `_cut` does the same for many examples at once.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self.clear()

    def clear(self) -> None:
        """Begins a batch without examples."""
        self.num_examples = 0
        self._steps: dict[str, int] = {}
        self._longest: dict[str, int] = {}
        self._num_bytes = 0

    def has_room_for(self, lengths: Mapping[str, int], num_bytes: int = 0) -> bool:
        """Whether no limit would be exceeded with one more example."""
        return self._excess(lengths, num_bytes) is None

    def add(self, lengths: Mapping[str, int], num_bytes: int = 0) -> None:
        """Takes one more example."""
        self.num_examples += 1
        self._num_bytes += num_bytes
        for name, length in lengths.items():
            self._steps[name] = self._steps.get(name, 0) + length
            self._longest[name] = max(self._longest.get(name, 0), length)

    def is_full(self) -> bool:
        """Whether there are as many examples as there may be."""
        return self.num_examples == self._limits.batch_size

    def _excess(self, lengths: Mapping[str, int], num_bytes: int) -> str | None:
        """What would be exceeded with one more example, in words."""
        limits, num_examples = self._limits, self.num_examples + 1
        if limits.batch_size is not None and num_examples > limits.batch_size:
            return f"batch_size={limits.batch_size}"
        num_bytes += self._num_bytes
        if limits.max_bytes is not None and num_bytes > limits.max_bytes:
            return f"expected at most {limits.max_bytes} bytes (max_bytes), found {num_bytes}"
        for name, length in lengths.items():
            steps = self._steps.get(name, 0) + length
            most = budget_of(limits.max_steps, name)
            if most is not None and steps > most:
                return f"expected at most {most} steps{_of(name)} (max_steps), found {steps}"
            longest = max(self._longest.get(name, 0), length)
            padded = num_examples * -(-longest // limits.multiple_of) * limits.multiple_of
            most = budget_of(limits.max_padded_steps, name)
            if most is not None and padded > most:
                return (
                    f"expected at most {most} padded steps{_of(name)} (max_padded_steps), "
                    f"found {padded}"
                )
        return None


def excess_alone(limits: BatchLimits, lengths: Mapping[str, int], num_bytes: int) -> str | None:
    """Which limit a single example exceeds, in words; None if it fits."""
    return OpenBatch(limits)._excess(lengths, num_bytes)


def refuse_oversize(place: str, excess: str) -> ValueError:
    """The error for a single example that exceeds a budget."""
    return ValueError(
        f"{place}: {excess}\n"
        "  oversize='alone' makes such an example a batch of its own, 'skip' leaves it out"
    )


def _of(feature: str) -> str:
    return f" of {feature!r}" if feature else ""
