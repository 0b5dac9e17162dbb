"""The parts of the results that set ways of proposing and of inventing crystals side by side at equal cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from answers_section import read

PROPOSING = """## Ways of proposing

What draws add to prototypes at an equal number of draws, ten of 20 network evaluations each: MP-20 validation
compositions, one whole cell each, entries of the training split alone, other polymorphs asked for, nothing relaxed, a
match by pymatgen's StructureMatcher with the settings of the published rows. Only the last way draws twice as much.
Alone, one draw of free diffusion is right for 41 % of compositions, one sequence with symmetric diffusion for
58 %.
"""
INVENTING = """## Ways of inventing

Every way draws into the same funnel: sound, no duplicate, not in MP-20, relaxed with CHGNet and given up where it can't
come within 0.2 eV/atom of the hull, at most 0.1 eV/atom above it and not below -0.2 (formation energies of MP-20's
training split), no duplicate and new still. Cost is processor time of one thread, drawing and judging together, so that
*left a core-hour* compares at equal cost. A new prototype is one that no crystal of the shipped index has.
"""
CURVE = """## New materials against NFE

What each shipped model invents at a cost, by its own sampler with as many steps: crystals of one seed, classic
protocol, proxies against MP-20's validation split. Seconds of a processor for {crystals} crystals, drawing alone, one
thread, start of the program included. Published: 1,000 steps and more.
"""
STAGES = ("sanitise", "duplicates", "novelty", "relax", "hull", "novelty 2")
TITLES = ("sound", "different", "not in MP-20", "within 0.2 eV/atom", "within 0.1", "left")


def ways_of_proposing(results: Path) -> str:
    """Compositions: what a second way of proposing adds."""
    record = read(results, "answers-sequences")
    if record is None:
        return ""
    counts = ("right at rank 1", "right among 5", "right among 20")
    lines = ["| proposed by | rank 1 % | among 5 % | among 20 % |", "|---" * 4 + "|"]
    lines += [
        "| " + " | ".join([name, *(percent(way[count]) for count in counts)]) + " |"
        for name, way in record["ways"].items()
    ]
    costs = ", ".join(f"{name} {cost:g} s" for name, cost in record["CPU seconds for a composition"].items())
    about = f"{record['compositions']} compositions. Seconds of the processor for one, one thread: {costs}.\n"
    return "\n".join([PROPOSING, about, *lines, _command(record)])


def ways_of_inventing(results: Path) -> str:
    """New materials: what is left of each way's draws, and at which cost."""
    record = read(results, "ways-of-inventing")
    if record is None:
        return ""
    head = ("way", "drawn", *TITLES, "left %", "P1", "new prototypes", "seconds", "left a core-hour")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, way in record["ways"].items():
        passed = {stage["stage"]: str(stage["passed"]) for stage in way["stages"]}
        hour = way["left_a_core_hour"]
        cells = [
            name, str(way["drawn"]), *(passed[stage] for stage in STAGES), percent(way["left"]), str(way["in P1"]),
            str(way["of new prototypes"]), f"{way['processor_seconds']:.0f}",
            f"{hour['value']:.0f} ({hour['low']:.0f} to {hour['high']:.0f})",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([INVENTING, *lines, _command(record)])


def invention_curve(results: Path) -> str:
    """New materials: quality against the evaluations of the network."""
    record = read(results, "invention-curve")
    if record is None:
        return ""
    rows = [(model, point) for model, points in record["models"].items() for point in points]
    names = [name for name, one in rows[0][1].items() if isinstance(one, dict)]
    head = (
        "model",
        "NFE",
        *(f"{name} %" if rows[0][1][name]["share"] else name for name in names),
        "seconds",
    )
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for model, point in rows:
        cells = [percent(one) if one["share"] else _number(one) for one in (point[name] for name in names)]
        lines.append("| " + " | ".join([model, str(point["nfe"]), *cells, f"{point['seconds']:.0f}"]) + " |")
    return "\n".join([CURVE.format(**record), *lines, _command(record)])


def _number(one: dict[str, Any]) -> str:
    return "{value:.2f} ({low:.2f} to {high:.2f})".format(**one)


def percent(share: dict[str, Any]) -> str:
    """A share with its interval, in percent."""
    value, low, high = (100 * share[key] for key in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def _command(record: dict[str, Any]) -> str:
    return f"\n```\n{record['command']}\n```\n"
