"""A suite is a list of checks, each with a name; pytest runs them one by one, and so does a plain loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that an implementation must do.

    Attributes:
        name: of the case and of what is checked, as pytest shows it.
        run: raises AssertionError, with what was found, where it does not.
    """

    name: str
    run: Callable[[], None]


def as_test(checks: Iterable[Check]) -> Callable[..., Any]:
    """A test for pytest that runs each check by its name: bind it to a name that begins with test_."""
    import pytest

    @pytest.mark.parametrize("check", list(checks), ids=lambda check: check.name)
    def conformance(check: Check) -> None:
        check.run()

    return conformance


def require(held: object, sentence: str) -> None:
    """Raise AssertionError with the sentence unless it held."""
    if not held:
        raise AssertionError(sentence)
