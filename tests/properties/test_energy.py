"""Less energy by a potential: its gradient against finite differences, cut forces, and draws that are pulled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.energies.potential import Evaluation, Potential
from nucleate.energies.potentials import potential_named
from nucleate.properties.energy import MOST_FORCE, MOST_STRAIN, UNIT, LessEnergy, evaluated, slopes_of
from nucleate.properties.pulls import Pulls
from nucleate.properties.soft import SoftCrystals
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.generate import generate
from nucleate.sampling.limits import Limits
from nucleate.sampling.pull import Pull
from nucleate.sampling.request import new_requests
from nucleate.sampling.settings import SamplerSettings
from tests.energies.crystals import EMT
from tests.training.tiny import SHRINK, mixed_sizes, random_table

COPPER, GOLD, IRON = 29, 79, 26


def sheared(numbers: list[int], seed: int) -> Cell:
    """A face-centred cube of copper and gold, strained and rattled by a little."""
    rng = np.random.default_rng(seed)
    places = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])[: len(numbers)]
    lattice = 3.9 * np.eye(3) + rng.normal(scale=0.1, size=(3, 3))
    return Cell(np.array(numbers), places + rng.normal(scale=0.01, size=places.shape), lattice)


CELLS = [sheared([COPPER, COPPER, GOLD, GOLD], 0), sheared([GOLD] * 3, 1)]


def soft(cells: list[Cell]) -> tuple[SoftCrystals, torch.Tensor, torch.Tensor]:
    """With leaves for coordinates and cells, in double precision."""
    most = max(len(cell.species) for cell in cells)
    species, frac = torch.zeros(len(cells), most, dtype=torch.long), torch.zeros(len(cells), most, 3).double()
    for row, cell in enumerate(cells):
        species[row, : len(cell.species)] = torch.from_numpy(cell.species)
        frac[row, : len(cell.species)] = torch.from_numpy(cell.frac)
    lattice = torch.from_numpy(np.stack([cell.lattice for cell in cells]))
    made = SoftCrystals.of(Crystals(species, frac, lattice, species > 0))
    frac.requires_grad_()
    lattice.requires_grad_()
    return replace(made, frac=frac, lattice=lattice), frac, lattice


def energy(cell: Cell) -> float:
    return EMT.energy(cell) / len(cell.species)


def test_gradients_are_finite_differences():
    given, frac, lattice = soft(CELLS)
    said = LessEnergy(EMT)(given, torch.ones(2))
    assert said.tolist() == pytest.approx([-energy(cell) / UNIT for cell in CELLS])
    said.sum().backward()
    assert frac.grad is not None
    assert lattice.grad is not None
    step = 1e-4
    for row, cell in enumerate(CELLS):
        for part, grad in (("frac", frac.grad[row, : len(cell.species)]), ("lattice", lattice.grad[row])):
            values = getattr(cell, part)
            for place in np.ndindex(*values.shape):
                ends = []
                for sign in (1, -1):
                    moved = values.copy()
                    moved[place] += sign * step
                    ends.append(energy(cell._replace(**{part: moved})))
                slope = -(ends[0] - ends[1]) / (2 * step) / UNIT
                assert float(grad[place]) == pytest.approx(slope, abs=2e-3 * (1 + abs(slope))), (
                    row,
                    part,
                    place,
                )
    assert frac.grad[1, 3].tolist() == [0, 0, 0]  # padding


def test_potentials_that_are_networks_have_their_own_gradients():
    """Samplers switch gradients off, and an autograd.Function does so too."""
    chgnet, cell = potential_named("chgnet"), CELLS[0]
    with torch.no_grad():
        given, _, lattice = soft([cell])
        with torch.enable_grad():
            LessEnergy(chgnet)(given, torch.ones(1)).sum().backward()
    ends = [chgnet.energy(cell._replace(lattice=cell.lattice + sign * 0.01 * np.eye(3))) for sign in (1, -1)]
    slope = -(ends[0] - ends[1]) / 0.02 / 4 / UNIT
    assert lattice.grad is not None
    assert float(lattice.grad[0].trace()) == pytest.approx(slope, rel=0.02)


def test_large_forces_and_strains_are_cut():
    cell = CELLS[0]
    forces = np.array([[0, 0, 1.0], [0, 0, 100.0], [0, 3, 4.0], [0, 30, 40.0]])
    by_frac, by_lattice = slopes_of(cell, Evaluation(0.0, forces, 100 * np.eye(3) / cell.volume))
    cut = -by_frac @ np.linalg.inv(cell.lattice.T)
    np.testing.assert_allclose(np.linalg.norm(cut, axis=1), [1, MOST_FORCE, MOST_FORCE, MOST_FORCE])
    np.testing.assert_allclose(cut[3], [0, 3, 4], atol=1e-12)
    virial = cell.lattice.T @ by_lattice
    assert np.linalg.norm(virial) == pytest.approx(MOST_STRAIN * 4)
    np.testing.assert_allclose(virial, np.eye(3) * virial[0, 0], atol=1e-12)


class Refusing(Potential):
    """EMT for single cells without iron."""

    name = "refusing"

    @property
    def identity(self) -> str:
        return self.name

    def calculator(self):
        return EMT.calculator()

    def evaluate(self, cells):
        if len(cells) > 1 or IRON in cells[0].species:
            raise ValueError("not these")
        return EMT.evaluate(cells)


def test_what_a_potential_can_not_take_is_not_pulled():
    iron = CELLS[0]._replace(species=np.array([IRON] * 4))
    squeezed = CELLS[0]._replace(lattice=0.1 * np.eye(3))
    given, frac, _ = soft([iron, CELLS[0], squeezed])
    said = LessEnergy(Refusing())(given, torch.ones(3))
    assert said[0] == said[2] == 0
    assert said[1].item() == pytest.approx(-energy(CELLS[0]) / UNIT)
    said.sum().backward()
    assert frac.grad is not None
    assert not frac.grad[0].any()
    assert frac.grad[1].any()
    assert list(evaluated([iron, squeezed], Refusing())) == []


@pytest.fixture(scope="module")
def model():
    made = get_recipe("kldm-csp", list(SHRINK)).build()
    table = random_table(mixed_sizes(20, 0), 0)
    made.fit(replace(table, lattice=np.tile(4.2 * np.eye(3), (len(table), 1, 1)) + 0.2 * table.lattice / 8))
    return made.eval()


def drawn(model, weight: float, start: float = 0.0, steps: int = 12) -> list[Cell]:
    guides = Pulls()
    guides.potentials["emt"] = EMT
    limits = Limits(frozenset(range(1, 95)), 8, {}, {4: 1.0})
    pulls = (Pull("energy", "min", weight, start, predictor="emt"),) if weight else ()
    asked = [replace(one, species=(COPPER,) * 4, pulls=pulls) for one in new_requests([4] * 12, limits)]
    found = [
        one
        for batch in generate(model, asked, SamplerSettings("ode", steps=steps), 0, guides=guides)
        for one in batch
    ]
    return [one.crystal.cells()[0] for one in sorted(found, key=lambda one: one.request.key)]


def test_draws_have_less_energy(model):
    """Of a network that knows nothing, which the potential pulls all the way."""
    plain, pulled = ([energy(cell) for cell in drawn(model, weight)] for weight in (0.0, 10.0))
    assert np.median(pulled) < np.median(plain) - 0.1, (plain, pulled)
