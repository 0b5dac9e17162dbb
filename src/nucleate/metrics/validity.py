"""Validity rules of the field: geometry, SMACT composition rule, fingerprint.

Geometry: CDVAE (arXiv 2110.06197) and DiffCSP ask for atoms at least 0.5 Å apart and 0.1 Å^3 of volume;
EquiCSP and KLDM (arXiv 2507.03602) for no cell vector above 40 Å besides. Distances of an atom to its own
images are not tested.

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

SMACT_SET = "smact14"
MAX_COMBINATIONS = 10_000_000

GEOMETRY_PROBLEMS = ("not_finite", "volume_too_small", "atoms_too_close", "cell_too_long")


def geometry_problem(cell: Cell) -> str:
    """The first rule that the cell breaks, one of GEOMETRY_PROBLEMS, or "" for a valid one.

    "cell_too_long" is given only where nothing else is wrong: the SMACT protocol does not ask for it.
    """
    from pymatgen.core import Lattice
    from pymatgen.util.coord_cython import pbc_shortest_vectors

    if not (np.isfinite(cell.lattice).all() and np.isfinite(cell.frac).all()):
        return "not_finite"
    if abs(np.linalg.det(cell.lattice)) < MIN_VOLUME:
        return "volume_too_small"
    if len(cell.frac) > 1:
        frac = np.ascontiguousarray(cell.frac, dtype=float)
        _, squares = pbc_shortest_vectors(Lattice(cell.lattice), frac, frac, None, True)
        if squares[~np.eye(len(frac), dtype=bool)].min() < MIN_DISTANCE**2:
            return "atoms_too_close"
    if np.sqrt((cell.lattice**2).sum(1)).max() > MAX_LENGTH:
        return "cell_too_long"
    return ""


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


def fingerprint_constructible(cell: Cell) -> bool:
    """Whether matminer makes a CrystalNN order-parameter fingerprint for every site (0.05 to 0.5 s)."""
    import warnings

    structure = cell.to_structure()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for site in range(len(structure)):
                _fingerprint().featurize(structure, site)
        # any failure whatever is what this rule of the field asks about
        except Exception:
            return False
    return True
