"""The numbers of stability: shares, means, columns and notes from the results for each sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nucleate.elements import SYMBOLS
from nucleate.energies.hull import AboveHull, Hull
from nucleate.energies.relax import Relaxed
from nucleate.metrics.dng.family import Measure
from nucleate.metrics.intervals import Estimate, bootstrap_mean, bootstrap_median, wilson

FAR_BELOW = -0.1
"""eV/atom above the hull below which an energy is not believed (ours). Known crystals that are generated again lie at
most some 0.01 below their own entries, and a small reference lowers distances by 0.03 in the median
(docs/concepts/stability.md)."""

NUMERIC = 1e-6
"""eV/atom; the accuracy of energies in single precision."""

NAMED = 5
"""Number of structures far below the hull that a note names."""


@dataclass(frozen=True)
class SampleStability:
    """One generated sample, its relaxation and its place against the hull."""

    problem: str
    relaxed: Relaxed = field(default_factory=Relaxed)
    above: AboveHull = field(default_factory=lambda: AboveHull(None))
    rmsd: float | None = None
    match: str = ""

    @property
    def parsed(self) -> bool:
        return self.problem != "unreadable"

    @property
    def valid(self) -> bool:
        return self.problem == ""

    @property
    def has_energy(self) -> bool:
        return self.relaxed.energy is not None

    @property
    def judged(self) -> bool:
        return self.above.energy is not None

    @property
    def reason(self) -> str:
        """Why it has no energy above hull, or "not_converged", or ""."""
        return self.problem or (self.relaxed.reason if not self.has_energy else "") or self.above.reason or (
            self.relaxed.reason
        )  # fmt: skip


def column_of(threshold: float) -> str:
    """The column that says whether a structure is at most so far above the hull, eV/atom: "stable_0.1"."""
    return f"stable_{threshold:g}"


def shares(
    results: list[SampleStability], thresholds: Sequence[float], far_below: float
) -> dict[str, Measure]:
    generated = len(results)
    supported = [r for r in results if r.judged]
    funnel: dict[str, tuple[Callable[[SampleStability], bool], str]] = {
        "parsed": (lambda r: r.parsed, "could be read"),
        "valid": (lambda r: r.valid, "also have atoms at least 0.5 Å apart and a volume of at least 0.1 Å^3"),
        "relaxed": (lambda r: r.has_energy, "also have an energy after relaxation, converged or not"),
        "converged": (lambda r: r.relaxed.converged, "also reached fmax"),
        "supported": (lambda r: r.judged, "have an energy after relaxation and a hull to compare it with"),
    }
    found = {
        name: _share(sum(map(test, results)), generated, "generated", f"Generated structures that {text}.")
        for name, (test, text) in funnel.items()
    }
    for threshold in thresholds:
        name = column_of(threshold)
        count = sum(bool(_stable(r, threshold, far_below)) for r in results)
        text = f"Between {far_below:g} and {threshold:g} eV/atom above the hull after relaxation."
        found[name] = _share(
            count, generated, "generated", f"{text} Structures that can't be judged count as not stable."
        )
        found[f"{name}_of_supported"] = _share(count, len(supported), "supported", text)
    found["far_below_hull"] = _share(
        sum(bool(_far_below(r, far_below)) for r in results),
        len(supported),
        "supported",
        f"Below {far_below:g} eV/atom above the hull: not believed, counted as not stable.",
    )
    unmatched = sum(r.match != "" for r in results)
    text = "Relaxed structures that no longer match what was generated, or whose match failed or timed out."
    found["unmatched_after_relaxation"] = _share(
        unmatched, sum(r.has_energy for r in results), "relaxed", text
    )
    return found


def _share(count: int, total: int, of: str, description: str) -> Measure:
    return Measure(wilson(count, total), of, description, share=True)


def means(results: list[SampleStability], seed: int) -> dict[str, Measure]:
    def mean(values: list[float | None], of: str, description: str, unit: str) -> Measure:
        known = np.array(sorted(v for v in values if v is not None))
        return Measure(bootstrap_mean(known, seed), of, description, unit)

    energies = np.array(sorted(r.above.energy for r in results if r.above.energy is not None))
    lowest = Estimate(float(energies[0]) if len(energies) else None, None, None, len(energies))
    median = "Median energy above hull after relaxation, which a few wild energies don't move."
    steps: list[float | None] = [float(r.relaxed.steps) if r.has_energy else None for r in results]
    return {
        "energy_above_hull": mean(
            [r.above.energy for r in results],
            "supported",
            "Mean energy above hull after relaxation.",
            "eV/atom",
        ),
        "energy_above_hull_median": Measure(bootstrap_median(energies, seed), "supported", median, "eV/atom"),
        "energy_above_hull_lowest": Measure(lowest, "supported", "Lowest energy above hull.", "eV/atom"),
        "rmsd_to_relaxed": mean(
            [r.rmsd for r in results],
            "matched",
            "Mean RMS displacement by relaxation of the structures that still match; see the share of the unmatched.",
            "Å",
        ),
        "energy_drop": mean(
            [r.relaxed.energy_drop_per_atom for r in results],
            "relaxed",
            "Mean energy that relaxation gained.",
            "eV/atom",
        ),
        "relax_steps": mean(steps, "relaxed", "Mean number of steps of the relaxation.", "steps"),
    }


def columns(
    results: list[SampleStability], thresholds: Sequence[float], far_below: float
) -> dict[str, list[Any]]:
    relaxed = [r.relaxed if r.has_energy else None for r in results]
    return {
        "supported": [r.judged for r in results],
        "energy_above_hull": [r.above.energy for r in results],
        **{column_of(limit): [_stable(r, limit, far_below) for r in results] for limit in thresholds},
        "far_below_hull": [_far_below(r, far_below) for r in results],
        "stability_reason": [r.reason for r in results],
        "relax_steps": [one and one.steps for one in relaxed],
        "relax_converged": [one and one.converged for one in relaxed],
        "relax_energy_drop": [one and one.energy_drop_per_atom for one in relaxed],
        "rmsd_to_relaxed": [r.rmsd for r in results],
        "rmsd_failure": [r.match if r.has_energy else None for r in results],
        "competing": [
            " + ".join(f"{share:.3f} {name}" for name, share in r.above.decomposition) or None
            for r in results
        ],
    }


def _stable(result: SampleStability, threshold: float, far_below: float) -> bool | None:
    """Whether a structure is at most so far above the hull, and not far below it; None where it can't be judged."""
    energy = result.above.energy
    return None if energy is None else far_below - NUMERIC <= energy <= threshold + NUMERIC


def _far_below(result: SampleStability, far_below: float) -> bool | None:
    return None if result.above.energy is None else result.above.energy < far_below - NUMERIC


def _far_below_note(results: list[SampleStability], far_below: float) -> list[str]:
    """Who lies far below the hull, the farthest first."""
    found = sorted(
        (
            energy,
            "".join(f"{SYMBOLS[z]}{count if count > 1 else ''}" for z, count in result.relaxed.cell.formula),
        )
        for result in results
        if _far_below(result, far_below)
        and result.relaxed.cell
        and (energy := result.above.energy) is not None
    )
    if not found:
        return []
    listed = ", ".join(f"{formula} {energy:.2f}" for energy, formula in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return [
        f"{len(found)} judged structures lie more than {-far_below:g} eV/atom below the hull and count as not stable "
        f"({listed}{more}): a potential's error more often than a discovery. They are in the mean; read the median."
    ]


def notes(results: list[SampleStability], hull: Hull, far_below: float) -> list[str]:
    reasons: dict[str, int] = {}
    for result in results:
        if not result.judged:
            reasons[result.reason] = reasons.get(result.reason, 0) + 1
    said = list(hull.notes)
    if reasons:
        listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        said.append(f"Not judged, counted as not stable: {listed}.")
    elements = {name for r in results if r.above.detail for name in r.above.detail.split(", ")}
    if elements:
        ordered = sorted(elements, key=SYMBOLS.index)
        said.append(f"The reference can't judge structures with {', '.join(ordered)}.")
    said += _far_below_note(results, far_below)
    late = sum(r.judged and not r.relaxed.converged for r in results)
    if late:
        said.append(f"{late} judged structures were not converged: their energies are upper bounds.")
    return said
