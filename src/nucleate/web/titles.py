"""What columns are called on the page, their units, and which of them are shown at first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nucleate.web.listing import GROUP, Column

OWN = (
    Column("name", "name", "text"),
    Column("formula", "formula", "text"),
    Column("atoms", "atoms"),
    Column("elements", "number of elements", shown=False),
    Column("volume", "volume", unit="Å³/atom"),
    Column("density", "density", unit="g/cm³", shown=False),
    Column(GROUP, "space group"),
)
KNOWN = {
    "above_lowest": ("above lowest", "eV/atom"),
    "above_hull": ("above hull", "eV/atom"),
    "e_above_hull": ("above hull", "eV/atom"),
    "energy_above_hull": ("above hull", "eV/atom"),
    "formation_energy_per_atom": ("formation energy", "eV/atom"),
    "energy_per_atom": ("energy", "eV/atom"),
    "energy_before": ("energy before", "eV/atom"),
    "energy": ("energy", "eV/atom"),
    "band_gap": ("band gap", "eV"),
    "dir_gap": ("direct gap", "eV"),
    "ind_gap": ("indirect gap", "eV"),
    "heat_all": ("formation energy", "eV/atom"),
    "displacement": ("displacement", "Å"),
    "volume_change": ("volume change", ""),
    "fmax": ("largest force", "eV/Å"),
    "tc": ("critical temperature", "K"),
    "debye": ("Debye temperature", "K"),
    "omega_log": ("ω log", "K"),
    "lambda_ep": ("λ", ""),
    "nfe": ("network evaluations", ""),
    "proposed_by": ("proposed by", ""),
    "source": ("from", ""),
    "seconds": ("seconds", "s"),
}
HIDDEN = (
    "seed", "nfe", "model", "crystal", "material_id", "cell", "proposals", "seconds", "split", "problem", "heat_ref",
    "ind_gap", "source_file", "relaxation", "known", "proposed_by", "fmax", "steps", "potential", "status",
    "energy_before",
)  # fmt: skip
FIRST = (
    "rank", "probability", "above_lowest", "above_hull", "energy_above_hull", "e_above_hull", "energy",
    "energy_per_atom", "energy_before", "formation_energy_per_atom", "heat_all", "band_gap", "tc",
    "valid", "stable", "unique", "novel", "prototype", "source",
)  # fmt: skip
"""Columns that come first, in this order."""


def own() -> tuple[Column, ...]:
    """The columns of every listing."""
    return OWN


def column_of(name: str, values: Any) -> Column:
    """A column by its name and values."""
    title, unit = KNOWN.get(name, (name.replace("_", " "), ""))
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        kind = "number"
    else:
        kind = "flag" if all(value is None or isinstance(value, bool) for value in values) else "text"
    return Column(name, title, kind, unit, name not in HIDDEN)


def ordered(names: Iterable[str]) -> list[str]:
    """Names of columns: those that matter most first, the others as they were given."""
    return sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
