"""The 371 words of CrystaLLM (Antunes et al. 2024, arXiv 2307.04340): elements, digits, keywords, symbols, groups.

The published list has 227 symbols of space groups; which three of the 230 it lacks is not in the paper. Here they are
three that no crystal of MP-20 has; a crystal in one of them is written in a subgroup, as a cell without symmetry.
"""

from __future__ import annotations

from functools import cache

from nucleate.elements import SYMBOLS
from nucleate.families.language.vocabulary import Vocabulary
from nucleate.metrics.dng.symmetry import symbol
from nucleate.symmetry.wyckoff import GROUPS

LEFT_OUT = (84, 85, 86, 87, 88)
"""Po, At, Rn, Fr, Ra: elements up to Pu without a word."""
HEAVIEST = 94
RARE_GROUPS = (93, 171, 172)
"""Space groups without a word."""
KEYWORDS = (
    "data_", "loop_",
    "_cell_length_a", "_cell_length_b", "_cell_length_c",
    "_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma",
    "_cell_volume", "_cell_formula_units_Z",
    "_symmetry_space_group_name_H-M", "_symmetry_Int_Tables_number",
    "_symmetry_equiv_pos_site_id", "_symmetry_equiv_pos_as_xyz",
    "_chemical_formula_structural", "_chemical_formula_sum", "_chemical_name_systematic",
    "_atom_site_type_symbol", "_atom_site_label", "_atom_site_symmetry_multiplicity",
    "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z", "_atom_site_occupancy",
    "_atom_site_attached_hydrogens", "_atom_site_B_iso_or_equiv",
)  # fmt: skip
PROPERTIES = (
    "_atom_type_symbol", "_atom_type_electronegativity", "_atom_type_radius", "_atom_type_ionic_radius",
    "_atom_type_oxidation_number",
)  # fmt: skip
OTHERS = ("x", "y", "z", ".", "(", ")", "+", "-", "/", "'", ",", " ", "\n")
SUFFIX = "_sg"
"""Told apart by it: the space group Pm from promethium, P1 from phosphorus and a 1."""


@cache
def cif_vocabulary() -> Vocabulary:
    """All words. Their numbers are those of files, so they never change."""
    elements = [SYMBOLS[number] for number in range(1, HEAVIEST + 1) if number not in LEFT_OUT]
    groups = [symbol(number) + SUFFIX for number in range(1, GROUPS + 1) if number not in RARE_GROUPS]
    words = (*elements, *map(str, range(10)), *KEYWORDS, *PROPERTIES, *OTHERS, *groups)
    return Vocabulary(words, {r"(?<=_symmetry_space_group_name_H-M )\S+(?=\n)": SUFFIX})


@cache
def group_of() -> dict[str, int]:
    """Numbers of the space groups that have a word, by symbol."""
    return {symbol(number): number for number in range(1, GROUPS + 1) if number not in RARE_GROUPS}
