"""A hull of known phases, and a crystal's energy above it; energies of phases may be computed when needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.energies.convex_hull import Decomposition, Phases, elements_of, fractions_of, hull_at
from nucleate.energies.element_energies import ElementEnergies
from nucleate.energies.phase_energies import PhaseEnergies
from nucleate.errors import NucleateError
from nucleate.work import Work


@dataclass(frozen=True)
class AboveHull:
    """The energy of one candidate above the hull.

    Attributes:
        energy: above the hull, eV/atom, negative below it; None if unknown.
        reason: "", "missing_terminal", "no_reference_energy", "unreliable_element" or "no_correction".
        detail: the elements concerned.
        decomposition: names of the competing phases and their shares of the atoms.
    """

    energy: float | None
    reason: str = ""
    detail: str = ""
    decomposition: tuple[tuple[str, float], ...] = ()


@dataclass
class Hull:
    """Known phases with energies, and the offsets that bring a candidate's energy to their scale.

    Attributes:
        name: "dft", "potential", "entries": for reports.
        phases: compositions.
        energies: eV/atom, NaN where not computed (yet) or unknown. [phases]
        labels: of the phases.
        offsets: energies of the elements, subtracted from a candidate's potential energy; None for nothing.
        lazy: computes energies of phases when needed; None if all are known.
        settings: what the hull was made of, for reports.
        notes: sentences that a reader of the numbers must know.
    """

    name: str
    phases: Phases
    energies: np.ndarray
    labels: list[str]
    offsets: ElementEnergies | None = None
    lazy: PhaseEnergies | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def corrected(self) -> bool:
        """Whether its energies are corrected ones of the Materials Project, and not a potential's own."""
        return self.name in ("dft", "entries")

    def prepare(self, candidates: Iterable[np.ndarray], work: Work | None = None) -> None:
        """Compute the energies of phases that candidates with these atomic numbers need, all at once.

        work: replaces the work of the lazy energies, but not its cache.
        """
        if self.lazy is None:
            return
        work = (work or self.lazy.work).kept_in(self.lazy.work.cache)
        targets = {tuple(f): f for f in map(fractions_of, candidates)}
        wanted = {i for f in targets.values() for i in self.phases.within(elements_of(f))}
        rows = sorted(wanted - self.lazy.tried)
        if rows:
            self.energies[rows] = self.lazy.compute(rows, work)
        while self.lazy.relax_settings and targets:
            mixtures = {key: self._mixture(f)[1] for key, f in targets.items()}
            open_rows = {i for rows in mixtures.values() for i in rows} - self.lazy.relaxed
            if not open_rows:
                break
            rows = sorted(open_rows)
            self.energies[rows] = self.lazy.relax(rows, work)
            targets = {key: f for key, f in targets.items() if open_rows.intersection(mixtures[key])}

    def _mixture(self, fractions: np.ndarray) -> tuple[Decomposition | None, list[int]]:
        """The hull at a composition, and the indices of the phases it is made of."""
        rows = np.array(self.phases.within(elements_of(fractions)), dtype=np.int64)
        rows = rows[np.isfinite(self.energies[rows])]
        found = hull_at(fractions, self.phases.fractions[rows], self.energies[rows])
        return found, [int(rows[i]) for i, _ in found.phases] if found else []

    def above(self, numbers: np.ndarray, energy: float) -> AboveHull:
        """How far a candidate stands above the hull.

        Args:
            numbers: its atomic numbers. [atoms]
            energy: its total energy on the scale of the hull, eV; see `placing.above_hull` for a potential's.
        """
        fractions = fractions_of(numbers)
        elements = elements_of(fractions)
        per_atom = energy / len(numbers)
        if self.offsets is not None:
            doubtful = [z for z in elements if z not in self.offsets.energies]
            if doubtful:
                return AboveHull(None, "unreliable_element", _symbols(doubtful))
            per_atom -= self.offsets.of(fractions)
        self.prepare([numbers], Work())
        found, rows = self._mixture(fractions)
        if found is None:
            missing = [z for z in elements if not self._has_pure(z)]
            return AboveHull(None, "missing_terminal", _symbols(missing))
        shares = (share for _, share in found.phases)
        named = tuple((self.labels[i], share) for i, share in zip(rows, shares, strict=True))
        return AboveHull(per_atom - found.energy, decomposition=named)

    def energy_at(self, numbers: np.ndarray) -> float | None:
        """The hull itself at the composition of a crystal, eV/atom; None where no mixture of phases has it.

        Args:
            numbers: its atomic numbers. [atoms]
        """
        self.prepare([numbers], Work())
        found, _ = self._mixture(fractions_of(numbers))
        return None if found is None else found.energy

    def joined_by(self, fractions: np.ndarray, energies: np.ndarray, labels: Sequence[str]) -> Hull:
        """A hull with more phases, of which it knows no crystals; this one stays as it is.

        Args:
            fractions: their atomic fractions by atomic number. [phases, MAX_ATOMIC_NUMBER + 1]
            energies: on the scale of this hull, eV/atom. [phases]
            labels: their names. [phases]
        """
        phases = Phases(np.concatenate([self.phases.fractions, fractions]))
        new = set(range(len(self.phases), len(phases)))
        known = self.lazy and replace(self.lazy, tried=self.lazy.tried | new, relaxed=self.lazy.relaxed | new)
        every = np.concatenate([self.energies, energies])
        return replace(self, phases=phases, energies=every, labels=[*self.labels, *labels], lazy=known)

    def beneath(self, numbers: np.ndarray) -> list[tuple[str, Cell]]:
        """Names and crystals of the phases that the hull is made of at the composition of a crystal.

        Args:
            numbers: its atomic numbers. [atoms]

        Raises NucleateError for a hull that knows energies of its phases and no crystals.
        """
        if self.lazy is None:
            raise NucleateError(
                f"the hull '{self.name}' has no crystals of its phases",
                "take the hull of a potential's own energies",
            )
        self.prepare([numbers], Work())
        _, rows = self._mixture(fractions_of(numbers))
        return [(self.labels[row], self.lazy.structures.cell(row)) for row in rows]

    def _has_pure(self, element: int) -> bool:
        return bool(np.isfinite(self.energies[self.phases.within([element])]).any())


def _symbols(elements: Iterable[int]) -> str:
    return ", ".join(SYMBOLS[z] for z in elements)
