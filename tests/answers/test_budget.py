"""Seconds for a composition: what is cut short, what is said of it, and what may not change without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

import numpy as np
import pytest
import torch

from nucleate.answers.answer import Ranked
from nucleate.answers.answerer import Answerer
from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.draws import Draws
from nucleate.answers.merge import merged
from nucleate.answers.offers import Offer, Proposer, Question
from nucleate.answers.ranked import ranked
from nucleate.answers.relaxing import relaxed
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.energies.potentials import potential_named
from nucleate.errors import ModelError, RecipeError
from nucleate.identity import canonical
from nucleate.sampling.generator import Generated, Generator
from nucleate.sampling.job import Job
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import answer_requests

LIMITS = Limits(frozenset({29}), 20, {})
BCC = Cell(np.array([29]), np.zeros((1, 3)), 1.5 * (np.ones((3, 3)) - 2 * np.eye(3)))
OTHER = Cell(np.array([29]), np.zeros((1, 3)), 2.5 * np.eye(3))


class Slow(Budget):
    """Spent once it was asked a number of times."""

    def __init__(self, times: int) -> None:
        super().__init__(60.0)
        self.times = times

    @property
    def left(self) -> float:
        self.times -= 1
        return 1.0 if self.times >= 0 else -1.0


class OneByOne(Generator):
    """Copper, a crystal for each batch."""

    name, identity, limits = "one by one", "1", LIMITS

    def answers(self, requests, settings, seed, options) -> Iterator:
        self.edges = options.edges
        for request in requests:
            cell = 2.5 * torch.eye(3)
            yield [Generated(request, Crystals.pad([torch.tensor([29])], [torch.zeros(1, 3)], [cell]))]


class Loaded(Proposer):
    """Knows two structures, and whether it was prepared."""

    def __init__(self, name: str, identity: str = "1") -> None:
        self.name, self.told, self.prepared = name, identity, 0

    @property
    def identity(self) -> str:
        return self.told

    def prepare(self) -> None:
        self.prepared += 1

    def offers(self, asked, settings, seed, budget):
        return [[Offer(BCC, self.name, 0.5), Offer(OTHER, self.name, 0.2)][:number] for _, number in asked]


def test_without_a_limit_nothing_is_ever_cut():
    assert UNLIMITED.left == inf
    assert not UNLIMITED.spent("free")
    assert UNLIMITED.cut == []
    late = Budget(1e-9)
    assert late.spent("free")
    assert late.spent("free")
    assert late.cut == ["free"]


@pytest.mark.parametrize(("times", "drawn"), [(0, 0), (1, 1), (3, 3), (9, 5)])
def test_draws_end_when_the_seconds_are_spent(times, drawn):
    generator, budget = OneByOne(), Slow(times)
    (offers,) = Draws(generator).offers([(Question((29,)), 5)], AnswerSettings(), 0, budget)
    assert len(offers) == drawn
    assert budget.cut == ([] if drawn == 5 else ["free"])


def test_batches_are_small_under_a_budget_alone():
    generator = OneByOne()
    for budget, edges in ((UNLIMITED, None), (Slow(9), 2)):
        Draws(generator).offers([(Question((29,)), 5)], AnswerSettings(), 0, budget)
        assert generator.edges == edges


def test_a_race_out_of_time_tells_it_and_its_energies_decide_nothing():
    found = [
        Ranked(one.first.cell, one, 0.4) for one in merged([Offer(BCC, "a"), Offer(OTHER, "a")], frozenset())
    ]
    late, emt = Budget(1e-9), potential_named("emt")
    cut = relaxed(found, 2, emt, late)
    assert late.cut == ["relaxing"]
    assert {one.relaxation for one in cut} == {"out_of_budget"}
    assert {one.log_odds for one in cut} == {None}
    assert None not in {one.energy for one in cut}
    assert None not in {one.log_odds for one in relaxed(found, 2, emt)}


def test_nothing_is_relaxed_when_the_draws_took_all_seconds():
    late = Budget(1e-9)
    found = ranked([Offer(BCC, "a", 0.5)], AnswerSettings(potential="emt"), potential_named("emt"), late)
    assert found[0].energy is None
    assert late.cut == ["relaxing"]


def test_answers_say_what_was_cut_short_and_load_before_the_clock_runs():
    one = Loaded("free")
    settings = AnswerSettings(propose=("free",), potential="emt", seconds=1e-6)
    answers = [
        a
        for batch in Answerer({"free": one}, LIMITS, settings).draw(
            answer_requests(["Cu"], 2, LIMITS), settings
        )
        for a in batch
    ]
    assert [isinstance(a, Generated) and a.origin["cut_short"] for a in answers] == ["relaxing"] * 2
    assert one.prepared == 1
    plain = replace(settings, seconds=0.0)
    answers = [
        a
        for batch in Answerer({"free": one}, LIMITS, plain).draw(answer_requests(["Cu"], 1, LIMITS), plain)
        for a in batch
    ]
    assert isinstance(answers[0], Generated)
    assert "cut_short" not in answers[0].origin
    assert one.prepared == 1


def test_seconds_are_part_of_the_settings_only_where_they_are_given():
    assert "seconds" not in canonical(AnswerSettings())
    assert "seconds=5.0" in canonical(AnswerSettings(seconds=5.0))
    with pytest.raises(RecipeError, match="seconds"):
        AnswerSettings(seconds=-1.0)


def test_a_job_is_refused_where_another_proposer_than_the_usual_ones_has_changed(tmp_path):
    usual = AnswerSettings(propose=("free",))
    more = AnswerSettings(propose=("free", "sequences"))
    requests = answer_requests(["Cu"], 2, LIMITS)

    def job(folder, sequences: str, settings: AnswerSettings) -> Job:
        by = {"free": Loaded("free"), "sequences": Loaded("sequences", sequences)}
        return Job.of(tmp_path / folder, Answerer(by, LIMITS, usual), requests, settings, 0)

    job("more", "1", more)
    job("more", "1", more)
    with pytest.raises(ModelError, match="made with other weights"):
        job("more", "2", more)
    # who is not asked changes nothing
    job("usual", "1", usual)
    job("usual", "2", usual)
