"""A suite is a list of named checks, which pytest or a plain loop runs one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that an implementation must do.

    Attributes:
        name: of the case and the check, as pytest shows it.
        run: raises AssertionError, with what was found, if the check fails.
    """

    name: str
    run: Callable[[], None]


def as_test(checks: Iterable[Check]) -> Callable[..., Any]:
    """A pytest test of all the checks. Assign it to a name that begins with test_."""
    import pytest

    @pytest.mark.parametrize("check", list(checks), ids=lambda check: check.name)
    def conformance(check: Check) -> None:
        check.run()

    return conformance


def require(held: object, sentence: str) -> None:
    """Raise AssertionError with the sentence unless `held` is true."""
    if not held:
        raise AssertionError(sentence)
