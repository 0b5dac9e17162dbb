"""Validity rules of the field: geometry, SMACT composition rule, fingerprint.

Geometry: CDVAE (arXiv 2110.06197) and DiffCSP ask for atoms at least 0.5 Å apart and 0.1 Å^3 of volume;
EquiCSP and KLDM (arXiv 2507.03602) for no cell vector above 40 Å besides. Distances of an atom to its own
images are not tested. LeMat-GenBench (arXiv 2512.04562) scales the smallest distance with the atomic radii
and asks for a plausible density and cell; STRICT is that with an atom's own images tested.

SMACT (Davies et al., J. Open Source Softw. 4, 1361, 2019), as CDVAE and DiffCSP use it: counts divided by
their greatest common divisor; one element is valid; metals only is valid; for others some combination of
oxidation states must be neutral and pass the Pauling test. More than 1e7 combinations count as invalid. The
valid fraction depends on the set of oxidation states, so the set is pinned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from itertools import product
from math import prod
from operator import mul
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules, above, is_finite
from nucleate.elements import SYMBOLS
from nucleate.errors import MissingPackageError
from nucleate.measures import (
    atom_density,
    closest_image,
    closest_pair,
    longest,
    pair_distances,
    shortest,
    thickness,
    volume,
)

MIN_DISTANCE = 0.5
MIN_VOLUME = 0.1
MAX_LENGTH = 40.0
MIN_HEIGHT = 0.1
"""Å between lattice planes, below which a cell is no cell; the others are those of the published rules."""

SMACT_SET = "smact14"
MAX_COMBINATIONS = 10_000_000

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


def density(cell: Cell) -> float:
    """Mass density with pymatgen's masses, g/cm^3, of a cell with a volume."""
    mass = _element_data()[1][cell.species].sum()
    return float(mass * AMU_PER_CUBIC_ANGSTROM / cell.volume)


def radius_gap(cell: Cell) -> float:
    """Smallest distance of two different atoms i, j less 0.5 (0.7 Å + r_i + r_j), Å.

    r are the empirical atomic radii of pymatgen (`Element.atomic_radius`), 1 Å where there is none, as
    LeMat-GenBench has it. The cell has passed CLASSIC up to the volume.
    """
    if len(cell.species) < 2:
        return np.inf
    radii = _element_data()[0][cell.species]
    return float((pair_distances(cell) - RADIUS_SCALE * (RADIUS_OFFSET + radii[:, None] + radii)).min())


def image_gap(cell: Cell) -> float:
    """The same for an atom and its own nearest image, for the widest atom, Å."""
    widest = _element_data()[0][cell.species].max()
    return closest_image(cell) - RADIUS_SCALE * (RADIUS_OFFSET + 2 * widest)


@cache
def _element_data() -> tuple[np.ndarray, np.ndarray]:
    """Atomic radii in Å and masses in amu, by atomic number."""
    from pymatgen.core import Element

    elements = [Element(symbol) for symbol in SYMBOLS[1:]]
    radii = [float(element.atomic_radius or UNKNOWN_RADIUS) for element in elements]
    masses = [float(element.atomic_mass) for element in elements]
    return np.array([np.nan, *radii]), np.array([np.nan, *masses])


FLAT_PLANES = Rule("too_flat", thickness, least=MIN_HEIGHT)
"""No crystal is so flat, and a search for neighbours would need more images than fit in memory."""
CLASSIC = Rules(
    (
        is_finite("not_finite"),
        Rule("volume_too_small", volume, least=MIN_VOLUME),
        Rule("atoms_too_close", closest_pair, least=MIN_DISTANCE),
    )
)
"""CDVAE and DiffCSP. An atom's own images are not tested."""
GEOMETRY = Rules((*CLASSIC.checks, Rule("cell_too_long", longest, most=MAX_LENGTH)))
"""EquiCSP and KLDM. The length comes last: the SMACT protocol does not ask for it."""
RADIUS = Rules((Rule("atoms_too_close", radius_gap, least=0.0),))
PLAUSIBLE = Rules(
    (
        Rule("volume_too_small", volume, least=above(SMALLEST_CELL)),
        Rule("mass_density", density, *MASS_DENSITY),
        Rule("atom_density", atom_density, *ATOM_DENSITY),
        Rule("cell_length", shortest, least=LENGTHS[0]),
        Rule("cell_length", longest, most=LENGTHS[1]),
    )
)
"""The windows of LeMat-GenBench, for a cell that has passed CLASSIC up to the volume."""
STRICT = Rules((*RADIUS.checks, *PLAUSIBLE.checks, Rule("image_too_close", image_gap, least=0.0)))


@lru_cache(maxsize=2**16)
def smact_valid(formula: tuple[tuple[int, int], ...]) -> bool:
    """Whether a composition, as `Cell.formula` gives it, passes the SMACT rule with the pinned oxidation
    states.

    Raises MissingPackageError when smact is not installed.
    """
    pauling_test, _ = _smact()
    ions, counts = [_ion(SYMBOLS[number]) for number, _ in formula], [count for _, count in formula]
    # one element, and metals only, are valid whatever their states
    if len(formula) == 1 or _all_metals(ion.symbol for ion in ions):
        return True
    states = [ion.oxidation_states_smact14 or () for ion in ions]
    if prod(map(len, states)) > MAX_COMBINATIONS:
        return False
    negativities = [ion.pauling_eneg for ion in ions]
    return any(
        _passes_pauling(pauling_test, charges, negativities)
        for charges in product(*states)
        if not sum(map(mul, charges, counts))
    )


def _passes_pauling(
    test: Callable[..., bool], charges: Sequence[int], negativities: Sequence[float | None]
) -> bool:
    """Whether no cation is more electronegative than an anion; as in smact, also where one is unknown."""
    try:
        return test(charges, negativities)
    except TypeError:
        return True


@cache
def _ion(symbol: str) -> Any:
    """What smact knows of an element; reading it takes longer than the rule."""
    return _smact()[1](symbol)


def _all_metals(symbols: Iterable[str]) -> bool:
    import smact

    return all(symbol in smact.metals for symbol in symbols)


@cache
def _smact() -> tuple[Callable[..., bool], Callable[[str], Any]]:
    try:
        from smact import Element
        from smact.screening import pauling_test
    except ImportError:
        raise MissingPackageError(
            "the 'smact' protocol needs the package smact, which is not installed",
            "pip install 'nucleate[evaluate]', or choose --protocol geometry --protocol full",
        ) from None
    return pauling_test, Element


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

    Raises TooManyNeighboursError if the search would involve MAX_NEIGHBOURS atoms or more, and any error of CrystalNN
    for a cell in which it finds no neighbours.
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
    # the field's rule is whether it fails, for whatever reason
    except Exception:
        return False
    return True
