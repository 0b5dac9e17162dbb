"""Where the command line speaks: data to stdout, everything else to stderr."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """One line to stderr."""
    print(text, file=sys.stderr)
