"""Sources of hulls: known stable phases, on the energy scale of the candidates.

Two come from a data set. The `potential` hull takes the potential's own energies of the reference structures,
so that its systematic errors cancel; they are computed only for the chemical systems that are needed, and
kept on disk. The `dft` hull takes the formation energies of the data set, with every pure element at 0; where
the data set also knows each structure's energy above the hull of the whole database, the point of that hull
below the structure is taken instead, so that phases missing from the data set count as far as they are known.
A candidate's formation energy is then the potential's energy less fitted energies of the elements.

A third comes from entries of pymatgen or the Materials Project; it takes corrected total energies as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.energies.convex_hull import Phases
from nucleate.energies.element_energies import ElementEnergies
from nucleate.energies.hull import Hull
from nucleate.energies.phase_energies import PhaseEnergies
from nucleate.energies.potential import Potential
from nucleate.energies.references import FORMATION_COLUMN, HULL_COLUMN, ReferenceStructures
from nucleate.energies.relax import RelaxSettings
from nucleate.energies.releases import TOLERANCE, Releases, releases
from nucleate.errors import DataError, MissingPackageError, NucleateError
from nucleate.files import parse_json
from nucleate.work import Work

OPTIMISTIC = (
    "The hull is that of the reference's formation energies: phases that it lacks would lower it, "
    "so that distances are optimistic (too low)."
)


def potential_hull(
    structures: ReferenceStructures,
    potential: Potential,
    relax_settings: RelaxSettings | None = None,
    work: Work = Work(),
) -> Hull:
    """The hull of the potential's own energies of the reference structures.

    As single points, a reference structure lies some meV/atom above its own minimum in the potential and a
    relaxed candidate does not: candidates look a little more stable than they are (about 1 meV/atom on average for
    CHGNet on MP-20). With `relax_settings` the phases that compete are relaxed as the candidates are.
    """
    how = f"relaxed ({relax_settings.identity})" if relax_settings else "single points"
    labels = [structures.id(i) for i in range(len(structures))]
    return Hull(
        "potential",
        structures.phases,
        np.full(len(structures), np.nan),
        labels,
        lazy=PhaseEnergies(structures, potential, work, relax_settings),
        settings={"energies": f"{how}, {potential.identity}", "splits": structures.names},
    )


def dft_hull(
    structures: ReferenceStructures,
    offsets: ElementEnergies | None = None,
    known_hull: bool = True,
) -> Hull:
    """The hull of the data set's own formation energies, every pure element at 0.

    Args:
        structures: of a data set with the column formation_energy_per_atom, eV/atom.
        offsets: the potential's energies of the elements, from `fit_elements`, for candidates whose
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
    notes = [OPTIMISTIC]
    if distances is not None:
        notes += _release_notes(releases(structures.phases, energies, distances))
        energies = energies - np.where(np.isfinite(distances), np.maximum(distances, 0), 0)
    known = np.isfinite(energies)
    pure = np.eye(MAX_ATOMIC_NUMBER + 1)[1:]
    labels = [structures.id(i) for i in np.flatnonzero(known).tolist()] + list(SYMBOLS[1:])
    settings = {"energies": FORMATION_COLUMN, "splits": structures.names, "known_hull": distances is not None}
    if offsets is not None:
        settings["element_energies"] = offsets.to_dict()
    return Hull(
        "dft",
        Phases(np.concatenate([structures.phases.fractions[known], pure])),
        np.concatenate([energies[known], np.zeros(len(pure))]),
        labels,
        offsets,
        settings=settings,
        notes=notes,
    )


def _release_notes(found: Releases) -> list[str]:
    if found.one:
        return []
    return [
        f"Formation energies and distances of the reference come from more than one release: for "
        f"{found.compositions - found.agreeing} of {found.compositions} compositions with several structures, the "
        f"hull differs by more than {1000 * TOLERANCE:g} meV/atom ({1000 * found.median:.0f} in the median, "
        f"{1000 * found.worst:.0f} at most)."
    ]


def entries_hull(path: Path) -> Hull:
    """The hull of a JSON file of pymatgen entries (a list of ComputedEntry as dictionaries), energies corrected.

    Raises DataError where the file is missing or holds no entries.
    """
    hint = "write it with monty.serialization.dumpfn(entries, path)"
    try:
        content = parse_json(path.read_bytes())
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
        raise DataError(f"{path} holds something that is not an entry ({error})", hint) from None


def hull_of_entries(entries: Sequence[Any], source: str) -> Hull:
    """The hull of pymatgen entries with corrected total energies."""
    fractions = np.zeros((len(entries), MAX_ATOMIC_NUMBER + 1))
    for row, entry in enumerate(entries):
        for element, amount in entry.composition.items():
            fractions[row, element.Z] += amount
    fractions /= fractions.sum(1, keepdims=True)
    return Hull(
        "entries",
        Phases(fractions),
        np.array([float(entry.energy_per_atom) for entry in entries]),
        [str(entry.entry_id or entry.reduced_formula) for entry in entries],
        settings={"energies": f"corrected energies of {source}", "entries": len(entries)},
        notes=[
            "Candidates need energies on the Materials Project's corrected scale, as CHGNet gives them; raw energies "
            "of SevenNet, MACE, MatterSim and ORB get its MP2020 corrections."
        ],
    )


def materials_project_hull(elements: Sequence[int], api_key: str) -> Hull:
    """The hull of a chemical system as the Materials Project has it today (needs the network and a key).

    Raises MissingPackageError without mp-api, NucleateError without a key or where the request fails.
    """
    if not api_key:
        raise NucleateError(
            "the Materials Project needs an API key", "get one at materialsproject.org and set MP_API_KEY"
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


def no_hull() -> Hull:
    """A hull without phases, which places nothing."""
    empty = Phases(np.zeros((0, MAX_ATOMIC_NUMBER + 1)))
    return Hull("none", empty, np.zeros(0), [])
