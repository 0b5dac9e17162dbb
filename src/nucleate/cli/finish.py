"""The last steps of predict and generate: cells in another form, and a relaxed copy of each crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.cli.console import say
from nucleate.cli.options import refuse_unread
from nucleate.cli.progress import progress_bars
from nucleate.cli.relax import print_rows, summary

if TYPE_CHECKING:
    from nucleate.data.cell_forms import CellForm
    from nucleate.discovery.candidates import Candidate
    from nucleate.discovery.relaxing import RelaxedRow, Relaxing

FOLDER, STEPS = "relaxed", 200


@dataclass(frozen=True)
class Finish:
    """Made before anything is drawn, so that errors come first.

    Attributes:
        form: of the cells in files.
        relaxing: None for no relaxation.
    """

    form: CellForm
    relaxing: Relaxing | None = None

    @classmethod
    def of(
        cls, cell: str, symprec: float, relax: str | None, steps: int | None, kinds: Sequence[str]
    ) -> Finish:
        """From the options. Raises NucleateError for an unknown form or potential."""
        from nucleate.data.cell_forms import CellForm

        form = CellForm(cell, symprec)
        if relax is None:
            refuse_unread("without --relax", {"--relax-steps": steps})
            return cls(form)
        from nucleate.discovery.relaxing import Relaxing
        from nucleate.energies.potentials import potential_named
        from nucleate.energies.relax import RelaxSettings

        potential = potential_named(relax)
        potential.calculator()
        kinds = tuple(kind for kind in kinds if kind != "extxyz")
        return cls(form, Relaxing(potential, RelaxSettings(max_steps=steps or STEPS), form, kinds))

    def relax(self, candidates: Sequence[Candidate], out: Path) -> list[RelaxedRow]:
        """Relax drawn crystals into OUT/relaxed, if --relax was given."""
        if self.relaxing is None:
            return []
        from nucleate.work import Work

        with progress_bars() as progress:
            rows = self.relaxing.run(candidates, out / FOLDER, Work(progress=progress), growing=True)
        say(f"{summary(rows)}: {out / FOLDER}")
        return rows

    def present(self, candidates: Sequence[Candidate], out: Path) -> None:
        """As `relax`, and a table of the first rows to stdout."""
        if rows := self.relax(candidates, out):
            print_rows(rows)
