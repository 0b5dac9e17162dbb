"""Training runs of predictors, and the commands that use them."""

from __future__ import annotations

import json
import signal

import ase.io
import numpy as np
import pytest
from typer.testing import CliRunner

from nucleate.cli.main import app
from nucleate.errors import ModelError, NucleateError
from nucleate.predictor import load
from nucleate.predictor.property import load_property
from nucleate.properties.predict import bounded, predict
from tests.properties.small import SMALL, labelled_table, train, write_labelled
from tests.training.tiny import losses, send_when, start

EPOCHS = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_labelled(tmp_path_factory.mktemp("properties") / "data")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(data, folder, epochs=EPOCHS).state == "trained"
    return folder


def call(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    if isinstance(result.exception, NucleateError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_it_learns_more_than_the_ridge_knows(data, tmp_path):
    assert train(data, tmp_path / "run", "members=2", epochs=40).state == "trained"
    model, unseen = load_property(tmp_path / "run").model, labelled_table(300, 9)
    found, truth = predict(model, unseen), unseen.properties["hardness"]
    assert np.abs(found.value - truth).mean() < 0.7 * np.abs(found.ridge - truth).mean()


def test_killed_and_resumed_is_the_same_run(data, run, tmp_path):
    again = tmp_path / "run"
    metrics = again / "metrics.jsonl"

    def ready() -> bool:
        return (again / "last.ckpt").exists() and metrics.exists()

    assert (
        send_when(start(lambda: train(data, again, epochs=EPOCHS)), signal.SIGKILL, ready) == -signal.SIGKILL
    )
    assert train(data, again, epochs=EPOCHS, resume=True).state == "trained"
    assert losses(again)[-1] == losses(run)[-1]
    weights = [(folder / "model-last" / "weights.safetensors").read_bytes() for folder in (run, again)]
    assert weights[0] == weights[1]


def test_it_is_judged_beside_the_ridge_and_shown_again(data, run, tmp_path):
    report, table = tmp_path / "report.json", tmp_path / "rows.csv"
    text = call(
        "evaluate", "property", run, "--data", data, "--at-least", 4, "--json", report, "--table", table
    )
    numbers = json.loads(report.read_text())
    for one in (numbers["model"], numbers["ridge"]):
        assert one["mae"]["low"] <= one["mae"]["value"] <= one["mae"]["high"]
        assert [event["event"].split(" ")[0] for event in one["top_decile"]] == ["highest", ">="]
    assert "composition-only ridge" in text
    assert f"{numbers['model']['mae']['value']:.4f}" in text
    assert call("evaluate", "show", report) == text
    assert len(table.read_text().splitlines()) == 41


def test_crystals_are_annotated_in_every_format(data, run, tmp_path):
    outputs = {}
    for ending in ("csv", "json", "extxyz", "parquet"):
        path = tmp_path / f"found.{ending}"
        shown = call("property", data, "--split", "val", "--model", run, "--out", path)
        assert "hardness" in shown
        outputs[ending] = path
    rows = json.loads(outputs["json"].read_text())["crystals"]
    frames = ase.io.read(outputs["extxyz"], ":")
    assert len(rows) == len(frames) == 40
    model = load_property(run).model
    expected = bounded(predict(model, labelled_table(40, 1)), model.ends)
    np.testing.assert_allclose([row["hardness"] for row in rows], expected.value, rtol=1e-6)
    np.testing.assert_allclose([frame.info["hardness"] for frame in frames], expected.value, rtol=1e-6)
    assert outputs["csv"].read_text().splitlines()[0].startswith("name,formula,hardness,hardness_low,")
    said = json.loads(call("property", outputs["extxyz"], "--model", run, "--json"))
    np.testing.assert_allclose([row["value"] for row in said["crystals"]], expected.value, atol=1e-4)


def test_a_crystal_that_can_t_be_read_costs_only_itself(data, run, tmp_path):
    good, bad = tmp_path / "good.extxyz", tmp_path / "bad.cif"
    call("property", data, "--split", "val", "--model", run, "--out", good)
    bad.write_text("no crystal")
    rows = json.loads(call("property", good, bad, "--model", run, "--json"))["crystals"]
    assert len(rows) == 41
    assert rows[-1]["value"] is None
    assert rows[-1]["warning"]


def test_held_out_crystals_are_judged(data, tmp_path):
    call("train", "property", "--data", data, "--target", "hardness", "--split-by", "range", "--epochs", 1,
         "--out", tmp_path / "run", *(word for one in SMALL for word in ("--set", one)))  # fmt: skip
    text = call("evaluate", "property", tmp_path / "run", "--data", data, "--split", "held-out")
    assert text.startswith("hardness of 20 crystals")


def test_without_anything_held_out_there_is_nothing_to_judge(data, run):
    with pytest.raises(NucleateError, match="without holding anything out"):
        call("evaluate", "property", run, "--data", data, "--split", "held-out")


def test_a_predictor_draws_nothing_and_a_generator_predicts_nothing(run):
    with pytest.raises(ModelError, match=r"predicts hardness of crystals and draws none") as caught:
        load(run)
    assert "nucleate property FILES --model" in caught.value.hint
    with pytest.raises(ModelError, match="draws crystals and predicts no property"):
        load_property("kldm-mp20-csp")


def test_options_of_predictors_are_refused_on_other_recipes(data, tmp_path):
    with pytest.raises(NucleateError, match="--target tc has no effect on kldm-csp-tiny"):
        call("train", "kldm-csp-tiny", "--data", data, "--out", tmp_path / "run", "--target", "tc")
    with pytest.raises(NucleateError, match="both say the same thing"):
        call(
            "train",
            "property",
            "--data",
            data,
            "--out",
            tmp_path / "run",
            "--target",
            "tc",
            "--set",
            "target=gap",
        )
    assert not (tmp_path / "run").exists()


def test_a_target_that_is_not_there_leaves_no_folder(data, tmp_path):
    for target, words in (("harness", "no property 'harness'"), ("none", "has a known none")):
        with pytest.raises(NucleateError, match=words):
            call("train", "property", "--data", data, "--out", tmp_path / "run", "--target", target)
    assert not (tmp_path / "run").exists()


def test_an_unknown_ending_is_refused_before_anything_is_read(run, tmp_path):
    with pytest.raises(NucleateError, match="end its name with"):
        call("property", tmp_path / "nothing.cif", "--model", run, "--out", tmp_path / "found.xlsx")
