"""The hull that a user chose: the text parsed once, and the hull opened when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nucleate.data.dataset import Dataset
from nucleate.energies.element_energies import fit_elements
from nucleate.energies.hull import Hull
from nucleate.energies.hull_sources import dft_hull, entries_hull, no_hull, potential_hull
from nucleate.energies.potential import Potential
from nucleate.energies.references import ReferenceStructures
from nucleate.errors import DataError
from nucleate.work import Work


@dataclass(frozen=True)
class HullChoice:
    """The hull that a user chose.

    Attributes:
        text: what the user wrote, for reports; "" for nothing.
        energies: of the potential, "dft" for the formation energies of a data set, or "entries" for a file's.
    """

    text: str = ""
    energies: Literal["potential", "dft", "entries"] = "potential"

    @classmethod
    def read(cls, text: str, potential: str) -> HullChoice:
        """A hull by its name: "" or that of the potential, "dft", or a JSON file of pymatgen entries.

        Raises DataError where there is no such hull and no such file.
        """
        if text in ("", potential):
            return cls(text)
        if text == "dft":
            return cls(text, "dft")
        if not Path(text).is_file():
            raise DataError(
                f"no hull is called {text!r}, and there is no such file",
                f"choose {potential}, dft, or a JSON file of pymatgen entries",
            )
        return cls(text, "entries")

    @property
    def complete(self) -> bool:
        """Whether the hull needs no data set."""
        return self.energies == "entries"

    def check(self, has_reference: bool) -> None:
        """Raise DataError if the hull needs a data set and there is none."""
        if self.energies == "dft" and not has_reference:
            raise DataError(
                "the hull 'dft' needs a data set with energies, and none was given",
                "name one with --reference, or give --hull a JSON file of pymatgen entries",
            )

    def open(self, potential: Potential, reference: Dataset | None, work: Work = Work()) -> Hull:
        """The hull from all splits of the reference; without a reference, an empty hull that places nothing.

        work: its cache is a file that keeps energies of reference structures.

        Raises DataError where a file holds no entries, or a data set no formation energies.
        """
        self.check(reference is not None)
        if self.energies == "entries":
            return entries_hull(Path(self.text))
        if reference is None:
            return no_hull()
        structures = ReferenceStructures.of(reference)
        if self.energies == "potential":
            return potential_hull(structures, potential, work=work)
        return dft_hull(structures, fit_elements(structures, potential, work=work))
