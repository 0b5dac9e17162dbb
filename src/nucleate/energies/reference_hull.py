"""How far candidates stand above known phases, whose energies may be computed as they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nucleate.elements import SYMBOLS
from nucleate.energies.elements import ElementEnergies
from nucleate.energies.hull import Decomposition, Phases, elements_of, fractions_of, hull_at
from nucleate.energies.points import single_points
from nucleate.energies.potentials import Potential
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.work import Work


@dataclass(frozen=True)
class AboveHull:
    """Where one candidate stands.

    Attributes:
        energy: above the hull, eV/atom, negative below it; None where the hull can't say.
        reason: "", "missing_terminal", "no_reference_energy" or "unreliable_element".
        detail: the elements that the reason is about.
        decomposition: names of the competing phases and their shares of the atoms.
    """

    energy: float | None
    reason: str = ""
    detail: str = ""
    decomposition: tuple[tuple[str, float], ...] = ()


@dataclass
class ReferenceHull:
    """Known phases with energies, and the way of a candidate's energy to their scale.

    Attributes:
        name: "dft", "potential", "entries": for reports.
        phases: compositions.
        energies: eV/atom, NaN where not computed (yet) or unknown. [phases]
        labels: of the phases.
        offsets: energies of the elements to be taken off a candidate's potential energy; None for nothing.
        lazy: where energies of phases come from as they are needed; None where all are known.
        settings: what the hull was made of, for reports.
        notes: sentences that a reader of the numbers must know.
    """

    name: str
    phases: Phases
    energies: np.ndarray
    labels: list[str]
    offsets: ElementEnergies | None = None
    lazy: LazyEnergies | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def prepare(self, candidates: Iterable[np.ndarray], work: Work | None = None) -> None:
        """Compute the energies of phases that candidates with these atomic numbers need, all at once.

        work: in place of that of the lazy energies, which is how they are computed otherwise; the cache stays theirs.
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
            energy: its total energy as the potential gives it, eV.
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

    def _has_pure(self, element: int) -> bool:
        return bool(np.isfinite(self.energies[self.phases.within([element])]).any())


@dataclass
class LazyEnergies:
    """The potential's energies of reference structures, when they are needed.

    Attributes:
        work: how they are computed; its cache keeps them.
        relax_settings: relax the phases that mixtures are made of; None takes all structures as they are.
        margin: what relaxation is taken to gain at most, eV/atom: a structure enters the search for the best
            mixture with its energy less the margin until it is relaxed, so that the search misses none.
        tried: indices that were computed, whether or not an energy came out; relaxed: those relaxed too.
        problems: why there is none, by index.
    """

    structures: ReferenceStructures
    potential: Potential
    work: Work = Work()
    relax_settings: RelaxSettings | None = None
    margin: float = 0.03
    tried: set[int] = field(default_factory=set)
    relaxed: set[int] = field(default_factory=set)
    problems: dict[int, str] = field(default_factory=dict)

    def compute(self, rows: list[int], work: Work) -> np.ndarray:
        """eV/atom as they are (less the margin), NaN where the potential can't take a structure. [rows]"""
        cells = [self.structures.cell(i) for i in rows]
        points = single_points(cells, self.potential, work)
        self.tried.update(rows)
        self.problems |= {i: point.reason for i, point in zip(rows, points, strict=True) if point.reason}
        margin = self.margin if self.relax_settings else 0.0
        return np.array(
            [
                np.nan if point.energy is None else point.energy / len(cell.species) - margin
                for point, cell in zip(points, cells, strict=True)
            ]
        )

    def relax(self, rows: list[int], work: Work) -> np.ndarray:
        """eV/atom relaxed; as it is where relaxation failed. [rows]"""
        cells = [self.structures.cell(i) for i in rows]
        found = relax(cells, self.potential, self.relax_settings, work)
        self.relaxed.update(rows)
        self.problems |= {i: one.reason for i, one in zip(rows, found, strict=True) if one.energy is None}
        points = single_points(cells, self.potential, replace(work, progress=None))
        return np.array(
            [
                (point.energy if one.energy is None else one.energy) / len(cell.species)
                for one, point, cell in zip(found, points, cells, strict=True)
                if point.energy is not None
            ]
        )


def _symbols(elements: Iterable[int]) -> str:
    return ", ".join(SYMBOLS[z] for z in elements)
