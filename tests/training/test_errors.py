"""What a user can get wrong, and what the data can hold: one sentence and a hint, or training that goes through."""

import numpy as np
import pytest
import torch

from nucleate.errors import DataError, ModelError, RecipeError, TrainingError
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.model_folder import load_model, read_recipe
from nucleate.runs.train import train_recipe
from tests.training.tiny import SHRINK, call, command, losses, mixed_sizes, random_table, train, write_dataset


def with_cells(table, rows, value):
    lattice = table.lattice.copy()
    lattice[rows] = value
    return type(table)(table.ids, table.species, table.offsets, table.frac, lattice)


def test_a_loss_that_is_not_finite_names_step_and_crystals(tmp_path):
    """1e60 Å is a number in the file, and infinite in float32."""
    table = with_cells(random_table([3] * 24), [5, 17], 1e60 * np.eye(3))
    data = write_dataset(tmp_path / "data", train=table, val=random_table([3] * 4, 1))
    with pytest.raises(
        TrainingError, match=r"the loss of step \d+ is not finite; crystals: crystal-0-(5|17)"
    ) as error:
        train(data, tmp_path / "run", "standardise=false", epochs=3)
    assert (
        "step 0 " in error.value.message
        or "step 1 " in error.value.message
        or "step 2 " in error.value.message
    )
    assert "crystal-0-3" not in error.value.message
    assert error.value.hint
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_a_gradient_that_explodes_names_the_step(data, tmp_path, monkeypatch):
    monkeypatch.setattr("nucleate.training.loop.learning_rate_factor", lambda *_: 1e30)
    with pytest.raises(TrainingError, match=r"step \d+ is not finite; crystals: crystal-0-\d+, "):
        train(data, tmp_path / "run", "training.clip=0", "training.warmup=1", epochs=20)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("lattice", np.nan, "not finite"), ("frac", np.inf, "not finite"), ("species", 0, "unknown elements")],
)
def test_broken_rows_are_named_before_anything_starts(tmp_path, column, value, words):
    table = random_table([2, 3, 4])
    getattr(table, column)[1] = value
    data = write_dataset(tmp_path / "data", train=table, val=random_table([2], 1))
    with pytest.raises(DataError, match=words) as error:
        train(data, tmp_path / "run", epochs=1)
    assert "crystal-0-" in error.value.message
    assert not (tmp_path / "run").exists()


def test_cells_that_are_too_large_are_named(tmp_path):
    data = write_dataset(tmp_path / "data", train=random_table([2, 257]), val=random_table([2], 1))
    with pytest.raises(DataError, match=r"more than 256 atoms: crystal-0-1"):
        train(data, tmp_path / "run", epochs=1)


@pytest.mark.parametrize(
    "sizes",
    [[1] * 20, [4] * 20, [5] * 3, [2], [1, 6, 2, 1, 3, 3, 1, 2, 2, 2]],
    ids=["ones", "same", "few", "one", "ten"],
)
def test_any_shape_of_data_trains(tmp_path, sizes):
    data = write_dataset(tmp_path / "data", train=random_table(sizes), val=random_table([1], 1))
    train(data, tmp_path / "run", epochs=3)
    last = losses(tmp_path / "run")[-1]
    assert np.isfinite(last["val/total"])
    assert last["step"] == 3 * max(1, len(sizes) // 8)


@pytest.mark.parametrize(
    ("recipe", "setting", "message"),
    [
        ("kldm-csp-tiny", "frac.initial_velocity=0.5", "parametrisation = direct"),
        (
            "kldm-csp-tiny",
            "loss_weights.axes=1",
            "loss_weights.axes = 1.0 needs a codec that can permute axes",
        ),
        ("flowmm-csp-tiny", "frac.path=vp", "path = vp"),
        ("flowmm-csp-tiny", "frac.path=ve", "path = ve"),
        (
            "kldm-csp-tiny",
            "torus_transformer.time_width=9",
            "time_width must be even for Fourier features; got 9",
        ),
    ],
)
def test_contradicting_settings_are_refused_before_a_run_begins(data, tmp_path, recipe, setting, message):
    asked = get_recipe(recipe, [*SHRINK, setting])
    with pytest.raises(RecipeError, match="don't fit together") as error:
        train_recipe(
            asked, data, tmp_path / "run", epochs=1, hardware=Hardware(accelerator="cpu"), visible=False
        )
    assert message in error.value.message
    assert error.value.hint
    assert not (tmp_path / "run").exists()


def test_unfitting_weights_leave_no_run_behind(data, whole, tmp_path):
    settings = (
        "torus_transformer.width=48",
        "torus_transformer.pair_width=12",
        "torus_transformer.time_width=16",
    )
    with pytest.raises(ModelError, match="no weight of"):
        train(data, tmp_path / "run", *settings, "torus_transformer.frequencies=3", "torus_transformer.layers=2",
              "torus_transformer.heads=3", epochs=1, start_from=whole / "model")  # fmt: skip
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "setting",
    [
        "torus_transformer.width=0", "torus_transformer.heads=0", "torus_transformer.layers=-1",
        "torus_transformer.frequencies=0", "torus_transformer.width=33", "cspnet.width=-4", "cspnet.layers=0",
        "cspnet.time_width=1", "loss_weights.frac=-1",
    ],
)  # fmt: skip
def test_impossible_networks_and_weights(setting):
    with pytest.raises(RecipeError, match=setting.partition("=")[0]):
        get_recipe("kldm-csp-tiny", [setting])


def test_a_recipe_keeps_its_name():
    with pytest.raises(RecipeError, match="the name of kldm-csp-tiny can't be set to 'mine'"):
        get_recipe("kldm-csp-tiny", ["name=mine"])


@pytest.mark.parametrize(
    "setting",
    [
        "batch=0",
        "ema=1.0",
        "validate_every=0",
        "cooldown=0.0",
        "slices=0",
        "edges=-1",
        "learning_rate=-1e-3",
        "weight_decay=-1",
        "clip=-1",
        "warmup=-1",
        "match_every=-1",
        "seed=-1",
    ],
)
def test_impossible_training_settings(setting):
    with pytest.raises(RecipeError, match=rf"training\.{setting.partition('=')[0]} (= |must be )"):
        get_recipe("kldm-csp-tiny", [f"training.{setting}"])


def test_a_folder_with_another_run_or_data_is_refused(data, whole, tmp_path):
    with pytest.raises(TrainingError, match="already holds a run") as error:
        train(data, whole, epochs=1)
    assert "--resume" in error.value.hint
    with pytest.raises(TrainingError, match=r"other settings \(loss_weights\)"):
        train(data, whole, "loss_weights.lattice=3", epochs=1, resume=True)
    other = write_dataset(
        tmp_path / "other", train=random_table(mixed_sizes(50, 9)), val=random_table([2, 3], 1)
    )
    with pytest.raises(TrainingError, match="started on other data"):
        train(other, whole, epochs=20, resume=True)


def test_another_sampler_does_not_change_the_run(data, tmp_path):
    """A default that changed between two versions must not keep a run from going on."""
    train(data, tmp_path / "run", epochs=1)
    outcome = train(data, tmp_path / "run", "sampler.steps=7", epochs=2, resume=True)
    assert outcome.counters.step > 0
    assert read_recipe(tmp_path / "run" / "recipe.toml").sampler.steps == 7
    assert load_model(tmp_path / "run" / "model")[1].sampler.steps == 7


def test_a_file_where_the_run_should_be(data, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(TrainingError, match="can't be a run folder"):
        train(data, tmp_path / "run", epochs=1)


def test_a_file_as_data_set_leaves_no_run_behind(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="is a file, and a data set is a folder"):
        train(tmp_path / "data", tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("setting", ["horizon=0", "horizon=-1", "horizon=100", "initial_velocity=-1"])
def test_impossible_kinetic_settings(setting):
    name, value = setting.split("=")
    with pytest.raises(RecipeError, match=rf"{name} must be between .*; got {value}\.0") as error:
        get_recipe("kldm-csp-tiny", [f"frac.{setting}"])
    assert error.value.hint


def test_missing_data_leaves_no_run_behind(tmp_path):
    with pytest.raises(DataError, match="no data set"):
        train(tmp_path / "nothing", tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_network_and_a_broken_one(data, tmp_path):
    train(data, tmp_path / "run", epochs=1)
    (tmp_path / "run" / "recipe.toml").unlink()
    with pytest.raises(TrainingError, match="another network"):
        train(data, tmp_path / "run", "torus_transformer.width=48", epochs=2, resume=True)
    (tmp_path / "run" / "last.ckpt").write_bytes(b"noise")
    (tmp_path / "run" / "recipe.toml").unlink()
    with pytest.raises(TrainingError, match="can't be read"):
        train(data, tmp_path / "run", epochs=2, resume=True)


def test_unknown_hardware_is_refused(data, tmp_path):
    from nucleate.runs.devices import Hardware, launch

    with pytest.raises(TrainingError, match="can't run with accelerator abacus"):
        launch(Hardware(accelerator="abacus"))
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="accelerator cuda"):
            launch(Hardware(accelerator="cuda"))


def test_the_command_line_says_one_line_and_a_hint(data, whole, tmp_path):
    done = call(command(data, whole))
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert lines == [
        f"error: {whole} already holds a run",
        "hint: add --resume to go on with it, or name another --out",
    ]
