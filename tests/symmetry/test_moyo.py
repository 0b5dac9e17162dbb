"""The door to moyo: what it raises stays inside, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.symmetry import moyo
from nucleate.symmetry.moyo import analysed, number_of

IRON = Cell(np.array([26, 26]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 2.87 * np.eye(3))


class PanicException(BaseException):
    """As Rust's panics arrive: no Exception."""


def failing(error: type[BaseException]):
    class Moyo:
        Cell = staticmethod(lambda *_: None)

        @staticmethod
        def MoyoDataset(*_, **__):  # noqa: N802
            raise error("too bad")

    return lambda: Moyo


def test_iron_is_cubic():
    assert number_of(IRON, 0.01) == 229
    assert analysed(IRON, 0.01).number == 229


@pytest.mark.parametrize("error", [PanicException, ValueError])
def test_a_failure_and_a_panic_are_errors_of_the_structure(monkeypatch, error):
    monkeypatch.setattr(moyo, "moyo", failing(error))
    assert number_of(IRON, 0.1) is None
    with pytest.raises(StructureError, match=r"within 0\.1 Å \(too bad\)"):
        analysed(IRON, 0.1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, TimeoutError, MemoryError])
def test_an_interrupt_and_a_time_limit_pass(monkeypatch, error):
    monkeypatch.setattr(moyo, "moyo", failing(error))
    with pytest.raises(error):
        number_of(IRON, 0.1)


def test_a_crystal_that_repeats_too_soon_is_not_asked_about(monkeypatch):
    monkeypatch.setattr(moyo, "moyo", failing(AssertionError))
    flat = Cell(np.array([26]), np.zeros((1, 3)), np.diag([5.0, 5.0, 0.7]))
    with pytest.raises(StructureError, match=r"repeats after 0\.70 Å"):
        analysed(flat, 0.1)


def test_a_needle_that_moyo_would_not_come_back_from_is_not_asked_about(monkeypatch):
    """A rhombohedral cell of 279 Å whose vectors add up to 2.07 Å, as an untrained language model wrote it."""
    radius = np.sqrt(279.44**2 - (2.07 / 3) ** 2)
    turns = 2 * np.pi / 3 * np.arange(3)
    lattice = np.stack([radius * np.cos(turns), radius * np.sin(turns), np.full(3, 2.07 / 3)], 1)
    needle = Cell(np.array([26, 26]), np.array([[0.0, 0, 0], [0.4, 0.4, 0.4]]), lattice)
    monkeypatch.setattr(moyo, "moyo", failing(AssertionError))
    with pytest.raises(StructureError, match="times as long as it is wide"):
        analysed(needle, 0.1)
    assert number_of(needle, 0.1) is None
