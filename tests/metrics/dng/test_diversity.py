"""Vendi scores of sets whose score is known, against the definition, and entropies by hand."""

import numpy as np
import pytest

from nucleate.errors import DataError
from nucleate.metrics.dng.diversity import DiversitySettings, judge_diversity, vendi
from nucleate.metrics.dng.fingerprints import Fingerprints
from tests.metrics.dng.cells_for_tests import box, broken_cells, distorted_cells, known_cells

QUICK = DiversitySettings(resamples=100)


def metals(symbols: str) -> list:
    return [box(symbol, [[0, 0, 0]], 3.0) for symbol in symbols.split()]


def prints(rows: np.ndarray) -> Fingerprints:
    wide = np.zeros((len(rows), 61))
    wide[:, : rows.shape[1]] = rows
    return Fingerprints(wide, np.zeros((len(rows), 132)), [""] * len(rows))


def equal(n: int) -> np.ndarray:
    return np.full((1, n), 1 / n)


def test_n_identical_things_score_1_and_n_orthogonal_ones_n():
    for n in (1, 2, 7, 30):
        assert vendi(np.ones((n, 1)), equal(n))[0] == pytest.approx(1)
        assert vendi(np.eye(n), equal(n))[0] == pytest.approx(n)


def test_vendi_is_the_exponential_of_the_entropy_of_the_kernels_eigenvalues():
    rng = np.random.default_rng(0)
    for n, features in ((12, 4), (5, 9)):
        x = rng.normal(size=(n, features))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        eigenvalues = np.linalg.eigvalsh(x @ x.T / n)
        eigenvalues = eigenvalues[eigenvalues > 1e-12]
        expected = np.exp(-(eigenvalues * np.log(eigenvalues)).sum())
        assert vendi(x, equal(n))[0] == pytest.approx(expected)


def test_vendi_of_two_things_by_hand():
    # similarity s: eigenvalues (1 + s) / 2 and (1 - s) / 2
    s = 0.6
    x = np.array([[1.0, 0.0], [s, np.sqrt(1 - s * s)]])
    a, b = (1 + s) / 2, (1 - s) / 2
    assert vendi(x, equal(2))[0] == pytest.approx(np.exp(-a * np.log(a) - b * np.log(b)))


def test_shares_are_equivalent_to_copies():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    copies = np.repeat(x, [1, 2, 3], axis=0)
    assert vendi(x, np.array([[1, 2, 3]]) / 6)[0] == pytest.approx(vendi(copies, equal(6))[0])


def test_scores_of_elements_and_copies():
    different = judge_diversity(metals("Fe Cu Ag Au Pb"), settings=QUICK).measures
    assert different["vendi_composition"].estimate.value == pytest.approx(5)
    assert different["element_entropy"].estimate.value == pytest.approx(np.log2(5))
    assert different["space_group_entropy"].estimate.value == 0
    copies = judge_diversity(metals("Fe Fe Fe"), settings=QUICK).measures
    assert copies["vendi_composition"].estimate.value == pytest.approx(1)
    assert copies["element_entropy"].estimate.value == 0
    assert copies["vendi_composition"].estimate.n == 3


def test_compositions_that_share_elements_are_alike():
    salts = [
        box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]]),
        box("Na Br", [[0, 0, 0], [0.5, 0.5, 0.5]]),
    ]
    value = judge_diversity(salts, settings=QUICK).measures["vendi_composition"].estimate.value
    # similarity sqrt(1/2 x 1/2) = 1/2: eigenvalues 3/4 and 1/4
    assert value == pytest.approx(np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)))
    same = [salts[0], box("Na Na Cl Cl", np.random.default_rng(0).random((4, 3)), 7.0)]
    assert judge_diversity(same, settings=QUICK).measures[
        "vendi_composition"
    ].estimate.value == pytest.approx(1)


def test_structures_by_their_fingerprints():
    cells = metals("Fe Fe Fe Fe")
    orthogonal = judge_diversity(cells, None, QUICK, (prints(3 * np.eye(4)), None)).measures
    assert orthogonal["vendi_structure"].estimate.value == pytest.approx(4)
    copies = judge_diversity(cells, None, QUICK, (prints(np.ones((4, 2))), None)).measures
    assert copies["vendi_structure"].estimate.value == pytest.approx(1)
    failed = prints(np.eye(4))
    failed = Fingerprints(failed.structure, failed.composition, ["", "", "failed", "timed_out"])
    half = judge_diversity(cells, None, QUICK, (failed, None)).measures["vendi_structure"]
    assert half.estimate.value == pytest.approx(2)
    assert half.estimate.n == 2
    empty = judge_diversity(cells, None, QUICK, (prints(np.zeros((4, 1))), None)).measures
    assert empty["vendi_structure"].estimate.value == pytest.approx(1)


def test_the_reference_is_measured_the_same_way():
    family = judge_diversity(metals("Fe Fe"), known_cells(), QUICK)
    alone = judge_diversity(known_cells(), settings=QUICK)
    for name, measure in alone.measures.items():
        assert family.measures[f"{name}_reference"].estimate == measure.estimate
    # eight different space groups, two of them perovskite's and polonium's 221
    assert alone.measures["space_group_entropy"].estimate.value == pytest.approx(
        -(8 * 0.1 * np.log2(0.1) + 0.2 * np.log2(0.2))
    )


def test_order_changes_nothing_and_unusable_samples_are_told():
    samples = [*distorted_cells(0, 12), *broken_cells().values()]
    forth, back = (judge_diversity(side, settings=QUICK) for side in (samples, samples[::-1]))
    for name, measure in forth.measures.items():
        other = back.measures[name].estimate
        assert measure.estimate.value == pytest.approx(other.value)
        assert measure.estimate.low == pytest.approx(other.low)
        assert measure.estimate.n == other.n == 12
    assert any("5 of 17 samples can't be used" in note for note in forth.notes)


def test_bad_input_is_reported_by_name():
    with pytest.raises(DataError, match="none of the 1 samples"):
        judge_diversity([None])
    with pytest.raises(DataError, match="fingerprints of 3 samples, but 2 samples"):
        judge_diversity(metals("Fe Fe"), None, QUICK, (prints(np.eye(3)), None))
    with pytest.raises(DataError, match="resamples must be at least 10; got 1"):
        DiversitySettings(resamples=1)
    with pytest.raises(DataError, match="symprec"):
        DiversitySettings(symprec=-1.0)
