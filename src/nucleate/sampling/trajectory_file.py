"""The way from noise to crystal as extended XYZ, one file for each crystal, that ASE and OVITO open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nucleate.data.extxyz import frame_text
from nucleate.files import write_whole, writing
from nucleate.sampling.generate import Generated
from nucleate.sampling.job import arrays, header
from nucleate.sampling.request import Request


def trajectory_path(folder: Path, request: Request) -> Path:
    """Where the way of one crystal is written."""
    return folder / "trajectories" / f"{request.name}-{request.sample:03d}.extxyz"


def write_trajectories(folder: Path, batch: Sequence[Generated], seed: int, model: str) -> None:
    """FOLDER/trajectories/NAME-SAMPLE.extxyz for each crystal of a batch that was drawn with its path."""
    with writing(folder / "trajectories"):
        (folder / "trajectories").mkdir(exist_ok=True)
    for one in batch:
        text = "".join(
            frame_text(*arrays(replace(one, crystal=crystal)), {"t": f"{t:.4f}", **header(one, seed, model)})
            for t, crystal in one.path
        )
        write_whole(trajectory_path(folder, one.request), text)
