"""The options that predict and generate share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nucleate.errors import RecipeError
from nucleate.settings import MOST_SEED, MOST_WORKERS, override

if TYPE_CHECKING:
    from nucleate.predictor import Predictor

MOST_THREADS = 1024
"""With many more, PyTorch runs out of stacks and crashes."""
MOST_DEVICES = 256

Model = Annotated[str, typer.Option(help="Shipped name, model or run folder, hf:owner/name.")]
Sampler = Annotated[
    str | None,
    typer.Option(help="pc, em, ode, heun or multistep; for KLDM also paper or code. Default: the model's."),
]
Steps = Annotated[
    int | None, typer.Option(min=1, help="Sampler steps; pc and heun take two evaluations a step.")
]
Nfe = Annotated[int | None, typer.Option(min=2, help="Network evaluations; picks the best sampler.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Sampler setting, such as temperature=0.8.")
]
Seed = Annotated[int, typer.Option(min=0, max=MOST_SEED, help="The same seed gives the same crystals.")]
Out = Annotated[Path, typer.Option(help="Folder for the results.")]
Format = Annotated[str, typer.Option("--format", help="Files: cif,extxyz,poscar,json.")]
Trajectory = Annotated[bool, typer.Option("--trajectory", help="Write the trajectory from noise to crystal.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Precision = Annotated[
    Literal["float32", "bf16"],
    typer.Option(
        help="Of the network's products; bf16 is up to twice as fast where the processor multiplies it."
    ),
]
Edges = Annotated[
    int | None, typer.Option(min=1, max=10**8, help="Padded pairs of atoms in a batch. Default: by device.")
]
Threads = Annotated[int | None, typer.Option(min=1, max=MOST_THREADS, help="CPU threads.")]
Workers = Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Worker processes.")]
Shard = Annotated[str, typer.Option(help="I/N: every N-th crystal from I on, for array jobs.")]
CellForm = Annotated[
    str, typer.Option("--cell", help="Cell in files: as-is, symmetrised, primitive or conventional.")
]
Symprec = Annotated[
    float,
    typer.Option(min=1e-5, max=5, help="Tolerance of symmetry for --cell and space groups, Å."),
]
SpaceGroup = Annotated[
    int | None,
    typer.Option("--space-group", help="Number of the space group, which the crystals have exactly."),
]
Relax = Annotated[
    str | None, typer.Option("--relax", help="Relax with this potential, such as chgnet, into OUT/relaxed.")
]
RelaxSteps = Annotated[int | None, typer.Option(min=1, help="Maximum steps of a relaxation (200).")]

Adapter = Annotated[
    list[str] | None,
    typer.Option("--adapter", help="Adapter of the model: shipped name or run folder. Repeatable."),
]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", help="Property asked for: tc=20, band_gap=1.5..2.5, tc=max. Repeatable."),
]
Guidance = Annotated[
    list[str] | None,
    typer.Option("--guidance", help="How strongly: tc=2, or tc=2@0.2-0.8 between two times. Repeatable."),
]
Towards = Annotated[
    list[str] | None,
    typer.Option(
        "--towards",
        help="Value that a predictor's gradient pulls towards: tc=15, tc=max, tc=min. Repeatable.",
    ),
]
PullBy = Annotated[
    list[str] | None,
    typer.Option(
        "--pull", help="How strongly it pulls: tc=3, or tc=3@0.2-0.8 between two times. Repeatable."
    ),
]
PullOn = Annotated[
    str,
    typer.Option(
        "--pull-on", help="Crystal that predictors are asked about: the clean one expected, or noised."
    ),
]
Predictors = Annotated[
    list[str] | None,
    typer.Option(
        "--predictor",
        help="Predictor that pulls: shipped name or run folder. Default: of the package. Repeatable.",
    ),
]
Beyond = Annotated[bool, typer.Option("--beyond", help="Targets may lie outside all labels.")]


def refuse_unread(why: str, given: dict[str, Any]) -> None:
    """Raise RecipeError if one of these options has a value, since nothing would read it."""
    for name, value in given.items():
        if value not in (None, False, [], ()):
            raise RecipeError(f"{name} {value} has no effect {why}", f"leave {name} out")


def refuse_both(assignments: list[str] | None, named: dict[str, tuple[str, Any]]) -> None:
    """Raise RecipeError where --set gives a setting that an option gives too: setting -> (option, its value)."""
    for assignment in assignments or []:
        option, value = named.get(assignment.partition("=")[0].strip(), ("", None))
        if value is not None:
            raise RecipeError(
                f"--set {assignment} and {option} {value} both say the same thing", "give one of them"
            )


def sampler_of(
    predictor: Predictor,
    sampler: str | None,
    steps: int | None,
    nfe: int | None,
    assignments: list[str] | None,
) -> Any:
    """The sampler, or whatever settings the generator has, that the options ask for.

    Raises RecipeError where two of them say the same thing, and for options that the generator can't take.
    `--set method=NAME` is `--sampler NAME`, whatever else is set comes after it.
    """
    count = ("--steps", steps) if nfe is None else ("--nfe", nfe)
    refuse_both(assignments, {"steps": count, "nfe": ("--nfe", nfe), "method": ("--sampler", sampler)})
    said = [
        text.strip()
        for key, _, text in (one.partition("=") for one in assignments or [])
        if key.strip() == "method"
    ]
    if said and said[-1] in predictor.generator.methods():
        sampler = said[-1]
    settings = predictor.sampler(sampler, steps, nfe)
    if settings is None:
        refuse_unread(f"to {predictor.name}, which has no settings", {"--set": (assignments or [None])[0]})
        return None
    return override(settings, assignments or [])
