"""A whole evaluation on small data: every sample accounted for, nothing that hangs on order, goes on after a kill."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleate.data.dataset import Dataset
from nucleate.errors import DataError, NucleateError
from nucleate.metrics.dng.evaluate import cache_folder, evaluate
from nucleate.metrics.dng.protocols import PROTOCOLS
from nucleate.metrics.dng.report import DngReport
from nucleate.metrics.dng.samples import Samples
from nucleate.metrics.dng.settings import DngSettings
from nucleate.report.dng_table import rows as table_of
from nucleate.report.dng_text import summary
from nucleate.report.html.page import page
from nucleate.work import Work
from tests.metrics.dng.small_data import data_set, samples

ROOT = Path(__file__).parents[3]
QUICK = DngSettings(relax="emt", coverage=False, resamples=20)
"""ASE's toy potential of a few metals: it knows copper and gold, and no salt."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    return data_set(tmp_path_factory.mktemp("data") / "small")


@pytest.fixture(scope="module")
def report(dataset):
    made = samples()
    return evaluate(Samples.of(made.values(), list(made)), dataset, QUICK)


def rows_of(report) -> dict:
    return {row["id"]: row for row in table_of(report)}


def test_every_sample_is_judged_as_it_is(report):
    rows = rows_of(report)
    assert list(rows) == list(samples())
    assert rows["copper"]["cluster"] == rows["copper again"]["cluster"] in ("copper", "copper again")
    assert rows["copper"]["unique"] + rows["copper again"]["unique"] == 1
    assert [name for name, row in rows.items() if row["novel"]] == ["cuau3", "salt", "collapsed"]
    assert rows["cu3au"]["matched_id"] == "train-3"
    assert rows["collapsed"]["valid_classic"] is False
    assert rows["salt"]["energy_above_hull"] is None
    assert rows["unreadable"]["problem"] == "not given"
    assert rows["unreadable"]["novel"] is False
    assert rows["copper"]["energy_above_hull"] == pytest.approx(0, abs=0.01)
    assert rows["copper"]["space_group"] is not None


def test_coverage_says_its_counts_and_what_real_crystals_score_beside_the_headline(dataset):
    settings = DngSettings(protocol="classic", relax="none", reference_limit=6, resamples=20)
    report = evaluate(list(samples().values()), dataset, settings)
    text = summary(report)
    assert "against 6 of 10 reference crystals; real crystals " in text
    assert "COV-R and COV-P are against 6 of 10 crystals of val" in text
    assert "real crystals: " in page(report)
    assert report.families["coverage"].settings["real_crystals"] == 4
    whole = evaluate(list(samples().values()), dataset, replace(settings, reference_limit=None))
    assert "COV-R and COV-P are against" not in summary(whole)
    assert report.protocol.to_dict()["composition_scale"] == "cdvae"


def test_the_protocol_sets_the_lowest_stable_energy(report):
    stability = report.families["stability"]
    assert stability.settings["far_below"] == report.protocol.to_dict()["far_below"] == -0.1
    assert stability.measures["far_below_hull"].of == "supported"
    assert "Energy above hull, median" in summary(report)


def test_the_funnel_counts_the_table(report):
    rows = table_of(report)
    counts = {step.name: step.count for step in report.funnel}
    assert counts["generated"] == 7
    assert counts["parsed"] == 6
    assert counts["valid"] == 5
    assert counts["relaxed"] == counts["placed"] == 4
    assert counts["novel"] <= counts["unique"] <= counts["stable"] <= 4
    passed = [r for r in rows if r["valid_classic"] and r["stable_0.1"] and r["unique"] and r["novel"]]
    assert counts["novel"] == len(passed)


def test_joint_numbers_count_the_table(report):
    rows = table_of(report)
    for name, column in (("sun", "stable_0"), ("msun", "stable_0.1")):
        count = sum(bool(r[column] and r["unique"] and r["novel"]) for r in rows)
        estimate = report.measure("joint", name).estimate
        assert estimate.value == pytest.approx(count / 7)
        assert estimate.n == 7
        assert sum(bool(r[name]) for r in rows) == count
    assert report.measure("joint", "unique_novel").estimate.value == pytest.approx(3 / 7)
    assert report.measure("joint", "valid_unique_novel").estimate.value == pytest.approx(2 / 7)


def test_relaxed_structures_are_there_where_they_were_relaxed(report):
    relaxed = dict(zip(report.samples.ids, report.relaxed, strict=True))
    assert {name for name, cell in relaxed.items() if cell is not None} == {
        "copper", "copper again", "cu3au", "cuau3",
    }  # fmt: skip
    volumes = [abs(np.linalg.det(relaxed[name].lattice)) / 4 for name in ("copper", "copper again")]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.02)
    assert report.notes == [
        "Structures are compared relaxed; 2 that were not relaxed are compared as generated."
    ]


def test_every_share_has_a_denominator_and_every_report_a_protocol(report):
    content = json.loads(json.dumps(report.to_dict(), default=str))
    for family in content["families"].values():
        for name, one in family["measures"].items():
            assert one["of"], name
            assert one["description"], name
            if one["value"] is not None and one["share"]:
                assert 0 <= one["low"] <= one["value"] <= one["high"] <= 1, name
    assert content["settings"]["reference_checksums"]["train.parquet"]
    assert content["settings"]["seed"] == 0
    assert content["protocol"]["thresholds"] == [0.1, 0.0]


def test_the_order_of_samples_changes_no_number(report, dataset):
    made = list(samples().items())
    mixed = [made[i] for i in (4, 6, 1, 0, 5, 3, 2)]
    other = evaluate(Samples.of([cell for _, cell in mixed], [name for name, _ in mixed]), dataset, QUICK)
    first, second = report.to_dict(), other.to_dict()
    assert first["headline"] == second["headline"]
    assert first["funnel"] == second["funnel"]
    for name, family in first["families"].items():
        assert family["measures"] == second["families"][name]["measures"], name
    assert rows_of(report) == rows_of(other)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_measures_its_headline(report, dataset, protocol):
    if protocol == "classic":
        pytest.importorskip("matminer")
        settings = replace(QUICK, protocol=protocol, relax="none", coverage=True)
        report = evaluate(list(samples().values()), dataset, settings)
        assert "stability" not in report.families
    else:
        report = replace(report, protocol=PROTOCOLS[protocol])
    missing = [one.name for one in report.headline if one.measure is None]
    assert not missing


def test_without_relaxation_the_report_says_so(dataset):
    report = evaluate(list(samples().values()), dataset, replace(QUICK, relax="none"))
    assert [step.name for step in report.funnel] == ["generated", "parsed", "valid", "unique", "novel"]
    assert report.measure("joint", "sun") is None
    assert "not measured" in summary(report)
    assert "unlike mattergen asks for" in report.notes[0]


def test_a_report_is_made_even_if_nothing_is_readable(dataset):
    report = evaluate([None, None], dataset, QUICK)
    assert [step.count for step in report.funnel] == [2, *[0] * (len(report.funnel) - 1)]
    assert report.measure("joint", "msun").estimate.value == 0
    assert "No sample can be drawn." in page(report)
    assert "2 samples, 0 readable" in summary(report, full=True)


def test_a_limit_of_the_reference_is_a_part_of_it(dataset):
    report = evaluate(list(samples().values()), dataset, replace(QUICK, relax="none", reference_limit=4))
    assert report.settings["reference_limit"] == 4
    assert report.families["distributions"].settings["reference_crystals_used"] == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "test"}, "has no split 'test'"),
        ({"novel_against": "test"}, "has no split 'test'"),
        ({"protocol": "best"}, "no protocol is called 'best'"),
        ({"relax": "magic"}, "no potential is called 'magic'"),
        ({"reference_limit": 0}, "--reference-limit must be at least 1; got 0"),
    ],
)
def test_wrong_settings_are_errors_of_the_user(dataset, change, message):
    with pytest.raises(NucleateError, match=message) as error:
        evaluate(list(samples().values())[:2], dataset, replace(QUICK, **change))
    assert error.value.hint


def test_missing_samples_and_unwritable_results_are_errors(dataset, tmp_path):
    with pytest.raises(DataError, match="no samples to judge"):
        evaluate([], dataset, QUICK)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="can't be kept in"):
        evaluate(list(samples().values()), dataset, QUICK, work=Work(cache=tmp_path / "file" / "cache"))


def test_intermediate_results_are_stored_beside_the_samples(tmp_path, monkeypatch):
    assert cache_folder(tmp_path / "samples") == tmp_path / ".nucleate-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert cache_folder(tmp_path / "samples") == tmp_path / "own" / "nucleate"


def test_fingerprints_of_real_crystals_are_made_once_for_all_evaluations(dataset, tmp_path):
    pytest.importorskip("matminer")
    settings, shared = replace(QUICK, relax="none", coverage=True), tmp_path / "shared"
    made: list[int] = []

    def told(stage: str, done: int, total: int) -> None:
        if stage == "fingerprints":
            made.append(total)

    def judged(cache: str, real_cache: Path | None, cells: slice = slice(None)) -> DngReport:
        made.clear()
        chosen = list(samples().values())[cells]
        return evaluate(chosen, dataset, settings, Work(progress=told, cache=tmp_path / cache), real_cache)

    first = judged("a", shared)
    real = len(dataset.split("val")) - 1  # two of them are alike
    assert real in made
    again = judged("b", shared)
    assert real not in made, "real crystals were done again"
    assert again.to_dict()["headline"] == first.to_dict()["headline"]
    judged("c", None)
    assert real in made
    judged("c", tmp_path / "other")
    assert not made, "what an evaluation kept before is used"


RUN = """
import json, os, signal, sys
from pathlib import Path
from nucleate.data.dataset import Dataset
from nucleate.energies import relax as relaxing
from nucleate.metrics.dng.evaluate import evaluate
from nucleate.metrics.dng.settings import DngSettings
from nucleate.report.dng_table import rows as table_of
from nucleate.work import Work
from tests.metrics.dng.small_data import samples

dataset, cache, kill = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
done, whole = [], relaxing._descend
def descend(*words):
    if len(done) == kill:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(words)
    return whole(*words)
relaxing._descend = descend
settings = DngSettings(relax="emt", coverage=False, resamples=20)
report = evaluate(list(samples().values()), Dataset.open(dataset), settings, Work(cache=cache))
content = report.to_dict()
print(json.dumps([len(done), content["headline"], content["funnel"], table_of(report)], default=str))
"""


def test_a_killed_evaluation_resumes(dataset, tmp_path):
    def run(cache: str, kill: int) -> subprocess.CompletedProcess:
        words = [sys.executable, "-c", RUN, str(dataset.path), str(tmp_path / cache), str(kill)]
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run("a", 3).returncode == -9
    resumed, undisturbed = run("a", 99), run("b", 99)
    assert resumed.returncode == undisturbed.returncode == 0, resumed.stderr + undisturbed.stderr
    first, second = json.loads(resumed.stdout), json.loads(undisturbed.stdout)
    assert second[0] - first[0] == 3
    assert first[1:] == second[1:]


def test_without_a_reference_the_independent_metrics_are_measured():
    report = evaluate(list(samples().values()), None, replace(QUICK, relax="none"))
    assert set(report.families) == {"validity", "diversity", "symmetry", "uniqueness"}
    assert report.settings["reference"] is None
    assert "judged without a reference" in summary(report)
    assert "judged without a reference" in page(report)
    assert report.funnel[0].count == len(samples())


def test_without_a_reference_nothing_is_called_unstable():
    report = evaluate(list(samples().values()), None, QUICK)
    stability = report.families["stability"]
    assert "relaxed" in stability.measures
    assert not [name for name in stability.measures if name.startswith(("stable", "energy_above_hull"))]
    assert report.measure("stability", "stable_0.1") is None
    assert [step.name for step in report.funnel][-2:] == ["relaxed", "unique"]
