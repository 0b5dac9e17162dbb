"""Crystals drawn until a time is up: a job that can be resumed, with the time that it took."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from nucleate.files import parse_json, write_whole
from nucleate.sampling.generator import Generator
from nucleate.sampling.job import Job
from nucleate.sampling.request import Request

CHUNK = 64
"""Requests between two looks at the clock."""
SPENT = "spent.json"


def draw_within(
    folder: Path, generator: Generator, requests: Sequence[Request], seed: int, seconds: float
) -> dict[str, Any]:
    """Draw requests in their order, until all are answered or the time is up; the last ones begun are finished.

    seconds: of the processor, in all calls together. Returns `crystals`, `failures` and the `seconds` that they took.
    One crystal is drawn before the clock starts, since the first one loads what it needs.
    """
    job = Job.of(folder, generator, requests, generator.settings, seed)
    spent, missing = _spent(folder), job.missing(requests)
    if missing and spent < seconds:
        for _ in generator.draw(missing[:1], generator.settings, seed):
            pass
    for chunk in _chunks(missing):
        if spent >= seconds:
            break
        start = time.process_time()
        for batch in generator.draw(chunk, generator.settings, seed):
            job.write(batch, seed, generator.name)
        spent += time.process_time() - start
        write_whole(folder / SPENT, json.dumps({"seconds": round(spent, 3)}) + "\n")
    return {"crystals": len(job.done), "failures": len(job.failed), "seconds": round(spent, 3)}


def _spent(folder: Path) -> float:
    """Seconds of earlier calls."""
    try:
        return float(parse_json((folder / SPENT).read_bytes())["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def _chunks(requests: Sequence[Request]):
    left = iter(requests)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
