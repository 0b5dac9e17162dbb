"""Inputs of calculations for the candidates that come so far, in the folder `calculations` beside the ledger.

The last stage of a plan: it rejects nothing. What goes into the files of a candidate is its crystal as it is now, its
id, and the values that the plan names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory

from nucleate.calculations.inputs import check_codes, check_installed, write_inputs
from nucleate.calculations.request import Request, Settings
from nucleate.defects import defect
from nucleate.errors import NucleateError
from nucleate.funnel.stage import Candidate, Stage, Verdict
from nucleate.metrics.usable import USABLE
from nucleate.work import Work

FOLDER = "calculations"


@dataclass(frozen=True)
class Calculations(Stage):
    """Inputs for programs of electronic structure.

    Attributes:
        codes: vasp, espresso, gpaw, abinit, atomate2.
        values: of earlier stages, which go into the provenance: energies, predictions.
        relax, cutoff, k_density, fmax, magnetic: as in `nucleate.calculations.request.Settings`.
        plan: a name for the provenance.
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

    def __post_init__(self) -> None:
        check_codes(self.codes)
        _ = self.settings

    @property
    def settings(self) -> Settings:
        """Those of each calculation."""
        return Settings(**{one.name: getattr(self, one.name) for one in fields(Settings)})

    @property
    def reads(self) -> Sequence[str]:
        return self.values

    @property
    def writes(self) -> Sequence[str]:
        return ("calculations",)

    def check(self) -> None:
        check_installed(self.codes)

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        if work.cache is not None:
            return [self._judge(one, work.cache.parent / FOLDER) for one in candidates]
        # without a ledger there is no place for files: they are written, checked and gone
        with TemporaryDirectory() as folder:
            return [self._judge(one, Path(folder)) for one in candidates]

    def _judge(self, one: Candidate, out: Path) -> Verdict:
        if broken := defect(one.cell, USABLE):
            return Verdict.rejected(broken.replace("_", " "))
        request = Request(one.id, one.cell, one.source, self.plan, one.values)
        try:
            write_inputs(request, out, self.codes, self.settings)
        except NucleateError as error:
            return Verdict.failed("inputs not written", error.message)
        return Verdict.passed(values={"calculations": " ".join(self.codes)})


STAGES = (Calculations,)
