"""Trajectories from noise to crystal as extended XYZ, one file for each crystal, readable by ASE and OVITO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nucleate.data.extxyz import frame_text
from nucleate.files import write_whole, writing
from nucleate.records.crystal_files import crystal_name
from nucleate.sampling.generator import Answer, Generated
from nucleate.sampling.job import arrays, header
from nucleate.sampling.request import Request


def trajectory_path(folder: Path, request: Request) -> Path:
    """The file of one crystal's trajectory; it has the crystal's name."""
    invented = request.crystal is None and request.name == "generated"
    info = {"sample": str(request.sample), "cell": request.name}
    name = crystal_name(info, "generated" if invented else "predictions")
    return folder / "trajectories" / f"{name}.extxyz"


def has_trajectory(folder: Path, request: Request) -> bool:
    """Whether the trajectory of a crystal exists, under its name or its name in earlier versions."""
    earlier = folder / "trajectories" / f"{request.name}-{request.sample:03d}.extxyz"
    return trajectory_path(folder, request).exists() or earlier.exists()


def write_trajectories(folder: Path, batch: Sequence[Answer], seed: int, model: str) -> None:
    """FOLDER/trajectories/NAME.extxyz for each crystal of a batch that was drawn with its trajectory."""
    with writing(folder / "trajectories"):
        (folder / "trajectories").mkdir(exist_ok=True)
    for one in batch:
        if not isinstance(one, Generated):
            continue
        text = "".join(
            frame_text(*arrays(replace(one, crystal=crystal)), {"t": f"{t:.4f}", **header(one, seed, model)})
            for t, crystal in one.path
        )
        write_whole(trajectory_path(folder, one.request), text)
