"""Wrong types and shapes are found in what the tests import, whichever wrapper checks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
import torch
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from nucleate.geometry.torus import wrap
from nucleate.symmetry.holding import can_fill, can_hold
from tests.typechecker import checked, needs_shapes, typechecked

PAIRS = Float[Tensor, "crystals 2"]
check = checked(typechecker=typechecked)


def plain(one: int, how: Literal["a", "b"] = "a") -> str:
    return "x" * one if one else None  # type: ignore[return-value]


def alias(one: PAIRS) -> int:
    return len(one)


def within(one: dict[str, list[PAIRS] | None]) -> None:
    pass


def unknown(one: Missing) -> None:  # type: ignore[name-defined]
    pass


def same(one: Float[Tensor, " n"], other: Float[Tensor, " n"]) -> None:
    pass


def counted(last: int) -> Iterator[int]:
    yield from range(last)


def test_only_functions_without_arrays_do_without_shapes():
    assert not any(map(needs_shapes, (plain, counted)))
    assert all(map(needs_shapes, (alias, within, unknown, same)))


def test_wrong_arguments_and_results_are_found():
    assert check(plain)(2) == "xx"
    for words in (("2",), (2, "c"), (0,)):
        with pytest.raises(TypeCheckError):
            check(plain)(*words)
    assert list(check(counted)(2)) == [0, 1]
    with pytest.raises(TypeCheckError):
        check(alias)(torch.zeros(4, 3))
    with pytest.raises(TypeCheckError):
        check(same)(torch.zeros(2), torch.zeros(3))


def test_fields_of_dataclasses_are_checked():
    @check
    @dataclass(frozen=True)
    class Plain:
        size: float

    @check
    @dataclass(frozen=True)
    class Shaped:
        one: PAIRS

    assert Plain(1).size == 1
    with pytest.raises(TypeCheckError):
        Plain("1")
    with pytest.raises(TypeCheckError):
        Shaped(torch.zeros(2))


def test_the_package_is_checked():
    assert can_hold(225, {11: 1, 17: 1})
    with pytest.raises(TypeCheckError):
        can_fill("225", ((1, 0),))  # type: ignore[arg-type]
    with pytest.raises(TypeCheckError):
        wrap("x")  # type: ignore[arg-type]
