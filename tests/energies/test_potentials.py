"""Potentials: names, what is missing, isolated atoms, CHGNet's energies of textbook crystals."""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.energies.chgnet import CHGNET_ELEMENTS, ChgnetPotential
from nucleate.energies.potential import isolated_atoms, quiet_single_thread
from nucleate.energies.potentials import REGISTRY, AsePotential, potential_named
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.errors import MissingPackageError, NucleateError
from nucleate.work import Work
from tests.energies.crystals import EMT, copper_gold, rattled
from tests.metrics.crystals_for_tests import known_crystals


def test_names() -> None:
    for name, potential in REGISTRY.items():
        assert potential_named(name).name == name
        assert pickle.loads(pickle.dumps(potential)) == potential
    with pytest.raises(NucleateError, match=r"no potential is called 'vasp'.*\n.*chgnet"):
        potential_named("vasp")
    with pytest.raises(NucleateError, match=r"no model '9\.9'"):
        ChgnetPotential("9.9")


def test_identities_differ() -> None:
    identities = [potential.identity for potential in REGISTRY.values()]
    assert len(set(identities)) == len(identities)
    assert "0.3.0" in potential_named("chgnet").identity


def test_a_missing_package_is_named() -> None:
    absent = AsePotential("absent", "no-such-package", "no_such_package.calculators:Make")
    with pytest.raises(MissingPackageError, match=r"needs the package no-such-package.*\n.*pip install"):
        absent.calculator()
    assert "not installed" in absent.identity


def test_only_potentials_on_the_mp_scale_are_called_so() -> None:
    assert potential_named("chgnet").mp_corrected
    assert not potential_named("chgnet-r2scan").mp_corrected
    assert not potential_named("mace").mp_corrected


def test_isolated_atoms_against_a_loop() -> None:
    rng = np.random.default_rng(1)
    shifts = np.array([[i, j, k] for i in range(-3, 4) for j in range(-3, 4) for k in range(-3, 4)])
    counts = set()
    for _ in range(30):
        cell = Cell(np.ones(4, dtype=int), rng.random((4, 3)), np.diag(rng.uniform(4, 14, 3)))
        images = (cell.frac[None] + shifts[:, None]).reshape(-1, 3) @ cell.lattice
        distances = np.linalg.norm(images[:, None] - cell.frac @ cell.lattice, axis=-1)
        expected = int(((distances < 4.0).sum(0) < 2).sum())
        assert isolated_atoms(cell, 4.0) == expected
        counts.add(expected)
    assert len(counts) > 2


def test_quiet_is_quiet_inside_only(capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_num_threads()
    filters = list(warnings.filters)
    with quiet_single_thread():
        print("the package talks")  # noqa: T201
        warnings.warn("and warns", stacklevel=1)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    assert warnings.filters == filters
    assert capsys.readouterr().out == ""


def test_chgnet_knows_textbook_crystals() -> None:
    """Energies per atom of the Materials Project (GGA, corrected): NaCl, diamond, bcc iron; 89 elements."""
    potential = potential_named("chgnet")
    rock_salt = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.69), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    for structure, expected in (
        (rock_salt, -3.70),
        (known_crystals()[2], -9.09),
        (Structure.from_spacegroup("Im-3m", Lattice.cubic(2.83), ["Fe"], [[0, 0, 0]]), -8.47),
    ):
        found = potential.energy(Cell.of(structure)) / len(structure)
        assert found == pytest.approx(expected, abs=0.12)
    assert len(CHGNET_ELEMENTS) == 89


def test_chgnet_gives_the_energy_of_its_own_calculator() -> None:
    potential = potential_named("chgnet")
    cell = rattled(known_crystals()[1])
    atoms = cell.compact().to_atoms()
    atoms.calc = potential.calculator()
    with quiet_single_thread():
        expected = float(atoms.get_potential_energy())
    assert potential.energy(cell) == pytest.approx(expected, abs=1e-4)


def test_a_batch_gives_what_the_calculator_gives_for_each_cell() -> None:
    cells = [rattled(one, seed=number) for number, one in enumerate(copper_gold().values())]
    for potential, digits in ((EMT, 0.0), (potential_named("chgnet"), 1e-5)):
        for cell, one in zip(cells, potential.evaluate(cells), strict=True):
            atoms = cell.to_atoms()
            atoms.calc = potential.calculator()
            energy = pytest.approx(atoms.get_potential_energy(), abs=digits * len(cell.species), rel=0)
            assert one.energy == energy
            assert potential.energy(cell) == energy
            np.testing.assert_allclose(one.forces, atoms.get_forces(), rtol=0, atol=10 * digits)
            np.testing.assert_allclose(one.stress, atoms.get_stress(voigt=False), rtol=0, atol=digits)


def test_threads_share_a_potential_without_mixing_its_answers(tmp_path: Path) -> None:
    alloys = list(copper_gold().values())
    cells = [rattled(one, seed=seed) for seed in range(3) for one in alloys]
    settings, cache = RelaxSettings(max_steps=3), tmp_path / "cache.sqlite"
    with ThreadPoolExecutor(4) as pool:
        shared = relax(cells, EMT, settings, Work(pool, cache=cache))
    for one, plain in zip(shared, relax(cells, EMT, settings), strict=True):
        assert (one.energy, one.steps, one.reason) == (plain.energy, plain.steps, plain.reason)
