"""The answers of a folder as output: files, a table or JSON, and what to doubt in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.cli import options
from nucleate.cli.console import print_table, say, warn
from nucleate.cli.progress import progress_bars
from nucleate.errors import RecipeError

if TYPE_CHECKING:
    from nucleate.answers.settings import AnswerSettings
    from nucleate.cell import Cell
    from nucleate.cli.finish import Finish
    from nucleate.discovery.answered import AnswerRow
    from nucleate.energies.hull_choice import HullChoice

COLUMNS = (
    "formula",
    "rank",
    "probability",
    "space group",
    "cell",
    "Å³/atom",
    "proposed by",
    "prototype",
    "from",
)
ENERGY, ABOVE_HULL = "meV/atom", "above hull"
DOUBTFUL = 0.3
NAMED = 10


def answer_settings(
    settings: AnswerSettings, assignments: list[str] | None, like: bool, propose: str | None, rank: str | None,
    potential: str | None, seconds: float | None = None,
) -> AnswerSettings:  # fmt: skip
    """The settings with what the options ask for. Raises NucleateError for what there is not.

    A potential is taken by default where its package is installed, but not with --like, where it takes hours.
    """
    from dataclasses import replace

    from nucleate.answers.settings import installed_potential
    from nucleate.energies.potentials import potential_named

    options.refuse_both(
        assignments,
        {
            "propose": ("--propose", propose),
            "rank": ("--rank", rank),
            "potential": ("--potential", potential),
            "seconds": ("--seconds", seconds),
        },
    )
    names = None if propose is None else tuple(name.strip() for name in propose.split(",") if name.strip())
    if potential is None and settings.potential == "":
        potential = "none" if like else "auto"
    if potential == "auto":
        potential = installed_potential()
    if potential == "none":
        potential = ""
    elif potential:
        potential_named(potential).calculator()
    given = {"propose": names, "rank": rank, "potential": potential, "seconds": seconds}
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class Placing:
    """Answers placed against a hull.

    Attributes:
        reference: data set whose crystals the hull is made of, None where the hull is whole without.
        hull: the choice of the user.
        potential: that gave the answers their energies.
    """

    reference: Path | None
    hull: HullChoice
    potential: str

    @classmethod
    def of(cls, reference: Path | None, hull: str, potential: str) -> Placing | None:
        """From the options; None where none asks for it. Raises NucleateError where the hull can't be had."""
        from nucleate.data.dataset import Dataset
        from nucleate.energies.hull_choice import HullChoice

        if reference is None and not hull:
            return None
        if not potential:
            raise RecipeError(
                "a hull needs energies, and no potential relaxes the answers",
                "give --potential, such as chgnet",
            )
        choice = HullChoice.read(hull, potential)
        choice.check(reference is not None)
        if reference is None and not choice.complete:
            raise RecipeError(f"--hull {hull} needs a data set", "name one with --reference")
        if reference is not None:
            Dataset.open(reference)
        return cls(reference, choice, potential)

    def place(self, found: list[tuple[AnswerRow, Cell]], out: Path) -> list[tuple[AnswerRow, Cell]]:
        """Energies of the reference are kept in OUT/hull.sqlite."""
        from nucleate.data.dataset import Dataset
        from nucleate.discovery.answered import against_hull
        from nucleate.energies.placing import same_scale
        from nucleate.energies.potentials import potential_named
        from nucleate.work import Work

        potential = potential_named(self.potential)
        dataset = None if self.reference is None else Dataset.open(self.reference)
        with progress_bars() as progress:
            work = Work(progress=progress).kept_in(out / "hull.sqlite")
            hull = self.hull.open(potential, dataset, work)
            same_scale(potential, hull)
            return against_hull(found, potential, hull, work)


def present_answers(
    out: Path, kinds: Sequence[str], order: Sequence[str], top: int, as_json: bool, finish: Finish,
    placing: Placing | None = None, seconds: float = 0.0,
) -> None:  # fmt: skip
    """Write files and ranking of everything in the folder; the first `top` answers of each formula go to stdout.

    order: reduced formulas as they were asked for. seconds: that each was given, 0 for any number.
    """
    from nucleate.discovery.answered import answers_in, write_answers
    from nucleate.discovery.candidates import Candidate

    found = answers_in(out, order)
    if placing is not None:
        found = placing.place(found, out)
    write_answers(out, found, kinds, finish.form)
    finish.relax([Candidate(row.file, cell, origin=row.origin) for row, cell in found], out)
    shown = [(row, cell) for row, cell in found if row.rank <= top]
    if as_json:
        print(
            json.dumps([_entry(out, kinds, row, cell) for row, cell in shown], indent=1, ensure_ascii=False)
        )
    else:
        energies = any(row.above_lowest is not None for row, _ in shown)
        more = (ENERGY,) * energies + (ABOVE_HULL,) * (placing is not None)
        rows = [_words(row, energies, placing is not None) for row, _ in shown]
        print_table((*COLUMNS[:3], *more, *COLUMNS[3:]), rows)
    _doubts([row for row, _ in found], order)
    tell_budget([row for row, _ in found], seconds)


def _words(row: AnswerRow, energies: bool, placed: bool) -> tuple[str, ...]:
    bound = "" if row.relaxation in ("", "relaxed") else "< "
    above = [row.above_lowest] * energies + [row.above_hull] * placed
    words = [row.formula, str(row.rank), f"{row.probability:.2f}"]
    words += ["-" if one is None else f"{bound}{one:.0f}" for one in above]
    origin = f"{row.source} (known)" if row.known else row.source or "-"
    return (
        *words,
        row.space_group,
        row.cell,
        f"{row.volume:.2f}",
        row.proposed_by,
        row.prototype or "-",
        origin,
    )


def _entry(out: Path, kinds: Sequence[str], row: AnswerRow, cell) -> dict[str, object]:
    """A row of ranking.csv with the structure (pymatgen's dictionary) and the files that hold it."""
    from nucleate.data.structure_files import FORMATS

    files = {kind: str(out / kind / f"{row.file}{FORMATS[kind]}") for kind in kinds}
    return {**asdict(row), "files": files, "structure": cell.to_structure().as_dict()}


def _doubts(rows: Sequence[AnswerRow], order: Sequence[str]) -> None:
    """Say which formulas have no answer, and where the first answer is more likely wrong than right."""
    best = {row.formula: row.probability for row in rows if row.rank == 1}
    none = [formula for formula in order if formula not in best]
    if none:
        warn(f"no structure was proposed for {_named(none)}")
    doubtful = [f"{formula} ({p:.0%})" for formula, p in best.items() if p < DOUBTFUL]
    if doubtful:
        warn(f"the first answer is probably not right for {_named(doubtful)}: look at the others too")
    if any(row.known for row in rows):
        say("answers marked (known) are crystals of that composition in the index, not predictions")


def tell_budget(rows: Sequence[AnswerRow], seconds: float) -> None:
    """Say which formulas ran out of their seconds, and what was left out for it."""
    cut = {row.formula: row.cut_short.replace("+", ", ") for row in rows if row.cut_short}
    if not seconds:
        return
    if not cut:
        say(f"every formula was answered within {seconds:g} s, with nothing left out")
        return
    parts = ", ".join(dict.fromkeys(part for parts in cut.values() for part in parts.split(", ")))
    say(
        f"{seconds:g} s were not enough for {_named(list(cut))}: cut short were {parts}; --seconds allows more"
    )


def _named(texts: Sequence[str]) -> str:
    return ", ".join(texts[:NAMED]) + (f" and {len(texts) - NAMED} more" if len(texts) > NAMED else "")
