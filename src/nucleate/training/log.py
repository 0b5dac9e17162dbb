"""Output during a run: metrics.jsonl, TensorBoard events where installed, a progress bar on stderr."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nucleate.errors import TrainingError
from nucleate.files import parse_json, write_whole, writing

Tell = Callable[[str], None]
EVERY = 60.0
"""Seconds between two lines of text where no progress bar is shown."""


class MetricsLog:
    """Append-only JSON lines, truncated to the checkpoint's step when a run is resumed."""

    def __init__(self, run: Path, resume_step: int | None) -> None:
        self.path = run / "metrics.jsonl"
        kept = read_metrics(self.path) if resume_step is not None and self.path.exists() else []
        kept = [row for row in kept if row["step"] <= (resume_step or 0)]
        write_whole(self.path, "".join(json.dumps(row) + "\n" for row in kept))
        self.board = _tensorboard(run / "tensorboard", resume_step)

    def write(self, step: int, **values: float) -> None:
        with writing(self.path), self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)

    def close(self) -> None:
        if self.board is not None:
            self.board.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All complete lines of a metrics file; a last line cut short by a kill is left out."""
    rows = []
    lines = path.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines):
        try:
            row = parse_json(line)
            if not isinstance(row, dict):
                raise ValueError("no object")
            rows.append(row)
        except ValueError:
            if number + 1 < len(lines):
                raise TrainingError(f"line {number + 1} of {path} is not JSON", "delete that line") from None
    return rows


def _tensorboard(folder: Path, resume_step: int | None):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=(resume_step or 0) + 1)


class TrainingBar:
    """A progress bar, removed at the end; where it is not visible, `tell` is called with a line every minute."""

    def __init__(self, visible: bool, tell: Tell | None = None) -> None:
        self.tell = None if visible else tell
        self.spoken = time.monotonic()
        self.progress = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.percentage:5.1f} %"),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not visible,
            transient=True,
        )
        self.task = self.progress.add_task("train", total=1.0, text="")

    def __enter__(self) -> TrainingBar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def update(
        self, share: float, step: int, rate: float, losses: dict[str, float], seconds_left: float
    ) -> None:
        """share: fraction of the run that is done. rate: crystals/s. losses: running mean of each process."""
        parts = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        minutes = f"{seconds_left / 60:.0f} min left" if seconds_left < 1e7 else ""
        text = f"step {step}  {rate:.0f} crystals/s  {parts}  {minutes}"
        self.progress.update(self.task, completed=share, text=text)
        if self.tell is not None and time.monotonic() - self.spoken >= EVERY:
            self.spoken = time.monotonic()
            self.tell(f"training: {100 * share:.1f} %  {text.strip()}")
