"""Inputs of calculations for the candidates that come so far, in the folder `calculations` beside the ledger.

The last stage of a plan: it rejects nothing. What goes into the files of a candidate is its crystal as it is now, its
id, and the values that the plan names. Its distance from a hull of the program's own energies takes those of the phases
that compete with it too: where the plan asks, their inputs are written beside, once each, with the same settings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory

from nucleate.calculations.inputs import are_written, check_codes, check_installed, write_inputs
from nucleate.calculations.request import Request, Settings
from nucleate.defects import defect
from nucleate.energies.potentials import potential_named
from nucleate.errors import NucleateError
from nucleate.funnel.hulls import MOST_ABOVE, SHIPPED, check_hull, open_hull
from nucleate.funnel.stage import Candidate, Stage, Value, Verdict
from nucleate.metrics.usable import USABLE
from nucleate.settings import within
from nucleate.work import Work

FOLDER, PHASES = "calculations", "phases"
COMPETING = "competing phase"
"""What the provenance of a phase gives as its source."""


@dataclass(frozen=True)
class Calculations(Stage):
    """Inputs for programs of electronic structure.

    Attributes:
        codes: vasp, espresso, gpaw, abinit, atomate2.
        values: of earlier stages, which go into the provenance: energies, predictions.
        relax, cutoff, k_density, fmax, magnetic: as in `nucleate.calculations.request.Settings`.
        plan: a name for the provenance.
        competing: a potential, whose hull says which phases compete; "" for none of their inputs.
        reference, near: of that hull, as in the stage `hull`.
    """

    name = "calculations"
    batch = 8

    codes: tuple[str, ...] = ("vasp",)
    values: tuple[str, ...] = ()
    relax: bool = True
    cutoff: float = 520.0
    k_density: float = 64.0
    fmax: float = 0.02
    magnetic: bool = True
    plan: str = ""
    competing: str = ""
    reference: str = SHIPPED
    near: float = 0.05

    def __post_init__(self) -> None:
        check_codes(self.codes)
        _ = self.settings
        within(self, 0, MOST_ABOVE, "near")
        if self.competing:
            potential_named(self.competing)

    @property
    def identity(self) -> str:
        if not self.competing:
            return super().identity
        return f"{super().identity} {potential_named(self.competing).identity}"

    @property
    def settings(self) -> Settings:
        """Those of each calculation."""
        return Settings(**{one.name: getattr(self, one.name) for one in fields(Settings)})

    @property
    def reads(self) -> Sequence[str]:
        return self.values

    @property
    def writes(self) -> Sequence[str]:
        return ("calculations", "calculations.competing") if self.competing else ("calculations",)

    def check(self) -> None:
        check_installed(self.codes)
        if self.competing:
            check_hull(self.competing, self.reference, "")

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        if work.cache is not None:
            return [self._judge(one, work.cache.parent / FOLDER, work) for one in candidates]
        # without a ledger there is no place for files: they are written, checked and gone
        with TemporaryDirectory() as folder:
            return [self._judge(one, Path(folder), work) for one in candidates]

    def _judge(self, one: Candidate, out: Path, work: Work) -> Verdict:
        if broken := defect(one.cell, USABLE):
            return Verdict.rejected(broken.replace("_", " "))
        request = Request(one.id, one.cell, one.source, self.plan, one.values)
        values: dict[str, Value] = {"calculations": " ".join(self.codes)}
        try:
            write_inputs(request, out, self.codes, self.settings)
            if self.competing:
                values["calculations.competing"] = " + ".join(self._write_competing(one, out / PHASES, work))
        except NucleateError as error:
            return Verdict.failed("inputs not written", error.message)
        return Verdict.passed(values=values)

    def _write_competing(self, one: Candidate, out: Path, work: Work) -> list[str]:
        """Inputs of the phases of the hull beneath a candidate; their names."""
        hull = open_hull(self.competing, self.reference, "", self.near, work.cache)
        phases = hull.beneath(one.cell.species)
        for name, cell in phases:
            request = Request(re.sub(r"[^\w.+-]+", "-", name).strip("-"), cell, COMPETING, self.plan)
            if not are_written(request, out, self.codes, self.settings):
                write_inputs(request, out, self.codes, self.settings)
        return [name for name, _ in phases]


STAGES = (Calculations,)
