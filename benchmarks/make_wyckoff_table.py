"""Writes src/nucleate/symmetry/wyckoff.json.gz: every Wyckoff position of the 230 space groups.

    python benchmarks/make_wyckoff_table.py

Positions come from pyxtal 1.1.5 (MIT licence), which has them from the Bilbao Crystallographic Server; the relabellings
under the Euclidean normaliser from pymatgen (MIT licence), data of the AFLOW prototype labels. Needs both packages;
pyxtal is no dependency of nucleate: the table is made once and checked in. tests/symmetry/test_wyckoff.py compares it
with moyo's own tables.
"""

from __future__ import annotations

import gzip
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

TABLE = Path(__file__).parents[1] / "src/nucleate/symmetry/wyckoff.json.gz"
PARTS = 24
"""Every shift of a representative is a multiple of 1/24 of a cell vector."""


def position(wyckoff) -> list:
    """Letter, multiplicity, site symmetry, the columns of W and the shift in parts of 24."""
    wyckoff.get_site_symmetry()
    affine = np.array(wyckoff.ops[0].affine_matrix)
    linear, shift = affine[:3, :3], affine[:3, 3] * PARTS
    assert np.allclose(linear, linear.round())
    assert np.allclose(shift, shift.round(), atol=1e-6)
    columns = [column.astype(int).tolist() for column in linear.T.round() if column.any()]
    return [
        wyckoff.letter,
        wyckoff.multiplicity,
        wyckoff.site_symm,
        columns,
        shift.round().astype(int).tolist(),
    ]


def relabellings() -> dict[str, list[str]]:
    """For each group the permutations of its letters, written as the letters that a, b, c, ... become."""
    import pymatgen.analysis.prototypes as prototypes

    path = Path(prototypes.__file__).parent / "wyckoff-position-relabelings.json.gz"
    table = json.loads(gzip.decompress(path.read_bytes()))
    return {
        number: sorted({"".join(one[str(ord(letter))] for letter in letters(one)) for one in maps})
        for number, maps in table.items()
    }


def letters(codes: dict[str, str]) -> str:
    """The letters that have codes, a to z and then A."""
    return "".join(sorted(map(chr, map(int, codes)), key=lambda letter: (letter.isupper(), letter)))


def main() -> None:
    from pyxtal.symmetry import Group

    groups, maps = [], relabellings()
    for number in range(1, 231):
        group = Group(number)
        positions = [position(one) for one in reversed(group.Wyckoff_positions)]
        groups.append(
            {"centring": group.symbol[0], "positions": positions, "relabellings": maps[str(number)]}
        )
    source = f"pyxtal {version('pyxtal')} and pymatgen {version('pymatgen')}, both MIT licence"
    text = json.dumps({"source": source, "groups": groups}, separators=(",", ":"))
    TABLE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(
        f"{TABLE.name}: {sum(len(one['positions']) for one in groups)} positions, {TABLE.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
