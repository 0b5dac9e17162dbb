"""Predictions and generations that the page starts: the same commands as by hand, one at a time, in a program beside.

A command is stopped as Ctrl-C stops it, and the same one again goes on with the same folder.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.errors import NucleateError
from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula

FOLDER = "page"
"""Folder below the first given one that holds what the page started."""
LARGEST = {"predict": 20, "generate": 100}
POTENTIALS = ("auto", "none")
LINES = 12
"""Of the messages that are kept."""
PATIENCE = 20.0
"""Seconds that a stopped command gets before it is ended at once."""


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        task: "predict" or "generate".
        formula: as it is written in names of folders, "" for generations.
        count: of crystals.
        seed: of their noise.
        potential: "auto" or "none".
    """

    task: str
    formula: str
    count: int
    seed: int
    potential: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Wish:
        """From what a page sent. Raises NucleateError for anything that can't be done."""
        task = given.get("task")
        if task not in LARGEST:
            raise NucleateError("the task must be predict or generate", "choose one of them")
        count, seed = given.get("count", 5), given.get("seed", 0)
        if not _whole(count, 1, LARGEST[task]):
            raise NucleateError(f"the number of crystals must be from 1 to {LARGEST[task]}", "ask for fewer")
        if not _whole(seed, 0, 10**6):
            raise NucleateError("the seed must be a whole number from 0 to 1000000", "0 is usual")
        potential = given.get("potential", "auto")
        if potential not in POTENTIALS:
            raise NucleateError(
                "the potential must be auto or none", "auto relaxes where a potential is installed"
            )
        formula = ""
        if task == "predict":
            text = given.get("formula")
            if not isinstance(text, str) or len(text) > 60:
                raise NucleateError("a formula is missing", "write for example ZnSe")
            formula = formula_text(reduce_formula(parse_formula(text.strip()))[0])
        return cls(task, formula, count, seed, potential)

    @property
    def folder(self) -> str:
        """Name of the folder of its results; the same wish has the same one."""
        parts = [self.formula or "new", str(self.count), f"seed{self.seed}"]
        return re.sub(r"[^\w.-]", "_", "-".join(parts + ["unrelaxed"] * (self.potential == "none")))

    def command(self, out: Path) -> list[str]:
        """The words of the command line."""
        what = [self.formula, "--potential", self.potential] if self.task == "predict" else []
        numbers = ["-n", str(self.count), "--seed", str(self.seed), "--out", str(out)]
        return [sys.executable, "-m", "nucleate.cli.main", self.task, *what, *numbers]


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


class Runner:
    """At most one command at a time. Safe to ask from several threads.

    Args:
        root: the folder in which FOLDER is made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._program: subprocess.Popen[str] | None = None
        self._wish: Wish | None = None
        self._said: deque[str] = deque(maxlen=LINES)
        self._state, self._begun, self._took = "idle", 0.0, 0.0

    def start(self, wish: Wish) -> dict[str, Any]:
        """Begin, or go on with, what is asked for. Raises NucleateError while another command is running."""
        with self._lock:
            if self._state == "running":
                raise NucleateError("something is running already", "wait for it, or stop it")
            out = self.root / FOLDER / wish.folder
            self._said.clear()
            self._program = subprocess.Popen(
                wish.command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
            self._wish, self._state, self._begun = wish, "running", time.monotonic()
            threading.Thread(target=self._watch, args=(self._program,), daemon=True).start()
        return self.state()

    def stop(self) -> dict[str, Any]:
        """Stop as Ctrl-C does; what is finished is kept."""
        with self._lock:
            program = self._program if self._state == "running" else None
            if program is not None:
                self._state = "stopping"
        if program is not None:
            program.send_signal(signal.SIGINT)
            try:
                program.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                program.kill()
            self._settle(program)
        return self.state()

    def state(self) -> dict[str, Any]:
        """What goes on: idle, running, stopping, done, failed or stopped; and what was said."""
        wish = self._wish
        running = self._state in ("running", "stopping")
        return {
            "state": self._state,
            "seconds": time.monotonic() - self._begun if running else self._took,
            "said": list(self._said),
            "folder": wish.folder if wish else "",
            "task": wish.task if wish else "",
            "formula": wish.formula if wish else "",
            "count": wish.count if wish else 0,
        }

    def _watch(self, program: subprocess.Popen[str]) -> None:
        assert program.stderr is not None
        for line in program.stderr:
            self._said.append(line.strip().replace(str(self.root), self.root.name)[:300])
        program.wait()
        self._settle(program)

    def _settle(self, program: subprocess.Popen[str]) -> None:
        """Note how a command ended; whoever comes first does it."""
        with self._lock:
            if program is not self._program or self._state not in ("running", "stopping"):
                return
            stopped = self._state == "stopping"
            self._state = "stopped" if stopped else "done" if program.returncode == 0 else "failed"
            self._took = time.monotonic() - self._begun
