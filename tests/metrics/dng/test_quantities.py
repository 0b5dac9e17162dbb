"""Names of cells, reasons why nothing can be computed, and draws that do not depend on the order."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.dng.quantities import JUDGED, digest, drawn, quantities, versions
from tests.metrics.dng.cells_for_tests import box, broken_cells, distorted_cells


def test_each_defect_has_its_name():
    flat = box("Fe", [[0, 0, 0]])._replace(lattice=np.diag([200.0, 5.0, 0.02]))
    cells = {**broken_cells(), "too_flat": flat}
    assert {name: defect(cell, JUDGED) for name, cell in cells.items()} == {
        name: name for name in JUDGED.reasons
    }
    assert defect(box("Fe", [[0, 0, 0]]), JUDGED) is None
    assert defect(box("Fe", [[0, 0, 0]])._replace(species=np.array([101])), JUDGED) == "unknown_element"


def test_quantities_by_hand():
    found = quantities(box("Na Cl Cl", [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0]], 4.0))
    assert found.n_atoms == 3
    assert found.n_elements == 2
    assert found.volume_per_atom == pytest.approx(64 / 3)
    # (22.990 + 2 x 35.453) g/mol in 64 Å^3
    assert found.density == pytest.approx(93.896 / 64 / 0.602214, rel=1e-3)


def test_quantities_of_a_left_handed_cell_are_those_of_the_right_handed():
    cell = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert quantities(cell._replace(lattice=-cell.lattice)) == quantities(cell)


def test_the_digest_of_a_cell_depends_only_on_its_content():
    cell = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    same = Cell(cell.species.astype(np.uint8), -0.0 * cell.frac + cell.frac, cell.lattice.copy())
    assert digest(same) == digest(cell)
    others = [
        cell._replace(species=cell.species[::-1]),
        cell._replace(frac=cell.frac + 1e-9),
        cell._replace(lattice=cell.lattice * (1 + 1e-12)),
    ]
    assert len({digest(x) for x in [cell, *others]}) == 4


def test_a_draw_chooses_crystals_not_rows():
    cells = distorted_cells(0, 30)
    first = {digest(cells[i]) for i in drawn(cells, 7, seed=3)}
    turned = cells[::-1]
    assert {digest(turned[i]) for i in drawn(turned, 7, seed=3)} == first
    assert len(first) == 7
    assert {digest(cells[i]) for i in drawn(cells, 7, seed=4)} != first
    assert drawn(cells, None, 0) == drawn(cells, 30, 0) == list(range(30))


def test_missing_packages_have_no_version():
    assert versions("numpy") == {"numpy": np.__version__}
    assert versions("no-such-package") == {"no-such-package": "not installed"}
