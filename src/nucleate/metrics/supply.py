"""Supply risk of a composition: how concentrated production and reserves of its elements are over countries.

Herfindahl-Hirschman indices of the elements (Gaultois et al., Chem. Mater. 25, 2911, 2013, as pymatgen holds them):
sums of squared market shares in per cent, up to 10,000 for one country. That of a compound is the mean over its
elements by mass. Below 1,500 counts as low, above 2,500 as high (U.S. merger guidelines of 2010).
"""

from __future__ import annotations

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS

LOW, HIGH = 1500.0, 2500.0


def herfindahl(cell: Cell) -> tuple[float, float] | None:
    """Indices of production and of reserves; None where one of an element is not known."""
    from pymatgen.analysis.hhi import HHIModel

    text = "".join(f"{SYMBOLS[number]}{count}" for number, count in cell.formula)
    production, reserves = HHIModel().get_hhi(text)
    return None if production is None or reserves is None else (float(production), float(reserves))
