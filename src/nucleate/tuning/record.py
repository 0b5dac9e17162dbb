"""The folder of a run of tuning.

| in the folder | what it is |
|---|---|
| `tune.json` | what the run is: base, method, settings, reward; the same command goes on with it |
| `rounds/0001.json` | the draws of a round with their rewards: none is measured twice |
| `last.ckpt` | weights, optimiser, memory and the rows of the curve after the last whole round |
| `curve.csv` | reward, diversity and validity of each round against property calls |
| `model/` | the tuned model |
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from nucleate.errors import TrainingError
from nucleate.files import parse_json, save_tensors, write_whole, writing
from nucleate.identity import differing
from nucleate.records.tables import write_rows
from nucleate.rewards.reward import Scores
from nucleate.training.checkpoint import FORMAT, read_checkpoint
from nucleate.tuning.cells import cell_of, plain
from nucleate.tuning.learner import Drawn, Learner


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        rounds: whole rounds.
        calls: crystals that the reward measured.
        seconds: of work, interruptions left out.
        rows: of the curve.
        formulas: that the diversity filter remembers.
        memory: of the learner.
    """

    rounds: int = 0
    calls: int = 0
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    formulas: list[list[list[int]]] = field(default_factory=list)
    memory: Any = None


def claim(run: Path, what: dict[str, Any]) -> None:
    """Take a folder for a run, or find the same run in it. Raises TrainingError where it holds another."""
    path = run / "tune.json"
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        if any(run.glob("*.ckpt")) or (run / "recipe.toml").exists():
            raise TrainingError(f"{run} already holds another run", "name another --out")
        write_whole(path, json.dumps(what, indent=2) + "\n")
        return
    try:
        before = parse_json(path.read_bytes())
    except ValueError:
        raise TrainingError(f"{path} can't be read", "name another --out, or delete the folder") from None
    if changed := differing(before, parse_json(json.dumps(what))):
        raise TrainingError(
            f"the run in {run} was started with another {', '.join(changed)}",
            "repeat the command it was started with, or name another --out",
        )


def round_file(run: Path, number: int) -> Path:
    """Of a round."""
    return run / "rounds" / f"{number:04d}.json"


def write_round(run: Path, number: int, drawn: Drawn, scores: Scores) -> None:
    """Keep the draws of a round and what they are worth."""
    path = round_file(run, number)
    with writing(path):
        path.parent.mkdir(exist_ok=True)
    cells = [plain(cell) for cell in drawn.cells]
    write_whole(path, json.dumps({"cells": cells, "origins": drawn.origins, "scores": scores.to_dict()}))


def read_round(run: Path, number: int) -> tuple[Drawn, Scores] | None:
    """A round whose draws were measured already; None where there is none that can be read."""
    try:
        said = parse_json(round_file(run, number).read_bytes())
        return Drawn(list(map(cell_of, said["cells"])), said["origins"]), Scores.from_dict(said["scores"])
    except (OSError, ValueError, KeyError):
        return None


def save(run: Path, learner: Learner, progress: Progress) -> None:
    """Write last.ckpt, atomically, then the curve."""
    tensors = {f"model/{name}": tensor for name, tensor in learner.trained.items()}
    for name, parameter in learner.trained.items():
        for moment, value in learner.optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser/{name}/{moment}"] = value
    plain_tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    progress.memory = learner.memory()
    said = json.dumps(asdict(progress))
    save_tensors(plain_tensors, run / "last.ckpt", {"format": str(FORMAT), "progress": said})
    write_curve(run, progress)


def write_curve(run: Path, progress: Progress) -> None:
    """curve.csv, a row for each round."""
    names = list(dict.fromkeys(name for row in progress.rows for name in row))
    if names:
        with writing(run / "curve.csv"):
            write_rows(
                [{name: row.get(name) for name in names} for row in progress.rows],
                run / "curve.csv",
                tuple(names),
            )


def resume(run: Path, learner: Learner) -> Progress:
    """Put back what last.ckpt holds; a fresh start without one."""
    path = run / "last.ckpt"
    if not path.exists():
        return Progress()
    said, tensors = read_checkpoint(path)
    with torch.no_grad():
        for name, parameter in learner.trained.items():
            parameter.copy_(tensors[f"model/{name}"])
    for key, value in tensors.items():
        if key.startswith("optimiser/"):
            name, moment = key.removeprefix("optimiser/").rsplit("/", 1)
            parameter = learner.trained[name]
            device = "cpu" if moment == "step" else parameter.device
            learner.optimiser.state.setdefault(parameter, {})[moment] = value.clone().to(device)
    progress = Progress(**said)
    learner.recall(progress.memory)
    return progress
