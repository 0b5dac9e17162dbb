"""A report made by hand: families with known numbers, so that what is shown of them can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.metrics.dng.family import Comparison, Family, Measure
from nucleate.metrics.dng.protocols import protocol_named
from nucleate.metrics.dng.report import DngReport
from nucleate.metrics.dng.samples import Samples
from nucleate.metrics.intervals import Estimate, wilson

HEADLINE = (
    ("stability", "sun", "S.U.N. (0.1 eV/atom)"),
    ("validity", "valid", "Valid structures"),
    ("distributions", "density", "Density, Wasserstein"),
    ("novelty", "novel", "Novel"),
)


def made_report(cells: Sequence[Cell | None], ids: Sequence[str] | None = None) -> DngReport:
    """Readable samples are valid, every second is unique, every third novel; energies rise with the place."""
    samples = Samples.of(cells, ids)
    n = len(samples)
    parsed = [cell is not None for cell in cells]
    unique = [None if not ok else i % 2 == 0 for i, ok in enumerate(parsed)]
    novel = [None if not ok else i % 3 == 0 for i, ok in enumerate(parsed)]
    energy = [None if not ok else 0.01 * i for i, ok in enumerate(parsed)]
    stable = [value is not None and value <= 0.1 for value in energy]
    sun = [bool(s and u and v) for s, u, v in zip(stable, unique, novel, strict=True)]
    families = [
        Family("validity", "Validity", {"valid": _share(parsed, "Atoms at least 0.5 Å apart.")}, {"valid": parsed}),
        Family(
            "distributions", "Distributions",
            {"density": Measure(Estimate(0.234, 0.2, 0.3, n), "generated", "Wasserstein-1 distance.", "g/cm³")},
            comparisons=comparisons(),
        ),
        Family(
            "novelty", "Novelty", {"novel": _share(novel, "No match <in> train.")}, {"unique": unique, "novel": novel},
        ),
        Family(
            "stability", "Stability",
            {"sun": _share(sun, "Stable, unique and novel."),
             "energy_above_hull": Measure(Estimate(None, None, None, 0), "supported", "Mean.", "eV/atom")},
            {"energy_above_hull": energy, "stable": stable}, notes=["Energies are CHGNet's."],
        ),
    ]  # fmt: skip
    tests = [
        ("parsed", "readable", parsed),
        ("valid", "valid", parsed),
        ("stable", "at most 0.1 eV/atom above the hull", stable),
        ("unique", "unique", unique),
        ("novel", "novel (S.U.N.)", novel),
    ]
    protocol = replace(protocol_named("mattergen"), headline=HEADLINE)
    settings = {
        "reference": "mp_20",
        "split": "val",
        "novel_against": "train",
        "seed": 0,
        "nucleate": "0.1.0",
    }
    return DngReport(
        samples, protocol, {f.name: f for f in families}, tests, settings, [None] * n, ["A made report."]
    )


def _share(verdicts: Sequence[bool | None], description: str) -> Measure:
    return Measure(wilson(sum(map(bool, verdicts)), len(verdicts)), "generated", description, share=True)


def comparisons() -> list[Comparison]:
    """Numbers, few and many categories, elements."""
    rng = np.random.default_rng(0)

    def shares(size: int) -> np.ndarray:
        draw = rng.random(size)
        return draw / draw.sum()

    edges = np.linspace(0, 20, 21)
    groups = [f"{n}" for n in (225, 221, 194, 166, 139, 123, 62, 63, 14, 12, 2, 1)] + ["other"]
    systems = ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"]
    elements = [symbol for symbol in SYMBOLS[1:84] if symbol not in ("He", "Ne", "Ar", "Kr", "Xe", "Po")]
    return [
        Comparison(
            "Density", [f"{x:g}" for x in edges[:-1]], np.exp(-(((edges[:-1] - 7) / 3) ** 2)) / 5.3,
            np.exp(-(((edges[:-1] - 5) / 2.5) ** 2)) / 4.4, "g/cm³", edges,
        ),
        Comparison("Crystal system", systems, shares(7), shares(7)),
        Comparison("Space group", groups, shares(13), shares(13)),
        Comparison("Elements", elements, shares(len(elements)) ** 2, shares(len(elements)) ** 2),
    ]  # fmt: skip
