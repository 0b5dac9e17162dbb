"""What generators of texts have in common: what may be asked of them, and the noise of each text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from nucleate.errors import ModelError
from nucleate.families.whole import check_whole
from nucleate.sampling.condition import Reading, check_conditions
from nucleate.sampling.learned import LearnedGenerator
from nucleate.sampling.request import Request


class LanguageGenerator(LearnedGenerator):
    """Answers by texts, in which what is asked is told.

    Attributes:
        described: how conditions are read that are no plain numbers.
    """

    task = "dng"
    described: Reading = ()

    def __init__(self, name: str, identity: str, model: Any, settings: Any, card: Mapping[str, Any]) -> None:
        super().__init__(name, identity, model, settings, card)
        self.conditions = model.conditions

    def check(self, requests: Sequence[Request]) -> None:
        super().check(requests)
        check_whole(self.name, requests)
        check_conditions(requests, self.conditions, self.described)
        if any(request.guidance for request in requests):
            raise ModelError(f"{self.name} has no guidance", "leave --guidance out: what is asked is told")


def text_key(request: Request, draw: int) -> int:
    """63 bits for the noise of the draw-th text of a request."""
    text = f"{request.identity} text {draw}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
