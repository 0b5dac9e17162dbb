"""What generators that draw whole crystals can't be asked for."""

from __future__ import annotations

from collections.abc import Sequence

from nucleate.errors import ModelError
from nucleate.sampling.request import Request


def check_whole(name: str, requests: Sequence[Request]) -> None:
    """Raise ModelError for a composition of which only a part is given."""
    for request in requests:
        if 0 in request.species and any(request.species):
            raise ModelError(
                f"{name} can't complete a composition of which a part is given",
                "give all elements, or none",
            )


def check_no_space_group(name: str, requests: Sequence[Request]) -> None:
    """Raise ModelError for a space group."""
    if any(request.space_group is not None for request in requests):
        raise ModelError(f"{name} can't keep to a space group", "leave it out")
