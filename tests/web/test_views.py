"""Curves, reports, trajectories, distances, distributions, phase diagrams and funnels: as the readers have them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from starlette.testclient import TestClient

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.data.extxyz import frame_text
from nucleate.data.writing import write_dataset
from nucleate.web import live
from nucleate.web.app import make_app
from nucleate.web.comparing import distances
from nucleate.web.distributions import distributions
from nucleate.web.library import Library
from nucleate.web.phases import phase_diagram
from nucleate.web.readers import of_dataset
from nucleate.web.routes import Shown
from tests.web.folders import FCC, data_set, perovskite, rocksalt


def client(folder) -> tuple[TestClient, dict[str, str]]:
    library = Library([folder])
    return TestClient(make_app(Shown(library))), {entry.kind: entry.key for entry in library.entries()}


def run_folder(folder, rows):
    folder.mkdir(exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.toml").write_text('name = "kldm"\n')
    return folder


def test_curves_of_a_run(tmp_path):
    rows = [{"step": n, "train/frac": 1 / n, "seconds": float(n)} for n in range(1, 6)] + [
        {"step": 5, "val/frac": 0.5}
    ]
    run_folder(tmp_path / "run", rows)
    page, keys = client(tmp_path)
    answer = page.get(f"/api/run/{keys['run']}").json()
    assert answer["series"]["train/frac"] == {
        "steps": [1, 2, 3, 4, 5],
        "values": [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5],
    }
    assert answer["series"]["val/frac"] == {"steps": [5], "values": [0.5]}
    assert (answer["lines"], answer["alive"]) == (6, True)
    assert "kldm" in answer["recipe"]


def test_long_curves_are_thinned_and_keep_their_ends():
    found = live.curves([{"step": n, "loss": float(n)} for n in range(10_001)])["loss"]
    assert len(found["steps"]) <= live.POINTS + 1
    assert (found["steps"][0], found["steps"][-1]) == (0, 10_000)


def test_lines_that_are_added_come_as_events(tmp_path, monkeypatch):
    import anyio

    folder = run_folder(tmp_path / "run", [{"step": 1, "loss": 1.0}])
    monkeypatch.setattr(live, "PAUSE", 0.01)

    async def listen() -> list[str]:
        said = []
        async for event in live.events(folder, 1):
            said.append(event)
            if len(said) == 1:
                with (folder / "metrics.jsonl").open("a") as file:
                    file.write('{"step": 2, "loss": 0.5}\n')
            if len(said) == 2:
                return said
        return said

    begun = time.monotonic()
    # a browser of another test may have left a loop in this thread
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(anyio.run, listen).result()
    assert json.loads(said[1].removeprefix("data: ")) == [{"step": 2, "loss": 0.5}]
    assert time.monotonic() - begun < 20


def test_frames_of_a_trajectory(tmp_path):
    folder = tmp_path / "trajectories"
    folder.mkdir()
    text = "".join(
        frame_text(*rocksalt(12, 8, 4 + 0.1 * n), {"t": f"{n / 4:.4f}", "energy_per_atom": -n})
        for n in range(5)
    )
    (folder / "MgO-000.extxyz").write_text(text)
    page, keys = client(tmp_path)
    answer = page.get(f"/api/trajectory/{keys['trajectories']}/0").json()
    assert answer["files"] == ["MgO-000"]
    assert [frame["t"] for frame in answer["frames"]] == [0, 0.25, 0.5, 0.75, 1]
    assert [frame["energy"] for frame in answer["frames"]] == [0, -1, -2, -3, -4]
    assert answer["frames"][0]["volume"] == pytest.approx(8)
    assert page.get(f"/api/trajectory/{keys['trajectories']}/1").status_code == 404


def test_distances_of_pinned_crystals(page, keys):
    wanted = "&".join(f"c={keys['answers']}:{row}" for row in (0, 1)) + f"&c={keys['salts']}:8"
    answer = page.get(f"/api/compare?{wanted}").json()
    assert [one["values"]["formula"] for one in answer["crystals"]] == ["ZnSe", "ZnSe", "SrTiO3"]
    table = answer["distances"]
    # from zinc blende to rock salt one atom of two moves by a quarter of the body diagonal, a sqrt(3)/4: less the mean
    # half of it, and (volume / atoms)^(1/3) is a/2
    assert table[0][1]["rms"] == pytest.approx(3**0.5 / 4, abs=1e-6)
    assert table[0][2]["same_formula"] is False
    assert table[0][0] is None
    assert page.get(f"/api/compare?c={keys['salts']}:99").status_code == 404
    assert page.get("/api/compare?" + "&".join(["c=x:0"] * 5)).status_code == 400


def test_a_crystal_is_at_no_distance_from_its_supercell_and_at_the_known_one_from_a_moved_one():
    cell = perovskite()
    moved = Cell(cell.species, cell.frac + 0.05 * np.outer(np.arange(5) == 1, [0, 0, 1]), cell.lattice)
    doubled = Cell(
        np.tile(cell.species, 2),
        np.concatenate([cell.frac, cell.frac + np.array([0, 0, 1])]) / np.array([1, 1, 2]),
        cell.lattice * np.array([[1], [1], [2]]),
    )
    table = distances([cell, moved, doubled])
    assert table[0][2]["rms"] == pytest.approx(0, abs=1e-6)
    assert table[0][2]["geometry"] == pytest.approx(0, abs=1e-6)
    # one of five atoms moves by d: less the mean, the RMS is d sqrt(4/25)
    assert table[0][1]["rms_length"] == pytest.approx(0.05 * 3.9 * 0.4, rel=1e-3)


def test_distributions_are_shares(tmp_path):
    listing = of_dataset(data_set(tmp_path / "salts"))
    found = {one["title"]: one for one in distributions(listing, np.arange(8), listing)}
    elements = dict(zip(found["elements"]["labels"], found["elements"]["samples"], strict=True))
    assert elements["O"] == pytest.approx(2 / 8)
    systems = dict(zip(found["crystal systems"]["labels"], found["crystal systems"]["samples"], strict=True))
    assert systems["cubic"] == 1
    assert sum(found["band gap"]["samples"]) == pytest.approx(1)


def oxides(folder):
    """MgO at -3 eV/atom, MgO2 at -1.9 and Mg3O at -1 above its lines to the elements, and a crystal of others."""
    dioxide = Cell(np.array([12, 8, 8]), np.array([[0, 0, 0], [0.3] * 3, [0.7] * 3]), FCC * 5)
    places = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0.5, 0.5, 0.5]])
    suboxide = Cell(np.array([12, 12, 12, 8]), places, np.eye(3) * 5)
    crystals = {
        "mgo": (rocksalt(12, 8, 4.2), -3.0),
        "mgo2": (dioxide, -1.9),
        "mg3o": (suboxide, -1.0),
        "nacl": (rocksalt(11, 17, 5.6), -2.0),
    }
    rows = [(name, cell, {"formation_energy_per_atom": energy}) for name, (cell, energy) in crystals.items()]
    write_dataset(make_tables({"train": rows}), folder, {"source": {}, "licence": ""})
    return folder


def test_heights_above_a_hull_agree_with_a_hand_calculation_and_pymatgen(tmp_path):
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    found = phase_diagram(of_dataset(oxides(tmp_path / "oxides")), "Mg-O")
    above = {phase["name"]: phase["above"] for phase in found["phases"]}
    assert above == {"mgo": 0, "mgo2": pytest.approx(2 - 1.9), "mg3o": pytest.approx(1.5 - 1.0)}
    entries = [PDEntry(Composition(one), 0) for one in ("Mg", "O")]
    entries += [
        PDEntry(Composition("MgO"), -6),
        PDEntry(Composition("MgO2"), -5.7),
        PDEntry(Composition("Mg3O"), -4),
    ]
    diagram = PhaseDiagram(entries)
    for entry, name in zip(entries[2:], ("mgo", "mgo2", "mg3o"), strict=True):
        assert above[name] == pytest.approx(diagram.get_e_above_hull(entry), abs=1e-9)
    ends = sorted(sorted((line[0][1], line[1][1])) for line in found["lines"])
    assert ends == [[0, 0.5], [0.5, 1]]


@pytest.mark.parametrize("system", ["Mg", "Mg-Mg", "Mg-Xx", "Mg-O-Na-Cl-K", "a" * 5000])
def test_systems_that_are_none(tmp_path, system):
    oxides(tmp_path / "oxides")
    page, keys = client(tmp_path)
    assert page.get(f"/api/phases/{keys['dataset']}", params={"system": system}).status_code in (400, 414)


def test_a_funnel_with_its_reasons(tmp_path):
    from nucleate.records.ledger import Ledger
    from nucleate.records.places import Places
    from nucleate.records.verdicts import Verdict

    folder = tmp_path / "found"
    folder.mkdir()
    with Ledger(folder) as ledger:
        places, source = Places(ledger), ledger.add_source("draws", "x")
        ledger.note("labels", json.dumps(["density"]))
        made, judge = places.judge("made"), places.judge("density")
        numbers = [source * 2**32 + n for n in range(3)]
        with ledger.transaction():
            for number in numbers:
                ledger.add(number, rocksalt(12, 8))
            places.put(0, made, [(number, b"", Verdict("passed")) for number in numbers])
            verdicts = [
                Verdict("passed", values={"density": 3.5}),
                Verdict("rejected", reason="too_dense"),
                Verdict("passed"),
            ]
            places.put(1, judge, [(number, b"", one) for number, one in zip(numbers, verdicts, strict=True)])
    page, keys = client(tmp_path)
    stages = page.get(f"/api/funnel/{keys['ledger']}").json()["stages"]
    assert [(stage["label"], stage["came"], stage["passed"], stage["rejected"]) for stage in stages] == [
        ("generate", 3, 3, 0), ("density", 3, 2, 1),
    ]  # fmt: skip
    assert stages[1]["reasons"][0]["reason"] == "too_dense"
    way = page.get(f"/api/way/{keys['ledger']}", params={"name": "draws-0000001"}).json()
    assert [event["outcome"] for event in way["events"]] == ["passed", "rejected"]
    assert page.get(f"/api/way/{keys['ledger']}", params={"name": "draws-9"}).status_code == 400
    assert page.get(f"/api/table/{keys['ledger']}").json()["total"] == 2
