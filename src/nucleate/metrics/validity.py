"""Validity rules of the field: geometry, SMACT composition rule, fingerprint.

Geometry: CDVAE (arXiv 2110.06197) and DiffCSP ask for atoms at least 0.5 Å apart and 0.1 Å^3 of volume;
EquiCSP and KLDM (arXiv 2507.03602) for no cell vector above 40 Å besides. Distances of an atom to its own
images are not tested. LeMat-GenBench (arXiv 2512.04562) scales the smallest distance with the atomic radii
and asks for a plausible density and cell; `strict_problem` is that with an atom's own images tested.

SMACT (Davies et al., J. Open Source Softw. 4, 1361, 2019), as CDVAE and DiffCSP use it: counts divided by
their greatest common divisor; one element is valid; metals only is valid; otherwise some combination of
oxidation states must be neutral and pass the Pauling test. More than 1e7 combinations count as invalid. The
valid fraction depends on the set of oxidation states, so the set is pinned.
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.errors import MissingPackageError

MIN_DISTANCE = 0.5
MIN_VOLUME = 0.1
MAX_LENGTH = 40.0
MIN_HEIGHT = 0.1
"""Å between lattice planes, below which a cell is no cell; the others are those of the published rules."""

SMACT_SET = "smact14"
MAX_COMBINATIONS = 10_000_000

GEOMETRY_PROBLEMS = ("not_finite", "volume_too_small", "atoms_too_close", "cell_too_long")

RADIUS_SCALE = 0.5
RADIUS_OFFSET = 0.7
UNKNOWN_RADIUS = 1.0
"""Å; for the elements without an empirical atomic radius (Slater, J. Chem. Phys. 41, 3199, 1964) in pymatgen."""

MASS_DENSITY = (0.01, 25.0)
ATOM_DENSITY = (1e-5, 0.5)
LENGTHS = (1.0, 100.0)
SMALLEST_CELL = 1.0
AMU_PER_CUBIC_ANGSTROM = 1.66053906660
"""In g/cm^3."""


def too_flat(cell: Cell) -> bool:
    """Whether lattice planes lie less than MIN_HEIGHT apart, in a reduced basis too: no crystal is so flat, and a
    search for neighbours would go through so many images that they take all memory."""
    return bool(cell.heights.min() < MIN_HEIGHT and cell.compact().heights.min() < MIN_HEIGHT)


def geometry_problem(cell: Cell) -> str:
    """The first rule that the cell breaks, one of GEOMETRY_PROBLEMS, or "" for a valid one.

    "cell_too_long" is given only where nothing else is wrong: the SMACT protocol does not ask for it.
    """
    if not (np.isfinite(cell.lattice).all() and np.isfinite(cell.frac).all()):
        return "not_finite"
    if abs(np.linalg.det(cell.lattice)) < MIN_VOLUME:
        return "volume_too_small"
    if len(cell.frac) > 1 and _squares(cell).min() < MIN_DISTANCE**2:
        return "atoms_too_close"
    if np.sqrt((cell.lattice**2).sum(1)).max() > MAX_LENGTH:
        return "cell_too_long"
    return ""


def _squares(cell: Cell) -> np.ndarray:
    """Squared minimum-image distances of different atoms, infinite on the diagonal, Å^2. [atoms, atoms]"""
    from pymatgen.core import Lattice
    from pymatgen.util.coord_cython import pbc_shortest_vectors

    frac = np.ascontiguousarray(cell.frac, dtype=float)
    _, squares = pbc_shortest_vectors(Lattice(cell.lattice), frac, frac, None, True)
    squares = np.array(squares)
    np.fill_diagonal(squares, np.inf)
    return squares


def pair_distances(cell: Cell) -> np.ndarray:
    """Minimum-image distances of different atoms of a finite cell with a volume, infinite on the diagonal, Å.
    [atoms, atoms]"""
    return np.sqrt(_squares(cell))


def closest_distance(cell: Cell) -> float | None:
    """Smallest distance between different atoms of a finite cell with a volume, Å; None for a single atom."""
    return float(pair_distances(cell).min()) if len(cell.frac) > 1 else None


def closest_image(cell: Cell) -> float:
    """Distance of an atom to the nearest image of itself, the length of the shortest lattice vector, Å."""
    from pymatgen.core import Lattice

    steps = np.array([n for n in np.ndindex(5, 5, 5) if n != (2, 2, 2)]) - 2
    # the basis is LLL-reduced: its shortest vector needs no coefficient above 2
    vectors = steps @ Lattice(cell.lattice).get_lll_reduced_lattice().matrix
    return float(np.sqrt((vectors**2).sum(1).min()))


def radius_problem(cell: Cell) -> str:
    """ "atoms_too_close" where two different atoms i, j are nearer than 0.5 (0.7 Å + r_i + r_j), else "".

    r are the empirical atomic radii of pymatgen (`Element.atomic_radius`), 1 Å where there is none, as
    LeMat-GenBench has it. The cell has passed the rules of geometry_problem up to the volume.
    """
    if len(cell.frac) < 2:
        return ""
    radii = _element_data()[0][cell.species]
    smallest = RADIUS_SCALE * (RADIUS_OFFSET + radii[:, None] + radii)
    return "atoms_too_close" if (_squares(cell) < smallest**2).any() else ""


def plausibility_problem(cell: Cell) -> str:
    """The first window of LeMat-GenBench that the cell falls out of, or "".

    0.01 to 25 g/cm^3, 1e-5 to 0.5 atoms/Å^3, more than 1 Å^3, cell vectors of 1 to 100 Å.
    """
    volume = abs(np.linalg.det(cell.lattice))
    lengths = np.sqrt((cell.lattice**2).sum(1))
    if volume <= SMALLEST_CELL:
        return "volume_too_small"
    if not MASS_DENSITY[0] <= density(cell) <= MASS_DENSITY[1]:
        return "mass_density"
    if not ATOM_DENSITY[0] <= len(cell.species) / volume <= ATOM_DENSITY[1]:
        return "atom_density"
    if lengths.min() < LENGTHS[0] or lengths.max() > LENGTHS[1]:
        return "cell_length"
    return ""


def strict_problem(cell: Cell) -> str:
    """radius_problem, plausibility_problem, and "image_too_close" where the radius rule fails for an atom and
    its own nearest image; "" for a cell that passes all.
    """
    problem = radius_problem(cell) or plausibility_problem(cell)
    if problem:
        return problem
    widest = _element_data()[0][cell.species].max()
    smallest = RADIUS_SCALE * (RADIUS_OFFSET + 2 * widest)
    return "image_too_close" if closest_image(cell) < smallest else ""


def density(cell: Cell) -> float:
    """Mass density, g/cm^3, of a cell with a volume."""
    mass = _element_data()[1][cell.species].sum()
    return float(mass * AMU_PER_CUBIC_ANGSTROM / abs(np.linalg.det(cell.lattice)))


@cache
def _element_data() -> tuple[np.ndarray, np.ndarray]:
    """Atomic radii in Å and masses in amu, by atomic number."""
    from pymatgen.core import Element

    elements = [Element(symbol) for symbol in SYMBOLS[1:]]
    radii = [float(element.atomic_radius or UNKNOWN_RADIUS) for element in elements]
    masses = [float(element.atomic_mass) for element in elements]
    return np.array([np.nan, *radii]), np.array([np.nan, *masses])


@cache
def smact_valid(formula: tuple[tuple[int, int], ...]) -> bool:
    """Whether a composition, as `Cell.formula` gives it, passes the SMACT rule with the pinned oxidation
    states.

    Raises MissingPackageError when smact is not installed.
    """
    element_dictionary, smact_validity = _smact()
    counts = {SYMBOLS[number]: count for number, count in formula}
    states = [
        len(element.oxidation_states_smact14 or ()) for element in element_dictionary(list(counts)).values()
    ]
    # smact tests the two short cuts (one element, metals only) before any combination, so they come
    # first here too
    if prod(states) > MAX_COMBINATIONS and len(counts) > 1 and not _all_metals(counts):
        return False
    text = "".join(f"{symbol}{count}" for symbol, count in counts.items())
    return bool(smact_validity(text, oxidation_states_set=SMACT_SET, include_alloys=True))


def _all_metals(symbols) -> bool:
    import smact

    return all(symbol in smact.metals for symbol in symbols)


@cache
def _smact():
    try:
        from smact import element_dictionary
        from smact.screening import smact_validity
    except ImportError:
        raise MissingPackageError(
            "the 'smact' protocol needs the package smact, which is not installed",
            "pip install 'nucleate[evaluate]', or choose --protocol geometry --protocol full",
        ) from None
    return element_dictionary, smact_validity


def require_fingerprints() -> None:
    """Raises MissingPackageError when matminer is not installed."""
    try:
        import matminer.featurizers.site.fingerprint  # noqa: F401
    except ImportError:
        raise MissingPackageError(
            "fingerprints need the package matminer, which is not installed",
            "pip install 'nucleate[evaluate]', or leave --fingerprints out",
        ) from None


@cache
def _fingerprint():
    from matminer.featurizers.site.fingerprint import CrystalNNFingerprint

    return CrystalNNFingerprint.from_preset("ops")


def site_fingerprints(cell: Cell) -> np.ndarray:
    """CrystalNN order-parameter fingerprints (preset "ops") of all sites, by matminer. [atoms, 61]

    Raises TooManyNeighboursError where they would have to be searched among MAX_NEIGHBOURS atoms or more, and whatever
    CrystalNN raises of a cell that it can't find neighbours in.
    """
    import warnings

    from nucleate.metrics.neighbours import bounded_structure

    structure = bounded_structure(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([_fingerprint().featurize(structure, site) for site in range(len(structure))])


def fingerprint_constructible(cell: Cell) -> bool:
    """Whether matminer makes a CrystalNN order-parameter fingerprint for every site (0.05 to 0.5 s)."""
    try:
        site_fingerprints(cell)
    # any failure whatever is what this rule of the field asks about
    except Exception:
        return False
    return True
