"""Match rates that can be counted by hand, under each protocol, and everything that goes wrong."""

import json
import math

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.metrics.csp import jobs
from nucleate.metrics.csp.estimates import FingerprintTests, Grid, estimates
from nucleate.metrics.csp.evaluate import CspSettings, JudgedRun, evaluate, match_rate
from nucleate.report.csp_text import summary
from nucleate.work import Work
from tests.metrics.crystals_for_tests import known_crystals, perturbed, table_of

SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
CAESIUM = Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.4), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
IRON = known_crystals()[0]
ODD = Structure(
    Lattice.from_parameters(4, 5, 6, 80, 95, 100),
    ["Na", "Cl", "Cl"],
    [[0, 0, 0], [0.3, 0.4, 0.5], [0.7, 0.5, 0.1]],
)
LONG = Structure(Lattice.tetragonal(4, 45), ["Na", "Cl"], [[0, 0, 0], [0, 0, 0.5]])
CRAMPED = Structure(Lattice.cubic(0.8), ["Na", "Cl"], [[0, 0, 0], [0.35, 0.35, 0]])


def value(report, protocol: str, name: str):
    return report.protocols[protocol][name].value


def test_protocols_count_what_they_should():
    """Perfect copies: one ordinary, one SMACT-invalid, one too long for KLDM, one with atoms 0.4 Å apart."""
    structures = [SALT, ODD, LONG, CRAMPED]
    report = evaluate([(i, 0, s) for i, s in enumerate(structures)], table_of(structures))
    assert value(report, "full", "match_rate@1") == 1.0
    assert value(report, "geometry", "match_rate@1") == 0.5
    assert value(report, "smact", "match_rate@1") == 0.5
    assert value(report, "full", "rmse@1") == pytest.approx(0, abs=1e-6)
    assert report.smact_ceiling is not None
    assert report.smact_ceiling.value == 0.75
    counts = report.counts
    assert (counts["cell_too_long"], counts["atoms_too_close"], counts["invalid_geometry"]) == (1, 1, 2)
    assert (counts["smact_invalid"], counts["smact_invalid_references"], counts["no_match"]) == (1, 1, 0)


def test_rates_and_rms_at_k_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    references = known_crystals()
    predictions = [
        (i, s, perturbed(r, rng, [0.05, 0.3, 0.6, 1.5][int(rng.integers(4))], 0.05))
        for i, r in enumerate(references)
        for s in range(3)
    ]
    report = evaluate(predictions, table_of(references), CspSettings(k=(1, 2, 3), protocols=("full",)))
    matcher = StructureMatcher(stol=0.5, angle_tol=10, ltol=0.3)
    rms = np.full((len(references), 3), np.inf)
    for i, s, structure in predictions:
        found = matcher.get_rms_dist(structure, references[i])
        rms[i, s] = np.inf if found is None else found[0]
    assert 0 < np.isfinite(rms).sum() < rms.size
    for k in (1, 2, 3):
        best = rms[:, :k].min(1)
        assert value(report, "full", f"match_rate@{k}") == np.isfinite(best).mean()
        assert value(report, "full", f"rmse@{k}") == pytest.approx(best[np.isfinite(best)].mean(), abs=1e-7)
    assert value(report, "full", "match_rate@1_mean") == pytest.approx(np.isfinite(rms).mean())
    corrected = np.where(np.isfinite(rms[:, 0]), rms[:, 0], 0.5)
    assert value(report, "full", "crmse") == pytest.approx(corrected.mean(), abs=1e-7)


def test_smact_at_one_sample_asks_the_reference_and_at_more_only_the_prediction():
    """A prediction can pass SMACT where its reference fails only by having another composition, and then it
    can't match: what is left of the rule is that both rates leave out the same rows."""
    structures = [SALT, ODD]
    predictions = [(i, s, structure) for i, structure in enumerate(structures) for s in range(2)]
    report = evaluate(predictions, table_of(structures), CspSettings(k=(1, 2)))
    assert value(report, "smact", "match_rate@1") == value(report, "smact", "match_rate@2") == 0.5
    assert value(report, "smact", "match_rate@1_mean") == 0.5


def test_the_rules_on_the_reference_hold_at_one_sample_alone():
    """Four rows whose predictions all match and pass. The reference of row 1 fails SMACT, that of row 2 has no
    fingerprint, row 3 has neither: at one sample row 0 is left, at two all count."""
    grid, fingerprints = object.__new__(Grid), object.__new__(FingerprintTests)
    grid.rms = np.array([[0.2, 0.1]] * 4)
    grid.problem = np.full((4, 2), "", dtype=object)
    grid.smact = np.ones((4, 2), dtype=bool)
    grid.reference_smact = np.array([True, False, True, False])
    fingerprints.wanted = True
    fingerprints.made = {(row, sample): True for row in range(4) for sample in (0, 1)}
    fingerprints.made |= {(row, -1): row < 2 for row in range(4)}
    settings, judged = CspSettings(metre=False), JudgedRun([0, 1, 2, 3], [], 0, [], {}, {})
    found = estimates("smact", grid, judged, fingerprints, settings, (1, 2))
    assert {name: one.value for name, one in found.items()} == pytest.approx(
        {"match_rate@1": 0.25, "rmse@1": 0.2, "match_rate@2": 1, "rmse@2": 0.1, "match_rate@1_mean": 0.25}
    )
    ungated = estimates("geometry", grid, judged, fingerprints, settings, (1,))
    assert ungated["match_rate@1"].value == 1


def test_metre_finds_polymorphs_that_match_rate_misses():
    """Predictions of two polymorphs, swapped: no row matches its own, each reference is found by the other."""
    report = evaluate([(0, 0, CAESIUM), (1, 0, SALT), (2, 0, IRON)], table_of([SALT, CAESIUM, IRON]))
    assert value(report, "full", "match_rate@1") == pytest.approx(1 / 3)
    assert value(report, "full", "metre") == 1.0
    assert value(report, "full", "crmse") == pytest.approx(0, abs=1e-6)
    without = evaluate([(0, 0, CAESIUM)], table_of([SALT]), CspSettings(metre=False))
    assert "metre" not in without.protocols["full"]


def test_metre_takes_nothing_that_the_protocol_does_not_admit():
    """The first prediction fits both references, with atoms 0.4 Å apart."""
    settings = CspSettings(protocols=("full", "geometry"))
    report = evaluate([(0, 0, CRAMPED), (1, 0, IRON)], table_of([CRAMPED, CRAMPED]), settings)
    assert (value(report, "full", "metre"), value(report, "geometry", "metre")) == (1.0, 0.0)


def test_a_miss_costs_stol_in_crmse_and_nothing_in_rmse():
    report = evaluate([(0, 0, CAESIUM), (1, 0, IRON)], table_of([SALT, IRON]))
    assert value(report, "geometry", "rmse@1") == pytest.approx(0, abs=1e-6)
    assert value(report, "geometry", "crmse") == pytest.approx(0.25, abs=1e-6)


def test_every_failure_is_counted():
    nan = Cell(np.array([11, 17]), np.full((2, 3), np.nan), np.eye(3))
    flat = Cell(np.array([11, 17]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.ones((3, 3)))
    predictions = [(0, 0, nan), (1, 0, flat), (2, 0, None), (3, 0, IRON), (4, 0, CAESIUM), (5, 1, SALT)]
    with np.errstate(all="ignore"):
        report = evaluate(predictions, table_of([SALT] * 7), CspSettings(k=(1, 2)))
    counts = report.counts
    expected = {
        "reference_rows": 7,
        "covered_rows": 6,
        "samples_per_row": 2,
        "predictions": 6,
        "missing_predictions": 6,
        "unreadable_predictions": 1,
        "not_finite": 1,
        "volume_too_small": 1,
        "matcher_failed": 2,
        "other_composition": 1,
        "no_match": 2,
        "timed_out": 0,
    }
    assert {name: counts[name] for name in expected} == expected
    assert value(report, "full", "match_rate@1") == 0
    assert value(report, "full", "rmse@1") is None
    assert value(report, "full", "match_rate@2") == pytest.approx(1 / 6)
    assert "6 of the 7 rows" in summary(report)
    assert "matcher failed 2" in summary(report)


def test_a_pair_that_takes_too_long_is_a_miss_and_is_counted(monkeypatch):
    def forever(self, first, second):
        while True:
            pass

    monkeypatch.setattr(jobs.Matcher, "rms", forever)
    report = evaluate([(0, 0, SALT)], table_of([SALT]), CspSettings(timeout=0.3))
    assert report.counts["timed_out"] == 1
    assert value(report, "full", "match_rate@1") == 0
    assert report.rows[0]["failure"] == "timed_out"


def test_processes_give_the_same_report_and_report_progress():
    rng = np.random.default_rng(1)
    references = [*known_crystals(), SALT, CAESIUM]
    predictions = [(i, 0, perturbed(r, rng, 0.1, 0.02)) for i, r in enumerate(references)]
    calls = []
    alone = evaluate(predictions, table_of(references), work=Work(progress=lambda *call: calls.append(call)))
    pooled = evaluate(predictions, table_of(references), work=Work.local(2))
    assert alone.to_dict() == pooled.to_dict()
    assert alone.rows == pooled.rows
    assert ("matching", len(references), len(references)) in calls


def test_report_has_the_documented_shape():
    predictions = [(i, s, SALT) for i in range(2) for s in range(3)]
    report = evaluate(predictions, table_of([SALT, SALT]))
    content = json.loads(json.dumps(report.to_dict()))
    assert set(content) == {"geometry", "smact", "full", "counts", "settings"}
    names = {"match_rate@1", "rmse@1", "match_rate@3", "rmse@3", "match_rate@1_mean", "metre", "crmse"}
    assert set(content["geometry"]) == names
    assert set(content["geometry"]["match_rate@1"]) == {"value", "low", "high", "n"}
    assert content["settings"]["smact_oxidation_states"] == "smact14"
    assert content["settings"]["k"] == [1, 3]
    assert len(report.rows) == 6
    assert math.isclose(content["geometry"]["match_rate@1"]["low"], 0.342, abs_tol=1e-3)


def test_protocols_can_be_chosen_and_smact_is_not_needed_without_its_protocol(monkeypatch):
    def absent(_):
        raise AssertionError("smact was asked")

    for module in ("evaluate", "estimates", "report"):
        monkeypatch.setattr(f"nucleate.metrics.csp.{module}.smact_valid", absent)
    report = evaluate([(0, 0, SALT)], table_of([SALT]), CspSettings(protocols=("geometry",)))
    assert set(report.protocols) == {"geometry"}
    assert report.smact_ceiling is None
    assert "smact_invalid" not in report.counts


def test_fingerprints_can_be_asked_for(monkeypatch):
    references = [known_crystals()[9], IRON]
    predictions = [(0, 0, references[0]), (1, 0, IRON)]
    settings = CspSettings(protocols=("smact",), fingerprints=True)
    report = evaluate(predictions, table_of(references), settings)
    assert value(report, "smact", "match_rate@1") == 1.0
    assert report.counts["fingerprints_tested"] == 4
    monkeypatch.setattr(jobs, "fingerprint_constructible", lambda cell: cell.species[0] == 26)
    report = evaluate(predictions, table_of(references), settings)
    assert value(report, "smact", "match_rate@1") == 0.5
    assert value(report, "smact", "metre") == 0.5
    assert report.counts["fingerprint_failed"] == 2


@pytest.mark.parametrize(
    ("predictions", "settings", "message"),
    [
        ([], {}, "no predictions to judge"),
        ([(0, 0, SALT)], {"k": (1, 20)}, "k = 20 needs 20 samples of each crystal, but there are 1"),
        ([(1, 0, SALT)], {}, "row 1, but the reference has 1 rows"),
        ([(0, 0, SALT), (0, 0, SALT)], {}, "sample 0 of x-0 is given twice"),
    ],
)
def test_wrong_input_is_one_sentence_with_a_hint(predictions, settings, message):
    with pytest.raises(DataError, match=message) as caught:
        evaluate(predictions, table_of([SALT]), CspSettings(**settings))
    assert caught.value.hint


def test_wrong_settings_are_errors():
    with pytest.raises(DataError, match="no protocol is called 'diffcsp'"):
        CspSettings(protocols=("diffcsp",))
    with pytest.raises(DataError, match="k must be at least 1; got 0"):
        CspSettings(k=(0, 1))


def test_match_rate_of_lists():
    found = match_rate([SALT, CAESIUM, None, CRAMPED], [SALT, SALT, IRON, CRAMPED])
    assert (found.match_rate, found.n) == (0.25, 4)
    assert found.rmse == pytest.approx(0, abs=1e-6)
    assert match_rate([None], [SALT]).rmse is None
    with pytest.raises(DataError, match="1 structures can't be compared with 2"):
        match_rate([SALT], [SALT, SALT])
