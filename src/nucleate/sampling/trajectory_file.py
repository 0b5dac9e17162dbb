"""The way from noise to crystal as extended XYZ, one file for each crystal, that ASE and OVITO open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nucleate.data.extxyz import frame_text
from nucleate.sampling.generate import Generated
from nucleate.sampling.job import arrays, header


def write_trajectories(folder: Path, batch: Sequence[Generated], seed: int, model: str) -> None:
    """FOLDER/trajectories/NAME-SAMPLE.extxyz for each crystal of a batch that was drawn with its path."""
    target = folder / "trajectories"
    target.mkdir(exist_ok=True)
    for one in batch:
        frames = [replace(one, crystal=crystal) for crystal in one.path]
        text = "".join(
            frame_text(*arrays(frame), {"frame": number, **header(frame, seed, model)})
            for number, frame in enumerate(frames)
        )
        (target / f"{one.request.name}-{one.request.sample:03d}.extxyz").write_text(text)
