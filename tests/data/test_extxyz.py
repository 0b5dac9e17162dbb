"""What is written as extended XYZ is the crystal that others read."""

from io import StringIO

import ase.io
import numpy as np

from nucleate.data.extxyz import frame_text


def test_ase_reads_the_crystal_that_was_written():
    """A cell that is neither symmetric nor in a standard orientation tells rows from columns."""
    lattice = np.array([[4.0, 0.5, -0.3], [1.2, 5.0, 0.7], [-0.4, 2.1, 6.0]])
    frac, species = np.array([[0.1, 0.2, 0.3], [0.6, 0.9, 0.45]]), np.array([12, 8])
    atoms = ase.io.read(StringIO(frame_text(species, frac, lattice, {"formula": "Mg O"})), format="extxyz")
    np.testing.assert_allclose(atoms.cell.array, lattice, atol=1e-7)
    np.testing.assert_allclose(atoms.get_scaled_positions(), frac, atol=1e-7)
    assert atoms.numbers.tolist() == [12, 8]
    assert atoms.pbc.all()
    assert atoms.info["formula"] == "Mg O"
