"""What columns are called on the page, their units, and which of them are shown at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nucleate.web.listing import GROUP, Column

OWN = (
    Column("name", "name", "text"),
    Column("formula", "formula", "text"),
    Column(GROUP, "space group"),
    Column("atoms", "atoms"),
    Column("elements", "number of elements", shown=False),
    Column("volume", "volume", unit="Å³/atom"),
    Column("density", "density", unit="g/cm³", shown=False),
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
    "energy_before", "key", "proposals", "evaluations", "initial_energy_per_atom", "decomposition", "same", "replaced",
    "space_group_symbol", "front", "file", "parent", "cut_short",
)  # fmt: skip
FIRST = (
    "rank", "probability", "above_lowest", "above_hull", "energy_above_hull", "e_above_hull", "energy",
    "energy_per_atom", "energy_before", "formation_energy_per_atom", "heat_all", "band_gap", "tc",
    "valid", "stable", "unique", "novel", "prototype", "source",
)  # fmt: skip
"""Columns that come first, in this order."""


LEADING = ("rank", "probability", "above_lowest", "above_hull", "energy_above_hull", "e_above_hull")
"""Columns that come before the facts of the crystal: what it was asked or judged for."""


def arranged(others: Mapping[str, Any]) -> tuple[Column, ...]:
    """All columns in the order of the page: name and formula, what leads, facts of the crystal, the others.

    others: values of the columns beside those of every listing, by name.
    """
    names = ordered(others)
    leading = [name for name in names if _stem(name) in LEADING]
    rest = [name for name in names if name not in leading]
    more = {name: column_of(name, others[name]) for name in names}
    return (*OWN[:2], *(more[name] for name in leading), *OWN[2:], *(more[name] for name in rest))


def _stem(name: str) -> str:
    """The name without that of the potential before it."""
    return name.rpartition(".")[2]


def column_of(name: str, values: Any) -> Column:
    """A column by its name and values; one of a potential, such as chgnet.e_above_hull, names it."""
    title, unit = KNOWN.get(_stem(name), (_stem(name).replace("_", " "), ""))
    if _stem(name) != name:
        title = f"{title} ({name.rpartition('.')[0].replace('_', ' ')})"
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        kind = "number"
    else:
        kind = "flag" if all(value is None or isinstance(value, bool) for value in values) else "text"
    return Column(name, title, kind, unit, _stem(name) not in HIDDEN)


def ordered(names: Iterable[str]) -> list[str]:
    """Names of columns: those that matter most first, the others as they were given."""
    return sorted(names, key=lambda name: FIRST.index(_stem(name)) if _stem(name) in FIRST else len(FIRST))
