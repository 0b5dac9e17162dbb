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

ATOMIC_MASSES: tuple[float, ...] = (
    0.0, 1.008, 4.003, 6.941, 9.012, 10.811, 12.011, 14.007, 15.999, 18.998, 20.18, 22.99, 24.305, 26.982,
    28.085, 30.974, 32.065, 35.453, 39.948, 39.098, 40.078, 44.956, 47.867, 50.941, 51.996, 54.938, 55.845,
    58.933, 58.693, 63.546, 65.409, 69.723, 72.64, 74.922, 78.96, 79.904, 83.798, 85.468, 87.62, 88.906,
    91.224, 92.906, 95.94, 98.0, 101.07, 102.906, 106.42, 107.868, 112.411, 114.818, 118.71, 121.76, 127.6,
    126.904, 131.293, 132.905, 137.327, 138.905, 140.116, 140.908, 144.242, 145.0, 150.36, 151.964, 157.25,
    158.925, 162.5, 164.93, 167.259, 168.934, 173.04, 174.967, 178.49, 180.948, 183.84, 186.207, 190.23,
    192.217, 195.084, 196.967, 200.59, 204.383, 207.2, 208.98, 210.0, 210.0, 220.0, 223.0, 226.0, 227.0,
    232.038, 231.036, 238.029, 237.0, 244.0, 243.0, 247.0, 247.0, 251.0, 252.0, 257.0,
)  # fmt: skip
"""Standard atomic weights in u, by atomic number; the best-known isotope where there is none (as pymatgen has them)."""

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
