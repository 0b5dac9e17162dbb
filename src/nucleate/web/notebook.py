"""Crystals in notebooks: the views of the page over a crystal, many of them, or folders, as one piece of HTML.

>>> import nucleate
>>> nucleate.show(structures)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.records.crystal_files import crystal_name
from nucleate.web import answers, details, piece
from nucleate.web.library import GENERATED, PREDICTIONS, Entry, Library
from nucleate.web.listing import Listing
from nucleate.web.query import Orders
from nucleate.web.readers import of_said, of_tables

ROWS = 300
"""Crystals of one table."""
DETAILED = 60
"""Of these, crystals that can be opened."""
HEIGHTS = {"crystal": 640, "crystals": 520, "folders": 680}
"""Pixels."""
KEY = "here"


@dataclass(frozen=True)
class Piece:
    """A view that notebooks draw.

    Attributes:
        text: what it is, in words.
        document: a page of its own, which can be written to a file.
        height: of its frame, pixels.
    """

    text: str
    document: str
    height: int

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<div>{escape(self.text)}</div>\n{piece.frame(self.document, self.text, self.height)}"


def show(thing: Any, height: int = 0) -> Piece:
    """Crystals or folders as a view for a notebook.

    Args:
        thing: a pymatgen structure, ASE atoms, Cell or Crystals, several of them, a CrystalTable, or a folder with
            anything that nucleate wrote.
        height: of the frame, pixels; 0 for what fits.

    Raises DataError for anything else, and for a folder that does not exist.
    """
    if isinstance(thing, str | Path):
        return _of_folder(Path(thing), height or HEIGHTS["folders"])
    listing, total = _listing(thing)
    if not total:
        raise DataError("there are no crystals to show", "give at least one")
    kind = "crystal" if total == 1 else "crystals"
    text = _words(listing, total)
    found = _answers(listing, total)
    start = f"#/crystal/{KEY}/0" if total == 1 else f"#/crystals/{KEY}"
    return Piece(text, piece.document(found, start, text), height or HEIGHTS[kind])


def html(thing: Any) -> str:
    """What a class of ours answers where a notebook asks it how it looks."""
    return show(thing)._repr_html_()


def _words(listing: Listing, total: int) -> str:
    formulas = list(dict.fromkeys(str(one) for one in listing.values("formula").to_pylist()))
    shown = ", ".join(formulas[:5]) + (" …" if len(formulas) > 5 else "")
    return shown if total == 1 else f"{total:,} crystals: {shown}"


def _listing(thing: Any) -> tuple[Listing, int]:
    """The first ROWS crystals, and how many there are."""
    if isinstance(thing, CrystalTable):
        return of_tables({"": thing.select(np.arange(min(len(thing), ROWS)))}), len(thing)
    things = thing.cells() if isinstance(thing, Crystals) else thing
    single = isinstance(things, Cell) or not isinstance(things, Sequence) or hasattr(things, "lattice")
    several = [things] if single else list(things)
    cells, said = zip(*(_cell_of(one) for one in several[:ROWS]), strict=True) if several else ((), ())
    names = [one.get("name") or crystal_name(one, "") or str(number) for number, one in enumerate(said)]
    return of_said(names, cells, said), len(several)


def _cell_of(one: Any) -> tuple[Cell, Mapping[str, str]]:
    """A crystal, and what is said of it. Raises DataError for what is none."""
    if isinstance(one, Cell):
        return one, {}
    if hasattr(one, "is_ordered") and hasattr(one, "lattice"):
        return Cell.of(one), _texts(one.properties)
    if hasattr(one, "get_scaled_positions"):
        return Cell.of_atoms(one), _texts(one.info)
    raise DataError(
        f"{type(one).__name__} is no crystal",
        "give pymatgen structures, ASE atoms, a CrystalTable or a folder",
    )


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    plain = {
        name: value for name, value in properties.items() if isinstance(value, str | int | float | np.number)
    }
    return {str(name): str(value) for name, value in plain.items()}


def _answers(listing: Listing, total: int) -> dict[str, Any]:
    """What the page will ask for, by address."""
    ranked = any(column.name == "probability" for column in listing.columns)
    entry = answers.entry_of(
        Entry(KEY, PREDICTIONS if ranked else GENERATED, Path(), "", "all crystals" if total > 1 else "", 0.0)
    )
    table = answers.table_of(listing, Orders(), [("size", "500")], ROWS)
    found = {
        "about": answers.about(False),
        "library": {"entries": [entry]},
        f"table/{KEY}": {**table, "total": total},
    }
    for row in range(min(len(listing), DETAILED)):
        found[f"crystal/{KEY}/{row}"] = {"entry": entry, **details.details(listing, row)}
    return found


def _of_folder(folder: Path, height: int) -> Piece:
    """Everything in a folder, as an exported copy has it.

    Raises MissingPackageError without the packages of the page.
    """
    from nucleate.web.serve import check_packages

    check_packages()
    from nucleate.web.export import answers_of
    from nucleate.web.routes import Shown

    left_out: list[str] = []
    found = dict(answers_of(Shown(Library([folder])), left_out.append))
    text = "; ".join([f"{len(found['library']['entries'])} things in {folder.name}", *left_out])
    return Piece(text, piece.document(found, "#/", text), height)
