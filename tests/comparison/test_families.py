"""Families at one budget: what is drawn in time, what counts as a miss, what a broken one does, what is made of it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.comparison.families.collect import collect_families
from nucleate.comparison.families.drawing import CHUNK, SPENT, draw_within
from nucleate.comparison.families.judged import csp_numbers, dng_numbers, sun_numbers
from nucleate.comparison.families.known import training_index
from nucleate.comparison.families.made import FACTS, Made, Maker, Place, Refined, Trained
from nucleate.comparison.families.members import FAMILIES, MILLION, Family, commonest, families_named, largest
from nucleate.comparison.families.plan import FamilyPlan, FamilyUnit
from nucleate.comparison.families.table import PLAIN, table_rows
from nucleate.comparison.families.unit import DONE, FAILED, JUDGES, run_family_unit
from nucleate.crystals import Crystals
from nucleate.data.dataset import Dataset
from nucleate.errors import ModelError, RecipeError
from nucleate.predictor import Predictor
from nucleate.prototypes.shipped import INDEX
from nucleate.recipes.registry import get_recipe
from nucleate.runs.train import Outcome, train_recipe
from nucleate.sampling.folder import FolderGenerator
from nucleate.sampling.generator import Answer, DrawOptions, Failure, Generated, Generator, Task
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.training.progress import Clock, Counters
from nucleate.work import Work
from tests.training.tiny import SHRINK, mixed_sizes, random_table, train, write_dataset

ANY = Limits(frozenset(range(1, 101)), 20, {}, {2: 1.0})


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "made"
    return write_dataset(folder, train=random_table(mixed_sizes(24)), val=random_table(mixed_sizes(8, 1), 1))


class Clockwork:
    """A processor's clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def process_time(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clockwork:
    made = Clockwork()
    monkeypatch.setattr("nucleate.comparison.families.drawing.time", made)
    return made


class Busy(Generator):
    """Answers with a crystal, in a second of the clock; every third request fails."""

    name: str = "busy"
    task: Task = "dng"
    limits: Limits = ANY  # pyright: ignore[reportIncompatibleMethodOverride]
    identity: str = "busy"  # pyright: ignore[reportIncompatibleMethodOverride]

    def __init__(self, clock: Clockwork | None = None) -> None:
        self.clock, self.asked = clock or Clockwork(), []

    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for request in requests:
            self.clock.seconds += 1
            self.asked.append(request.sample)
            yield [_failed(request) if request.sample % 3 == 2 else _pair(request)]


def _failed(request: Request) -> Failure:
    return Failure(request, "every third fails")


def _pair(request: Request) -> Generated:
    frac = torch.tensor([[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]])
    side = 4.0 + 0.01 * request.sample
    species = torch.tensor([[11, 17]])
    return Generated(request, Crystals(species, frac, side * torch.eye(3)[None], species > 0))


def invented(count: int) -> list[Request]:
    return [Request((0, 0), "generated", "", sample) for sample in range(count)]


def test_drawing_ends_when_the_time_is_up_and_goes_on_from_there(clock, tmp_path: Path) -> None:
    generator, requests = Busy(clock), invented(4 * CHUNK)
    first = draw_within(tmp_path, generator, requests, 0, CHUNK + 1)
    assert first["crystals"] + first["failures"] == len(set(generator.asked)) == 2 * CHUNK
    assert first["seconds"] == 2 * CHUNK
    assert len(generator.asked) == 2 * CHUNK + 1
    assert draw_within(tmp_path, generator, requests, 0, CHUNK + 1) == first
    assert len(generator.asked) == 2 * CHUNK + 1
    more = draw_within(tmp_path, generator, requests, 0, 2 * CHUNK + 1)
    assert more["crystals"] + more["failures"] == more["seconds"] == 3 * CHUNK
    every = draw_within(tmp_path, generator, requests, 0, 1e6)
    assert every["crystals"] + every["failures"] == every["seconds"] == 4 * CHUNK


def test_minutes_of_the_processor_pass_only_while_it_works() -> None:
    class Alone:
        world_size = 1

    walled, worked = Counters(), Counters()
    clocks = Clock(Alone(), walled), Clock(Alone(), worked, time.process_time)
    time.sleep(0.2)
    for clock in clocks:
        clock.lap()
    assert walled.seconds > 0.19
    assert worked.seconds < 0.1


def test_a_run_lasts_for_minutes_of_its_timer(data, tmp_path: Path) -> None:
    """A timer that goes on by a second whenever it is read: 30 of them are over after a few steps."""
    outcome = train(data, tmp_path / "run", minutes=0.5, timer=itertools.count().__next__)
    assert outcome.state == "trained"
    assert 30 <= outcome.counters.seconds + outcome.counters.paused < 33
    assert 5 < outcome.counters.step < 30


@dataclass(frozen=True)
class Ready(Maker):
    """A generator that needs no training."""

    generator: Generator
    tasks: tuple[Task, ...] = ("dng",)
    name: str = "ready"  # pyright: ignore[reportIncompatibleMethodOverride]

    def made(self, place: Place) -> Made:
        facts = {"recipe": "", "parameters": 7, "steps": 1, "seconds": 0.0, "preparation": 0.0}
        return Made(Predictor(self.generator), facts)


@dataclass(frozen=True)
class Broken(Maker):
    problem: Exception
    tasks: tuple[Task, ...] = ("dng",)
    name: str = "broken"  # pyright: ignore[reportIncompatibleMethodOverride]

    def made(self, place: Place) -> Made:
        raise self.problem


@pytest.fixture
def light(monkeypatch) -> None:
    """Count crystals instead of judging them."""

    def counted(plan, unit, folder, predictor, work) -> dict[str, Any]:
        spent = draw_within(
            folder / "dng", predictor.generator, invented(plan.crystals), unit.seed, plan.seconds
        )
        return {"spent": spent, "numbers": {"unique": {"value": 1.0, "n": spent["crystals"]}}}

    monkeypatch.setitem(JUDGES, "dng", counted)


def family(name: str, *models: Maker) -> Family:
    return Family(name, name.title(), "made up", "", models)


def plan_of(data: Path, *families: Family, **changes: Any) -> FamilyPlan:
    plan = FamilyPlan((data,), families, 1, 0.01, 1.0, 12, 8, 4)
    return replace(plan, **changes)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [(ModelError("no luck", "try"), "no luck"), (ZeroDivisionError("by 0"), "ZeroDivisionError: by 0")],
)
def test_a_broken_family_is_told_and_does_not_end_the_others(light, data, tmp_path, problem, reason) -> None:
    plan, told = plan_of(data, family("broken", Broken(problem)), family("sound", Ready(Busy()))), []
    states = [run_family_unit(plan, unit, tmp_path, Work(), told.append) for unit in plan.units()]
    assert states == [FAILED, DONE]
    assert told[0].startswith(f"made Broken seed 0 failed: {reason}; ")
    record = collect_families(plan, tmp_path)["made"]
    assert record["broken"]["errors"] == {"0": reason}
    assert record["sound"]["errors"] == {}
    assert record["sound"]["dng"]["answered"] == pytest.approx(8 / 12, abs=1e-4)
    assert record["sound"]["dng"]["numbers"]["unique"]["n"] == 8
    mended = replace(plan, families=(family("broken", Ready(Busy())), plan.families[1]))
    assert run_family_unit(mended, mended.units()[0], tmp_path, Work(), told.append) == DONE
    assert collect_families(mended, tmp_path)["made"]["broken"]["errors"] == {}


def test_numbers_are_made_once_and_again_where_they_are_asked_for_otherwise(light, data, tmp_path) -> None:
    generator = Busy()
    plan = plan_of(data, family("sound", Ready(generator)))
    (unit,), file = plan.units(), tmp_path / "made" / "sound-seed-0" / "dng.json"
    run_family_unit(plan, unit, tmp_path, Work(), print)
    before, asked = file.stat().st_mtime_ns, len(generator.asked)
    run_family_unit(plan, unit, tmp_path, Work(), print)
    assert (file.stat().st_mtime_ns, len(generator.asked)) == (before, asked)
    run_family_unit(replace(plan, references=5), unit, tmp_path, Work(), print)
    assert file.stat().st_mtime_ns > before
    assert len(generator.asked) == asked
    file.write_text('{"asked"')
    run_family_unit(plan, unit, tmp_path, Work(), print)
    assert json.loads(file.read_text())["spent"]["crystals"] == 8


def known_of(data: Path) -> list[tuple[str, Cell]]:
    table = Dataset.open(data).split("val")
    return [(table.ids[row], table.cell(row)) for row in range(len(table))]


def test_a_composition_that_is_refused_or_not_answered_is_a_miss(data, tmp_path) -> None:
    """The generator has one crystal, and knows of no other elements: this one matches, all others are missed."""
    crystals = known_of(data)
    one = min(crystals, key=lambda crystal: len(set(crystal[1].species.tolist())))
    elements = set(one[1].species.tolist())
    generator = FolderGenerator("poor", [one])
    generator.limits = replace(ANY, elements=frozenset(elements))
    plan = plan_of(data, family("poor", Ready(Busy())))
    found = csp_numbers(plan, plan.units()[0], tmp_path, Predictor(generator), Work())
    rate, same = (
        found["numbers"]["match_rate"],
        [cell for _, cell in crystals if cell.formula == one[1].formula],
    )
    assert found["refused"] == sum(not set(cell.species.tolist()) <= elements for _, cell in crystals) > 0
    assert rate["n"] == len(crystals) == 8
    assert 1 <= round(rate["value"] * 8) <= len(same)
    assert found["numbers"]["rmse"]["value"] == pytest.approx(0.0, abs=1e-6)


class Oxides(Busy):
    """SrO in rocksalt's structure, which it has, and in that of CsCl, which it has not."""

    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        species, frac = torch.tensor([[38, 8]]), torch.tensor([[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]])
        for request in requests:
            face = 2.58 * (torch.ones(3, 3) - torch.eye(3))
            cell = face if request.sample % 2 == 0 else 3.2 * torch.eye(3)
            yield [Generated(request, Crystals(species, frac, cell[None], species > 0))]


def test_stable_is_what_known_crystals_of_other_data_leave_stable(data, tmp_path) -> None:
    """The data has no strontium oxide: by its own hull both lie far below, and neither would count."""
    plan, predictor = plan_of(data, family("two", Ready(Busy())), crystals=3, relaxed=2), Predictor(Oxides())
    unit = plan.units()[0]
    dng_numbers(plan, unit, tmp_path, predictor, Work())
    found = sun_numbers(plan, unit, tmp_path, predictor, Work(cache=tmp_path / "cache"))["numbers"]
    assert {name: (one["value"], one["n"]) for name, one in found.items()} == {
        "sun": (0.5, 2), "msun": (0.5, 2), "stable": (0.5, 2),
    }  # fmt: skip


class Slow(FolderGenerator):
    """A crystal takes a second of the clock."""

    clock = Clockwork()

    def _answer(self, request: Request) -> Answer:
        self.clock.seconds += 1
        return super()._answer(request)


def test_compositions_that_time_did_not_suffice_for_do_not_count(data, clock, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("nucleate.comparison.families.drawing.CHUNK", 2)
    monkeypatch.setattr(Slow, "clock", clock)
    plan = plan_of(data, family("slow", Ready(Busy())), seconds=3)
    found = csp_numbers(plan, plan.units()[0], tmp_path, Predictor(Slow("known", known_of(data))), Work())
    assert found["spent"]["crystals"] + found["spent"]["failures"] == 4
    assert found["numbers"]["match_rate"]["n"] == 4
    assert found["numbers"]["match_rate"]["value"] > 0.5


def test_a_finished_run_is_not_prepared_again_and_goes_on_where_more_is_asked(
    data, tmp_path, monkeypatch
) -> None:
    """Preparation, such as writing all crystals as texts, takes longer than a short training."""
    maker = Trained("ftcp-small", settings=("latent=4", "hidden=8"), fitted=largest)
    place, calls = Place(data, tmp_path / "ftcp", 0, 0.005), []

    def counted(*args: Any, **options: Any) -> Outcome:
        calls.append(args[2])
        return train_recipe(*args, **options)

    monkeypatch.setattr("nucleate.comparison.families.made.train_recipe", counted)
    first = maker.made(place)
    again = maker.made(place)
    assert first is not None
    assert again is not None
    assert (again.facts, len(calls)) == (first.facts, 1)
    assert first.facts["preparation"] is not None
    longer = maker.made(replace(place, minutes=0.02))
    assert longer is not None
    assert len(calls) == 2
    assert longer.facts["steps"] > first.facts["steps"]
    (place.folder / "run" / FACTS).write_text('{"asked"')
    kept = maker.made(replace(place, minutes=0.02))
    assert kept is not None
    assert len(calls) == 3
    assert kept.facts["steps"] == longer.facts["steps"]


def test_a_flow_from_proposals_trains_on_what_time_sufficed_for(data, tmp_path) -> None:
    small = ("training.batch=8", "training.validate_every=50", "training.checkpoint_every=50")
    words = Trained("crystal-text-tiny", settings=(*small, "gpt.width=16", "gpt.layers=1", "gpt.heads=2"))
    maker = Refined("flowllm-tiny", settings=tuple(SHRINK), base=words)
    made = maker.made(Place(data, tmp_path / "flow", 0, 0.03))
    assert made is not None
    own, base = (get_recipe(one.recipe, list(one.settings)).build() for one in (maker, words))
    total = sum(p.numel() for model in (own, base) for p in model.parameters())
    assert made.facts["parameters"] == total
    assert 0 < made.facts["pairs"] <= 24 + 8
    # Each part takes its third, but for proposals that were made of all compositions before. The record has tenths.
    drawn = json.loads((tmp_path / "flow/proposals" / SPENT).read_text())["seconds"]
    assert made.facts["seconds"] >= 0.02 * 60 + drawn - 0.15
    assert drawn >= 0.01 * 60 or made.facts["pairs"] == 24 + 8
    assert made.predictor.generator.task == "dng"


def test_the_index_is_the_shipped_one_where_that_is_of_these_crystals(data, tmp_path, monkeypatch) -> None:
    made = training_index(data, tmp_path / "index.parquet")
    assert set(made.names) <= set(Dataset.open(data).split("train").ids)
    before = (tmp_path / "index.parquet").stat().st_mtime_ns
    assert training_index(data, tmp_path / "index.parquet").names == made.names
    assert (tmp_path / "index.parquet").stat().st_mtime_ns == before
    other = write_dataset(tmp_path / "mp_20", train=random_table([2, 3]), val=random_table([2], 1))
    assert INDEX.is_file()
    assert training_index(other, tmp_path / "other.parquet").names == ["crystal-0-0", "crystal-0-1"]


def test_every_family_has_about_a_million_parameters() -> None:
    for one in FAMILIES:
        for model in one.models:
            if isinstance(model, Trained):
                built = get_recipe(model.recipe, list(model.settings)).build()
                assert 0.5e6 < sum(p.numel() for p in built.parameters()) < 1.1e6, model.recipe
    assert all(get_recipe("kldm-dng-masked-small", [text]) for text in MILLION)


def test_settings_that_follow_from_the_data() -> None:
    table = random_table([2, 3, 3, 7])
    assert largest(table) == ("most=7",)
    assert commonest(table) == ("atoms=3",)


def test_families_by_name() -> None:
    assert families_named([]) == FAMILIES
    assert [one.name for one in families_named(["ftcp", "kldm"])] == ["kldm", "ftcp"]
    with pytest.raises(RecipeError, match="no family 'cdvea'") as caught:
        families_named(["cdvea"])
    assert caught.value.hint.startswith("did you mean 'cdvae'? families: kldm, ")


def test_units_come_seed_by_seed(data) -> None:
    plan = plan_of(data, family("a"), family("b"), seeds=2)
    assert [(unit.family.name, unit.seed) for unit in plan.units()] == [
        ("a", 0),
        ("b", 0),
        ("a", 1),
        ("b", 1),
    ]
    assert FamilyUnit(data, plan.families[0], 1).folder(Path("x")) == Path("x/made/a-seed-1")


def test_means_and_errors_over_seeds_are_those_of_the_table(data, tmp_path) -> None:
    plan = plan_of(data, family("sound", Ready(Busy(), ("csp", "dng"))), seeds=2)
    for seed, rate in enumerate((0.2, 0.4)):
        folder = plan.units()[seed].folder(tmp_path)
        folder.mkdir(parents=True)
        estimate = {"value": rate, "low": 0.1, "high": 0.5, "n": 10}
        values = {
            "asked": plan.asked("dng"), "model": {"parameters": 1_500_000},
            "spent": {"crystals": 10, "failures": 10 * seed, "seconds": 2.0},
            "numbers": {"p1": estimate, "density": estimate},
        }  # fmt: skip
        (folder / "dng.json").write_text(json.dumps(values))
    record = collect_families(plan, tmp_path)["made"]
    (row,) = table_rows(record)
    assert tuple(row) == PLAIN
    assert row["P1 %"] == "30.0 ± 10.0"
    assert row["density W1"] == "0.300 ± 0.100"
    assert (row["parameters"], row["made"], row["made/s"]) == ("1.50 M", "15", "5")
    assert (row["answered %"], row["MR@1 %"], row["novel %"]) == ("75.0", "-", "-")
    one = collect_families(replace(plan, seeds=1), tmp_path)["made"]["sound"]["dng"]["numbers"]["p1"]
    assert one == {"value": 0.2, "n": 10, "low": 0.1, "high": 0.5}
    assert np.isclose(record["sound"]["dng"]["per_second"], 5.0)
