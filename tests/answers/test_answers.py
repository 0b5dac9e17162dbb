"""Answers: merging, probabilities, ranking, energies, and the promises of a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from nucleate.answers.answer import Ranked
from nucleate.answers.answerer import Answerer, worth
from nucleate.answers.merge import DRAWN, Structure, joined, merged
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.ranked import ranked
from nucleate.answers.relaxing import relaxed
from nucleate.answers.retrieval import Retrieval
from nucleate.answers.score import (
    FEATURES,
    NONE_FEATURES,
    Weights,
    features,
    probabilities,
    shared_by_energies,
    with_stated,
)
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell
from nucleate.energies.potentials import potential_named
from nucleate.errors import RecipeError
from nucleate.prototypes.entry import describe
from nucleate.prototypes.index import Index
from nucleate.prototypes.retrieve import Prototypes
from nucleate.sampling.generator import Failure, Generated
from nucleate.sampling.job import Job, header
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request, answer_requests
from nucleate.testing import GeneratorCase, generator_tests

FCC = Cell(np.array([29]), np.zeros((1, 3)), 1.8 * (np.ones((3, 3)) - np.eye(3)))
BCC = Cell(np.array([29]), np.zeros((1, 3)), 1.43 * (np.ones((3, 3)) - 2 * np.eye(3)))
LIMITS = Limits(frozenset({29}), 20, {})
LIMITS_OF_ALL = Limits(frozenset(range(1, 95)), 52, {})


def offer(cell: Cell, by: str = "prototypes", probability: float = 0.0, scale: float = 1.0) -> Offer:
    return Offer(Cell(cell.species, cell.frac, scale * cell.lattice), by, probability, nfe=2 * (by == "free"))


class Fixed(Proposer):
    """Offers the same for every question, as many as are asked for."""

    identity = "fixed"

    def __init__(self, name: str, found: Sequence[Offer]) -> None:
        self.name, self.found, self.asked = name, list(found), []

    def offers(self, asked, settings, seed, budget):
        self.asked += [number for _, number in asked]
        return [self.found[:number] for _, number in asked]


def answerer(*proposers: Proposer, **settings) -> Answerer:
    names = tuple(one.name for one in proposers)
    return Answerer({one.name: one for one in proposers}, LIMITS, AnswerSettings(propose=names, **settings))


def test_offers_of_one_structure_are_merged_with_all_votes():
    found = merged([offer(FCC), offer(BCC, "free"), offer(FCC, "free", scale=1.02)], frozenset({"free"}))
    assert [dict(one.votes) for one in found] == [{"prototypes": 1, "free": 1}, {"free": 1}]
    assert found[0].first.by == "prototypes"


def test_draws_of_sequences_vote_with_free_ones_and_stand_for_them():
    offers = [offer(FCC, "free"), offer(FCC, "sequences", scale=1.02), offer(FCC, "free"), offer(BCC, "free")]
    found = merged(offers, DRAWN)
    assert [dict(one.votes) for one in found] == [{"sequences": 1, "free": 2}, {"free": 1}]
    assert [one.agreeing for one in found] == [3, 1]
    assert found[0].first.by == "sequences"
    x, _ = features(found, 4)
    assert x[0, FEATURES.index("agreement")] == 3 / 4


def test_sequences_are_asked_where_they_are_named_and_change_no_identity():
    by = {"free": Fixed("free", [offer(FCC, "free")] * 9)}
    by["sequences"] = Fixed("sequences", [offer(BCC, "sequences")] * 9)
    settings = AnswerSettings(propose=("free",), free=2)
    both = Answerer(by, LIMITS, settings)
    assert both.identity == Answerer({"free": by["free"]}, LIMITS, settings).identity
    question = Question((29,))
    assert len(both.offers([question], settings, 0)[0]) == 2
    more = AnswerSettings(propose=("free", "sequences"), free=2, sequences=3)
    assert [one.by for one in both.offers([question], more, 0)[0]] == ["free"] * 2 + ["sequences"] * 3


def test_offers_that_are_no_crystals_are_left_out():
    flat = Cell(FCC.species, FCC.frac, np.zeros((3, 3)))
    found = merged([offer(flat), offer(FCC)], frozenset())
    assert len(found) == 1
    assert found[0].first.cell.volume > 1


def test_equal_cells_are_joined():
    assert joined([FCC, BCC, Cell(FCC.species, FCC.frac + 0.3, 1.01 * FCC.lattice)]) == [[0, 2], [1]]


def test_doubt_decides_how_many_draws_are_made():
    assert [worth(10, [offer(FCC, probability=p)]) for p in (0.0, 0.5, 0.75, 0.96, 1.0)] == [10, 10, 5, 1, 0]


def test_probabilities_are_a_softmax_that_includes_none_of_them():
    structures = merged([offer(FCC, probability=0.6), offer(BCC, "free")], frozenset({"free"}))
    x, none = features(structures, 1)
    assert x[:, FEATURES.index("agreement")] == pytest.approx([0, 1])
    assert none[NONE_FEATURES.index("doubt")] == pytest.approx(np.log(0.401))
    weights = Weights(np.linspace(-0.5, 0.7, len(FEATURES)), np.linspace(0.1, 0.4, len(NONE_FEATURES)))
    utilities = np.append(x @ weights.structure, none @ weights.none)
    by_hand = np.exp(utilities) / np.exp(utilities).sum()
    assert probabilities(x, none, weights) == pytest.approx(by_hand[:2])


def test_stated_probabilities_stay_and_the_others_share_the_rest():
    shares, nothing = np.array([0.5, 0.2, 0.1]), np.full(3, np.nan)
    assert with_stated(shares, nothing) == pytest.approx(shares)
    # of the two others and none of them, 0.2 : 0.1 : 0.2, a tenth is left
    assert with_stated(shares, np.array([0.9, np.nan, np.nan])) == pytest.approx([0.9, 0.04, 0.02])


def test_energies_redistribute_only_the_total_of_structures_with_energies():
    shares = np.array([0.4, 0.2, 0.1])
    assert shared_by_energies(shares, np.full(3, np.nan)) == pytest.approx(shares)
    found = shared_by_energies(shares, np.array([np.log(1 / 4), 0.0, np.nan]))
    assert found == pytest.approx([0.2, 0.4, 0.1])


def test_a_known_crystal_a_little_above_the_hull_is_not_certain():
    index = index_of_two()
    offers = Retrieval(Prototypes(index)).offers([(Question((29,), None), 5)], AnswerSettings(), 0)[0]
    assert next((one.known, one.stated) for one in offers) == (True, 0.5)
    best = ranked(offers, AnswerSettings(), None)[0]
    assert best.structure.first.known
    assert best.probability == pytest.approx(0.5)
    other = Retrieval(Prototypes(index)).offers(
        [(Question((29,), None), 5)], AnswerSettings(known="other"), 0
    )[0]
    assert not other[0].known
    assert {one.stated for one in other} == {None}


def test_a_reported_structure_is_certain_and_no_energy_overrules_it():
    cells = [describe(FCC, "fcc", "known", 0.0), describe(BCC, "bcc", "handbook")]
    index = Index.of_entries([one for one in cells if one is not None])
    question = [(Question((29,), None), 5)]
    for reported, stated in ((0, 1), 0.95), ((3, 2), 0.5):
        prototypes = Prototypes(replace(index, reported=np.array(reported)))
        offers = Retrieval(prototypes).offers(question, AnswerSettings(), 0)[0]
        assert [one.stated for one in offers] == [stated, None]
    # copper is face centred, in its energies too
    prototypes = Prototypes(replace(index, reported=np.array([0, 1])))
    offers = Retrieval(prototypes).offers(question, AnswerSettings(), 0)[0]
    best, other = ranked(offers, AnswerSettings(potential="emt"), potential_named("emt"))
    assert best.structure.first.source == "handbook:bcc"
    assert best.probability == pytest.approx(0.95)
    assert best.above is not None
    assert other.above == 0
    assert best.above > 0.01


def index_of_two() -> Index:
    """Copper 15 meV above the hull in one structure, silver in another."""
    silver = Cell(np.array([47]), BCC.frac, 1.14 * BCC.lattice)
    entries = [describe(FCC, "Cu", "known", 0.015), describe(silver, "Ag", "known", 0.0)]
    return Index.of_entries([one for one in entries if one is not None])


def test_of_structures_that_become_equal_the_more_probable_stays():
    near = offer(FCC, probability=0.2, scale=1.02)
    first, second = Ranked(FCC, Structure((offer(FCC),)), 0.6), Ranked(near.cell, Structure((near,)), 0.2)
    emt = potential_named("emt")
    (one,) = relaxed([first, second], 2, emt)
    assert one.probability == pytest.approx(0.8)
    assert one.structure.offers == (*first.structure.offers, near)
    assert one.relaxation == "relaxed"
    assert one.log_odds is not None
    assert one.log_odds < 0


def test_each_ranking_orders_by_its_own_key():
    offers = [offer(BCC, probability=0.9), offer(FCC, probability=0.05), *[offer(FCC, "free")] * 3]
    emt = potential_named("emt")
    first = {
        rank: ranked(offers, AnswerSettings(rank=rank, potential="emt"), emt)[0]
        for rank in ("prior", "agreement", "energy", "fitted")
    }
    assert first["prior"].structure.probability == 0.9
    assert first["agreement"].structure.votes["free"] == 3
    assert first["energy"].above == 0
    # copper is face-centred in EMT, at 3.59 Å
    assert first["energy"].cell.volume == pytest.approx(3.59**3 / 4, rel=0.01)


def test_sample_i_is_the_ith_structure_and_a_missing_one_a_failure():
    one = answerer(Fixed("prototypes", [offer(FCC, probability=0.7), offer(BCC, probability=0.2)]))
    answers = [a for batch in one.draw(answer_requests(["Cu"], 3, LIMITS)) for a in batch]
    assert [type(a) for a in answers] == [Generated, Generated, Failure]
    assert "2 different structures" in answers[2].reason
    told = header(answers[0], 0, one.name)
    assert (told["cell"], told["proposed_by"], told["formula"]) == ("Cu", "prototypes:1", "Cu")


def test_answers_do_not_depend_on_samples_or_batches():
    found = [offer(FCC, probability=0.7), offer(BCC, probability=0.2)]
    requests = answer_requests(["Cu"], 2, LIMITS)
    both = [a for batch in answerer(Fixed("prototypes", found)).draw(requests) for a in batch]
    alone = [a for batch in answerer(Fixed("prototypes", found)).draw(requests[1:]) for a in batch]
    assert isinstance(both[1], Generated)
    assert isinstance(alone[0], Generated)
    assert (both[1].crystal.lattice == alone[0].crystal.lattice).all()


def test_draws_are_made_only_where_there_is_doubt():
    sure, free = Fixed("prototypes", [offer(FCC, probability=1.0)]), Fixed("free", [offer(BCC, "free")] * 9)
    list(answerer(sure, free).draw(answer_requests(["Cu"], 1, LIMITS)))
    assert free.asked == [0]


def test_samples_of_one_composition_stay_in_one_shard(tmp_path):
    from nucleate.sampling.job import Shard

    one = answerer(Fixed("prototypes", [offer(FCC)]))
    requests = [Request((29,) * n, f"Cu{n}", "Cu", k) for n in (1, 2, 3) for k in range(4)]
    parts = [Job.of(tmp_path, one, requests, one.settings, 0, Shard(i, 2)).mine(requests) for i in range(2)]
    assert [{r.name for r in part} for part in parts] == [{"Cu1", "Cu3"}, {"Cu2"}]
    assert sum(map(len, parts)) == len(requests)


def test_open_questions_allow_any_number_of_formula_units():
    unit = (8, 8, 22)
    assert Question(unit, None).allows(12)
    assert not Question(unit, None).allows(4)
    assert Question(unit, (2,)).allows(6)
    assert not Question(unit, (2,)).allows(3)
    assert Question(unit * 2).allows(6)
    assert not Question(unit * 2).allows(3)


def test_an_open_number_of_units_changes_the_request():
    closed, open_ = Request((29,), "Cu", "Cu", 0), answer_requests(["Cu"], 1, LIMITS)[0]
    assert closed.identity != open_.identity
    assert closed.identity == "Cu 0"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"propose": ("oracle",)}, "there is no proposer 'oracle'"),
        ({"propose": ()}, "must name each proposer once"),
        ({"rank": "energy"}, "without a potential"),
        ({"free": -1}, "free"),
    ],
)  # fmt: skip
def test_impossible_settings_of_answers_are_refused(settings, problem):
    with pytest.raises(RecipeError, match=problem):
        AnswerSettings(**settings)


test_the_suite = generator_tests(
    [
        GeneratorCase(
            "answers",
            Answerer(
                {"prototypes": Retrieval(Prototypes.open(sources={"aflow"}))},
                LIMITS_OF_ALL,
                AnswerSettings(propose=("prototypes",), prototypes=3),
            ),
            [Request((11,) * n + (17,) * n, f"Na{n}Cl{n}", "NaCl", k) for n in (1, 2) for k in range(4)]
            + answer_requests(["MgO", "Si"], 2, LIMITS_OF_ALL),
            tolerance=0.0,
        )
    ]
)
