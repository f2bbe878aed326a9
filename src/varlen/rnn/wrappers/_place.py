"""Wrappers that add no scope: the inner cell's parameters keep their names in a state dict."""

from typing import Any

from torch import nn


def keep_place_of_inner(wrapper: nn.Module) -> None:
    """Lets the state dict of `wrapper` be that of `wrapper.cell`, as TensorFlow's variables are."""
    wrapper.register_state_dict_post_hook(_drop_prefix)  # type: ignore[no-untyped-call]
    wrapper.register_load_state_dict_pre_hook(_add_prefix)  # type: ignore[no-untyped-call]


def _drop_prefix(wrapper: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    inner = prefix + "cell."
    for name in [name for name in state_dict if name.startswith(inner)]:
        state_dict[prefix + name.removeprefix(inner)] = state_dict.pop(name)


def _add_prefix(wrapper: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in [name for name in state_dict if name.startswith(prefix)]:
        state_dict[prefix + "cell." + name.removeprefix(prefix)] = state_dict.pop(name)
