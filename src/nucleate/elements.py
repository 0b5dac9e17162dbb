"""The periodic table as the networks see it: atomic numbers, 0 for padding."""

SYMBOLS: tuple[str, ...] = (
    "X",
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar",
    "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr",
    "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe",
    "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu",
    "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn",
    "Fr", "Ra", "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm",
)  # fmt: skip

ATOMIC_NUMBERS: dict[str, int] = {symbol: number for number, symbol in enumerate(SYMBOLS) if number}
MAX_ATOMIC_NUMBER: int = len(SYMBOLS) - 1

_PERIOD_STARTS = (1, 3, 11, 19, 37, 55, 87)


def period_of(number: int) -> int:
    """Period of an element, 1 to 7; 0 for padding."""
    return sum(number >= start for start in _PERIOD_STARTS)


def group_of(number: int) -> int:
    """Column of an element: groups 1 to 18, and 19 to 32 for the fourteen f columns; 0 for padding.

    Lanthanum to ytterbium and actinium to nobelium count as f columns, lutetium and lawrencium as group 3.
    """
    if number == 0:
        return 0
    if number <= 2:
        return 1 if number == 1 else 18
    period = period_of(number)
    place = number - _PERIOD_STARTS[period - 1]
    if place < 2:
        return place + 1
    if period <= 3:
        return place + 11
    if period <= 5:
        return place + 1
    return 19 + place - 2 if place < 16 else place - 13
