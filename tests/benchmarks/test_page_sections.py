"""Parts of the page of results: old records are read too."""

from __future__ import annotations

import json

import yaml
from benchmarks.answers_section import answers
from benchmarks.experiments_section import experiments
from benchmarks.families_section import kinds_of_models
from benchmarks.page_sections import ablations
from benchmarks.retrieval_section import retrieval
from benchmarks.summary_section import summary
from benchmarks.ways_section import invention_curve

RECORD = {
    "title": "Ablations", "source": "a paper", "protocol": "geometry", "crystals": 5, "nfe": 10, "hardware": "a CPU",
    "command": "python ablations.py",
}  # fmt: skip


def test_ablations_of_older_records_are_on_the_page(tmp_path):
    (tmp_path / "ablations").mkdir()
    curve = [{"step": 7, "match_rate": 0.25, "standard_error": None, "seeds": 1}]
    for name in ("cells", "variants"):
        found = {**RECORD, name: {f"by {name}": {"settings": [], "curve": curve}}}
        (tmp_path / "ablations" / f"{name}.yaml").write_text(yaml.safe_dump(found))
    text = ablations(tmp_path)
    assert "| by cells | 7 | 25.0 | - | 1 |" in text
    assert "| by variants | 7 | 25.0 | - | 1 |" in text


def test_retrieval_has_a_row_for_each_record(tmp_path):
    assert retrieval(tmp_path) == ""
    rate = {"value": 0.25, "low": 0.1, "high": 0.4}
    every = {
        "compositions": 8,
        **{f"match_rate@{k}": rate for k in (1, 3, 5, 20)},
        "rmse@1": {"value": 0.0314},
    }
    record = {"data": "perov_5", "split": "val", "sources": ["perov_5"], "removed": "", "answers": 6.5}
    for name, parts in ("a", {"all": every}), ("b", {"all": every, "formula not in the index": every}):
        text = json.dumps({**record, "command": f"python retrieval.py {name}", "parts": parts})
        (tmp_path / f"retrieval-{name}.json").write_text(text)
    first, second = (line for line in retrieval(tmp_path).splitlines() if line.startswith("| perov_5"))
    rates = " | ".join(["25.0 (10.0 to 40.0)"] * 4)
    assert first == f"| perov_5, val | perov_5 | 8 | {rates} | 0.031 | 6.5 | 0 | - |"
    assert second.endswith("| 8 | 25.0 (10.0 to 40.0) |")


def test_answers_name_what_was_not_right(tmp_path):
    assert answers(tmp_path) == ""
    record = {
        "of": 3,
        "right_at_rank_1": 1,
        "ranks": {"A": [1, 4], "B": [2], "C": []},
        "command": "python t.py",
    }
    (tmp_path / "textbook-answers.json").write_text(json.dumps({**record, "seconds_each": 1.5}))
    assert "| answers, without a potential | 3 | 1 | B (2), C (not found) | 1.5 |" in answers(tmp_path)


def test_the_summary_says_which_way_was_best_and_of_how_many(tmp_path):
    assert summary(tmp_path).count("\n") == 2
    low, high = ({"value": v, "low": 0.0, "high": 1.0} for v in (0.1, 0.3))
    ways = {
        "nothing": {"hit": low, "over_data": 1.0, "drawn": 8},
        "pull": {"hit": high, "over_data": 3.0, "drawn": 9},
    }
    (tmp_path / "targets.json").write_text(
        json.dumps({"targets": {"gap": {"title": "a gap", "methods": ways}}})
    )
    text = summary(tmp_path)
    assert (
        "| Asked for a gap, how many have it? | 30.0 (0.0 to 100.0) %, 3 times as many as of the data |"
        in text
    )
    assert "pull, the best of 2 ways; 9 draws" in text


def test_experiments_are_compared_composition_by_composition(tmp_path):
    assert experiments(tmp_path) == ""
    row = {
        "match_rate": {"value": 0.5, "low": 0.2, "high": 0.8}, "rmse": None, "crmse": 0.4, "right_cells": 0.25,
        "usable": 1.0, "losses": {"val/frac": 0.7, "val/lattice": 0.3}, "step_of_base": 1.0, "epochs": 2,
        "by_atoms": {key: {"n": 0, "match_rate": None} for key in ("<=4", "5-8", "9-12", "13-16", "17-20")},
        "matched": [1, 1, 0, 0],
    }  # fmt: skip
    rows = {"base": row, "other": {**row, "matched": [0, 1, 1, 1], "rmse": 0.125}}
    record = {"recipe": "r", "crystals": 4, "title": "At one cost", "command": "python e.py", "rows": rows}
    (tmp_path / "experiments.json").write_text(json.dumps(record))
    base, other = (
        line for line in experiments(tmp_path).splitlines() if line.startswith(("| base", "| other"))
    )
    assert "| 50.0 (20.0 to 80.0) | - | - | 0.400 | 25.0 | 100.0 |" in base
    assert "| 2, 1 | 0.125 |" in other
    assert "| 0.700, 0.300 | 1.00 | 2 |" in other


def test_seeds_of_an_experiment_are_one_row_beside_the_base_of_the_same_seed(tmp_path):
    def row(seed: int, matched: list[int], rmse: float) -> dict:
        rate = {"value": sum(matched) / 4, "low": 0.0, "high": 1.0}
        sizes = {
            key: {"n": 4, "match_rate": rate["value"]} for key in ("<=4", "5-8", "9-12", "13-16", "17-20")
        }
        return {"seed": seed, "match_rate": rate, "rmse": rmse, "crmse": 0.4, "right_cells": 0.25, "usable": 1.0,
                "losses": {"val/frac": 0.7, "val/lattice": 0.3}, "step_of_base": 1.0, "epochs": 2,
                "by_atoms": sizes, "matched": matched}  # fmt: skip

    rows = {
        "base": row(0, [1, 1, 0, 0], 0.1), "base, seed 1": row(1, [0, 0, 0, 1], 0.2),
        "more": row(0, [1, 0, 0, 0], 0.2), "more, seed 1": row(1, [1, 1, 1, 0], 0.4),
        "more, seed 2": row(2, [1, 1, 1, 1], 0.6),
    }  # fmt: skip
    record = {"recipe": "r", "crystals": 4, "title": "At one cost", "command": "python e.py", "rows": rows}
    (tmp_path / "experiments.json").write_text(json.dumps(record))
    base, more = (one for one in experiments(tmp_path).splitlines() if one.startswith(("| base", "| more")))
    assert base.startswith("| base | 2 | 37.5 (50.0, 25.0) | - | 0.150 |")
    assert more.startswith("| more | 3 | 66.7 (25.0, 75.0, 100.0) | 3, 2 | 0.400 |")


def test_the_curve_of_inventions_has_a_row_for_each_point(tmp_path):
    assert invention_curve(tmp_path) == ""
    share = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 4, "share": True}
    point = {"nfe": 8, "seconds": 12.6, "P1": share, "elements W1": {**share, "share": False}}
    record = {"crystals": 4, "models": {"a": [point], "b": [point]}, "command": "python c.py"}
    (tmp_path / "invention-curve.json").write_text(json.dumps(record))
    lines = invention_curve(tmp_path).splitlines()
    assert "| model | NFE | P1 % | elements W1 | seconds |" in lines
    assert "| b | 8 | 50.0 (25.0 to 75.0) | 0.50 (0.25 to 0.75) | 13 |" in lines


def estimate(value: float | None) -> dict[str, object]:
    return {"value": value, "n": 8, "low": 0.1, "high": 0.9} if value is not None else {"value": None}


def test_kinds_of_models_have_a_row_each_and_failures_are_told(tmp_path):
    assert kinds_of_models(tmp_path) == ""
    model = {
        "recipe": "cdvae-fast-small",
        "parameters": 971_679,
        "steps": 450,
        "crystals": 57_600,
        "seconds": 60.2,
    }
    task = {"models": [{**model, "preparation": None}], "spent": [{"crystals": 8, "failures": 2, "seconds": 2.0}],
            "per_second": 4.0, "answered": 0.8}  # fmt: skip
    made = {"structure": 1.0, "composition": 0.5, "density": 0.25, "unique_novel": 0.75}
    row = {
        "title": "CDVAE, fast", "kind": "variational", "told": "a latent space", "errors": {"1": "no luck"},
        "csp": {**task, "numbers": {"match_rate": estimate(0.125), "rmse": estimate(None)}},
        "dng": {**task, "numbers": {name: estimate(value) for name, value in made.items()}},
    }  # fmt: skip
    record = {
        "command": "nucleate benchmark families data/perov_5", "hardware": "a CPU", "seeds": 1, "minutes": 1,
        "seconds": 15, "crystals": 8, "compositions": 8, "references": None, "relaxed": 0,
        "results": {"perov_5": {"cdvae": row}},
    }  # fmt: skip
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "perov-5.json").write_text(json.dumps(record))
    lines = kinds_of_models(tmp_path).splitlines()
    mine = [line for line in lines if line.startswith("| CDVAE, fast |")]
    assert mine[0].startswith(
        "| CDVAE, fast | 0.97 M | 10 | 4 | 12.5 | - | 10 | 4 | 80.0 | 100.0 | 50.0 | - | - | 0.250"
    )
    assert mine[1] == "| CDVAE, fast | cdvae-fast-small | 450 | 57,600 | 60 | - |"
    assert "CDVAE, fast failed: no luck" in lines
    assert "| Perov-5 | CDVAE, fast | variational | 250 | 75.0 | - | a latent space |" in lines
    assert "| CDVAE, fast, ours, Perov-5 | 100.0 | 50.0 | - | - | 0.250 | - |" in lines


def test_seeds_of_a_family_are_one_row_and_missing_ones_are_told(tmp_path) -> None:
    def model(steps: int, preparation: float | None) -> dict:
        return {"recipe": "ftcp-small", "parameters": 840_000, "steps": steps, "crystals": 100 * steps,
                "seconds": 60.0, "preparation": preparation}  # fmt: skip

    def row(title: str, *models: dict) -> dict:
        spent = [{"crystals": 8, "failures": 0, "seconds": 2.0}] * len(models)
        task = {"models": list(models), "spent": spent, "per_second": 4.0, "answered": 1.0, "numbers": {}}
        stable = {
            "models": list(models),
            "numbers": {"sun": {"value": 0.25, "n": 60, "low": 0.2, "high": 0.3}},
        }
        return {"title": title, "kind": "variational", "told": "", "errors": {}, "dng": task, "sun": stable}

    rows = {"ftcp": row("FTCP", model(100, 1.0), model(110, None)), "gan": row("GAN", model(7, None))}
    record = {"command": "nucleate", "hardware": "a CPU, native bfloat16", "seeds": 2, "minutes": 1,
              "seconds": 15, "crystals": 8, "compositions": 8, "references": None, "relaxed": 60,
              "results": {"mp_20": rows}}  # fmt: skip
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "mp-20.json").write_text(json.dumps(record))
    text = kinds_of_models(tmp_path)
    assert "| FTCP | ftcp-small | 105 | 10,500 | 60 | 1 |" in text
    assert "| GAN | ftcp-small | 7 | 700 | 60 | - |" in text
    assert "a CPU, native bfloat16. S.U.N. of 60 at most, relaxed with CHGNet. Fewer seeds: GAN 1." in text
    assert "| MP-20 in bfloat16 | FTCP | variational | 250 | - | 25.0 |  |" in text
