"""Nested structures: a state is a tensor, or a (named) tuple, list or dict of states.

torch's own tree functions do the work; this is the only file that knows where they live.
"""

from collections.abc import Callable
from typing import Any

from torch.utils import _pytree


def leaves(tree: Any) -> list[Any]:
    """The leaves, depth first, in order; None counts as a leaf."""
    return _pytree.tree_leaves(tree)


def map_structure(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`function` of the leaves of one or more trees of the same structure."""
    return _pytree.tree_map(function, tree, *others)


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves and what `unflatten` needs to put others in their places."""
    return _pytree.tree_flatten(tree)


def unflatten(structure: Any, leaves: list[Any]) -> Any:
    """The tree of that structure with these leaves."""
    return _pytree.tree_unflatten(leaves, structure)


def pack_as(structure: Any, tree: Any, *, name: str) -> Any:
    """The leaves of `tree` in the containers of `structure`.

    A plain tuple or list may stand for a named tuple.

    Raises:
        TypeError: a leaf stands where a container is expected, or the other way round, or a
            container has the wrong number of entries.
    """
    if not isinstance(structure, tuple | list):
        if tree is None or isinstance(tree, tuple | list | dict):
            raise TypeError(f"{name}: expected a tensor, found a {type(tree).__name__}")
        return tree
    if not isinstance(tree, tuple | list):
        raise TypeError(
            f"{name}: expected a {type(structure).__name__} of {len(structure)}, "
            f"found a {type(tree).__name__}"
        )
    if len(tree) != len(structure):
        raise TypeError(f"{name}: expected {len(structure)} entries, found {len(tree)}")
    packed = [
        pack_as(part, entry, name=f"{name}[{i}]")
        for i, (part, entry) in enumerate(zip(structure, tree, strict=True))
    ]
    return type(structure)(*packed) if hasattr(structure, "_fields") else type(structure)(packed)
