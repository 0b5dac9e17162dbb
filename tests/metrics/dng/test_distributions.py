"""Distances of made-up and real sets: none for equal ones, known ones by hand, no dependence on the order."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.errors import DataError
from nucleate.metrics.dng.distributions import DistributionSettings, judge_distributions
from nucleate.metrics.dng.fingerprints import Fingerprints
from nucleate.metrics.dng.profiles import BINS, comparisons, element_shares, numeric, profile, whole
from nucleate.metrics.validity_rules import density
from tests.metrics.crystals_for_tests import known_crystals
from tests.metrics.dng.cells_for_tests import box, broken_cells, distorted_cells, known_cells, real_cells

QUICK = DistributionSettings(resamples=100)


def made(seed: int, n: int) -> Fingerprints:
    rows = np.random.default_rng(seed).random((n, 61))
    return Fingerprints(rows, np.zeros((n, 132)), [""] * n)


def test_equal_sets_are_at_no_distance():
    cells = known_cells()
    prints = made(0, len(cells))
    family = judge_distributions(cells, cells[::-1], QUICK, fingerprints=(prints, prints))
    distances = {n: m for n, m in family.measures.items() if not n.endswith("_floor") and "_valid" not in n}
    assert set(distances) == {
        "density_w1", "n_elements_w1", "volume_per_atom_w1", "n_atoms_w1", "space_group_jsd",
        "crystal_system_jsd", "n_atoms_jsd", "element_jsd", "quantities_mmd", "fingerprint_mmd",
    }  # fmt: skip
    for name, measure in distances.items():
        assert measure.estimate.value == pytest.approx(0, abs=1e-6), name
        assert measure.estimate.n == len(cells)
        chance = family.measures[f"{name}_floor"].estimate
        assert 0 < chance.low <= chance.value <= chance.high, name


def test_distances_by_hand():
    sodium = [box("Na Na", [[0, 0, 0], [0.5, 0.5, 0.5]], 4.0)] * 3
    mixed = [
        box("Na Na", [[0, 0, 0], [0.5, 0.5, 0.5]], 4.0),
        box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]], 4.0),
        box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]], 4.0),
    ]
    measures = judge_distributions(sodium, mixed, QUICK).measures
    # body-centred (229) against two thirds of the caesium chloride structure (221): all cubic
    p, q = np.array([1, 0]), np.array([1 / 3, 2 / 3])
    middle = (p + q) / 2
    jsd = 0.5 * np.log2(1 / middle[0]) + 0.5 * (q * np.log2(q / middle)).sum()
    assert measures["space_group_jsd"].estimate.value == pytest.approx(jsd)
    assert measures["crystal_system_jsd"].estimate.value == 0
    assert measures["n_elements_w1"].estimate.value == pytest.approx(2 / 3)
    assert measures["n_atoms_w1"].estimate.value == 0
    gap = density(mixed[1]) - density(mixed[0])
    assert measures["density_w1"].estimate.value == pytest.approx(2 / 3 * gap)
    # elements: sodium only against two thirds sodium and one third chlorine
    q = np.array([2 / 3, 1 / 3])
    middle = (p + q) / 2
    jsd = 0.5 * np.log2(1 / middle[0]) + 0.5 * (q * np.log2(q / middle)).sum()
    assert measures["element_jsd"].estimate.value == pytest.approx(jsd)


def test_wasserstein_distances_are_scipys():
    samples, reference = distorted_cells(0, 15), distorted_cells(1, 25)
    measures = judge_distributions([*samples, None], reference, QUICK).measures
    expected = wasserstein_distance([density(c) for c in samples], [density(c) for c in reference])
    assert measures["density_w1"].estimate.value == pytest.approx(expected)
    assert measures["density_w1"].estimate.n == 15
    numbers = [[len(set(c.species.tolist())) for c in side] for side in (samples, reference)]
    assert measures["n_elements_w1"].estimate.value == pytest.approx(wasserstein_distance(*numbers))


def test_only_valid_samples_count_in_the_variant_of_diffcsp():
    salt = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    charged = box("Na Cl Cl", [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0]])
    close = box("Na Cl O", [[0, 0, 0], [0, 0, 0.01], [0.5, 0.5, 0.5]])
    family = judge_distributions([salt, charged, close], [salt], QUICK)
    assert family.measures["density_w1_valid"].estimate.value == 0
    assert family.measures["density_w1_valid"].estimate.n == 1
    assert (family.measures["density_w1"].estimate.value or 0) > 0
    assert any("1 valid samples, fewer than the 1000" in note for note in family.notes)
    none = judge_distributions([charged], [salt], QUICK).measures
    assert none["density_w1_valid"].estimate.value is None
    assert none["density_w1_valid_floor"].estimate.value is None
    assert none["density_w1_valid"].estimate.n == 0


def test_order_of_the_samples_changes_nothing():
    samples, reference = [*distorted_cells(2, 14), *broken_cells().values()], distorted_cells(3, 12)
    settings = replace(QUICK, limit_valid=5, limit_mmd=6)
    prints = made(1, len(samples)), made(2, len(reference))
    forth = judge_distributions(samples, reference, settings, prints)
    turned = prints[0].select(range(len(samples) - 1, -1, -1)), prints[1]
    back = judge_distributions(samples[::-1], reference, settings, turned)
    for name, measure in forth.measures.items():
        one, other = measure.estimate, back.measures[name].estimate
        assert one.n == other.n
        for x, y in zip((one.value, one.low, one.high), (other.value, other.low, other.high), strict=True):
            assert x == pytest.approx(y, abs=1e-12), name
    assert forth.measures["quantities_mmd"].estimate.n == 6
    assert forth.measures["density_w1_valid"].estimate.n == 5
    assert any("5 of 19 samples have no volume or can't be read" in note for note in forth.notes)


def test_a_model_that_collapses_is_far_from_the_reference():
    collapsed = [known_cells()[1]] * 20
    measures = judge_distributions(collapsed, known_cells(), QUICK).measures
    for name in ("density_w1", "n_elements_w1", "space_group_jsd", "crystal_system_jsd", "quantities_mmd"):
        low, chance = measures[name].estimate.low, measures[f"{name}_floor"].estimate.high
        assert low > chance, name


def test_samples_without_a_space_group_are_left_out_and_told():
    salt = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    twice = box("Fe Fe", [[0, 0, 0], [0, 0, 0]])
    family = judge_distributions([salt, twice], [salt], QUICK)
    assert family.measures["space_group_jsd"].estimate.n == 1
    assert family.measures["space_group_jsd"].estimate.value == 0
    assert any("No space group was found for 1 samples" in note for note in family.notes)


def test_comparisons_are_shares_of_each_side():
    samples, reference = distorted_cells(4, 20), known_cells()
    found = judge_distributions(samples, reference, QUICK).comparisons
    assert [c.title for c in found] == [
        "Density", "Volume per atom", "Number of elements", "Number of atoms", "Space group", "Crystal system",
        "Elements",
    ]  # fmt: skip
    for comparison in found:
        for side in (comparison.samples, comparison.reference):
            assert len(side) == len(comparison.labels)
            assert side.sum() == pytest.approx(1)
        assert len(comparison.edges) in (0, len(comparison.labels) + 1)
    assert found[0].unit == "g/cm³"
    by_title = {c.title: c for c in found}
    systems = dict(zip(by_title["Crystal system"].labels, by_title["Crystal system"].reference, strict=True))
    assert systems["cubic"] == pytest.approx(0.5)
    assert systems["monoclinic"] == pytest.approx(0.1)
    groups = dict(zip(by_title["Space group"].labels, by_title["Space group"].reference, strict=True))
    assert groups["Pm-3m (221)"] == pytest.approx(0.2)
    assert groups["other"] == 0


def test_element_shares_are_pymatgens_fractions():
    structures = known_crystals()
    shares = element_shares([Cell.of(structure) for structure in structures])
    for row, structure in zip(shares, structures, strict=True):
        for element in structure.composition.elements:
            fraction = structure.composition.get_atomic_fraction(element)
            assert row[SYMBOLS.index(element.symbol)] == pytest.approx(fraction)
    elements = comparisons(*[profile(known_cells(), 0.1)] * 2)[-1]
    iron = dict(zip(elements.labels, elements.samples, strict=True))["Fe"]
    assert iron == pytest.approx((1 + 1 / 7) / 10)


def test_bins_hold_what_they_should():
    found = numeric("Density", "g/cm³", np.full(10, 3.0), np.full(5, 3.0))
    assert len(found.labels) == BINS
    assert found.samples[0] == found.reference[0] == 1
    counted = whole("Number of atoms", np.array([1.0, 3.0, 3.0]), np.array([2.0]))
    assert counted.labels == ["1", "2", "3"]
    np.testing.assert_allclose(counted.samples, [1 / 3, 0, 2 / 3])
    np.testing.assert_allclose(counted.reference, [0, 1, 0])


def test_bad_input_is_reported_by_name():
    salt = [box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])]
    with pytest.raises(DataError, match="0 usable samples and 1 reference"):
        judge_distributions([None], salt)
    with pytest.raises(DataError, match="1 usable samples and 0 reference"):
        judge_distributions(salt, [])
    with pytest.raises(DataError, match="fingerprints of 2 samples and 1 reference crystals, but 1 and 1"):
        judge_distributions(salt, salt, fingerprints=(made(0, 2), made(0, 1)))
    with pytest.raises(DataError, match="limit_mmd must be at least 1; got 0"):
        DistributionSettings(limit_mmd=0)
    with pytest.raises(DataError, match="symprec must be above 0"):
        DistributionSettings(symprec=0.0)


@pytest.mark.slow
def test_training_crystals_are_distributed_as_validation_crystals():
    samples, reference = real_cells("mp_20", "train", 1000), real_cells("mp_20", "val", 4000)
    measures = judge_distributions(samples, reference).measures
    for name in ("density_w1", "n_elements_w1", "volume_per_atom_w1", "crystal_system_jsd", "quantities_mmd"):
        floor = measures[f"{name}_floor"].estimate
        assert (measures[name].estimate.value or 0) < 1.5 * (floor.high or 0), name
