"""Match rates during training."""

import json

import pytest

from tests.training.tiny import losses, random_table, train, write_dataset

pytest.importorskip("pymatgen.core")


def test_match_rates_are_logged_and_the_best_is_kept(tmp_path):
    """Cells of one atom always match one another, whatever the network says of coordinates."""
    val = random_table([1] * 6, 1)
    data = write_dataset(tmp_path / "data", train=random_table([1] * 24), val=val)
    run = tmp_path / "run"
    train(
        data, run, "training.match_every=3", "training.match_crystals=5", "sampler.steps=4", "sampler.method=ode",
        "training.validate_every=6", epochs=2,
    )  # fmt: skip
    rows = [row for row in losses(run) if "val/total" in row]
    assert [row["step"] for row in rows] == [3, 6]
    for row in rows:
        assert row["val/match_rate"] * 5 == pytest.approx(round(row["val/match_rate"] * 5))
        assert ("val/rmse" in row) == (row["val/match_rate"] > 0)
    best = json.loads((run / "model-match" / "card.json").read_text())
    assert best["metrics"]["val/match_rate"] == max(row["val/match_rate"] for row in rows)
