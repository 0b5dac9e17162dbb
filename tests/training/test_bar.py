"""The bar of a run, and the lines in its place where nobody sees it."""

from nucleate.training import log
from nucleate.training.log import TrainingBar


def test_without_a_terminal_a_bar_prints_a_line_every_minute(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
    told = []
    with TrainingBar(False, told.append) as bar:
        for step in range(1, 7):
            now[0] += 25.0
            bar.update(step / 10, step, 12.0, {"frac": 0.5}, 600.0)
    assert told == [
        "training: 30.0 %  step 3  12 crystals/s  frac 0.500  10 min left",
        "training: 60.0 %  step 6  12 crystals/s  frac 0.500  10 min left",
    ]
    assert capsys.readouterr().err == ""
