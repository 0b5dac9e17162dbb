"""The command line in tests: run it, and read what it says of an error."""

from __future__ import annotations

import sys

from nucleate.cli import main as cli


def run(monkeypatch, *words: object) -> int:
    """The exit status of `nucleate WORDS`."""
    monkeypatch.setattr(sys, "argv", ["nucleate", *map(str, words)])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def assert_one_line(capsys, part: str) -> None:
    """One sentence with `part` in it and one hint, nothing else."""
    lines = capsys.readouterr().err.splitlines()
    assert part in lines[0]
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2
