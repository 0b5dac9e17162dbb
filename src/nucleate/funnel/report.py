"""What a run leaves for people: report.html, and the shortlist as a table and as files of crystals."""

from __future__ import annotations

import re
from pathlib import Path

from nucleate import __version__
from nucleate.data.structure_files import FORMATS, write_structure
from nucleate.discovery.candidates import formula_of
from nucleate.elements import SYMBOLS
from nucleate.files import write_whole, writing
from nucleate.funnel.energies import AboveHull
from nucleate.funnel.hulls import OURS, WHOLE, name_of
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.rounds.tables import asked_rows, round_rows
from nucleate.records.ledger import Ledger
from nucleate.records.tables import write_rows
from nucleate.records.tallies import found_of, labels, standing_at, tallies
from nucleate.records.verdicts import PASSED, REJECTED, Candidate
from nucleate.report.html.discovered import Chosen, Discovered, discovered_page
from nucleate.report.html.hull_plots import HullPoint

MOST_CHOSEN, MOST_POINTS = 500, 5000
ABOVE, DECOMPOSITION = ".e_above_hull", ".decomposition"


def write_report(folder: Path) -> int:
    """Write report.html, shortlist.csv and shortlist/*.cif of a ledger, whatever it holds; how many came through.

    At most MOST_CHOSEN are written as crystals and shown.

    Raises NucleateError where a file can't be written.
    """
    with Ledger.existing(folder) as ledger:
        names = labels(ledger)
        numbers = standing_at(ledger, len(names) - 1)
        chosen = _in_order(found_of(ledger, numbers[:MOST_CHOSEN]))
        plan = ledger.fact("plan") or ""
        found = Discovered(
            parse_plan(plan).name, tallies(ledger), [Chosen(one.id, one.cell, one.values) for one in chosen],
            _points(ledger, names, {one.id for one in chosen}), _hull_sentence(plan), round_rows(ledger),
            asked_rows(ledger), plan, __version__,
        )  # fmt: skip
    write_whole(folder / "report.html", discovered_page(found))
    _write_crystals(folder, chosen)
    return len(numbers)


def _in_order(candidates: list[Candidate]) -> list[Candidate]:
    """By place on the shortlist, where there is one."""

    def place(one: Candidate) -> float:
        value = one.values.get("shortlist.place")
        return float(value) if isinstance(value, int) else float("inf")

    return sorted(candidates, key=place)


def _write_crystals(folder: Path, chosen: list[Candidate]) -> None:
    """The table and the files; those of an earlier run are replaced."""
    names = sorted({name for one in chosen for name in one.values})
    rows = [
        {"id": one.id, "formula": name_of(one.cell), "atoms": len(one.cell.species),
         **{name: one.values.get(name) for name in names}}
        for one in chosen
    ]  # fmt: skip
    target = folder / "shortlist"
    with writing(target):
        write_rows(rows, folder / "shortlist.csv", ("id", "formula", "atoms"))
        target.mkdir(exist_ok=True)
        kept = {f"{one.id}{FORMATS['cif']}" for one in chosen}
        for path in target.glob(f"*{FORMATS['cif']}"):
            if path.name not in kept:
                path.unlink()
    for one in chosen:
        origin = f"{formula_of(one.cell)} {one.id} made with nucleate"
        write_structure(one.cell.to_structure(), target / f"{one.id}{FORMATS['cif']}", "cif", origin)


def _points(ledger: Ledger, names: list[str], chosen: set[str]) -> list[HullPoint]:
    """Those that the last stage of the kind `hull` placed."""
    stages = [position for position, name in enumerate(names) if name.split(" ")[0] == "hull"]
    points: list[HullPoint] = []
    for outcome in (PASSED, REJECTED) if stages else ():
        numbers = standing_at(ledger, stages[-1], outcome)[:MOST_POINTS]
        for one in ledger.candidates(numbers, stages[-1] + 1):
            above = [(name, value) for name, value in one.values.items() if name.endswith(ABOVE)]
            if above and isinstance(above[-1][1], float):
                told = str(one.values.get(above[-1][0].replace(ABOVE, DECOMPOSITION), ""))
                points.append(_point(one, above[-1][1], outcome == PASSED, one.id in chosen, told))
    return points


def _point(one: Candidate, above: float, passed: bool, chosen: bool, decomposition: str) -> HullPoint:
    numbers = one.cell.species.tolist()
    shares = {SYMBOLS[z]: numbers.count(z) / len(numbers) for z in sorted(set(numbers))}
    return HullPoint(one.id, name_of(one.cell), shares, above, passed, chosen, _phases(decomposition))


def _phases(decomposition: str) -> dict[str, dict[str, float]]:
    """Shares of elements of the phases in "0.50 NaCl (mp-22862) + ...", where they are named by formula."""
    from pymatgen.core import Composition

    found: dict[str, dict[str, float]] = {}
    for part in decomposition.split(" + "):
        match = re.fullmatch(r"[\d.]+ (([A-Z][a-z]?\d*)+) \(.*\)", part)
        if match:
            content = Composition(match[1]).fractional_composition
            found[part.partition(" ")[2]] = {str(element): float(share) for element, share in content.items()}
    return found


def _hull_sentence(plan: str) -> str:
    """What the hull is made of."""
    stages = [step.stage for step in parse_plan(plan).steps if isinstance(step.stage, AboveHull)]
    if not stages:
        return ""
    last = stages[-1]
    if last.reference in OURS:
        more = ", and those whose distance from it is not known" if last.reference == WHOLE else ""
        return (
            f"The MP-20 hull: the shipped crystals of MP-20 near the hull of the Materials Project{more}, with "
            f"energies of {last.potential}. It lacks phases, so that candidates look more stable than they are."
        )
    return f"The hull of {last.reference}, for energies of {last.potential}."
