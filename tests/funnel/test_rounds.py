"""Rounds: what a plan may ask, when they stop, that they end the same however often they are killed."""

from __future__ import annotations

from dataclasses import replace
from shutil import copytree

import pytest
from typer.testing import CliRunner

from nucleate.cli.main import app
from nucleate.energies.potentials import REGISTRY
from nucleate.errors import DataError, NucleateError, RecipeError
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.report import write_report
from nucleate.funnel.rounds import loop, oracle, tuning
from nucleate.funnel.rounds.settings import Rounds
from nucleate.funnel.rounds.sources import sources_of, tuned_folder
from nucleate.funnel.rounds.stopping import stopped
from nucleate.funnel.run import run
from nucleate.funnel.sources import Source
from nucleate.records.rounds import Round
from tests.funnel import toys
from tests.funnel.crystals import caesium_chloride, rocksalt, write_crystals
from tests.funnel.killing import kill

SOURCE = '[[generate]]\ngenerator = "substitution"\n[[generate]]\nfolder = "here"\n'
HULL = '[[stage]]\nkind = "relax"\n[[stage]]\nkind = "hull"\n'


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with a run of two rounds, with tuning, and what it holds."""
    home = tmp_path_factory.mktemp("rounds")
    before = dict(REGISTRY)
    reason = run(toys.plan(home, 'rounds = 2\ntune = ["made"]'), home / "out")
    yield home, toys.content(home / "out"), reason
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize(
    ("rounds", "stages", "said"),
    [
        ("", "", "rounds read chgnet.e_above_hull, and no stage says it"),
        ("", HULL + '[[stage]]\nkind = "shortlist"\n', "stage 3 (shortlist) is for the few that are left"),
        ("", HULL + '[[stage]]\nkind = "calculations"\n', "stage 3 (calculations) is for the few that are left"),
        ('tune = ["cars"]', HULL, "rounds.tune names 'cars', and no candidates are called so"),
        ('tune = ["here"]', HULL, "rounds.tune names 'here', which does not draw freely from one model"),
        ('acquisition = "best"', HULL, "rounds.acquisition = 'best' is no rule"),
        ('oracle = "chgnet"', HULL, "rounds.oracle = 'chgnet' is the potential that the stages ask"),
        ('oracle = "pythia"', HULL, "no potential is called 'pythia'"),
        ("calls = 0", HULL, "rounds.calls"),
        ("least_new = 2", HULL, "rounds.least_new"),
        ("budget = 2", HULL, "rounds: nothing is called 'budget'"),
    ],
)  # fmt: skip
def test_what_rounds_can_not_be(rounds, stages, said):
    with pytest.raises(NucleateError) as caught:
        parse_plan(f"{SOURCE}{stages}[rounds]\n{rounds}\n")
    assert said in caught.value.message
    assert caught.value.hint


def test_a_generator_without_weights_can_not_learn(tmp_path):
    plan = parse_plan(f'[[generate]]\ngenerator = "substitution"\n{HULL}[rounds]\ntune = ["substitution"]\n')
    with pytest.raises(RecipeError, match="substitution has no weights that can learn"):
        run(plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def over(*found: int, candidates: int = 10, new: int = 8, asked: int = 3) -> list[Round]:
    return [Round(at, candidates, new, asked, asked, each, 0.1) for at, each in enumerate(found, 1)]


@pytest.mark.parametrize(
    ("settings", "rounds", "said"),
    [
        (Rounds(rounds=3), [], ""),
        (Rounds(rounds=3), over(0, 0), ""),
        (Rounds(rounds=2), over(0, 0), "2 of 2 rounds are over"),
        (Rounds(patience=2), over(1, 0), ""),
        (Rounds(patience=2, rounds=9), over(1, 0, 0), "nothing within 0 eV/atom of the hull was found in 2 rounds"),
        (Rounds(least_new=0.8), over(1), ""),
        (Rounds(least_new=0.81), over(1), "8 of 10 candidates of round 1 came through, and 81% have to"),
        (Rounds(), over(1, asked=0), "nobody was left to ask about in round 1"),
        (Rounds(least_new=0.5), over(1, candidates=0, new=0), ""),
    ],
)  # fmt: skip
def test_rounds_stop(settings, rounds, said):
    assert stopped(settings, rounds) == said


def test_sources_of_later_rounds(tmp_path):
    plain, files = Source(generator="one", n=5, seed=7), Source(folder="files")
    found = sources_of((plain, files), Rounds(tune=("one",)), 3, tmp_path)
    assert found[:2] == (plain, files)
    assert [one.called for one in found[2:]] == ["one.round-2", "one.round-3"]
    assert found[2].generator == str(tuned_folder(tmp_path, 2, "one") / "model")
    assert len({one.seed for one in found if one.generator}) == 3
    moved = sources_of((plain, files), Rounds(tune=("one",)), 3, tmp_path / "elsewhere")
    untuned = sources_of((plain, files), Rounds(), 3, tmp_path)
    assert [one.identity for one in moved] == [one.identity for one in found]
    assert [one.generator for one in untuned[2:]] == ["one", "one"]
    assert untuned[2].identity != found[2].identity


def test_two_rounds(whole):
    home, found, reason = whole
    first, second = found["rounds"]
    assert reason == "2 of 2 rounds are over"
    assert [one["round"] for one in found["calls"]] == [1, 1, 1, 2, 2, 2]
    assert first["candidates"] == second["candidates"] == 12
    assert not first["models"]
    assert set(second["models"]) == {"made"}
    assert set(first["hull"]) <= set(second["hull"])
    # what a round takes for found is below the hull that it began with; the second expects what the first taught
    assert first["found"] == sum(one["found"]["above"] <= 0 for one in found["calls"][:3])
    assert all(one["expected"]["reach"] is None for one in found["calls"][:3])
    assert any(one["expected"]["mean"] != one["expected"]["cheap"] for one in found["calls"][3:])
    assert second["foretold"] == 3
    assert (home / "out/rounds/0002/made/model/card.json").is_file()


def test_the_oracle_answers_by_itself(whole):
    """Its answer is its own energy above its own hull, whatever the potential says."""
    _, found, _ = whole
    truth, cheap = (
        [
            one[key]
            for one in (call["found"] if key == "above" else call["expected"] for call in found["calls"])
        ]
        for key in ("above", "cheap")
    )
    assert truth != cheap
    assert max(abs(a - b) for a, b in zip(truth, cheap, strict=True)) > 0.01


def test_done_again_nothing_changes_and_another_round_goes_on_elsewhere_too(whole):
    home, found, _ = whole
    run(toys.plan(home, 'rounds = 2\ntune = ["made"]'), home / "out")
    assert toys.content(home / "out") == found
    copytree(home / "out", home / "copy")
    assert run(toys.plan(home, 'rounds = 3\ntune = ["made"]'), home / "copy") == "3 of 3 rounds are over"
    more = toys.content(home / "copy")
    assert more["rounds"][:2] == found["rounds"]
    assert more["calls"][:6] == found["calls"]
    assert (len(more["rounds"]), len(more["calls"])) == (3, 9)


ANSWERS, TUNING = {(oracle, "put_answers"): 4}, {(tuning, "save_tuned"): 2}
CHOICES, ENDS = {(loop, "put_asked"): 4}, {(loop, "put_round"): 4}


@pytest.mark.parametrize(
    "points", [ANSWERS | TUNING, pytest.param(ANSWERS | TUNING | CHOICES | ENDS, marks=pytest.mark.slow)]
)
def test_stopped_anywhere_it_ends_the_same(whole, monkeypatch, tmp_path, points):
    """points: where a run is stopped, and how often: by turns before and after it is done, in both rounds."""
    home, found, _ = whole
    stops, asked_about = [], []
    for (module, name), most in points.items():
        monkeypatch.setattr(module, name, stopping(getattr(module, name), most, stops))
    answer = oracle.answer
    monkeypatch.setattr(oracle, "answer", lambda one: asked_about.extend(one.numbers) or answer(one))
    plan = toys.plan(home, 'rounds = 2\ntune = ["made"]')
    for _ in range(sum(points.values()) + 1):
        try:
            run(plan, tmp_path / "stopped")
            break
        except KeyboardInterrupt:
            continue
    assert {name: stops.count(name) for _, name in points} == {
        name: most for (_, name), most in points.items()
    }
    assert toys.content(tmp_path / "stopped") == found
    # twice three answers were lost before they were kept
    assert len(asked_about) == 6 + 6


def stopping(function, most, stops):
    """The function, which raises before it does anything, the next time when it is done, and so on."""

    def call(*args, **more):
        count = stops.count(function.__name__)
        if count < most:
            stops.append(function.__name__)
            if count % 2:
                function(*args, **more)
            raise KeyboardInterrupt
        return function(*args, **more)

    return call


def test_another_oracle_is_refused(whole):
    home, _, _ = whole
    REGISTRY["other"] = toys.Toy("other", 0.1)
    plan = toys.plan(home, 'rounds = 2\ntune = ["made"]')
    with pytest.raises(DataError, match="answers of another oracle"):
        run(replace(plan, rounds=replace(plan.rounds, oracle="other")), home / "out")


def test_without_tuning_it_is_another_run(whole):
    home, _, _ = whole
    with pytest.raises(DataError, match=r"'made\.round-2' was made otherwise"):
        run(toys.plan(home, "rounds = 2"), home / "out")


def test_a_folder_of_crystals_is_asked_until_nobody_is_left(whole, tmp_path):
    home, _, _ = whole
    cells = [rocksalt(a, 8, 4.4) for a in (12, 20, 26, 38)] + [caesium_chloride(22, 28, 3.0)]
    write_crystals(tmp_path / "given.extxyz", cells)
    source = f'folder = "{tmp_path / "given.extxyz"}"'
    reason = run(toys.plan(home, "rounds = 9", source), tmp_path / "out")
    found = toys.content(tmp_path / "out")
    assert [one["asked"] for one in found["rounds"]] == [3, 2, 0]
    assert [one["candidates"] for one in found["rounds"]] == [5, 0, 0]
    assert reason == "nobody was left to ask about in round 3"


def test_the_status_says_the_round(whole):
    home, _, _ = whole
    result = CliRunner().invoke(app, ["discover", "status", str(home / "out")], catch_exceptions=False)
    assert result.exit_code == 0
    table = result.output.split("\n\n")[-1].splitlines()
    assert table[0].split()[:6] == ["round", "candidates", "new", "asked", "answered", "found"]
    assert [int(row.split()[0]) for row in table[1:] if row.strip()] == [1, 2]


def test_the_report_has_a_row_for_each_round_and_each_call(whole):
    home, _, _ = whole
    write_report(home / "out")
    page = (home / "out/report.html").read_text()
    assert '<a href="#rounds">Rounds</a>' in page
    tables = page.partition('id="rounds"')[2].partition('id="shortlist"')[0].split("Calls of the oracle")
    assert [table.count("<tr>") - 1 for table in tables] == [2, 6]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_rounds_end_as_undisturbed_ones(tmp_path):
    assert kill("tests.funnel.toys", tmp_path, 20, 0) == "20 kills\n"
