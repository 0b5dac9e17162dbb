"""DngReport: everything an evaluation of generated crystals found. nucleate.report makes texts and pages from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.protocols import Protocol
from nucleate.metrics.dng.samples import Samples
from nucleate.metrics.intervals import wilson

Test = tuple[str, str, Sequence[Any]]


@dataclass(frozen=True)
class Step:
    """One step of the funnel: the samples that passed this test and all before.

    Attributes:
        name, title: for files and for people.
        count: how many are left.
        share: of all generated.
        kept: of those that reached this step; None for the first.
    """

    name: str
    title: str
    count: int
    share: Measure
    kept: Measure | None


@dataclass(frozen=True)
class Headline:
    """One number of the first page; without a measure if it was not computed."""

    label: str
    family: str
    name: str
    measure: Measure | None


@dataclass(frozen=True)
class DngReport:
    """What an evaluation found.

    Attributes:
        samples: what was judged, in the order it was given.
        protocol: whose definitions the headline and the joint numbers follow.
        families: by name.
        tests: of the funnel: (name, title, one verdict for each sample); None and False do not pass.
        settings: everything the numbers depend on.
        relaxed: the relaxed crystals, None where there is none.
        notes: sentences that a reader of the numbers must know.
    """

    samples: Samples
    protocol: Protocol
    families: dict[str, Family]
    tests: list[Test]
    settings: dict[str, Any]
    relaxed: list[Cell | None]
    notes: list[str] = field(default_factory=list)

    @property
    def headline(self) -> list[Headline]:
        """The numbers of the first page, as the protocol orders them."""
        return [
            Headline(label, family, name, self.measure(family, name))
            for family, name, label in self.protocol.headline
        ]

    @property
    def funnel(self) -> list[Step]:
        """From all samples to those that pass every test."""
        left = np.ones(len(self.samples), dtype=bool)
        steps = [_step("generated", "generated", left, None, "")]
        for name, title, verdicts in self.tests:
            before, left = left, left & np.array([bool(verdict) for verdict in verdicts], dtype=bool)
            steps.append(_step(name, title, left, int(before.sum()), steps[-1].title))
        return steps

    def measure(self, family: str, name: str) -> Measure | None:
        found = self.families.get(family)
        return found.measures.get(name) if found else None

    def column(self, family: str, name: str) -> list[Any] | None:
        """One column of the table, in the order of the samples; None if no family has it."""
        found = self.families.get(family)
        return found.columns.get(name) if found else None

    def to_dict(self) -> dict[str, Any]:
        """What --json writes: headline, funnel, families, settings; each number with its interval and meaning."""
        return {
            "headline": {f"{one.family}.{one.name}": _numbers(one.measure) for one in self.headline},
            "funnel": [
                {
                    "name": step.name,
                    "title": step.title,
                    "count": step.count,
                    "of_generated": _numbers(step.share),
                    "of_previous": _numbers(step.kept),
                }
                for step in self.funnel
            ],
            "families": {
                name: {
                    "title": family.title,
                    "measures": {key: _numbers(one) for key, one in family.measures.items()},
                    "settings": family.settings,
                    "notes": family.notes,
                }
                for name, family in self.families.items()
            },
            "protocol": self.protocol.to_dict(),
            "settings": self.settings,
            "notes": self.notes,
        }


def _numbers(measure: Measure | None) -> dict[str, Any] | None:
    if measure is None:
        return None
    return {
        **measure.estimate.to_dict(),
        "of": measure.of,
        "unit": measure.unit,
        "share": measure.share,
        "description": measure.description,
    }


def _step(name: str, title: str, left: np.ndarray, before: int | None, previous: str) -> Step:
    count, all_of = int(left.sum()), len(left)
    share = Measure(
        wilson(count, all_of), "generated", f"Share of all generated samples that are {title}.", share=True
    )
    kept = None
    if before is not None:
        kept = Measure(
            wilson(count, before),
            previous,
            f"Share of those before ({previous}) that are {title}.",
            share=True,
        )
    return Step(name, title, count, share, kept)
