"""Which hull a user means, read once; and crystals placed against it one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.energies.hull_choice import HullChoice
from nucleate.energies.hull_sources import hull_of_entries, potential_hull
from nucleate.energies.placing import place
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.errors import DataError, NucleateError
from nucleate.work import Work
from tests.energies.crystals import EMT, copper_gold, fcc, rattled
from tests.metrics.crystals_for_tests import table_of

REFERENCE = ReferenceStructures.of_tables([table_of(list(copper_gold().values()))])
SETTINGS = RelaxSettings(max_steps=3)


def cells() -> list:
    sodium = rattled(fcc("Na", 4.2))
    return [rattled(copper_gold()["Cu3Au"], seed=1), sodium, rattled(fcc("Cu", 3.6), seed=2)]


def test_a_crystal_stands_where_its_relaxed_energy_puts_it(tmp_path: Path) -> None:
    work = Work(cache=tmp_path / "relaxed.sqlite")
    hull = potential_hull(REFERENCE, EMT, work=Work(cache=tmp_path / "points.sqlite"))
    placed = place(cells(), EMT, hull, SETTINGS, work)
    alone = relax(cells(), EMT, SETTINGS)
    for cell, one, plain in zip(cells(), placed, alone, strict=True):
        assert one.relaxed.energy == plain.energy
        if plain.energy is not None:
            assert one.above == potential_hull(REFERENCE, EMT).above(cell.species, plain.energy)
    assert placed[1].relaxed.reason == "failed"
    assert placed[1].above.energy is None
    copper = EMT.energy(REFERENCE.cell(0)) / len(REFERENCE.cell(0).species)
    assert placed[2].above.energy == pytest.approx((placed[2].relaxed.energy_per_atom or 0) - copper)
    assert (tmp_path / "relaxed.sqlite").exists()
    assert (tmp_path / "points.sqlite").exists()


def test_energies_on_two_scales_are_not_compared() -> None:
    from pymatgen.entries.computed_entries import ComputedEntry

    hull = hull_of_entries([ComputedEntry("Cu", -3.0)], "x")
    with pytest.raises(NucleateError, match="energies of emt can't be compared") as caught:
        place(cells(), EMT, hull)
    assert caught.value.hint


def test_hulls_are_read_from_text(tmp_path: Path) -> None:
    file = tmp_path / "entries.json"
    file.write_text("[]")
    assert HullChoice.read("", "emt") == HullChoice("", "potential")
    assert HullChoice.read("emt", "emt") == HullChoice("emt", "potential")
    assert HullChoice.read("dft", "emt") == HullChoice("dft", "dft")
    assert HullChoice.read(str(file), "emt") == HullChoice(str(file), "entries")
    assert [HullChoice("", kind).complete for kind in ("potential", "dft", "entries")] == [False, False, True]
    with pytest.raises(
        DataError, match=r"no hull is called 'nowhere\.json', and there is no such file"
    ) as caught:
        HullChoice.read("nowhere.json", "emt")
    assert caught.value.hint == "choose emt, dft, or a JSON file of pymatgen entries"
    with pytest.raises(DataError, match="holds no list of entries"):
        HullChoice.read(str(file), "emt").open(EMT, None)


def test_a_hull_of_a_data_set_needs_one() -> None:
    with pytest.raises(DataError, match="the hull 'dft' needs a data set with energies"):
        HullChoice("dft", "dft").open(EMT, None)
    nothing = HullChoice().open(EMT, None)
    assert nothing.above(np.array([29]), -3.0).energy is None
