"""Reference hulls: what is known to be stable, on the energy scale of the candidates.

Two come from a data set. The `potential` hull takes the potential's own energies of the reference structures,
so that its systematic errors cancel; they are computed for the chemical systems that are asked about only, and
kept on disk. The `dft` hull takes the formation energies of the data set, with every pure element at 0; where
the data set also knows each structure's energy above the hull of the whole database, the point of that hull
below the structure is taken instead, so that phases missing from the data set count as far as they are known.
A candidate's formation energy is then the potential's energy less fitted energies of the elements.

A third comes from entries of pymatgen or the Materials Project; it takes corrected total energies as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.energies.elements import ElementEnergies
from nucleate.energies.hull import Decomposition, Phases, elements_of, fractions_of, hull_at
from nucleate.energies.points import single_points
from nucleate.energies.potentials import Potential
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.errors import DataError, MissingPackageError, NucleateError
from nucleate.pool import Progress

FORMATION_COLUMN = "formation_energy_per_atom"
HULL_COLUMN = "e_above_hull"


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


@dataclass(frozen=True)
class ReferenceStructures:
    """Crystals of a data set, from one or more splits.

    Attributes:
        tables: the splits.
        names: of the data set and its splits, with checksums: the identity for reports.
        phases: their compositions, in the order of the tables.
    """

    tables: tuple[CrystalTable, ...]
    names: dict[str, str]
    phases: Phases

    @classmethod
    def of(cls, dataset: Dataset | Path | str, splits: Sequence[str] = ()) -> ReferenceStructures:
        """All structures of some splits; of all splits where none is named.

        Raises DataError for a missing data set or split.
        """
        dataset = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
        splits = list(splits) or dataset.splits
        tables = tuple(dataset.split(name) for name in splits)
        names = {name: dataset.info["checksums"][f"{name}.parquet"] for name in splits}
        return cls.of_tables(tables, names)

    @classmethod
    def of_tables(
        cls, tables: Sequence[CrystalTable], names: dict[str, str] | None = None
    ) -> ReferenceStructures:
        """The same of tables in memory."""
        fractions = [fractions_of(t.species[t.atoms_of(i)]) for t in tables for i in range(len(t))]
        matrix = np.stack(fractions) if fractions else np.zeros((0, MAX_ATOMIC_NUMBER + 1))
        return cls(tuple(tables), names or {}, Phases(matrix))

    def __len__(self) -> int:
        return len(self.phases)

    def _place(self, index: int) -> tuple[CrystalTable, int]:
        for table in self.tables:
            if index < len(table):
                return table, index
            index -= len(table)
        raise IndexError(index)

    def cell(self, index: int) -> Cell:
        table, row = self._place(index)
        atoms = table.atoms_of(row)
        return Cell(table.species[atoms], table.frac[atoms], table.lattice[row])

    def id(self, index: int) -> str:
        table, row = self._place(index)
        return table.ids[row]

    def column(self, name: str) -> np.ndarray | None:
        """A property of all crystals, NaN where unknown; None where no split has it."""
        if not any(name in table.properties for table in self.tables):
            return None
        parts = [t.properties.get(name, np.full(len(t), np.nan)) for t in self.tables]
        return np.concatenate([np.asarray(part, dtype=float) for part in parts])


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

    def prepare(
        self, candidates: Iterable[np.ndarray], workers: int = 1, progress: Progress | None = None
    ) -> None:
        """Compute the energies of phases that candidates with these atomic numbers need, all at once."""
        if self.lazy is None:
            return
        targets = {tuple(f): f for f in map(fractions_of, candidates)}
        wanted = {i for f in targets.values() for i in self.phases.within(elements_of(f))}
        rows = sorted(wanted - self.lazy.tried)
        if rows:
            self.energies[rows] = self.lazy.compute(rows, workers, progress)
        while self.lazy.relax_settings and targets:
            mixtures = {key: self._mixture(f)[1] for key, f in targets.items()}
            open_rows = {i for rows in mixtures.values() for i in rows} - self.lazy.relaxed
            if not open_rows:
                break
            rows = sorted(open_rows)
            self.energies[rows] = self.lazy.relax(rows, workers, progress)
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
        self.prepare([numbers])
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
        relax_settings: relax the phases that mixtures are made of; None takes all structures as they are.
        margin: what relaxation is taken to gain at most, eV/atom: a structure enters the search for the best
            mixture with its energy less the margin until it is relaxed, so that the search misses none.
        tried: indices that were computed, whether or not an energy came out; relaxed: those relaxed too.
        problems: why there is none, by index.
    """

    structures: ReferenceStructures
    potential: Potential
    cache: Path | None = None
    relax_settings: RelaxSettings | None = None
    margin: float = 0.03
    tried: set[int] = field(default_factory=set)
    relaxed: set[int] = field(default_factory=set)
    problems: dict[int, str] = field(default_factory=dict)

    def compute(self, rows: list[int], workers: int, progress: Progress | None = None) -> np.ndarray:
        """eV/atom as they are (less the margin), NaN where the potential can't take a structure. [rows]"""
        cells = [self.structures.cell(i) for i in rows]
        points = single_points(cells, self.potential, workers, self.cache, progress)
        self.tried.update(rows)
        self.problems |= {i: point.reason for i, point in zip(rows, points, strict=True) if point.reason}
        margin = self.margin if self.relax_settings else 0.0
        return np.array(
            [
                np.nan if point.energy is None else point.energy / len(cell.numbers) - margin
                for point, cell in zip(points, cells, strict=True)
            ]
        )

    def relax(self, rows: list[int], workers: int, progress: Progress | None = None) -> np.ndarray:
        """eV/atom relaxed; as it is where relaxation failed. [rows]"""
        cells = [self.structures.cell(i) for i in rows]
        found = relax(cells, self.potential, self.relax_settings, workers, self.cache, progress)
        self.relaxed.update(rows)
        self.problems |= {i: one.reason for i, one in zip(rows, found, strict=True) if one.energy is None}
        points = single_points(cells, self.potential, workers, self.cache)
        return np.array(
            [
                (point.energy if one.energy is None else one.energy) / len(cell.numbers)
                for one, point, cell in zip(found, points, cells, strict=True)
                if point.energy is not None
            ]
        )


def potential_hull(
    structures: ReferenceStructures,
    potential: Potential,
    cache: Path | None = None,
    relax_settings: RelaxSettings | None = None,
) -> ReferenceHull:
    """The hull of the potential's own energies of the reference structures.

    As single points, a reference structure lies some meV/atom above its own minimum in the potential and a
    relaxed candidate does not: candidates look a little more stable than they are (about 1 meV/atom on average for
    CHGNet on MP-20). With `relax_settings` the phases that compete are relaxed as the candidates are.
    """
    how = f"relaxed ({relax_settings.identity})" if relax_settings else "single points"
    labels = [structures.id(i) for i in range(len(structures))]
    return ReferenceHull(
        "potential",
        structures.phases,
        np.full(len(structures), np.nan),
        labels,
        lazy=LazyEnergies(structures, potential, cache, relax_settings),
        settings={"energies": f"{how}, {potential.identity}", "splits": structures.names},
    )


def dft_hull(
    structures: ReferenceStructures,
    offsets: ElementEnergies | None = None,
    known_hull: bool = True,
) -> ReferenceHull:
    """The hull of the data set's own formation energies, every pure element at 0.

    Args:
        structures: of a data set with the column formation_energy_per_atom, eV/atom.
        offsets: the potential's energies of the elements, from `ElementEnergies.fit`, for candidates whose
            energies come from a potential; None for candidates whose formation energies are given.
        known_hull: whether a structure with a known e_above_hull stands for the point of the hull below it.

    Raises DataError where the data set has no formation energies.
    """
    energies = structures.column(FORMATION_COLUMN)
    if energies is None:
        raise DataError(
            f"the reference has no column {FORMATION_COLUMN}, so it has no hull of formation energies",
            "import it with that column, or take the hull of the potential's own energies",
        )
    distances = structures.column(HULL_COLUMN) if known_hull else None
    if distances is not None:
        energies = energies - np.where(np.isfinite(distances), np.maximum(distances, 0), 0)
    known = np.isfinite(energies)
    pure = np.eye(MAX_ATOMIC_NUMBER + 1)[1:]
    labels = [structures.id(i) for i in np.flatnonzero(known).tolist()] + list(SYMBOLS[1:])
    settings = {"energies": FORMATION_COLUMN, "splits": structures.names, "known_hull": distances is not None}
    if offsets is not None:
        settings["element_energies"] = offsets.to_dict()
    return ReferenceHull(
        "dft",
        Phases(np.concatenate([structures.phases.fractions[known], pure])),
        np.concatenate([energies[known], np.zeros(len(pure))]),
        labels,
        offsets,
        settings=settings,
    )


def entries_hull(path: Path) -> ReferenceHull:
    """The hull of a JSON file of pymatgen entries (a list of ComputedEntry as dictionaries), energies corrected.

    Raises DataError where the file is missing or holds no entries.
    """
    hint = "write it with monty.serialization.dumpfn(entries, path)"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror})", hint) from None
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error})", hint) from None
    return hull_of_entries(_entries(content, path, hint), str(path.name))


def _entries(content: Any, path: Path, hint: str) -> list[Any]:
    from pymatgen.entries.computed_entries import ComputedEntry

    if not isinstance(content, list) or not content:
        raise DataError(f"{path} holds no list of entries", hint)
    try:
        return [ComputedEntry.from_dict(item) for item in content]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} holds something that is no entry ({error})", hint) from None


def hull_of_entries(entries: Sequence[Any], source: str) -> ReferenceHull:
    """The hull of pymatgen entries with corrected total energies."""
    fractions = np.zeros((len(entries), MAX_ATOMIC_NUMBER + 1))
    for row, entry in enumerate(entries):
        for element, amount in entry.composition.items():
            fractions[row, element.Z] += amount
    fractions /= fractions.sum(1, keepdims=True)
    return ReferenceHull(
        "entries",
        Phases(fractions),
        np.array([float(entry.energy_per_atom) for entry in entries]),
        [str(entry.entry_id or entry.reduced_formula) for entry in entries],
        settings={"energies": f"corrected energies of {source}", "entries": len(entries)},
        notes=["Candidates need energies on the Materials Project's corrected scale, as CHGNet gives them."],
    )


def materials_project_hull(elements: Sequence[int], api_key: str) -> ReferenceHull:
    """The hull of a chemical system as the Materials Project has it today (needs the network and a key).

    Raises MissingPackageError without mp-api, NucleateError without a key or where the request fails.
    """
    if not api_key:
        raise NucleateError(
            "the Materials Project asks for a key", "get one at materialsproject.org and set MP_API_KEY"
        )
    try:
        from mp_api.client import MPRester  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingPackageError(
            "the Materials Project's hull needs the package mp-api, which is not installed",
            "pip install mp-api, or take the hull of a data set",
        ) from None
    with MPRester(api_key) as client:
        entries = client.get_entries_in_chemsys([SYMBOLS[z] for z in elements])
    return hull_of_entries(entries, "the Materials Project")


def _symbols(elements: Iterable[int]) -> str:
    return ", ".join(SYMBOLS[z] for z in elements)


def no_hull() -> ReferenceHull:
    """A hull without phases, which places nothing."""
    empty = Phases(np.zeros((0, MAX_ATOMIC_NUMBER + 1)))
    return ReferenceHull(
        "none", empty, np.zeros(0), [], notes=["Without a reference nothing is placed against a hull."]
    )
