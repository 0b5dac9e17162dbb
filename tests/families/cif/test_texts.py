"""Words as published, and crystals that come back from their texts."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from nucleate.data.dataset import Dataset
from nucleate.errors import StructureError
from nucleate.families.cif.grammar import Asked, cif
from nucleate.families.cif.grammar import cell as cell_of
from nucleate.families.cif.reading import read, with_operations
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.cif.writing import sites_of, written
from nucleate.symmetry.sites import Sites
from tests.families.cif.cases import placed

MP_20 = Path(__file__).parents[3] / "data" / "mp_20"
WORDS = cif_vocabulary()


def accepted(text: str, most: int = 40) -> str:
    """The part of a text that the grammar allows."""
    grammar, words = cif(Asked(most=most)), WORDS.encode(text)
    allowed = next(grammar)
    for place, word in enumerate(words):
        if word not in allowed:
            return WORDS.decode(words[:place])
        try:
            allowed = grammar.send(word)
        except StopIteration:
            return WORDS.decode(words[: place + 1])
    return text + "..."


def walked(group: int, seed: int) -> tuple[list[float], list[float]]:
    """A cell of a group by words that are chosen at random among those that are allowed."""
    choose, grammar = random.Random(seed), cell_of(group)
    allowed = next(grammar)
    while True:
        try:
            allowed = grammar.send(choose.choice(allowed))
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("group", [1, 2, 5, 15, 16, 74, 75, 142, 143, 194, 195, 230])
def test_every_cell_that_the_grammar_allows_has_a_volume_and_the_shape_of_its_system(group: int) -> None:
    for seed in range(40):
        (a, b, c), angles = walked(group, seed)
        if group >= 75:
            assert a == b
        if group >= 195:
            assert a == c
        if group >= 16:
            assert angles[1] == 90
        if group >= 3:
            assert angles[0] == 90
            assert angles[2] == (120 if 143 <= group <= 194 else 90)
        x, y, z = np.cos(np.radians(angles))
        assert 1 - x * x - y * y - z * z + 2 * x * y * z > 1e-4


def occupied(sites: Sites) -> list[tuple[str, int]]:
    return sorted(zip(sites.letters, sites.species, strict=True))


def test_there_are_as_many_words_as_published() -> None:
    assert len(WORDS) == 371
    assert sum(word.endswith("_sg") for word in WORDS.words) == 227


def test_groups_are_told_from_elements_and_digits() -> None:
    """The published example of the space group Pm beside promethium."""
    text = "data_Pm1\n_symmetry_space_group_name_H-M Pm\nPm Pm0 1\n_symmetry_space_group_name_H-M P1\n"
    words = [WORDS.words[number] for number in WORDS.encode(text)]
    assert words[:6] == ["data_", "Pm", "1", "\n", "_symmetry_space_group_name_H-M", " "]
    assert words[6:14] == ["Pm_sg", "\n", "Pm", " ", "Pm", "0", " ", "1"]
    assert words[-2] == "P1_sg"
    assert WORDS.decode(WORDS.encode(text)) == text
    with pytest.raises(StructureError, match="none of the model's words"):
        WORDS.encode("data_Fr1")


def test_the_layout_is_the_published_one() -> None:
    rock_salt = Sites(225, ("a", "b"), (11, 17), np.zeros(0), 5.6 * np.eye(3))
    lines = written(rock_salt).split("\n")
    assert lines[:9] == [
        "data_Na4Cl4", "loop_", "_atom_type_symbol", "_atom_type_electronegativity", "_atom_type_radius",
        "_atom_type_ionic_radius", "Na 0.9300 1.8000 1.1600", "Cl 3.1600 1.0000 0.7800",
        "_symmetry_space_group_name_H-M Fm-3m",
    ]  # fmt: skip
    assert lines[9:16] == [
        "_cell_length_a 5.6000", "_cell_length_b 5.6000", "_cell_length_c 5.6000", "_cell_angle_alpha 90.0000",
        "_cell_angle_beta 90.0000", "_cell_angle_gamma 90.0000", "_symmetry_Int_Tables_number 225",
    ]  # fmt: skip
    assert lines[16:20] == [
        "_chemical_formula_structural NaCl", "_chemical_formula_sum 'Na4 Cl4'", "_cell_volume 175.6160",
        "_cell_formula_units_Z 4",
    ]  # fmt: skip
    assert lines[20:24] == [
        "loop_",
        "_symmetry_equiv_pos_site_id",
        "_symmetry_equiv_pos_as_xyz",
        "1 'x, y, z'",
    ]
    assert lines[-4:] == ["Na Na0 4 0.0000 0.0000 0.0000 1", "Cl Cl1 4 0.0000 0.0000 0.5000 1", "", ""]


@pytest.mark.parametrize(
    "number", [0, 3, 6, 9, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 4, 5, 7, 8, 10, 11))]
)
def test_a_crystal_comes_back_from_its_text(number: int) -> None:
    sites = placed()[number]
    text = written(sites)
    assert WORDS.decode(WORDS.encode(text)) == text
    found = read(text)
    assert found.sites.number == sites.number
    assert occupied(found.sites) == occupied(sites)
    assert found.moved < 0.005
    assert found.sites.to_cell().volume == pytest.approx(sites.to_cell().volume, rel=1e-4)
    again = written(found.sites)
    assert read(again).sites.atoms == sites.atoms
    assert accepted(text) == text


@pytest.mark.parametrize("number", range(12))
def test_other_programs_read_the_text_with_its_operations(number: int) -> None:
    """pymatgen makes the same crystal from the operations, without Wyckoff positions."""
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Structure

    sites = placed()[number]
    whole = sites.to_cell(primitive=False)
    other = Structure.from_str(with_operations(written(sites)), fmt="cif")
    assert len(other) == len(whole.species)
    assert StructureMatcher(0.05, 0.05, 1, attempt_supercell=False).fit(other, whole.to_structure())


def test_what_is_no_crystal_is_refused() -> None:
    text = written(placed()[0])
    for wrong, why in (
        (text[:-1], "cut short"),
        (text.replace("_cell_length_b ", "_cell_length_b x"), "no value"),
        (text.replace(" Pm-3m", " Pm-3x"), "no space group"),
        (text.replace(" 3 0.0000 0.5000", " 5 0.0000 0.5000"), "no position"),
        (text.replace(" 3 0.0000 0.5000", " 3 0.1500 0.3000"), "within 0.1"),
        (text.replace("Ti Ti1", "Ti Ti1 1"), "no site"),
    ):
        assert wrong != text
        with pytest.raises(StructureError, match=why):
            read(wrong)


def test_a_crystal_without_symmetry_or_of_the_other_hand_is_written() -> None:
    rng = np.random.default_rng(1)
    for hand in (1, -1):
        cell = placed()[4].to_cell()._replace(frac=rng.random((3, 3)))
        cell = cell._replace(lattice=hand * cell.lattice)
        found = read(written(sites_of(cell))).sites.to_cell()
        assert sorted(found.species.tolist()) == sorted(cell.species.tolist())
        assert found.volume == pytest.approx(cell.volume, rel=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(not MP_20.is_dir(), reason="needs data/mp_20")
def test_every_crystal_of_mp_20_comes_back() -> None:
    """All have the same sites again, and the grammar allows each text (about ten minutes)."""
    table = Dataset.open(MP_20).split("train")
    for row in range(len(table)):
        sites = sites_of(table.cell(row))
        text = written(sites)
        assert WORDS.decode(WORDS.encode(text)) == text
        found = read(text)
        assert occupied(found.sites) == occupied(sites), table.ids[row]
        assert found.moved < 0.01, table.ids[row]
        if row % 20 == 0:
            assert accepted(text) == text, table.ids[row]
