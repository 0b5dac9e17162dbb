"""A network must fit into the machine's memory: its parameters are counted before they are allocated."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from nucleate.errors import RecipeError


def check_room(network: Callable[[], torch.nn.Module]) -> None:
    """Raise RecipeError if the parameters of the network that a call makes exceed the machine's memory."""
    with _Unfilled():
        parameters = sum(p.numel() for p in network().parameters())
    needed, memory = 4 * parameters, _memory()
    if memory and needed > memory:
        raise RecipeError(
            f"a network of {parameters:.2g} parameters needs {needed / 2**30:.0f} GiB of memory, "
            f"but this machine has {memory / 2**30:.0f} GiB",
            "use a smaller width or fewer layers",
        )


class _Unfilled(TorchFunctionMode):
    """Modules with unfilled parameters on the meta device: filling them there loads torch's compiler, which takes seven
    seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.empty:
            return func(*args, **{**kwargs, "device": "meta"})
        filled = kwargs["tensor"] if "tensor" in kwargs else args[0] if args else None
        fills = func.__name__.endswith("_") and not func.__name__.startswith("__")
        if fills and isinstance(filled, torch.Tensor) and filled.is_meta:
            return filled
        return func(*args, **kwargs)


def _memory() -> int:
    """Bytes of memory of this machine, 0 if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0
