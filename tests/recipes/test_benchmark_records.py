"""Records of benchmark runs: made from an evaluation and a card, checked by the schema, shown on an up-to-date page."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from nucleate.errors import DataError
from nucleate.recipes.registry import get_recipe
from nucleate.runs.model_folder import save_model
from nucleate.sampling.settings import SamplerSettings

yaml = pytest.importorskip("yaml")
pytest.importorskip("jsonschema")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def script(name: str):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def rows(records) -> str:
    """Tables and details of these records, as on the pages of results."""
    csp = script("csp_section")
    return csp.tables(records) + "\n".join(map(csp.details, records))


def estimate(value, n=100):
    return {"value": value, "low": value and value * 0.9, "high": value and value * 1.1, "n": n}


CARD = {
    "data": {"name": "mp_20", "crystals": 1000, "checksums": {"train.parquet": "a" * 64}},
    "parameters": 12345,
    "training": {"steps": 500, "crystals": 32000, "minutes": 3.5},
    "hardware": {"device": "A processor", "devices": 1, "cuda": False, "threads": 2},
    "versions": {"torch": "2.13"},
    "metrics": {},
}
NUMBERS = {
    "match_rate@1": estimate(0.4),
    "rmse@1": estimate(0.06),
    "match_rate@20": estimate(0.7),
    "rmse@20": estimate(0.05),
}
EVALUATION = {
    "geometry": {**NUMBERS, "match_rate@1_mean": estimate(0.39), "metre": estimate(0.5), "crmse": estimate(0.3)},
    "full": {"match_rate@1": estimate(0.0), "rmse@1": estimate(None, 0)},
    "counts": {"reference_rows": 9047, "covered_rows": 100, "samples_per_row": 20, "predictions": 2000},
    "settings": {
        "k": [1, 20], "matcher": {"stol": 0.5}, "pymatgen": "2026", "predictions": "p", "reference": "r",
        "split": "val",
    },
}  # fmt: skip


def make(**changes):
    recipe = get_recipe("kldm-csp-tiny")
    options = {"name": "mp-20-x", "command": "nucleate predict --like data", "seed": 3} | changes
    return script("record").make_record(EVALUATION, CARD, recipe, SamplerSettings("em", 50), **options)


def test_a_record_says_what_was_measured():
    record = make()
    script("record").check(record, "x")
    assert [(one["protocol"], one["k"]) for one in record["results"]] == [
        ("geometry", 1),
        ("geometry", 20),
        ("full", 1),
    ]
    assert record["results"][0]["metre"]["value"] == 0.5
    assert "metre" not in record["results"][1]
    assert (record["sampling"]["nfe"], record["sampling"]["seed"]) == (50, 3)
    assert record["model"]["epochs"] == 32
    assert (record["data"]["judged"], record["data"]["crystals"]) == (100, 9047)
    assert "predictions" not in record["judging"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("data", "split"), "validation", "data/split"),
        (("results", 0, "match_rate", "value"), 40.0, "results/0/match_rate/value"),
        (("sampling", "nfe"), 0, "sampling/nfe"),
        (("command",), "", "command"),
        (("surprise",), 1, "surprise"),
    ],
)
def test_the_schema_refuses(path, value, words):
    record = json.loads(json.dumps(make()))
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(DataError, match=words):
        script("record").check(record, "x.yaml")


def test_the_script_writes_a_record_that_loads(tmp_path, monkeypatch):
    recipe = get_recipe("kldm-csp-tiny", ["torus_transformer.width=32", "torus_transformer.layers=1"])
    save_model(tmp_path / "model", recipe.build(), recipe, CARD)
    (tmp_path / "e.json").write_text(json.dumps(EVALUATION))
    (tmp_path / "results").mkdir()
    out = tmp_path / "results" / "mp-20-x.yaml"
    words = [
        "--evaluation",
        tmp_path / "e.json",
        "--model",
        tmp_path / "model",
        "--command",
        "nucleate x",
        "--out",
        out,
    ]
    monkeypatch.setattr(sys, "argv", ["record.py", *map(str, words), "--method", "ode", "--steps", "20"])
    script("record").main()
    (record,) = script("record").load_results(tmp_path / "results")
    assert record["sampling"]["method"] == "ode"
    text = rows([record])
    assert "| [mp-20-x](runs.md#mp-20-x) | val, tuned on | 1 | 20 | 100 | 0.0 (0.0 to 0.0) | - |" in text
    assert "| geometry | 1 | 40.0 (36.0 to 44.0) | 0.0600 (0.0540 to 0.0660) |" in text
    assert "| KLDM-x0 PC | 65.83 | 0.0517 | 80.18 | 0.0453 |" in text
    out.rename(out.with_name("other.yaml"))
    with pytest.raises(DataError, match=r"other\.yaml is called mp-20-x"):
        script("record").load_results(tmp_path / "results")


def test_a_rate_says_whether_its_split_chose_the_settings():
    page = rows
    assert "| [mp-20-x](runs.md#mp-20-x) | val, tuned on | 1 |" in page([make()])
    assert "| [mp-20-x](runs.md#mp-20-x) | val | 1 |" in page([make(tuned_on=[])])
    old = make()
    del old["data"]["tuned_on"]
    script("record").check(old, "x")
    assert "| val, tuned on | 1 |" in page([old])
    assert "of mp_20 val, tuned on, " in page([make()])


def test_a_record_of_another_data_set_stands_there_and_names_the_one_trained_on():
    record = make(judged_on="mpts_52", tuned_on=[])
    script("record").check(record, "x")
    page = rows([record])
    ours = page[page.index("### MPTS-52") :]
    assert "| [mp-20-x](runs.md#mp-20-x) | val | 1 |" in ours
    assert "min on A processor, 2 threads, on mp_20\n" in page
    assert "on mp_20\n" not in rows([make()])


@pytest.mark.parametrize(("fingerprints", "words"), [(False, "smact, no fingerprints"), (True, "smact")])
def test_a_row_of_smact_says_that_fingerprints_were_not_tested(fingerprints, words):
    evaluation = EVALUATION | {"smact": NUMBERS}
    evaluation["settings"] = EVALUATION["settings"] | {"fingerprints": fingerprints}
    record = script("record").make_record(
        evaluation,
        CARD,
        get_recipe("kldm-csp-tiny"),
        SamplerSettings("em", 50),
        name="x",
        command="nucleate x",
        seed=0,
    )
    text = rows([record])
    assert f"| {words} | 1 |" in text
    assert "| geometry | 1 |" in text


def test_every_record_passes_and_the_pages_are_up_to_date():
    module = script("make_results_page")
    for name, text in module.pages().items():
        assert (module.DOCS / name).read_text() == text, name
