"""The options that predict and generate share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.settings import MOST_SEED, MOST_WORKERS

MOST_THREADS = 1024
"""With many more PyTorch runs out of stacks and ends in a crash."""
MOST_DEVICES = 256

Model = Annotated[str, typer.Option(help="Shipped name, model or run folder, hf:owner/name.")]
Sampler = Annotated[
    str | None, typer.Option(help="pc, em, ode, heun, multistep or, of KLDM, paper or code; the model's.")
]
Steps = Annotated[int | None, typer.Option(min=1, help="Sampler steps; pc and heun evaluate twice a step.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Sampler setting, such as temperature=0.8.")
]
Seed = Annotated[int, typer.Option(min=0, max=MOST_SEED, help="The same seed gives the same crystals.")]
Out = Annotated[Path, typer.Option(help="Folder for the results.")]
Format = Annotated[str, typer.Option("--format", help="Files: cif,extxyz,poscar,json.")]
Trajectory = Annotated[bool, typer.Option("--trajectory", help="Write the way from noise to crystal.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Edges = Annotated[
    int | None, typer.Option(min=1, max=10**8, help="Padded pairs of atoms in a batch; by device.")
]
Threads = Annotated[int | None, typer.Option(min=1, max=MOST_THREADS, help="CPU threads.")]
Workers = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Processes.")]
Shard = Annotated[str, typer.Option(help="I/N: every N-th crystal from I on, for array jobs.")]
CellForm = Annotated[
    str, typer.Option("--cell", help="Files: as-is, symmetrised, primitive or conventional cells.")
]
Symprec = Annotated[
    float, typer.Option(help="Å within which atoms count as symmetric, for --cell and space groups.")
]
