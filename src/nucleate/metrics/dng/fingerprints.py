"""Fingerprints of structures (CrystalNN order parameters) and compositions (Magpie), kept on disk between runs.

Structure: matminer's CrystalNNFingerprint, preset "ops", 61 numbers for each site, averaged over the sites
(Zimmermann & Jain, RSC Adv. 10, 6063, 2020), as CDVAE (arXiv 2110.06197) has it. Composition: 132 Magpie
statistics of element properties (Ward et al., npj Comput. Mater. 2, 16028, 2016), as the preset "magpie" of
matminer's ElementProperty without imputed values; the same numbers from matminer's table in one sweep of arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.metrics.dng.quantities import JUDGED, NO_COMPOSITION, check_time_limit, digest, versions
from nucleate.metrics.neighbours import TooManyNeighboursError
from nucleate.metrics.validity_rules import require_fingerprints, site_fingerprints
from nucleate.records.store import Store
from nucleate.time_limit import time_limit
from nucleate.work import Work

STRUCTURE_LENGTH = 61
COMPOSITION_LENGTH = 132


@dataclass(frozen=True)
class FingerprintSettings:
    """How structure fingerprints are made.

    Attributes:
        timeout: seconds for one structure.
    """

    timeout: float = 60.0

    def __post_init__(self) -> None:
        check_time_limit(self.timeout, "60 s")


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of a list of cells.

    Attributes:
        structure: NaN rows where there is none. [cells, 61]
        composition: NaN rows for cells without a composition, single NaN where the table has no value. [cells, 132]
        failures: why there is no structure fingerprint, "" where there is one. [cells]
    """

    structure: np.ndarray
    composition: np.ndarray
    failures: list[str]

    def __len__(self) -> int:
        return len(self.failures)

    def select(self, indices: Sequence[int] | np.ndarray) -> Fingerprints:
        """The fingerprints at these indices, in this order."""
        index = np.asarray(indices, dtype=np.int64)
        return Fingerprints(self.structure[index], self.composition[index], [self.failures[i] for i in index])

    @property
    def made(self) -> np.ndarray:
        """Which cells have a structure fingerprint. [cells]"""
        return np.array([not failure for failure in self.failures], dtype=bool)


def fingerprint_cells(
    cells: Sequence[Cell | None],
    settings: FingerprintSettings | None = None,
    work: Work = Work(),
    earlier: Path | None = None,
) -> Fingerprints:
    """Fingerprints of all cells; the same cell is done once, and never again with the same cache.

    Args:
        cells: None where a structure could not be read.
        work: its cache is a file to keep structure fingerprints in, made if it is missing, written as the work goes on.
        earlier: another such file that may have some of them; only read.

    Raises MissingPackageError when matminer is not installed; DataError for a cache that is no cache.
    """
    settings = work.limiting(settings or FingerprintSettings())
    require_fingerprints()
    flaws = [defect(cell, JUDGED) or "" for cell in cells]
    names = [
        digest(cell) if cell is not None and not flaw else "" for cell, flaw in zip(cells, flaws, strict=True)
    ]
    with Store(work.cache, _recipe()) as store:
        known = _known(store, {name for name in names if name}, settings.timeout)
        if earlier is not None and earlier.exists():
            with Store(earlier, _recipe()) as other:
                known = (
                    _known(other, {name for name in names if name and name not in known}, settings.timeout)
                    | known
                )
        wanted = {n: c for n, c in zip(names, cells, strict=True) if n and n not in known and c is not None}
        make = partial(_fingerprint, timeout=settings.timeout)
        results = work.run("fingerprints", make, wanted.values(), len(wanted))
        for name, (values, failure) in zip(wanted, results, strict=True) if wanted else ():
            known[name] = values, failure
            store.put(name, _kept(values, failure, settings.timeout))
    structure = np.full((len(cells), STRUCTURE_LENGTH), np.nan)
    failures = list(flaws)
    for place, name in enumerate(names):
        if name:
            values, failures[place] = known[name]
            if values is not None:
                structure[place] = values
    return Fingerprints(structure, composition_fingerprints(cells), failures)


def settings_of(settings: FingerprintSettings) -> dict[str, Any]:
    """What fingerprints depend on, for a report."""
    return {f"fingerprint_{k}": v for k, v in asdict(settings).items()} | versions(
        "matminer", "pymatgen-core"
    )


def _known(store: Store, names: set[str], seconds: float) -> dict[str, tuple[np.ndarray | None, str]]:
    """What the store has of these cells. One that timed out within fewer than `seconds` is left out."""
    return {
        name: (None if one["values"] is None else np.array(one["values"]), one["failure"])
        for name, one in store.get(names).items()
        if not (one["failure"] == "timed_out" and one["seconds"] < seconds)
    }


def _kept(values: np.ndarray | None, failure: str, seconds: float) -> dict[str, Any]:
    """A fingerprint for the store, or why there is none after at most `seconds`."""
    return {"values": None if values is None else values.tolist(), "failure": failure, "seconds": seconds}


def _recipe() -> str:
    return f"CrystalNN ops, mean over sites; {versions('matminer', 'pymatgen-core')}"


def _fingerprint(cell: Cell, timeout: float) -> tuple[np.ndarray | None, str]:
    try:
        with time_limit(timeout):
            values = np.mean(site_fingerprints(cell), axis=0)
    except TimeoutError:
        return None, "timed_out"
    except TooManyNeighboursError:
        return None, "too_many_neighbours"
    # CrystalNN and its Voronoi cells raise whatever their helpers raise; the caller counts the failure
    except Exception:
        return None, "failed"
    return (values, "") if np.isfinite(values).all() else (None, "failed")


def composition_fingerprints(cells: Sequence[Cell | None]) -> np.ndarray:
    """Magpie fingerprints in the order of matminer's preset, NaN where there is no composition. [cells, 132]"""
    made: dict[tuple, np.ndarray] = {}
    rows = np.full((len(cells), COMPOSITION_LENGTH), np.nan)
    for place, cell in enumerate(cells):
        if cell is None or defect(cell, JUDGED) in NO_COMPOSITION:
            continue
        formula = cell.formula
        if formula not in made:
            made[formula] = _magpie(formula)
        rows[place] = made[formula]
    return rows


def _magpie(formula: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Minimum, maximum, range, mean, mean deviation, mode of 22 properties. [132]"""
    numbers, counts = np.array(formula).T
    table = _magpie_table()[numbers]
    shares = counts / counts.sum()
    low, high = table.min(0), table.max(0)
    mean = shares @ table
    deviation = shares @ np.abs(table - mean)
    mode = table[np.isclose(shares, shares.max())].min(0)
    return np.stack([low, high, high - low, mean, deviation, mode], 1).reshape(-1)


@cache
def _magpie_table() -> np.ndarray:
    """Properties by atomic number. [101, 22]"""
    from matminer.featurizers.composition import ElementProperty
    from pymatgen.core import Element

    preset = ElementProperty.from_preset("magpie", impute_nan=False)
    table = np.full((MAX_ATOMIC_NUMBER + 1, len(preset.features)), np.nan)
    for number, symbol in enumerate(SYMBOLS[1:], 1):
        element = Element(symbol)
        table[number] = [preset.data_source.get_elemental_property(element, name) for name in preset.features]
    return table
