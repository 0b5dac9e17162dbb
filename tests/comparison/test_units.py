"""The cross benchmark: what is run, that it resumes and shards, and what is made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nucleate.comparison.collect import collect, crmse
from nucleate.comparison.plan import DIAGONAL, PLAIN, SAMPLERS, Plan, cross_entries, recipe_entries
from nucleate.comparison.units import Measurement, measurements, run_unit
from nucleate.errors import RecipeError
from nucleate.recipes.base import scaled
from nucleate.recipes.cross import CELLS, COORDINATES
from nucleate.runs.devices import Hardware
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import to_dict
from nucleate.work import Work
from tests.training.tiny import SHRINK, mixed_sizes, random_table, write_dataset

ASSIGNMENTS = [*SHRINK, "training.slices=1"]
CPU = Hardware(accelerator="cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "made"
    return write_dataset(folder, train=random_table(mixed_sizes(24)), val=random_table(mixed_sizes(6, 1), 1))


def plan_of(data: Path, *pairs: str, **changes) -> Plan:
    entries = cross_entries(list(pairs), "cross-mini", ASSIGNMENTS)
    few = tuple(
        replace(e, samplers=dict(list(e.samplers.items())[:2]), plain=tuple(e.samplers)[1:2]) for e in entries
    )
    settings = {"seeds": 2, "epochs": 1, "nfe": (2, 4), "limit": 4, "top": 2, "top_nfe": 2}
    return Plan((data,), few, **(settings | changes))


def test_every_pair_builds_and_has_samplers():
    entries = cross_entries([], "cross-mini", ASSIGNMENTS)
    assert len(entries) == len(COORDINATES) * len(CELLS) == 15
    for entry in entries:
        model = entry.recipe.build()
        assert sum(p.numel() for p in model.parameters()) > 0
    assert set(SAMPLERS) == set(PLAIN) == set(COORDINATES)
    assert all(set(PLAIN[name]) <= set(SAMPLERS[name]) for name in PLAIN)
    assert set(DIAGONAL.values()) <= {entry.name for entry in entries}


@pytest.mark.parametrize("name", ["kinetic", "kinetic/none", "none/vp-x0", "vp-x0/kinetic"])
def test_an_unknown_pair_is_refused(name):
    with pytest.raises(RecipeError, match="is not a pair") as caught:
        cross_entries([name], "cross-mini", [])
    assert "kinetic" in caught.value.hint


def test_a_base_that_is_no_cross_recipe_is_refused():
    with pytest.raises(RecipeError, match="kldm-csp-tiny"):
        cross_entries([], "kldm-csp-tiny", [])


def test_recipes_are_compared_with_their_own_samplers():
    (entry,) = recipe_entries(["flowmm-csp-tiny"], [])
    assert entry.samplers["its own"] == entry.recipe.sampler
    assert set(entry.samplers) == {
        "its own",
        "Heun",
        "multistep",
        "ODE",
        *(f"ODE, annealed {k}" for k in (2, 5, 10)),
    }


def test_units_come_seed_by_seed(data):
    plan = plan_of(data, "kinetic/vp-x0", "geodesic/informed-flow")
    assert [(u.entry.name, u.seed) for u in plan.units()] == [
        ("kinetic/vp-x0", 0), ("geodesic/informed-flow", 0), ("kinetic/vp-x0", 1), ("geodesic/informed-flow", 1),
    ]  # fmt: skip
    assert [u.recipe.training.seed for u in plan.units()] == [0, 0, 1, 1]
    assert len({u.folder(Path("x")) for u in plan.units()}) == 4


def test_first_seeds_are_measured_at_every_cost_and_the_others_at_the_largest(data):
    plan = plan_of(data, "kinetic/vp-x0")
    first, second = ([(p.name, p.samples) for p in measurements(plan, unit)] for unit in plan.units())
    assert first == [("pc-2-k1", 1), ("pc-4-k1", 1), ("em-2-k1", 1), ("em-4-k1", 1), ("pc-2-k20", 20)]
    assert second == [("em-4-k1", 1), ("em-2-k20", 20)]


def test_samplers_are_compared_in_one_pair_of_each_process_of_the_coordinates(data):
    entries = cross_entries(["geodesic/vp-x0", "geodesic/informed-flow", "kinetic/vp-x0"], "cross-mini", [])
    assert [entry.swept for entry in entries] == [True, False, True]


def test_a_unit_is_trained_measured_and_not_done_twice(data, tmp_path):
    plan = plan_of(data, "geodesic/informed-flow", seeds=1)
    (unit,), told = plan.units(), []
    assert run_unit(plan, unit, tmp_path, CPU, Work(), told.append)
    folder = unit.folder(tmp_path)
    files = sorted(path.name for path in folder.glob("*.json"))
    assert files == sorted(f"{p.name}.json" for p in measurements(plan, unit))
    before = {name: (folder / name).stat().st_mtime_ns for name in files}
    (folder / files[0]).unlink()
    assert run_unit(plan, unit, tmp_path, CPU, Work(), told.append)
    after = {name: (folder / name).stat().st_mtime_ns for name in files}
    assert [name for name in files if before[name] != after[name]] == files[:1]
    assert len(told) == 2
    one = json.loads((folder / "ode-4-k1.json").read_text())
    assert one["nfe"] == 4
    assert one["crystals"] == 4
    assert 0 <= one["match_rate@1"]["value"] <= 1
    record = collect(plan, tmp_path)["made"]["geodesic/informed-flow"]
    assert record["seeds"] == [0]
    assert {(p["sampler"], p["nfe"], p["samples"]) for p in record["points"]} >= {
        ("ODE", 2, 1),
        ("ODE", 4, 1),
        ("ODE", 2, 20),
    }
    assert record["training"][0]["step"] == 3


def test_a_measurement_of_another_sampler_or_of_other_crystals_does_not_count(tmp_path):
    point = Measurement("its own", SamplerSettings(method="ode", steps=4), 4, 1)
    assert point.found(tmp_path) is None
    (tmp_path / f"{point.name}.json").write_text('{"settings": {')
    assert point.found(tmp_path) is None
    values = {"settings": to_dict(point.settings), "asked": 4, "crystals": 3}
    path = tmp_path / f"{point.name}.json"
    path.write_text(json.dumps(values))
    assert point.found(tmp_path) == values
    assert replace(point, crystals=5).found(tmp_path) is None
    assert replace(point, settings=replace(point.settings, anneal_frac=5.0)).found(tmp_path) is None
    del values["settings"]["grid"], values["asked"]
    path.write_text(json.dumps(values))
    assert point.found(tmp_path) is None
    assert replace(point, crystals=3).found(tmp_path) == values
    karras = replace(point, crystals=3, settings=replace(point.settings, grid="karras"))
    assert karras.found(tmp_path) is None


def write_point(plan: Plan, folder: Path, sampler: str, nfe: int, rates: tuple[float, float]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        key: {"value": x, "low": x - 0.1, "high": x + 0.1, "n": 4}
        for key, x in zip(("match_rate@1", "rmse@1"), rates, strict=True)
    }
    settings = to_dict(scaled(plan.entries[0].samplers[sampler], nfe))
    found = {"sampler": sampler, "settings": settings, "nfe": nfe, "samples": 1, "crystals": 4, **values}
    (folder / f"{sampler.lower()}-{nfe}-k1.json").write_text(json.dumps(found))


def test_means_errors_and_choices(data, tmp_path):
    """The noisy setting matches most, and is not the best; the cheapest is as good as the best within 0.01."""
    plan = plan_of(data, "kinetic/vp-x0", top=0)
    zero, one = (unit.folder(tmp_path) for unit in plan.units())
    for folder in (zero, one):
        (folder / "run").mkdir(parents=True)
        (folder / "run" / "metrics.jsonl").write_text(
            '{"step": 3, "seconds": 1.5, "crystals_per_second": 20.0, "val/total": 0.7}\n'
        )
    write_point(plan, zero, "PC", 2, (0.80, 0.45))
    write_point(plan, zero, "PC", 4, (0.50, 0.20))
    write_point(plan, zero, "EM", 2, (0.605, 0.158))
    write_point(plan, zero, "EM", 4, (0.60, 0.15))
    write_point(plan, one, "EM", 4, (0.62, 0.17))
    found = collect(plan, tmp_path)["made"]["kinetic/vp-x0"]
    rows = {(p["sampler"], p["nfe"]): p for p in found["points"]}
    assert rows[("EM", 4)]["match_rate@1"] == pytest.approx(0.61)
    assert rows[("EM", 4)]["match_rate@1 error"] == pytest.approx(0.01)
    assert rows[("PC", 2)]["match_rate@1 interval"] == pytest.approx([0.7, 0.9])
    assert crmse(rows[("PC", 2)]) == pytest.approx(0.8 * 0.45 + 0.2 * 0.5)
    assert (found["best"]["sampler"], found["best"]["nfe"]) == ("EM", 4)
    assert (found["cheapest"]["sampler"], found["cheapest"]["nfe"]) == ("EM", 2)
    assert found["training"][0] == {"step": 3, "seconds": 1.5, "crystals_per_second": 20.0, "val/total": 0.7}


def test_without_a_match_crmse_is_the_tolerance():
    assert crmse({"match_rate@1": 0.0, "rmse@1": None}) == 0.5


def test_pairs_without_results_are_left_out(data, tmp_path):
    assert collect(plan_of(data, "kinetic/vp-x0"), tmp_path) == {"made": {}}
