"""What noise, jobs and caches hang on, written down: none of it may ever change."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, make_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.discovery.candidates import claim
from nucleate.discovery.relaxing import Relaxing
from nucleate.energies.cache import key_of
from nucleate.energies.chgnet import ChgnetPotential
from nucleate.energies.relaxed import RelaxSettings
from nucleate.errors import DataError, ModelError
from nucleate.identity import canonical, canonical_of, differing, later
from nucleate.recipes.kldm import PAPER_SAMPLER
from nucleate.sampling.generator import Generator
from nucleate.sampling.job import Job, record_of
from nucleate.sampling.request import Known, Limits, Request, draw_sizes, formula_requests, new_requests
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import to_dict

LIMITS = Limits(frozenset({11, 17}), 20, {}, {2: 0.5, 5: 0.25, 8: 0.25})
CELL = ((4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (-0.0, 1e-16, 4.25))
CELL_TEXT = "((4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (-0.0, 1e-16, 4.25))"
PART = Known(((0.5, 0.5, 0.5), (0.1, 0.2, 0.30000000000000004)), CELL)
PART_TEXT = f"Part(frac=((0.5, 0.5, 0.5), (0.1, 0.2, 0.30000000000000004)), lattice={CELL_TEXT})"

REQUESTS = {
    "a formula": (
        formula_requests(["NaCl"], 2, LIMITS, (2,))[1],
        "Na2Cl2 1",
        "0fb3e54fe1e1aadc",
    ),
    "a row": (
        Request((11, 17), "mp-22862", "NaCl", 3, 7, "mp-22862"),
        "row 7 mp-22862 3",
        "10b12940d36d2eb1",
    ),
    "a row without a name": (Request((11, 17), "x", "NaCl", 0, 0), "row 0 None 0", "4c2d0f4499042a28"),
    "a size": (new_requests([3], LIMITS)[0], "generated 3 atoms   0", "4568dcd648f3a9c7"),
    "a composition, of a model that invents": (
        new_requests([2], LIMITS, [11, 17])[0],
        "generated 0",
        "700831e9458b72e9",
    ),
    "some species": (
        new_requests([2, 4], LIMITS, [11, 17])[1],
        "generated 4 atoms (11, 17, 0, 0)  1",
        "544aa61349b6a8a8",
    ),
    "a cell": (
        new_requests([2], LIMITS, (), Known(lattice=CELL))[0],
        f"generated 2 atoms  Part(frac=(), lattice={CELL_TEXT}) 0",
        "6a21f2f5c806256f",
    ),
    "a cell and a composition": (
        new_requests([2], LIMITS, [11, 17], Known(lattice=CELL))[0],
        f"generated 2 atoms (11, 17) Part(frac=(), lattice={CELL_TEXT}) 0",
        "3650ba77d9d9c48f",
    ),
    "a structure to complete": (
        new_requests([3], LIMITS, [11, 17], PART)[0],
        f"generated 3 atoms (11, 17, 0) {PART_TEXT} 0",
        "676868e1819ad02f",
    ),
    "a structure to complete to a formula": (
        new_requests([3], LIMITS, [11, 17, 17], PART)[0],
        f"generated 3 atoms (11, 17, 17) {PART_TEXT} 0",
        "211e17a9bdb33f26",
    ),
    "places without a cell": (
        new_requests([2], LIMITS, [11], Known(frac=((0.5, 0.5, 0.5),)))[0],
        "generated 2 atoms (11, 0) Part(frac=((0.5, 0.5, 0.5),), lattice=None) 0",
        "0b75bf9fa3168d09",
    ),
    "a part of nothing": (
        new_requests([2], LIMITS, [11], Known())[0],
        "generated 2 atoms (11, 0) Part(frac=(), lattice=None) 0",
        "70efee15a3930160",
    ),
}

SALT = Cell(np.array([11, 17]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 4.0 * np.eye(3))
CHGNET = "chgnet 0.3.0 (package 0.4.2)"
OTHERWISE = RelaxSettings(0.01, 500, "lbfgs", cell=False, timeout=None, keep_symmetry=0.1)

JOB = """{
  "model": "kldm-mp20-csp",
  "weights": "0123456789abcdef",
  "seed": 3,
  "sampler": {
    "method": "pc",
    "steps": 50,
    "grid": "power",
    "power": 1.0,
    "noise_left": 0.0,
    "anneal_frac": 0.0,
    "anneal_lattice": 0.0,
    "anneal_species": 0.0,
    "order": "corrector-first",
    "predictor": "ode",
    "predictor_frac": "same",
    "predictor_lattice": "same",
    "predictor_species": "same",
    "tau": 0.25,
    "corrector": "crystal",
    "corrects": "all",
    "drift_in_corrector": true,
    "euler": false,
    "temperature": 1.0
  },
  "crystals": {
    "count": 2,
    "digest": "DIGEST"
  }
}
"""
JOBS = {
    "predict": (formula_requests(["NaCl"], 2, LIMITS, (2,)), "9359ab3d28d723df"),
    "generate": (new_requests([2, 5], LIMITS, [11, 17], PART), "be395a4b67036f1d"),
}


@pytest.mark.parametrize(("request_", "text", "key"), REQUESTS.values(), ids=REQUESTS)
def test_identities_of_requests_are_unchanged(request_: Request, text: str, key: str) -> None:
    assert request_.identity == text
    assert request_.name_of_key == key
    assert request_.key == int(key, 16)


def test_drawn_sizes_are_unchanged() -> None:
    assert draw_sizes(8, LIMITS.sizes, 0) == [8, 2, 5, 2, 8, 2, 2, 2]


class Named(Generator):
    name, identity, limits = "kldm-mp20-csp", "0123456789abcdef", LIMITS

    def answers(self, requests: Any, settings: Any, seed: int, options: Any) -> Any:
        raise NotImplementedError


def asked(requests: list[Request], settings: SamplerSettings) -> dict[str, object]:
    return record_of(Named(), requests, settings, 3)


@pytest.mark.parametrize(("requests", "digest"), JOBS.values(), ids=JOBS)
def test_a_job_of_an_earlier_version_resumes(requests: list[Request], digest: str, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(JOB.replace("DIGEST", digest))
    Job(tmp_path, asked(requests, SamplerSettings(steps=50)))
    with pytest.raises(ModelError, match=r"with other sampler\n"):
        Job(tmp_path, asked(requests, PAPER_SAMPLER))
    with pytest.raises(ModelError, match=r"with other crystals\n"):
        Job(tmp_path, asked(requests[1:], SamplerSettings(steps=50)))


def test_keys_of_cached_energies_are_unchanged() -> None:
    assert RelaxSettings().identity == "fire fmax=0.05 max_steps=200 cell=True"
    assert OTHERWISE.identity == "lbfgs fmax=0.01 max_steps=500 cell=False symmetry=0.1"
    keys = [key_of("point", SALT, CHGNET)]
    keys += [key_of("relax", SALT, CHGNET, settings.identity) for settings in (RelaxSettings(), OTHERWISE)]
    assert keys == [
        "e199dc8c0094f47b5a25dfd0d2ed5010df02ed94b177d470086d9390388ffbc7",
        "7a41647f5571bab6c40a3172ffd6a8f64eb892b5b224f7944ac347f03119004c",
        "657e70b671a853abcb784a6aef7bd4adde4668535c78bcaa2deb4be06627abd5",
    ]


def test_a_relaxation_folder_of_an_earlier_version_resumes(tmp_path: Path) -> None:
    potential = ChgnetPotential()
    settings = '"fmax": 0.05, "max_steps": 200, "optimiser": "fire", "cell": true, "keep_symmetry": null'
    record = f'{{"potential": {json.dumps(potential.identity)}, {settings}, "crystals": {{}}}}'
    (tmp_path / "relax.json").write_text(record)
    claim(tmp_path, Relaxing(potential, RelaxSettings()).asked, {})
    with pytest.raises(DataError, match=r"other settings \(fmax 0.05, now 0.01\)"):
        claim(tmp_path, Relaxing(potential, RelaxSettings(0.01)).asked, {})


@dataclass(frozen=True)
class LaterRequest(Request):
    pressure: float | None = None


LaterKnown = make_dataclass("LaterKnown", [("tolerance", float, 0.1)], bases=(Known,), frozen=True)


@dataclass(frozen=True)
class LaterGroup:
    weight: float = 1.0


@dataclass(frozen=True)
class LaterSampler(SamplerSettings):
    guidance: LaterGroup | None = None
    group: LaterGroup = field(default_factory=LaterGroup)


@dataclass(frozen=True)
class LaterRelaxation(RelaxSettings):
    pressure: float = 0.0


@pytest.mark.parametrize(("request_", "old", "key"), REQUESTS.values(), ids=REQUESTS)
def test_a_new_field_of_a_request_changes_no_noise_until_it_is_used(
    request_: Request, old: str, key: str
) -> None:
    values = {**vars(request_), "known": request_.known and LaterKnown(**vars(request_.known))}
    assert LaterRequest(**values).identity == old
    assert LaterRequest(**values).name_of_key == key
    assert LaterRequest(**values, pressure=2.5).identity == f"{old} pressure=2.5"
    if request_.known:
        values["known"] = LaterKnown(**vars(request_.known), tolerance=0.2)
        changed = LaterRequest(**values)
        assert changed.identity.replace(", tolerance=0.2)", ")") == old
        assert changed.key != request_.key


def test_a_new_setting_of_the_sampler_refuses_no_job_until_it_is_used(tmp_path: Path) -> None:
    requests, digest = JOBS["predict"]
    (tmp_path / "job.json").write_text(JOB.replace("DIGEST", digest))
    sampler = LaterSampler(steps=50)
    Job(tmp_path, asked(requests, sampler), settings=LaterSampler)
    for other in (replace(sampler, guidance=LaterGroup()), replace(sampler, group=LaterGroup(2.0))):
        with pytest.raises(ModelError, match=r"with other sampler\n"):
            Job(tmp_path, asked(requests, other), settings=LaterSampler)


def test_a_new_setting_of_relaxations_changes_no_key_until_it_is_used(tmp_path: Path) -> None:
    assert LaterRelaxation().identity == RelaxSettings().identity
    assert LaterRelaxation(**vars(OTHERWISE)).identity == OTHERWISE.identity
    assert LaterRelaxation(pressure=1.0).identity == f"{RelaxSettings().identity} pressure=1.0"
    old = {"potential": "a", "fmax": 0.05}  # of a time when nothing else could be set
    (tmp_path / "relax.json").write_text(json.dumps({**old, "crystals": {}}))
    claim(tmp_path, Relaxing(ChgnetPotential(), RelaxSettings()).asked | {"potential": "a"}, {})
    (tmp_path / "relax.json").write_text(json.dumps({**old, "crystals": {}}))
    with pytest.raises(DataError, match=r"keep_symmetry None, now 0\.1"):
        claim(tmp_path, {**old, "keep_symmetry": 0.1}, {})


def test_an_identity_does_not_depend_on_number_types() -> None:
    assert canonical(LaterSampler()) == "LaterSampler()"
    assert canonical(LaterSampler(guidance=LaterGroup())) == "LaterSampler(guidance=LaterGroup())"
    assert (
        canonical(LaterSampler(group=LaterGroup(2.0)), "steps")
        == "LaterSampler(steps=500, group=LaterGroup(weight=2.0))"
    )
    assert canonical(Known(((np.float64(0.1), 0.5, 0.0),))) == canonical(Known(((0.1, 0.5, 0.0),)))
    assert canonical([[0.1, 0.5], [1]]) == "((0.1, 0.5), (1,))"
    assert canonical((np.int64(3),)) == "(3,)"
    assert canonical({"b": 1, "a": [True, None, "x"]}) == canonical({"a": (True, None, "x"), "b": 1})
    assert later(LaterSampler(steps=7, group=LaterGroup(2.0)), "steps") == " group=LaterGroup(weight=2.0)"
    with pytest.raises(TypeError, match="object has no identity"):
        canonical(object())


def test_settings_of_a_file_have_the_identity_of_the_settings() -> None:
    for sampler in (SamplerSettings(), PAPER_SAMPLER, SamplerSettings(steps=7, power=2.0)):
        assert canonical_of(SamplerSettings, to_dict(sampler)) == canonical(sampler)
    assert canonical_of(SamplerSettings, {"steps": 7, "power": 2}) == canonical(
        SamplerSettings(steps=7, power=2.0)
    )
    assert canonical_of(SamplerSettings, {"unheard_of": 1}) != canonical(SamplerSettings())
    assert differing({"a": 1, "b": None, "c": 2}, {"a": 1.0, "c": 3}) == ["c"]
