"""Probabilities of all answers to a prompt sum to 1, counted one by one; loss, draws and likelihood agree."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.families.wyckoff.loss import negative_log_likelihood
from nucleate.families.wyckoff.model import WyckoffModel
from nucleate.families.wyckoff.network import WyckoffNetwork, WyckoffNetworkSettings
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.sequences import Sequences, Told
from nucleate.symmetry.combinations import combinations
from nucleate.symmetry.sites import Sites
from tests.families.wyckoff.cases import PEROVSKITE, RUTILE, SOME, random_model

EVERY = range(1, 231)


def total(model: WyckoffModel, answers: Iterable[Sites], prompt: Prompt) -> float:
    every = list({answer.sorted() for answer in answers})
    return float(model.log_likelihood(every, [prompt] * len(every)).exp().sum())


@pytest.mark.parametrize("counts", [{11: 1, 17: 1}, {8: 2, 22: 1}])
def test_all_sequences_of_a_formula_sum_to_one(counts: dict[int, int]) -> None:
    answers = [sites for number in EVERY for sites in combinations(number, counts, 10_000)]
    assert len(answers) > 500
    assert total(random_model(), answers, Prompt.of(counts=counts)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("number", "counts"),
    [
        (2, {8: 2, 12: 1, 22: 1}),
        (12, {8: 4, 22: 2}),
        (62, {8: 8, 12: 4, 22: 4}),
        (99, {8: 3, 12: 2, 22: 1}),
        (227, {8: 8, 12: 2, 22: 4}),
    ],
)
def test_all_sequences_of_a_formula_in_one_group_sum_to_one(number: int, counts: dict[int, int]) -> None:
    answers = combinations(number, counts, 100_000)
    prompt = Prompt.of(number, counts)
    assert answers
    assert total(random_model(), answers, prompt) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("number", [1, 2, 12, 99, 156, 225])
@pytest.mark.parametrize("atoms", [3, 4])
def test_all_sequences_of_elements_and_atoms_sum_to_one(number: int, atoms: int) -> None:
    prompt = Prompt.of(number, atoms=atoms, elements=[3, 9])
    answers = [
        sites for n in range(1, atoms) for sites in combinations(number, {3: n, 9: atoms - n}, 100_000)
    ]
    assert total(random_model(), answers, prompt) == pytest.approx(1, abs=1e-5)


def test_all_sequences_of_elements_up_to_a_size_sum_to_one() -> None:
    """Of 5 atoms at most, where the sequence may end early."""
    prompt = Prompt.of(12, elements=[3, 9])
    sizes = [(a, b) for a in range(1, 5) for b in range(1, 5) if a + b <= 5]
    answers = [sites for a, b in sizes for sites in combinations(12, {3: a, 9: b}, 100_000)]
    assert total(random_model(most=5), answers, prompt) == pytest.approx(1, abs=1e-5)


def test_all_sequences_of_one_atom_sum_to_one() -> None:
    answers = [sites for number in EVERY for sites in combinations(number, {5: 1})]
    assert len(answers) > 200
    assert total(random_model(), answers, Prompt.of(atoms=1, elements=[5])) == pytest.approx(1, abs=1e-5)
    assert total(random_model(most=1), answers, Prompt.of(elements=[5])) == pytest.approx(1, abs=1e-5)


def test_all_elements_sum_to_one() -> None:
    answers = [Sites(1, ("a",), (number,)) for number in range(1, MAX_ATOMIC_NUMBER + 1)]
    assert total(random_model(), answers, Prompt.of(1, atoms=1)) == pytest.approx(1, abs=1e-5)
    assert total(random_model(most=1), answers, Prompt.of(1)) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_all_pairs_in_p1_sum_to_one() -> None:
    numbers = range(1, MAX_ATOMIC_NUMBER + 1)
    answers = [Sites(1, ("a", "a"), (a, b)) for a in numbers for b in numbers if a <= b]
    assert total(random_model(), answers, Prompt.of(1, atoms=2)) == pytest.approx(1, abs=1e-5)


def test_sequences_off_the_prompt_have_no_likelihood() -> None:
    model = random_model()
    wrong = [Prompt.of(225), Prompt.of(atoms=4), Prompt.of(elements=[8, 22]), Prompt.of(counts={8: 3, 22: 2})]
    found = model.log_likelihood([PEROVSKITE] * 5, [*wrong, Prompt.of(counts={8: 3, 22: 1, 38: 1})])
    assert torch.isinf(found).tolist() == [True, True, True, True, False]


def test_the_order_of_sites_does_not_matter() -> None:
    other = Sites(221, ("c", "b", "a"), (8, 22, 38))
    first, second = random_model().log_likelihood([PEROVSKITE, other])
    assert first == second


def test_the_loss_is_the_likelihood_where_nothing_is_asked_and_an_upper_bound_for_formulas() -> None:
    model = random_model()
    sequences = Sequences.of(SOME)
    free = negative_log_likelihood(model.network, sequences, Told.alike(len(SOME)), 20).sum(1)
    assert torch.allclose(free.double(), -model.log_likelihood(SOME), atol=1e-4)
    told = Told.alike(len(SOME), formula=True)
    loose = negative_log_likelihood(model.network, sequences, told, 20).sum(1)
    exact = -model.log_likelihood(SOME, [Prompt.of(counts=sites.counts) for sites in SOME])
    assert (loose.double() > exact - 1e-4).all()
    assert (loose.double() > exact + 0.01).any()


def test_padding_does_not_change_the_loss() -> None:
    model = random_model()
    told = Told.alike(1, atoms=True)
    alone = negative_log_likelihood(model.network, Sequences.of([RUTILE]), told, 20)
    beside = negative_log_likelihood(model.network, Sequences.of(SOME), Told.alike(len(SOME), atoms=True), 20)
    assert torch.allclose(alone[0], beside[SOME.index(RUTILE)], atol=1e-5)


def test_weights_of_padding_have_no_effect() -> None:
    """What the widest sequence of a batch has more of than another one must not reach the latter."""
    torch.manual_seed(1)
    network = WyckoffNetwork(WyckoffNetworkSettings(width=32, layers=1, heads=2)).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.startswith("words.") and name != "words.letter.weight":
                weight[0] = 1.0
    told = Told.alike(1, formula=True)
    alone = negative_log_likelihood(network, Sequences.of([RUTILE]), told, 20)
    beside = negative_log_likelihood(network, Sequences.of(SOME), Told.alike(len(SOME), formula=True), 20)
    assert torch.allclose(alone[0], beside[SOME.index(RUTILE)], atol=1e-5)
