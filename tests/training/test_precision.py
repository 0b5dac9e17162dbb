"""Which precision a run takes, on every kind of hardware; that only the network feels it; that it can change."""

import json
import math
import os

import pytest
import torch

from nucleate.errors import TrainingError
from nucleate.networks.torus_transformer import TorusTransformer
from nucleate.predictor import load
from nucleate.processes.kinetic import Kinetic
from nucleate.recipes.registry import get_recipe
from nucleate.runs import devices
from nucleate.runs.devices import Hardware, launch, native_bf16, resolve
from nucleate.runs.train import train_recipe
from nucleate.training import checkpoint
from nucleate.training.log import read_metrics
from tests.recipes.test_every_recipe import DISTINCT, SMALL
from tests.training.tiny import losses, mixed_sizes, random_table, train, write_dataset

CPUS = {"avx512_bf16": {"avx512f", "avx512_bf16"}, "amx_bf16": {"amx_tile", "amx_bf16"}, "none": {"avx2"}}
ROUNDING = 0.03


@pytest.fixture(params=CPUS)
def cpu(request, monkeypatch) -> str:
    """A CPU that has bfloat16 in one way, in the other, or not at all."""
    monkeypatch.setattr(devices, "cpu_flags", lambda: CPUS[request.param])
    return request.param


@pytest.fixture
def seen(monkeypatch) -> dict[str, set]:
    """Whether autocast was on in each call of the network and of the coordinates' process."""
    found: dict[str, set] = {"network": set(), "process": set()}

    def watch(kind: type, name: str, where: str) -> None:
        plain = getattr(kind, name)

        def watched(*args, **kwargs):
            found[where].add(torch.is_autocast_enabled("cpu"))
            return plain(*args, **kwargs)

        monkeypatch.setattr(kind, name, watched)

    watch(TorusTransformer, "forward", "network")
    for name in ("corrupt", "loss", "inputs", "step"):
        watch(Kinetic, name, "process")
    return found


def test_auto_on_every_cpu(cpu):
    assert native_bf16("cpu") == (cpu != "none")
    assert resolve("auto", "cpu") == ("32-true" if cpu == "none" else "bf16-mixed")
    assert resolve("32-true", "cpu") == "32-true"
    assert resolve("bf16-mixed", "cpu") == "bf16-mixed"


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("asked", ["auto", "cuda", "gpu"])
def test_auto_on_every_gpu(cpu, native, asked, monkeypatch):
    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert native_bf16(asked) == native
    assert resolve("auto", asked) == ("bf16-mixed" if native else "32-true")


@pytest.mark.skipif("NUCLEATE_TEST_BF16" in os.environ, reason="the flags are forced, no file is read")
def test_a_missing_file_means_no_bfloat16(monkeypatch):
    def absent(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(devices.Path, "read_text", absent)
    assert not native_bf16("cpu")


def test_the_launcher_casts_nothing():
    fabric = launch(Hardware(accelerator="cpu"))
    with fabric.autocast():
        assert not torch.is_autocast_enabled("cpu")


def test_auto_trains_validates_judges_and_resumes_on_every_cpu(cpu, data, tmp_path, seen):
    run, sets = tmp_path / "run", ("training.precision=auto", "training.match_every=6", "sampler.steps=2")
    train(data, run, *sets, "training.match_crystals=4", epochs=1)
    assert train(data, run, *sets, "training.match_crystals=4", epochs=2, resume=True).counters.step == 12
    rows = read_metrics(run / "metrics.jsonl")
    assert math.isfinite(rows[-1]["val/total"])
    assert "val/match_rate" in rows[-1]
    rounded = cpu != "none"
    assert seen == {"network": {rounded}, "process": {False}}
    card = json.loads((run / "model" / "card.json").read_text())
    assert card["training"]["precision"] == ("bf16-mixed" if rounded else "32-true")


@pytest.mark.parametrize("first", ["32-true", "bf16-mixed"])
def test_a_run_resumes_in_another_precision_with_a_warning(data, tmp_path, first, seen):
    run, told = tmp_path / "run", []
    second = {"32-true": "bf16-mixed", "bf16-mixed": "32-true"}[first]
    train(data, run, f"training.precision={first}", epochs=1, tell=told.append)
    assert not told
    train(data, run, f"training.precision={second}", epochs=2, resume=True, tell=told.append)
    assert len(told) == 1
    assert f"goes on in {second} and has so far been in {first}" in told[0]
    train(data, run, f"training.precision={second}", epochs=3, resume=True, tell=told.append)
    assert len(told) == 1
    assert seen == {"network": {False, True}, "process": {False}}
    card = json.loads((run / "model-last" / "card.json").read_text())
    assert card["training"]["precision"] == f"{first}, {second}"
    assert losses(run)[-1]["step"] == 18


def test_a_checkpoint_from_before_precisions_were_kept_is_resumed(data, tmp_path, monkeypatch):
    plain = checkpoint.read_checkpoint

    def without(path):
        progress, tensors = plain(path)
        return {k: v for k, v in progress.items() if k != "precisions"}, tensors

    train(data, tmp_path / "run", epochs=1)
    monkeypatch.setattr(checkpoint, "read_checkpoint", without)
    told: list[str] = []
    assert train(data, tmp_path / "run", epochs=2, resume=True, tell=told.append).counters.step == 12
    assert not told


def test_bfloat16_is_no_property_of_the_model_that_is_served(data, tmp_path):
    train(data, tmp_path / "run", "training.precision=bf16-mixed", epochs=1)
    served = load(tmp_path / "run").model
    assert not served.bf16
    assert {p.dtype for p in served.parameters()} == {torch.float32}
    assert load(tmp_path / "run", precision="bf16").model.bf16


@pytest.mark.parametrize(("precision", "other"), [("32-true", False), ("bf16-mixed", True)])
def test_a_loss_that_is_not_finite_names_the_precision(tmp_path, precision, other):
    table = random_table([3] * 8)
    table.lattice[2] *= 1e60
    data = write_dataset(tmp_path / "data", train=table, val=random_table([3] * 4, 1))
    with pytest.raises(
        TrainingError, match=f"not finite; crystals: crystal-0-2; precision: {precision}"
    ) as error:
        train(data, tmp_path / "run", "standardise=false", f"training.precision={precision}", epochs=1)
    assert ("training.precision=32-true" in (error.value.hint or "")) == other


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("eight") / "data",
        train=random_table(mixed_sizes(8)), val=random_table(mixed_sizes(4, 1), 1),
    )  # fmt: skip


@pytest.mark.parametrize("name", DISTINCT)
def test_a_step_of_every_recipe_in_both_precisions(name, eight, tmp_path):
    rows = {}
    for precision in ("32-true", "bf16-mixed"):
        recipe = get_recipe(name, [*SMALL, f"training.precision={precision}"])
        train_recipe(
            recipe, eight, tmp_path / precision, epochs=1, hardware=Hardware(accelerator="cpu"), visible=False
        )
        rows[precision] = losses(tmp_path / precision)[-1]
    exact, rounded = rows["32-true"], rows["bf16-mixed"]
    assert exact.keys() == rounded.keys()
    for key, value in exact.items():
        if key.startswith(("train/", "val/")):
            assert math.isfinite(rounded[key])
            assert abs(rounded[key] - value) <= ROUNDING * abs(value) + 1e-5, key
