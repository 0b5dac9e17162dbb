"""Templates written from Wyckoff positions: exact at any parameters, the same as those found in the crystal."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.symmetry.sites import Sites
from nucleate.symmetry.template import Template, symmetrised
from nucleate.symmetry.wyckoff import space_group
from tests.symmetry.test_wyckoff import some_lattice


@pytest.mark.parametrize("number", [2, 12, 43, 62, 88, 139, 152, 166, 194, 205, 227, 230])
def test_operations_carry_atoms_where_the_template_says(number: int) -> None:
    """Every position once; the parameters put atoms on special places, which distances could not tell apart."""
    letters = tuple(space_group(number).letters)
    sites = Sites(number, letters, tuple(range(1, len(letters) + 1)))
    for free in (np.random.default_rng(0).random(sites.freedom), np.zeros(sites.freedom)):
        template = Template.from_sites(Sites(number, letters, sites.species, free, some_lattice(number)))
        carried = np.einsum("gij,aj->gai", template.rotations, template.frac) + template.translations[:, None]
        gap = carried - template.frac[template.images]
        assert np.abs(gap - np.round(gap)).max() < 1e-9
        assert (np.sort(template.images, 1) == np.arange(len(template.species))).all()
        assert (template.species[template.images] == template.species).all()
        assert len(np.unique(template.orbits)) == len(letters)
        assert template.lattice is not None
        metric = template.lattice @ template.lattice.T
        assert np.allclose(template.rotations.transpose(0, 2, 1) @ metric @ template.rotations, metric)
        same = symmetrised(template.frac, template.rotations, template.translations, template.images)
        assert np.abs((same - template.frac + 0.5) % 1 - 0.5).max() < 1e-9


def test_a_template_of_sites_is_that_of_the_crystal() -> None:
    sites = Sites(136, ("a", "f"), (22, 8), np.array([0.305]), np.diag([4.594, 4.594, 2.959]))
    written, found = Template.from_sites(sites), Template.of(sites.to_cell(), 1e-4)
    order = [
        int(
            np.argmax(
                [
                    np.array_equal(r, rotation) and np.allclose((t - shift + 0.5) % 1, 0.5)
                    for r, t in zip(written.rotations, written.translations, strict=True)
                ]
            )
        )
        for rotation, shift in zip(found.rotations, found.translations, strict=True)
    ]
    assert sorted(order) == list(range(16))
    assert np.array_equal(written.images[order], found.images)
    assert np.allclose(written.frac, found.frac)
