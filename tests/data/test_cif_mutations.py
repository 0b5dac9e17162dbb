"""Spoilt CIFs: the fast path says what pymatgen says or nothing, and no atom is lost in silence.

Real files are spoilt too where NUCLEATE_TEST_CIFS names a CSV (packed or not) with a `cif` column.
"""

from __future__ import annotations

import csv
import os
import random
import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Composition, Structure
from pymatgen.io.cif import CifFile, CifWriter

from nucleate.cell import Cell
from nucleate.data.cif import read_p1_cif
from nucleate.data.many_crystal_files import open_text
from nucleate.data.parse import read_cif
from nucleate.elements import SYMBOLS
from nucleate.errors import StructureError
from tests.data.cif_mutations import mutate
from tests.data.crystal_makers import cif, random_structure, rock_salt


def made(count: int) -> list[str]:
    return [
        *(cif(random_structure(seed, atoms=1 + seed % 7)) for seed in range(count)),
        cif(rock_salt()),
        str(CifWriter(rock_salt(), symprec=0.01)),
    ]


def by_pymatgen(text: str) -> Structure | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Structure.from_str(text, fmt="cif")
        except Exception:
            return None


def in_order(cell):
    frac = np.mod(np.round(cell.frac, 6), 1)
    order = np.lexsort((*np.round(frac, 6).T, cell.species))
    return cell.species[order], frac[order], cell.lattice


def written_formula(text: str) -> Composition | None:
    """What the file itself says, by pymatgen's tokeniser and its own reader of formulas."""
    for block in CifFile.from_str(text).data.values():
        if re.fullmatch(r"([A-Z][a-z]?\d* ?)+", said := str(block.data.get("_chemical_formula_sum", ""))):
            try:
                return Composition(said)
            except ValueError:
                return None
    return None


def judge(text: str) -> str:
    """What became of a text. Raises AssertionError where a promise is broken."""
    try:
        fast = read_p1_cif(text)
    except StructureError:  # no cell has its lengths and angles
        fast = None
    if fast is not None:
        theirs = by_pymatgen(text)
        assert theirs is not None, "accepted what pymatgen refuses"
        for one, other in zip(in_order(fast), in_order(Cell.of(theirs)), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    try:
        cell, _ = read_cif(text)
    except StructureError as error:
        return error.message.split(":")[0]
    if formula := written_formula(text):
        found = Composition(Counter(SYMBOLS[number] for number in cell.species))
        assert found.reduced_composition == formula.reduced_composition, "contradicts its sum formula"
        assert len(cell.species) >= formula.num_atoms, "atoms are lost"
    return "accepted" if fast is None else "accepted by the fast path"


def judge_all(texts: list[str], count: int, seed: int) -> Counter[str]:
    draw = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        text = mutate(draw.choice(texts), draw)
        try:
            outcomes[judge(text)] += 1
        except AssertionError as error:
            raise AssertionError(f"{error}\n{text}") from error
    return outcomes


@pytest.mark.parametrize("line", range(8))
@pytest.mark.parametrize("text", [";", " ;", "; a note"])
def test_a_stray_line_among_the_atoms_never_loses_one(line: int, text: str) -> None:
    lines = cif(rock_salt()).rstrip().split("\n")
    lines.insert(len(lines) - line, text)
    spoilt = "\n".join(lines) + "\n"
    assert read_p1_cif(spoilt) is None
    try:
        cell, _ = read_cif(spoilt)
    except StructureError:
        return
    assert len(cell.species) == 8


def test_damaged_files() -> None:
    outcomes = judge_all(made(12), 150, seed=0)
    assert outcomes["accepted by the fast path"] >= 10
    assert outcomes.total() - outcomes["accepted"] - outcomes["accepted by the fast path"] >= 40


@pytest.mark.slow
def test_many_damaged_files() -> None:
    assert judge_all(made(60), 3000, seed=1)["accepted by the fast path"] >= 150


@pytest.mark.slow
@pytest.mark.skipif("NUCLEATE_TEST_CIFS" not in os.environ, reason="NUCLEATE_TEST_CIFS names no CSV")
def test_many_damaged_real_files() -> None:
    with open_text(Path(os.environ["NUCLEATE_TEST_CIFS"])) as file:
        texts = [row["cif"] for row in csv.DictReader(file)]
    for text in random.Random(2).sample(texts, min(40, len(texts))):
        assert judge(text) == "accepted by the fast path"
    outcomes = judge_all(random.Random(3).sample(texts, min(300, len(texts))), 3000, seed=4)
    assert outcomes["accepted by the fast path"] >= 150
