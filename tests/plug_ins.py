"""Packages of somebody else's, as pip would leave them, and commands in a process that has them installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nucleate

COMMANDS = """
import json, sys
from nucleate.cli import main as cli

for words in json.load(sys.stdin):
    sys.argv = ["nucleate", *words]
    try:
        cli.main()
    except SystemExit as stop:
        if stop.code:
            raise
"""


def package(folder: Path, name: str, text: str, group: str, **points: str) -> None:
    """A package of one file and what pip would write beside it: names in the group, and what they stand for."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{point} = {name}:{value}" for point, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")


def call(folder: Path, *commands: list[str]) -> subprocess.CompletedProcess[str]:
    """Commands in one process that has the packages of the folder installed, up to the first that fails."""
    ours = str(Path(nucleate.__file__).parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), ours]),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", COMMANDS], input=json.dumps(commands), capture_output=True, text=True, check=False,
        env=environment, timeout=550,
    )  # fmt: skip
