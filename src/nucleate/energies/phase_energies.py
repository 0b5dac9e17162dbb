"""A potential's energies of reference structures, computed when a hull needs them, then kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from nucleate.energies.potential import Potential
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.energies.single_points import single_points
from nucleate.work import Work


@dataclass
class PhaseEnergies:
    """The potential's energies of reference structures, when they are needed.

    Attributes:
        work: how they are computed; its cache keeps them.
        relax_settings: relax the phases that mixtures are made of; None takes all structures as they are.
        margin: upper bound assumed for the energy gained by relaxation, eV/atom: until a structure is relaxed, its
            energy less the margin is used, so that the search for the best mixture misses none.
        tried: indices that were computed, with or without success.
        relaxed: indices that were relaxed too.
        problems: why there is no energy, by index.
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
