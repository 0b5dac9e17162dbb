"""A jobflow Flow of atomate2, as JSON: the Materials Project's double relaxation and static calculation with VASP.

`jobflow.run_locally(loadfn("flow.json"))` runs it here, `jobflow_remote.submit_flow` elsewhere. Needs the package
atomate2.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from nucleate.calculations.request import Settings
from nucleate.cell import Cell
from nucleate.errors import MissingPackageError

FILE = "flow.json"
NOTES = ["A Flow of atomate2 for the Materials Project's PBE or PBE+U: its settings are those of atomate2."]


def check() -> None:
    """Raise MissingPackageError where atomate2 is not installed."""
    _maker(relax=True)


def write(folder: Path, cell: Cell, settings: Settings) -> list[str]:
    """The Flow. Returns notes. Raises MissingPackageError where atomate2 is not installed."""
    from monty.serialization import dumpfn

    made: Any = _maker(settings.relax).make(cell.to_structure())
    made.name = f"{folder.parent.name} {made.name}"
    dumpfn(made, folder / FILE)
    return NOTES


def read_back(folder: Path) -> Cell:
    """The crystal of the Flow's first job."""
    from monty.serialization import loadfn

    first: Any = loadfn(folder / FILE)
    while hasattr(first, "jobs"):
        first = first.jobs[0]
    return Cell.of(first.function_args[0] if first.function_args else first.function_kwargs["structure"])


def _maker(relax: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if relax:
                from atomate2.vasp.flows.mp import MPGGADoubleRelaxStaticMaker as Maker  # pyright: ignore[reportMissingImports]
            else:
                from atomate2.vasp.jobs.mp import MPGGAStaticMaker as Maker  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingPackageError(
            "a Flow needs the package atomate2, which is not installed",
            "pip install atomate2, or take vasp, espresso, gpaw or abinit",
        ) from None
    return Maker()
