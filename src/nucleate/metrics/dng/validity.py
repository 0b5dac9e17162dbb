"""Validity of generated crystals: the field's structural rules by name, the SMACT composition rule, both.

Every share is over all generated samples, unreadable ones included. The rules are in nucleate.metrics.validity_rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import NamedTuple

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import SYMBOLS
from nucleate.errors import DataError
from nucleate.measures import closest_image, closest_pair
from nucleate.metrics.dng.family import Family, Measure, share_of
from nucleate.metrics.dng.quantities import JUDGED, NO_COMPOSITION, check_time_limit, quantities, versions
from nucleate.metrics.validity_rules import (
    CLASSIC,
    GEOMETRY,
    PLAUSIBLE,
    RADIUS,
    SMACT_SET,
    STRICT,
    smact_valid,
)
from nucleate.time_limit import attempt
from nucleate.work import Work

RULES = {
    "classic": "different atoms at least 0.5 Å apart, volume at least 0.1 Å^3 (CDVAE, arXiv 2110.06197; DiffCSP)",
    "length": "classic, and no cell vector above 40 Å (EquiCSP; KLDM, arXiv 2507.03602)",
    "radius": "different atoms i, j at least 0.5 (0.7 Å + r_i + r_j) apart, r empirical atomic radii "
    "(LeMat-GenBench, arXiv 2512.04562)",
    "plausible": "0.01 to 25 g/cm^3, 1e-5 to 0.5 atoms/Å^3, more than 1 Å^3, cell vectors of 1 to 100 Å "
    "(LeMat-GenBench)",
    "strict": "radius and plausible, and the radius rule for every atom and its own images too (ours)",
}


@dataclass(frozen=True)
class ValiditySettings:
    """How validity is judged.

    Attributes:
        timeout: seconds for the composition rule of one sample; one that takes longer counts as invalid.
    """

    timeout: float = 60.0

    def __post_init__(self) -> None:
        check_time_limit(self.timeout, "60 s")


class SampleValidity(NamedTuple):
    """Facts about one sample for the table, and which rule of each set it breaks ("" for none)."""

    problems: dict[str, str]
    composition: str
    facts: dict[str, float | int | str | None]


FACTS = (
    "formula", "n_atoms", "n_elements", "volume_per_atom", "density", "min_distance", "min_image_distance",
)  # fmt: skip


def judge_validity(
    samples: Sequence[Cell | None],
    settings: ValiditySettings | None = None,
    work: Work = Work(),
) -> Family:
    """Shares of valid samples over all generated ones, under each rule of RULES and SMACT.

    Args:
        samples: generated cells, None where one could not be read.

    Raises MissingPackageError when smact is not installed; DataError without samples.
    """
    settings = work.limiting(settings or ValiditySettings())
    if not len(samples):
        raise DataError("there are no samples to judge", "give at least one generated structure")
    smact_valid(((8, 1),))
    judge = partial(judge_sample, timeout=settings.timeout)
    verdicts = list(work.run("validity", judge, samples, len(samples)))
    return Family(
        "validity",
        "Validity",
        _measures(verdicts),
        _columns(verdicts),
        settings=asdict(settings)
        | {"smact_oxidation_states": SMACT_SET}
        | versions("smact", "pymatgen-core", "nucleate"),
        notes=_notes(verdicts),
    )


def judge_sample(cell: Cell | None, timeout: float) -> SampleValidity:
    """All rules on one sample."""
    flaw = defect(cell, JUDGED) or ""
    if cell is None or flaw in NO_COMPOSITION:
        return SampleValidity(dict.fromkeys(RULES, flaw), flaw, dict.fromkeys(FACTS))
    formula = "".join(f"{SYMBOLS[z]}{n if n > 1 else ''}" for z, n in cell.formula)
    facts: dict[str, float | int | str | None] = dict.fromkeys(FACTS)
    facts |= {"formula": formula, "n_atoms": len(cell.species), "n_elements": len(cell.formula)}
    passed, failure = attempt(lambda: smact_valid(cell.formula), timeout, ())
    composition = "" if passed else failure or "not_neutral"
    if flaw:
        return SampleValidity(dict.fromkeys(RULES, flaw), composition, facts)
    asked = {
        "classic": CLASSIC, "length": GEOMETRY, "radius": RADIUS, "plausible": PLAUSIBLE, "strict": STRICT,
    }  # fmt: skip
    problems = {name: defect(cell, rules) or "" for name, rules in asked.items()}
    facts |= quantities(cell)._asdict()
    facts |= {
        "min_distance": closest_pair(cell) if len(cell.species) > 1 else None,
        "min_image_distance": closest_image(cell),
    }
    return SampleValidity(problems, composition, facts)


def _measures(verdicts: list[SampleValidity]) -> dict[str, Measure]:
    readable = share_of(
        [v.problems["classic"] not in NO_COMPOSITION for v in verdicts],
        "samples that could be read, have atoms, and only elements up to fermium",
    )
    measures = {"readable": readable}
    for name, rule in RULES.items():
        measures[f"structure_{name}"] = share_of([not v.problems[name] for v in verdicts], rule)
    measures["composition"] = share_of(
        [not v.composition for v in verdicts],
        f"SMACT rule with the oxidation states {SMACT_SET}: one element, metals only, or a neutral combination "
        "that passes the Pauling test (Davies et al. 2019, as CDVAE uses it)",
    )
    for name in ("classic", "length", "strict"):
        hits = [not (v.problems[name] or v.composition) for v in verdicts]
        measures["valid" if name == "classic" else f"valid_{name}"] = share_of(
            hits, f"structure_{name} and composition"
        )
    return measures


def _columns(verdicts: list[SampleValidity]) -> dict[str, list]:
    columns: dict[str, list] = {
        # the rules of one name first, then those that only some ask for
        "structure_problem": [v.problems["length"] or v.problems["strict"] for v in verdicts],
        "composition_problem": [v.composition for v in verdicts],
        "valid": [not (v.problems["classic"] or v.composition) for v in verdicts],
    }
    for name in RULES:
        columns[f"valid_{name}"] = [not v.problems[name] for v in verdicts]
    for name in FACTS:
        columns[name] = [v.facts[name] for v in verdicts]
    return columns


def _notes(verdicts: list[SampleValidity]) -> list[str]:
    notes = [
        "Atoms 0.5 Å apart pass the classic rule although no crystal has them: near 100 % is expected of every "
        "model, and of any model that spreads its atoms."
    ]
    problems = Counter(v.problems["length"] for v in verdicts if v.problems["length"])
    if problems:
        listed = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in sorted(problems.items()))
        notes.append(f"Structures that break a rule, by the first they break: {listed}.")
    timed_out = sum(v.composition == "timed_out" for v in verdicts)
    if timed_out:
        notes.append(f"{timed_out} compositions ran into the time limit and count as invalid.")
    return notes
