"""A package of somebody else's adds a process and a recipe; no file of nucleate knows of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nucleate
from nucleate.recipes.registry import get_recipe
from nucleate.settings import to_dict, to_toml
from tests.cli.test_draw import run as run_command
from tests.plug_ins import call, package
from tests.training.tiny import SHRINK, mixed_sizes, random_table, write_dataset

TOY = '''
"""Coordinates by a straight flow from one half to the data, as simple as it can be."""

from dataclasses import dataclass, field

import torch

from nucleate.codecs.lattice import lattice_codec
from nucleate.geometry.torus import TAU, wrap
from nucleate.processes.base import Noised, Process, as_column
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.recipes.base import Components, Recipe
from nucleate.recipes.sizes import tiny


@dataclass(frozen=True)
class StraightSettings:
    spread: float = 0.3


class Straight(Process):
    level, target_width = "atom", 3

    def __init__(self, settings):
        self.settings = settings

    def prior(self, mask, noise):
        x = 0.5 + self.settings.spread * noise.normal(mask.shape[1], 3)
        return {"x": (x % 1) * mask.unsqueeze(-1)}

    def corrupt(self, data, t, mask, noise):
        x0 = self.prior(mask, noise)["x"]
        way = wrap(TAU * (data - x0)) / TAU * mask.unsqueeze(-1)
        x = (x0 + as_column(t, data) * way) % 1
        return Noised({"x": x * mask.unsqueeze(-1)}, way, torch.ones_like(t))

    def inputs(self, state, t):
        return {"frac": state["x"]}

    def flow(self, state, prediction, t, mask):
        return prediction

    def follow(self, state, flow, move):
        x = state["x"] + as_column(move.t_next - move.t, flow) * flow
        return {"x": (x % 1) * move.mask.unsqueeze(-1)}

    def step(self, state, prediction, move):
        return self.follow(state, prediction, move)

    def endpoint(self, state, prediction, t, mask):
        return (state["x"] + as_column(1 - t, prediction) * prediction) % 1

    def decode(self, state):
        return state["x"]


@dataclass(frozen=True)
class Toy(Recipe):
    name: str = "toy"
    frac: StraightSettings = field(default_factory=StraightSettings)

    def parts(self):
        cells = lattice_codec("log-lengths", standardise=True)
        lattice = Gaussian(GaussianSettings(), width=cells.width)
        return Components(Fixed(), Straight(self.frac), lattice, cells)


_toy = tiny(Toy(), nfe=4)
RECIPES = (_toy,)
'''


def test_an_external_process_and_recipe_work(tmp_path):
    """Trained, changed by --set, drawn from, and compared, as if it were ours; beside it a package that is broken."""
    packages = tmp_path / "packages"
    package(packages, "toy_recipes", TOY, "nucleate.recipes", toy="RECIPES")
    broken = "raise OSError('no such disk')\n"
    package(packages, "broken_recipes", broken, "nucleate.recipes", broken="RECIPES")
    data = write_dataset(
        tmp_path / "data", train=random_table(mixed_sizes(16)), val=random_table(mixed_sizes(4, 1), 1)
    )
    sets = [word for setting in (*SHRINK, "frac.spread=0.2") for word in ("--set", setting)]
    cpu = ["--accelerator", "cpu", "--epochs", "1"]
    run, out, report = (tmp_path / name for name in ("run", "out", "cross.json"))
    train = ["train", "toy-tiny", "--data", str(data), "--out", str(run), *cpu, *sets]
    predict = ["predict", "LiFe", "-n", "2", "--nfe", "6", "--sampler", "heun",
               "--model", str(run), "--out", str(out)]  # fmt: skip
    cross = ["benchmark", "cross", str(data), "--out", str(tmp_path / "cross"), "--recipe", "toy-tiny",
             "--seeds", "1", "--nfe", "4", "--limit", "2", "--top", "0", *cpu, *sets,
             "--report", str(report)]  # fmt: skip

    done = call(packages, train, predict, cross)

    assert done.returncode == 0, done.stderr
    assert "the recipes of 'broken_recipes:RECIPES' can't be loaded (no such disk)" in done.stderr
    assert "spread = 0.2" in (run / "recipe.toml").read_text()
    assert (out / "predictions.extxyz").read_text().count("formula=LiFe") == 2
    points = json.loads(report.read_text())["results"]["data"]["toy-tiny"]["points"]
    annealed = {f"ODE, annealed {slope}" for slope in (2, 5, 10)}
    assert {point["sampler"] for point in points} == {"its own", "ODE", "Heun", "multistep"} | annealed


def test_a_model_of_a_missing_package_is_refused(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "recipe.toml").write_text(
        to_toml({"format": 1, **to_dict(get_recipe("kldm-csp-tiny"))}).replace("kldm-csp-tiny", "toy-tiny")
    )
    for name in ("weights.safetensors", "card.json"):
        (folder / name).write_text("{}")
    words = ["predict", "NaCl", "--model", str(folder), "--out", str(tmp_path / "out")]
    assert run_command(monkeypatch, *words) == 2
    assert capsys.readouterr().err.startswith("error: no recipe named 'toy-tiny'")
    assert not (tmp_path / "out").exists()


GUIDE = Path(__file__).parents[2] / "docs/guides/add-a-process.md"


def conformance(folder: Path, process: str, only: str) -> subprocess.CompletedProcess[str]:
    """The test of the guide, in a package of somebody else's with this process."""
    (text,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), flags=re.DOTALL | re.MULTILINE)
    package = folder / "mypackage"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "recipes.py").write_text(process)
    (folder / "test_straight.py").write_text(text)
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", only, "test_straight.py"]
    paths = [str(folder), str(Path(nucleate.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        call, cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=550
    )


def test_the_guides_test_of_a_process_passes_and_finds_a_mistake(tmp_path):
    """All that takes no second; a process that goes a little too far keeps no marginals."""
    done = conformance(tmp_path / "right", TOY, "not weights and not mid_time and not recovered")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 20
    right = "as_column(move.t_next - move.t, flow) * flow"
    assert right in TOY
    wrong = conformance(
        tmp_path / "wrong", TOY.replace(right, right.replace(") *", ") * 4 *")), "one_step and ode"
    )
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert "AssertionError: moments after one step are off by" in wrong.stdout
