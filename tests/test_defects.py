"""Every rule on a crystal that breaks just that one, with the words and the limits of each caller."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.data.parse import CellSettings
from nucleate.defects import Rule, Rules, above, below, defect, has_atoms, is_finite, known_elements
from nucleate.energies.potentials import AsePotential, ChgnetPotential
from nucleate.energies.relax import limits
from nucleate.energies.relaxed import REASONS
from nucleate.metrics.dng.equivalence import COMPARED, PROBLEMS
from nucleate.metrics.dng.quantities import JUDGED
from nucleate.metrics.dng.symmetry import PLACED
from nucleate.metrics.ranking import RANKED
from nucleate.metrics.usable import USABLE
from nucleate.metrics.validity_rules import CLASSIC, GEOMETRY, PLAUSIBLE, RADIUS, STRICT
from nucleate.report.html.gallery import DRAWN

LIMITS = CellSettings(max_atoms=4, max_length=9.0)
EMT, CHGNET = limits(AsePotential("emt", "ase", "ase.calculators.emt:EMT")), limits(ChgnetPotential())


def box(*lengths: float, atoms: str = "Na Cl", apart: float = 0.0) -> Cell:
    """Rock salt's atoms in a box: the second in the middle, or `apart` Å along c from the first."""
    numbers = {"Na": 11, "Cl": 17, "H": 1, "Rn": 86, "Md": 101, "X": 0, "Os": 76}
    species = np.array([numbers[name] for name in atoms.split()], dtype=int)
    lattice = np.diag(lengths * (3 if len(lengths) == 1 else 1))
    place = [0, 0, apart / lattice[2, 2]] if apart else [0.5, 0.5, 0.5]
    frac = np.arange(len(species))[:, None] * np.array(place, dtype=float)
    return Cell(species, frac, lattice)


GOOD = box(3.4)
NAN, INF = box(3.4)._replace(frac=np.full((2, 3), np.nan)), box(3.4)._replace(lattice=np.full((3, 3), np.inf))
NONE = box(3.4, atoms="")
FLAT = box(200.0, 5.0, 0.02)
SHEET = box(5.0, 5.0, 0.003)


@pytest.mark.parametrize(
    ("rules", "cell", "reason"),
    [
        (LIMITS.as_given, NONE, "no atoms"),
        (LIMITS.as_given, box(3.4, atoms="Na Md"), "unknown element"),
        (LIMITS.as_given, NAN, "coordinates or cell vectors are not finite"),
        (LIMITS.as_given, box(0.9), "volume per atom out of limits: 0.3645 Å³ (from 0.5 to 2000)"),
        (LIMITS.as_given, box(16.0), "volume per atom out of limits: 2048 Å³ (from 0.5 to 2000)"),
        (LIMITS.as_given, box(2.2, atoms="Os Os"), "density out of limits: 59.33 g/cm³ (from 0.01 to 50)"),
        (LIMITS.as_given, box(14.0, atoms="H"), "volume per atom out of limits: 2744 Å³ (from 0.5 to 2000)"),
        (LIMITS.as_given, box(12.5, atoms="H"), "density out of limits: 0.000857 g/cm³ (from 0.01 to 50)"),
        (LIMITS.reduced, box(4.0, apart=0.45), "atoms 0.450 Å apart (least allowed: 0.5)"),
        (LIMITS.reduced, box(0.4, 9.0, 9.0, atoms="H"), "atoms 0.400 Å apart (least allowed: 0.5)"),
        (LIMITS.kept, box(8.0, atoms="H H H H H"), "5 atoms (most allowed: 4)"),
        (LIMITS.kept, box(4.0, 4.0, 9.5), "cell vector too long: 9.5 Å (at most 9)"),
        (CLASSIC, INF, "not_finite"),
        (CLASSIC, SHEET, "volume_too_small"),
        (CLASSIC, box(4.0, apart=0.49), "atoms_too_close"),
        (GEOMETRY, NAN, "not_finite"),
        (GEOMETRY, box(4.0, 4.0, 40.5), "cell_too_long"),
        (RADIUS, box(4.0, apart=1.7), "atoms_too_close"),
        (PLAUSIBLE, box(1.0), "volume_too_small"),
        (PLAUSIBLE, box(1.5), "mass_density"),
        (PLAUSIBLE, box(1.25, atoms="H"), "atom_density"),
        (PLAUSIBLE, box(0.9, 5.0, 9.0), "cell_length"),
        (PLAUSIBLE, box(2.0, 2.0, 101.0), "cell_length"),
        (STRICT, box(4.0, apart=1.7), "atoms_too_close"),
        (STRICT, box(2.0, 2.0, 101.0, atoms="Na"), "cell_length"),
        (STRICT, box(1.9, 6.0, 6.0, atoms="Na"), "image_too_close"),
        (USABLE, NONE, "not_finite"),
        (USABLE, INF, "not_finite"),
        (USABLE, SHEET, "flat"),
        (USABLE, FLAT, "flat"),
        (USABLE, box(2.2), "too_dense"),
        (USABLE, box(8.0), "too_thin"),
        (USABLE, box(5.0, apart=1.55), "atoms_too_close"),
        (USABLE, box(1.9, 8.0, 8.0, atoms="Na"), "atoms_too_close"),
        (JUDGED, NONE, "no_atoms"),
        (JUDGED, box(3.4, atoms="X"), "unknown_element"),
        (JUDGED, NAN, "not_finite"),
        (JUDGED, SHEET, "volume_too_small"),
        (JUDGED, FLAT, "too_flat"),
        (COMPARED, NONE, "unreadable"),
        (COMPARED, NAN, "not_finite"),
        (COMPARED, box(5.0, 5.0, 0.003, atoms="X"), "volume_too_small"),
        (COMPARED, box(3.4, atoms="Md"), "unknown_element"),
        (COMPARED, FLAT, "too_flat"),
        (PLACED, FLAT, "too_flat"),
        (PLACED, box(0.9, 5.0, 5.0), "repeats_too_soon"),
        (RANKED, NAN, "not_finite"),
        (RANKED, SHEET, "flat"),
        (RANKED, box(4.0, apart=0.45), "atoms_too_close"),
        (DRAWN, NONE, "no_atoms_or_too_many"),
        (DRAWN, box(30.0, atoms="H " * 201), "no_atoms_or_too_many"),
        (DRAWN, NAN, "not_finite"),
        (DRAWN, box(47.0), "no_cell_to_see"),
        (DRAWN, SHEET, "no_cell_to_see"),
        (EMT, NAN, "not_finite"),
        (EMT, box(1.5), "too_dense"),
        (EMT, box(13.0), "too_thin"),
        (EMT, box(6.0, atoms="Md"), "unknown_element"),
        (CHGNET, box(6.0, atoms="Rn"), "unknown_element"),
        (CHGNET, box(7.0, atoms="Na"), "isolated_atom"),
    ],
)
def test_each_rule_has_its_own_message(rules: Rules, cell: Cell, reason: str) -> None:
    assert defect(cell, rules) == reason
    assert defect(GOOD, rules) is None


def test_callers_have_different_limits() -> None:
    long, near, own = box(4.0, 4.0, 40.5), box(4.0, apart=0.45), box(0.45, 9.0, 9.0, atoms="Na")
    assert defect(long, CLASSIC) is None
    assert defect(near, JUDGED) is defect(near, COMPARED) is None
    assert defect(own, GEOMETRY) is None
    assert defect(box(6.0, atoms="Rn"), EMT) is None
    assert defect(box(7.0, atoms="Na"), EMT) is None
    assert defect(box(8.0, atoms="H H H H H"), CellSettings().kept) is None


def test_only_the_first_broken_rule_is_reported() -> None:
    rules = Rules((is_finite("first"), Rule("second", lambda cell: pytest.fail("asked"))))
    assert defect(NAN, rules) == "first"


def test_a_missing_cell_is_unreadable() -> None:
    assert defect(None, JUDGED) == "unreadable"
    assert defect(None, Rules((), unreadable="nothing")) == "nothing"


def test_limits_are_inclusive_unless_stated() -> None:
    def asked(**limits: float) -> str | None:
        return defect(GOOD, Rules((Rule("{value} {least} {most}", lambda _: 2.0, **limits),)))

    assert asked(least=2.0) is asked(most=2.0) is asked() is None
    assert asked(least=above(2.0)) == "2.0 2.0000000000000004 inf"
    assert asked(most=below(2.0)) == "2.0 -inf 1.9999999999999998"


def test_nan_is_outside_all_limits() -> None:
    assert defect(GOOD, Rules((Rule("no number", lambda _: np.nan),))) == "no number"


def test_reasons_are_a_closed_list() -> None:
    both = Rules((has_atoms("none"), is_finite("broken"), known_elements("none")))
    assert both.reasons == ("unreadable", "none", "broken")
    assert set(COMPARED.reasons) <= set(PROBLEMS)
    assert set(EMT.reasons + CHGNET.reasons) <= {*REASONS, "unreadable"}
    assert GEOMETRY.reasons[1:] == ("not_finite", "volume_too_small", "atoms_too_close", "cell_too_long")
