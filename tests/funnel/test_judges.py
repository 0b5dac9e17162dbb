"""What property, heuristics, novelty and calculations say of known crystals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleate.errors import DataError, ModelError, NucleateError, RecipeError
from nucleate.funnel import property
from nucleate.funnel.calculations import Calculations
from nucleate.funnel.energies import AboveHull
from nucleate.funnel.heuristics import Heuristics
from nucleate.funnel.novelty import Novelty
from nucleate.funnel.property import PropertyStage
from nucleate.metrics.supply import herfindahl
from nucleate.prototypes.known import known_as
from nucleate.work import Work
from tests.funnel.crystals import caesium_chloride, candidates, doubled, rocksalt, zincblende


def test_a_property_is_judged_by_its_interval() -> None:
    given = candidates(rocksalt(), rocksalt(12, 8, 4.21), caesium_chloride())
    free = PropertyStage("property-band-gap-first").judge(given, Work())
    assert all(one.outcome == "passed" for one in free)
    salt = free[0].values
    assert salt["band_gap.low"] < salt["band_gap.mean"] < salt["band_gap.high"]  # type: ignore[operator]
    assert salt["band_gap.mean"] > 2  # type: ignore[operator]
    middle = (float(salt["band_gap.mean"]) + float(salt["band_gap.high"])) / 2  # type: ignore[arg-type]
    for low, reason in ((0.0, ""), (middle, property.UNCERTAIN), (1e3, "off target")):
        assert PropertyStage("property-band-gap-first", low=low).judge(given[:1], Work())[0].reason == reason
    narrow = PropertyStage(
        "property-band-gap-first",
        low=float(salt["band_gap.mean"]) - 1e-3,
        high=float(salt["band_gap.mean"]) + 1e-3,
    )  # type: ignore[arg-type]
    assert narrow.judge(given[:1], Work())[0].reason == property.UNCERTAIN


def test_a_property_far_from_the_data_warns_or_rejects() -> None:
    strange = candidates(rocksalt(54, 2, 9.0))
    (kept,) = PropertyStage("property-band-gap-first").judge(strange, Work())
    assert kept.values["band_gap.warning"]
    assert kept.outcome == "passed"
    (gone,) = PropertyStage("property-band-gap-first", far="reject").judge(strange, Work())
    assert gone.reason == "unlike the training data"


def test_a_property_needs_a_predictor(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="predicts no property"):
        PropertyStage("kldm-mp20-dng").check()
    with pytest.raises(RecipeError, match="nothing to do"):
        PropertyStage("property-band-gap-first", far="throw")
    with pytest.raises(DataError):
        PropertyStage("property-band-gap-first", calibration=str(tmp_path)).check()


def test_heuristics_note_and_reject_only_where_asked() -> None:
    odd = rocksalt(56, 9, 5.5)  # BaF: no neutral combination
    given = candidates(rocksalt(), odd, rocksalt(78, 45, 4.9))
    noted = Heuristics().judge(given, Work())
    assert [one.outcome for one in noted] == ["passed"] * 3
    assert noted[0].values["prototype"] == "AB_cF8_225_a_b"
    assert int(noted[0].values["prototype_entries"]) > 100  # type: ignore[arg-type]
    assert [one.values["charge_balanced"] for one in noted] == [True, False, True]
    assert Heuristics(charge=True).judge(given, Work())[1].reason == "charge"
    found = Heuristics(production=3500.0).judge(given, Work())
    assert [one.reason for one in found] == ["", "", "supply risk of production"]


def test_supply_is_the_mean_by_mass() -> None:
    """Gaultois et al. 2013: production 1,102 for sodium, 1,500 for chlorine; by mass 39.3 and 60.7 %."""
    found = herfindahl(rocksalt())
    assert found is not None
    assert found[0] == pytest.approx(0.3934 * 1100 + 0.6066 * 1500, rel=0.01)
    assert herfindahl(rocksalt(94, 8, 5.4)) is None
    assert herfindahl(doubled(rocksalt())) == found


def test_prototypes_are_known_or_not() -> None:
    assert known_as(caesium_chloride()).prototype == "AB_cP2_221_a_b"
    skew = rocksalt()._replace(frac=np.array([[0, 0, 0], [0.41, 0.27, 0.13]]))
    assert known_as(skew).entries < known_as(rocksalt()).entries


def test_novelty_against_the_shipped_crystals() -> None:
    given = candidates(rocksalt(), doubled(rocksalt()), zincblende(), rocksalt(87, 85, 7.0))
    found = Novelty().judge(given, Work())
    assert [one.reason for one in found] == ["known", "known", "", ""]
    assert found[0].detail == f"as {found[0].values['known_as']}"
    assert "Rock Salt" in found[0].detail or ":mp-" in found[0].detail
    assert [one.values["known_formula"] for one in found] == [True, True, True, False]
    kept = Novelty(known="keep").judge(given, Work())
    assert all(one.outcome == "passed" for one in kept)
    assert kept[0].values == found[0].values
    with pytest.raises(RecipeError, match="needs references"):
        Novelty(references=())
    with pytest.raises(DataError):
        Novelty(references=("nowhere",)).check()


def test_calculations_are_written_beside_the_ledger(tmp_path: Path) -> None:
    given = [replace(one, values={"chgnet.e_above_hull": 0.01}) for one in candidates(rocksalt())]
    stage = Calculations(("gpaw", "vasp"), values=("chgnet.e_above_hull",), plan="salts")
    (found,) = stage.judge(given, Work(cache=tmp_path / "shared.sqlite"))
    assert found.values == {"calculations": "gpaw vasp"}
    said = json.loads((tmp_path / "calculations" / "given-0000000" / "gpaw" / "provenance.json").read_text())
    assert (said["plan"], said["values"]) == ("salts", {"chgnet.e_above_hull": 0.01})
    with pytest.raises(NucleateError, match="no inputs can be written for 'qe'"):
        Calculations(("qe",))
    with pytest.raises(NucleateError, match="cutoff"):
        Calculations(cutoff=1.0)


def test_phases_that_compete_are_written_once_with_the_same_settings(tmp_path: Path) -> None:
    """They are those of the stage `hull`, and stay as they are until the settings change."""
    alloys = candidates(rocksalt(29, 47, 4.8), caesium_chloride(29, 47, 3.1))
    work, phases = Work(cache=tmp_path / "shared.sqlite"), tmp_path / "calculations" / "phases"
    stage = Calculations(("gpaw",), cutoff=400.0, competing="emt", near=0.0)
    found = stage.judge(alloys, work)
    energies = [replace(one, values={"emt.energy_per_atom": 0.1}) for one in alloys]
    placed = AboveHull("emt", most=90, least=-90, near=0.0).judge(energies, work)
    for one, other in zip(found, placed, strict=True):
        named = str(other.values["emt.decomposition"]).split(" + ")
        assert one.values["calculations.competing"] == " + ".join(name.partition(" ")[2] for name in named)
    made = {path: path.stat().st_mtime_ns for path in phases.glob("*/gpaw/provenance.json")}
    assert sorted(path.parts[-3][:2] for path in made) == ["Ag", "Cu"]
    for path in made:
        said = json.loads(path.read_text())
        assert said["source"] == "competing phase"
        assert said["candidate"] == path.parts[-3]
        assert said["settings"]["cutoff"] == 400
    stage.judge(alloys, work)
    assert all(path.stat().st_mtime_ns == moment for path, moment in made.items())
    replace(stage, cutoff=500.0).judge(alloys, work)
    assert all(json.loads(path.read_text())["settings"]["cutoff"] == 500 for path in made)


def test_whoever_asks_for_competing_phases_names_a_potential() -> None:
    with pytest.raises(NucleateError, match="no potential is called 'chgnot'"):
        Calculations(competing="chgnot")
    with pytest.raises(DataError, match="nowhere"):
        Calculations(competing="emt", reference="nowhere").check()
    assert "emt" not in Calculations().identity
    assert Calculations(competing="emt").identity != Calculations(competing="chgnet").identity
