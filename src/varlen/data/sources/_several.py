"""What sources that are made of several have in common."""

from collections.abc import Sequence
from typing import Any

from varlen.data._source import Source
from varlen.data._stage import StageIterator
from varlen.errors import CheckpointError


def as_sources(sources: Any, argument: str) -> tuple[Source, ...]:
    """Each of `sources` as the beginning of a pipeline.

    Raises:
        TypeError: not a list, or something in it is no source.
        ValueError: none at all.
    """
    if not isinstance(sources, Sequence) or isinstance(sources, str | bytes):
        raise TypeError(
            f"{argument}: expected a list of pipelines or other sources, "
            f"found {type(sources).__name__}"
        )
    if not sources:
        raise ValueError(f"{argument}: expected at least one, found none")
    return tuple(map(Source, sources))


def load_states(sources: Sequence[StageIterator], states: Sequence[dict[str, Any]]) -> None:
    """Takes every source to where its state was taken.

    Raises:
        CheckpointError: another number of sources.
    """
    if len(states) != len(sources):
        raise CheckpointError(
            f"expected the state of {len(sources)} sources, found that of {len(states)}"
        )
    for source, state in zip(sources, states, strict=True):
        source.load_state_dict(state)


def check_same(saved: Any, now: Any, argument: str) -> None:
    """Refuses a state that was taken with another value of an argument."""
    if saved != now:
        raise CheckpointError(
            f"the state is that of another source: it had {argument}={saved!r}, this one has "
            f"{argument}={now!r}"
        )
