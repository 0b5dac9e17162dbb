"""Each rule of validity on cells made to break just that one."""

import builtins

import numpy as np
import pytest
from pymatgen.core import Composition

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import SYMBOLS
from nucleate.errors import MissingPackageError
from nucleate.metrics import validity_rules
from nucleate.metrics.validity_rules import GEOMETRY, SMACT_SET, fingerprint_constructible, smact_valid
from tests.metrics.crystals_for_tests import known_crystals, perturbed


def pair(distance: float, length: float = 5.0) -> Cell:
    frac = np.array([[0, 0, 0.97], [0, 0, 0.97 + distance / length]])
    return Cell(np.array([11, 17]), frac, length * np.eye(3))


def test_each_geometry_problem_has_its_name():
    assert defect(pair(0.51), GEOMETRY) is None
    assert defect(pair(0.49), GEOMETRY) == "atoms_too_close"
    assert defect(pair(3.0, length=40.5), GEOMETRY) == "cell_too_long"
    assert defect(pair(3.0)._replace(lattice=np.diag([5.0, 5.0, 0.0039])), GEOMETRY) == "volume_too_small"
    assert defect(pair(np.nan), GEOMETRY) == "not_finite"
    assert defect(pair(3.0)._replace(lattice=np.full((3, 3), np.inf)), GEOMETRY) == "not_finite"


def test_images_of_an_atom_itself_are_not_tested():
    assert defect(Cell(np.array([3]), np.zeros((1, 3)), np.diag([0.4, 5.0, 5.0])), GEOMETRY) is None


def test_smallest_distance_is_the_one_of_pymatgen():
    rng = np.random.default_rng(0)
    seen = set()
    for trial in range(60):
        structure = perturbed(known_crystals()[1 + trial % 8], rng, 0.9, 0.1)
        off_diagonal = structure.distance_matrix[~np.eye(len(structure), dtype=bool)]
        problem = defect(Cell.of(structure), GEOMETRY)
        assert (problem == "atoms_too_close") == (off_diagonal.min() < 0.5)
        seen.add(problem)
    assert seen == {None, "atoms_too_close"}


def formula(text: str):
    counts = Composition(text).get_el_amt_dict()
    numbers = np.concatenate([[Composition(e).elements[0].Z] * int(n) for e, n in counts.items()])
    return Cell(numbers, np.zeros((len(numbers), 3)), np.eye(3)).formula


@pytest.mark.parametrize("text", ["NaCl", "Na4Cl4", "SrTiO3", "Fe", "He8", "Cu3Au", "LiFePO4"])
def test_known_compounds_elements_and_alloys_pass_smact(text):
    assert smact_valid(formula(text))


@pytest.mark.parametrize("text", ["NaCl2", "Na3Cl", "LiO4", "HeO"])
def test_compositions_that_can_not_be_neutral_fail_smact(text):
    assert not smact_valid(formula(text))


def test_formula_is_divided_by_the_greatest_common_divisor():
    assert formula("Na4Cl4") == formula("NaCl") == ((11, 1), (17, 1))
    assert formula("Ti2O4") == ((8, 2), (22, 1))


def test_the_rule_is_that_of_smact():
    from smact.screening import smact_validity

    rng, said = np.random.default_rng(0), []
    for _ in range(150):
        symbols = rng.choice(SYMBOLS[1:95], rng.integers(1, 5), replace=False)
        text = "".join(f"{symbol}{rng.integers(1, 5)}" for symbol in symbols)
        said.append(smact_valid(formula(text)))
        assert said[-1] == smact_validity(text, oxidation_states_set=SMACT_SET, include_alloys=True), text
    assert 20 < sum(said) < 130


def test_too_many_combinations_are_invalid(monkeypatch):
    smact_valid.cache_clear()
    monkeypatch.setattr(validity_rules, "MAX_COMBINATIONS", 1)
    try:
        assert not smact_valid(formula("SrTiO3"))
        assert smact_valid(formula("Fe"))
        assert smact_valid(formula("Cu3Au"))
    finally:
        smact_valid.cache_clear()


def test_missing_smact_is_one_sentence_and_a_hint(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in ("smact", "matminer"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    smact_valid.cache_clear()
    validity_rules._smact.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match="smact") as caught:
        smact_valid(formula("NaCl"))
    assert "pip install 'nucleate[evaluate]'" in caught.value.hint
    with pytest.raises(MissingPackageError, match="matminer"):
        validity_rules.require_fingerprints()


def test_fingerprint_of_a_real_crystal_can_be_made_and_of_a_nonsense_cell_not():
    assert fingerprint_constructible(Cell.of(known_crystals()[9]))
    nonsense = Cell(np.array([11, 17]), np.full((2, 3), np.nan), 4 * np.eye(3))
    assert not fingerprint_constructible(nonsense)
