"""Reference hulls: of a data set's energies, of a potential's own, of entries; what they can't judge they name."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from monty.serialization import dumpfn
from pymatgen.core import Composition
from pymatgen.entries.computed_entries import ComputedEntry

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.energies.cache import NAMESPACE
from nucleate.energies.element_energies import ElementEnergies, fit_elements
from nucleate.energies.hull import Hull
from nucleate.energies.hull_sources import (
    dft_hull,
    entries_hull,
    hull_of_entries,
    materials_project_hull,
    potential_hull,
)
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import DataError, MissingPackageError, NucleateError
from nucleate.records.store import Store
from nucleate.work import Work
from tests.energies.crystals import EMT, TablePotential, copper_gold, fcc, rattled
from tests.metrics.crystals_for_tests import table_of

ALLOYS = copper_gold()
FORMATION = np.array([0.0, 0.0, -0.10, -0.02, -0.20])
PURE = {"Cu": -3.5, "Au": -2.5}
ENERGIES = {
    name: formation + sum(PURE[str(e)] * x for e, x in Composition(name).fractional_composition.items())
    for name, formation in zip(ALLOYS, FORMATION.tolist(), strict=True)
}
COPPER_GOLD = np.array([29, 79])


def table(**columns: np.ndarray) -> CrystalTable:
    return replace(table_of(list(ALLOYS.values()), list(ALLOYS)), properties=columns)


def structures(**columns: np.ndarray) -> ReferenceStructures:
    return ReferenceStructures.of_tables([table(**columns)])


def far(hull: Hull, numbers: list[int], energy_per_atom: float) -> float:
    found = hull.above(np.array(numbers), energy_per_atom * len(numbers))
    assert found.energy is not None
    return found.energy


def test_several_splits_are_one_reference() -> None:
    first, second = table(a=np.arange(5.0)).select([0, 1]), table().select([2, 3, 4])
    both = ReferenceStructures.of_tables([first, second])
    assert [both.id(i) for i in range(len(both))] == list(ALLOYS)
    for i, structure in enumerate(ALLOYS.values()):
        assert np.array_equal(both.cell(i).species, structure.atomic_numbers)
        assert np.allclose(both.cell(i).lattice, structure.lattice.matrix)
    column = both.column("a")
    assert column is not None
    assert np.array_equal(column, [0, 1, np.nan, np.nan, np.nan], equal_nan=True)
    assert both.column("b") is None


def test_the_hull_of_formation_energies_by_hand() -> None:
    """CuAu3 at -0.02 lies over the line from CuAu (-0.2) to Au (0), which is at -0.1 there."""
    hull = dft_hull(structures(formation_energy_per_atom=FORMATION))
    assert far(hull, [29, 79, 79, 79], -0.02) == pytest.approx(0.08)
    assert far(hull, [29, 79], -0.2) == pytest.approx(0.0)
    assert far(hull, [29, 79], -0.25) == pytest.approx(-0.05)
    assert far(hull, [29, 29, 29, 79], -0.10) == pytest.approx(0.0)
    named = dict(hull.above(np.array([29, 79, 79, 79]), 0.0).decomposition)
    assert named == pytest.approx({"CuAu": 0.5, "Au": 0.5})
    assert far(hull, [47, 47], 0.03) == pytest.approx(0.03)


def test_known_distances_stand_for_phases_that_are_missing() -> None:
    """CuAu3 is known to lie 0.15 over something that the data set does not have."""
    known = structures(
        formation_energy_per_atom=FORMATION, e_above_hull=np.array([0.0, 0.0, np.nan, 0.15, 0.0])
    )
    assert far(dft_hull(known), [29, 79, 79, 79], -0.02) == pytest.approx(0.15)
    assert far(dft_hull(known, known_hull=False), [29, 79, 79, 79], -0.02) == pytest.approx(0.08)


def test_unknown_formation_energies_are_left_out() -> None:
    unknown = FORMATION.copy()
    unknown[4] = np.nan
    assert far(dft_hull(structures(formation_energy_per_atom=unknown)), [29, 79], 0.0) == pytest.approx(
        1 / 15
    )
    with pytest.raises(DataError, match="no column formation_energy_per_atom"):
        dft_hull(structures())


def test_potential_energies_become_formation_energies() -> None:
    potential = TablePotential(ENERGIES)
    known = structures(formation_energy_per_atom=FORMATION)
    fit = fit_elements(known, potential)
    assert fit.energies == pytest.approx({29: PURE["Cu"], 79: PURE["Au"]})
    hull = dft_hull(known, fit)
    assert far(hull, [29, 79, 79, 79], ENERGIES["CuAu3"]) == pytest.approx(0.08)
    unsure = hull.above(np.array([29, 47]), -6.0)
    assert (unsure.energy, unsure.reason, unsure.detail) == (None, "unreliable_element", "Ag")
    with pytest.raises(DataError, match="to fit energies of the elements"):
        fit_elements(structures(), potential)


def test_the_hull_of_the_potential_itself() -> None:
    hull = potential_hull(structures(), TablePotential(ENERGIES))
    assert np.isnan(hull.energies).all()
    assert far(hull, [29, 79, 79, 79], ENERGIES["CuAu3"]) == pytest.approx(0.08)
    assert far(hull, [29], PURE["Cu"] + 0.4) == pytest.approx(0.4)


def test_only_what_is_needed_is_computed_and_once(tmp_path: Path) -> None:
    cache = tmp_path / "cache.sqlite"
    hull = potential_hull(structures(), TablePotential(ENERGIES), work=Work(cache=cache))
    hull.above(np.array([79, 79]), 0.0)
    assert len(Store(cache, NAMESPACE)) == 1
    hull.prepare([COPPER_GOLD, np.array([29])])
    assert len(Store(cache, NAMESPACE)) == 5
    broken = potential_hull(structures(), TablePotential(ENERGIES), work=Work(cache=cache))
    broken.above(COPPER_GOLD, 0.0)
    assert len(Store(cache, NAMESPACE)) == 5


def test_a_missing_element_is_named_and_the_rest_is_placed() -> None:
    hull = potential_hull(structures(), TablePotential(ENERGIES))
    found = hull.above(np.array([29, 47, 47]), -1.0)
    assert (found.energy, found.reason, found.detail) == (None, "missing_terminal", "Ag")
    no_gold = {name: energy for name, energy in ENERGIES.items() if name != "Au"}
    hull = potential_hull(structures(), TablePotential(no_gold))
    found = hull.above(np.array([79]), -1.0)
    assert (found.reason, found.detail) == ("missing_terminal", "Au")
    assert hull.lazy is not None
    assert hull.lazy.problems == {1: "failed"}
    # between CuAu and CuAu3 no gold is needed
    assert far(hull, [29, 79, 79], -3.0) < 0


def test_competing_phases_are_relaxed_where_asked_for() -> None:
    """Reference structures far from the potential's minimum: their relaxed energies are lower."""
    loose = [fcc("Cu", 3.75), fcc("Au", 4.2)]
    reference = ReferenceStructures.of_tables([table_of(loose, ["Cu", "Au"])])
    settings = RelaxSettings(fmax=0.02)
    as_is, relaxed = potential_hull(reference, EMT), potential_hull(reference, EMT, settings)
    assert relaxed.lazy is not None
    relaxed.lazy.margin = 0.2
    copper = rattled(fcc("Cu", 3.6), 0.0, 0.0)
    energy = EMT.energy(copper) / 4
    assert far(as_is, [29], energy) < -0.01
    assert far(relaxed, [29], energy) == pytest.approx(0.0, abs=0.005)
    assert relaxed.lazy.relaxed == {0}
    assert "relaxed" in relaxed.settings["energies"]


def entries() -> list[ComputedEntry]:
    return [ComputedEntry(name, energy * Composition(name).num_atoms) for name, energy in ENERGIES.items()]


def test_entries_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "entries.json"
    dumpfn(entries(), path)
    hull = entries_hull(path)
    assert far(hull, [29, 79, 79, 79], ENERGIES["CuAu3"]) == pytest.approx(0.08)
    assert hull.above(np.array([47]), 0.0).reason == "missing_terminal"
    corrected = ComputedEntry("CuAu", 2 * ENERGIES["CuAu"], correction=-0.2)
    assert far(hull_of_entries([*entries(), corrected], "x"), [29, 79], ENERGIES["CuAu"]) == pytest.approx(
        0.1
    )


@pytest.mark.parametrize("content", ["{", "{}", "[]", "[1]", '[{"a": 1}]'])
def test_files_without_entries_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "entries.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"entries\.json.*\n.*dumpfn"):
        entries_hull(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read"):
        entries_hull(tmp_path / "none.json")


def test_the_materials_project_needs_a_key_and_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NucleateError, match="needs an API key"):
        materials_project_hull([29, 79], "")
    monkeypatch.setitem(sys.modules, "mp_api", None)
    monkeypatch.setitem(sys.modules, "mp_api.client", None)
    with pytest.raises(MissingPackageError, match="mp-api"):
        materials_project_hull([29, 79], "key")


def test_settings_can_be_written_as_json() -> None:
    fit = ElementEnergies({29: -3.5, 79: -2.5}, {93: 1.0}, 0.02, 10)
    known = structures(formation_energy_per_atom=FORMATION)
    for hull in (dft_hull(known, fit), potential_hull(known, EMT), hull_of_entries(entries(), "x")):
        assert json.loads(json.dumps(hull.settings)) == hull.settings


def test_a_reference_cell_judged_as_a_sample_is_on_or_over_the_hull() -> None:
    hull = potential_hull(structures(), EMT)
    for structure in ALLOYS.values():
        cell = Cell.of(structure)
        found = hull.above(cell.species, EMT.energy(cell))
        assert found.energy is not None
        assert found.energy >= -1e-9
