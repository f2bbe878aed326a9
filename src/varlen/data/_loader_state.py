"""The state of a pass out of the state of a DataLoader whose workers shared it."""

from collections.abc import Iterator, Mapping
from typing import Any

from varlen.errors import CheckpointError


def furthest_state(state: Any) -> dict[str, Any]:
    """The state of a pass, or the furthest among those of the workers that shared one.

    Workers take turns in handing out items, so the one that did so last is where all of them are.

    Args:
        state: of a pass, or whatever has those of passes somewhere within.

    Raises:
        CheckpointError: there is none within, or the loader has moved on since.
    """
    found = list(_states_within(state))
    if not found:
        raise CheckpointError("expected the state of a pipeline, found none")
    if isinstance(state, Mapping) and state.get("_steps_since_snapshot"):
        raise CheckpointError(
            f"the loader has made {state['_steps_since_snapshot']} steps since it asked its "
            "workers for their state",
            hint="StatefulDataLoader(snapshot_every_n_steps=1), the default, always asks",
        )
    return max(found, key=lambda one: (one["epoch"], _step(one)))


def _states_within(state: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(state, Mapping):
        return
    if {"version", "stages", "position"} <= state.keys():
        yield dict(state)
        return
    for value in state.values():
        yield from _states_within(value)


def _step(state: dict[str, Any]) -> int:
    """What the share of the pass says; stages after it, one to one, hold its state within."""
    position = state["position"]
    while "step" not in position:
        position = position["upstream"]
    return int(position["step"])
