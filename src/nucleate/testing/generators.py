"""What every generator must do: one answer to each request, which only the request, the seed and the settings decide.

from nucleate.testing import GeneratorCase, generator_tests

test_mine = generator_tests([GeneratorCase("mine", Mine(), requests)])
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nucleate.errors import NucleateError
from nucleate.identity import canonical
from nucleate.records.crystal_files import read_headers
from nucleate.records.job_folder import Shard
from nucleate.sampling.generator import Answer, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.job import Job
from nucleate.sampling.request import Request
from nucleate.settings import MOST_SEED, to_dict
from nucleate.testing.suite import Check, as_test, require

SHARDS = 3


@dataclass(frozen=True)
class GeneratorCase:
    """A generator under test.

    Attributes:
        name: by which the tests are known.
        generator: the instance under test.
        requests: at least four that it can be asked for, of different sizes; some may be such that it has no answer.
        seed: of the crystals.
        tolerance: how far coordinates (in the cell) and cells (relative) may differ between batches, which rounding
            decides; 0 for a generator without a network.
    """

    name: str
    generator: Generator
    requests: Sequence[Request]
    seed: int = 3
    tolerance: float = 1e-4


def generator_tests(cases: Iterable[GeneratorCase]) -> Callable[..., Any]:
    """All checks of all cases as one test of pytest."""
    return as_test(check for case in cases for check in generator_checks(case))


def generator_checks(case: GeneratorCase) -> list[Check]:
    checks = (
        it_says_what_it_is,
        every_request_has_one_answer,
        crystals_are_what_was_asked_for,
        the_same_seed_gives_the_same_crystals_in_any_order_and_batches,
        costs_are_counted,
        shards_add_up,
        a_job_that_was_killed_is_resumed,
        what_it_cannot_be_asked_for_is_refused_with_a_hint,
    )
    return [Check(f"{case.name}-{check.__name__}", partial(check, case)) for check in checks]


def answers(case: GeneratorCase, requests: Sequence[Request], **options: Any) -> list[Answer]:
    batches = case.generator.draw(requests, None, case.seed, DrawOptions(**options))
    return [one for batch in batches for one in batch]


def it_says_what_it_is(case: GeneratorCase) -> None:
    one = case.generator
    require(one.name and one.name == " ".join(one.name.split()), f"its name is {one.name!r}")
    require(one.identity and one.identity == case.generator.identity, f"its identity is {one.identity!r}")
    require(one.task in ("csp", "dng"), f"its task is {one.task!r}")
    require(one.limits.elements and one.limits.largest_cell > 0, f"its limits are {one.limits}")
    if one.settings is not None:
        require(is_dataclass(one.settings), f"its settings are a {type(one.settings).__name__}, no dataclass")
        json.dumps(to_dict(one.settings))
        canonical(one.settings)
    require(len({request.key for request in case.requests}) >= 4, "give at least four different requests")


def every_request_has_one_answer(case: GeneratorCase) -> None:
    """No request at all has none."""
    require(answers(case, []) == [], "asked for nothing, it answers")
    found = Counter(one.request.key for one in answers(case, case.requests))
    require(found == Counter(request.key for request in case.requests), "answers and requests do not agree")


def crystals_are_what_was_asked_for(case: GeneratorCase) -> None:
    """As many atoms of the given species, or whole formula units where their number is left open; finite, on the CPU,
    in a batch of one without padding."""
    drawn = [one for one in answers(case, case.requests) if isinstance(one, Generated)]
    require(drawn, "it answers none of the requests with a crystal")
    for one in drawn:
        crystal, asked = one.crystal, one.request.species
        require(
            len(crystal) == 1 and bool(crystal.mask.all()),
            f"{one.request.name}: padding, or several crystals",
        )
        found, known = Counter(crystal.species[0].tolist()), Counter(z for z in asked if z)
        units, rest = divmod(found.total(), len(asked))
        open_ = one.request.units is None or units in one.request.units
        right = not rest and (open_ if one.request.units != () else units == 1)
        require(right, f"{one.request.name}: {found.total()} atoms for {len(asked)}")
        known = Counter({z: count * units for z, count in known.items()})
        require(not known - found, f"{one.request.name}: atoms that were asked for are not there")
        require(crystal.frac.device.type == "cpu", f"{one.request.name}: not on the CPU")
        finite = crystal.frac.isfinite().all() and crystal.lattice.isfinite().all()
        require(bool(finite), f"{one.request.name}: numbers that are not finite")


def the_same_seed_gives_the_same_crystals_in_any_order_and_batches(case: GeneratorCase) -> None:
    first = {one.request.key: one for one in answers(case, case.requests)}
    for requests, edges in ((case.requests[::-1], None), (case.requests, 1), (case.requests[1:2], None)):
        for one in answers(case, requests, edges=edges):
            same(one, first[one.request.key], case.tolerance)


def same(one: Answer, other: Answer, tolerance: float) -> None:
    name = f"{one.request.name} {one.request.sample}"
    if isinstance(one, Failure) or isinstance(other, Failure):
        require(one == other, f"{name}: {one} in one batch, {other} in another")
        return
    require(one.origin == other.origin, f"{name}: from {one.origin} in one batch, {other.origin} in another")
    species = torch.equal(one.crystal.species, other.crystal.species)
    require(species, f"{name}: other species in another batch")
    turn = (one.crystal.frac - other.crystal.frac + 0.5) % 1 - 0.5
    change = (one.crystal.lattice - other.crystal.lattice).abs().max() / other.crystal.lattice.abs().max()
    gap = max(float(turn.abs().max()), float(change))
    require(gap <= tolerance, f"{name}: differs by {gap:.2g} in another batch, more than {tolerance:g}")


def costs_are_counted(case: GeneratorCase) -> None:
    for one in answers(case, case.requests):
        cost = one.cost
        paid = cost.nfe > 0 or any(cost.counts.values())
        require(paid, f"{one.request.name}: no cost, not even a count of what it looked at")
        numbers = (cost.nfe, *cost.counts.values(), cost.seconds or 0)
        require(all(math.isfinite(x) and x >= 0 for x in numbers), f"{one.request.name}: its cost is {cost}")


def files(folder: Path) -> dict[str, bytes]:
    """All that a job leaves."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def job(case: GeneratorCase, folder: Path, shard: Shard | None = None) -> Job:
    generator = case.generator
    return Job.of(folder, generator, case.requests, generator.settings, case.seed, shard)


def run(case: GeneratorCase, one: Job) -> None:
    one.draw(case.generator, case.requests, case.generator.settings, case.seed)


def shards_add_up(case: GeneratorCase) -> None:
    """Several shards in one folder answer what one job answers, each request once."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = job(case, Path(scratch) / "whole")
        run(case, whole)
        for index in range(SHARDS):
            run(case, job(case, Path(scratch) / "shards", Shard(index, SHARDS)))
        shared = job(case, Path(scratch) / "shards")
        keys = [header["key"] for path in shared.files() for header, _ in read_headers(path)]
        require(sorted(keys) == sorted(whole.done), "shards hold other crystals than one job")
        require(shared.failed == whole.failed, "shards fail on other requests than one job")


def a_job_that_was_killed_is_resumed(case: GeneratorCase) -> None:
    """After a kill within a frame the rest is drawn, and what has failed is not asked for again."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run(case, job(case, folder))
        expected, path = files(folder), folder / "predictions.extxyz"
        path.write_bytes(path.read_bytes()[:-5])
        failures = folder / "predictions.failures.jsonl"
        if failures.exists():
            failures.write_bytes(failures.read_bytes()[:-5])
        resumed = job(case, folder)
        missing = {request.name_of_key for request in resumed.missing(case.requests)}
        require(missing, "after a kill within a frame nothing is missing")
        run(case, resumed)
        again = job(case, folder)
        require(not again.missing(case.requests), "after a resumed job requests are still missing")
        require(
            len(again.done) + len(again.failed) == len(case.requests), "requests are lost, or answered twice"
        )
        require(files(folder).keys() == expected.keys(), "a resumed job leaves other files")
        if case.tolerance == 0:
            require(files(folder) == expected, "a resumed job leaves other content")


def what_it_cannot_be_asked_for_is_refused_with_a_hint(case: GeneratorCase) -> None:
    request = case.requests[0]
    told = replace(request, condition=(("a property that nothing has", 1.0),))
    wrong: list[tuple[str, Callable[[], Any]]] = [
        ("a negative seed", lambda: case.generator.draw([request], None, -1)),
        ("a seed that is too large", lambda: case.generator.draw([request], None, MOST_SEED + 1)),
        ("a condition that it does not know", lambda: case.generator.draw([told])),
    ]
    if not case.generator.has_path:
        options = DrawOptions(with_path=True)
        wrong.append(("a trajectory", lambda: case.generator.draw([request], None, 0, options)))
    if case.generator.task == "csp" and not case.generator.fixes:
        empty = replace(request, species=(0,) * len(request.species))
        wrong.append(("a crystal without a composition", lambda: case.generator.draw([empty])))
    for what, call in wrong:
        try:
            call()
        except NucleateError as error:
            require(error.hint, f"the refusal of {what} has no hint: {error.message}")
            continue
        raise AssertionError(f"{what} is not refused")
