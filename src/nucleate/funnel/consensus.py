"""What several potentials say together: all below a limit, how far apart they are, and an interval of the distance.

Distances from the hull come from earlier stages, `relax` and `hull` of each potential. The interval is the mean with
half a length that held-back crystals gave (`consensus_intervals.json`, made by benchmarks/consensus.py): MP-20
validation crystals, which every potential was fitted to. For new ones it is too short: agreement is not independence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nucleate.energies.consensus import Consensus
from nucleate.energies.potentials import potential_named
from nucleate.errors import RecipeError
from nucleate.funnel.stage import Candidate, Stage, Verdict
from nucleate.properties.aims import Aim
from nucleate.properties.chemistry import kind_of
from nucleate.properties.conformal import ByKind
from nucleate.settings import within
from nucleate.work import Work

FILE = Path(__file__).with_name("consensus_intervals.json")
UNCERTAIN = "below the limit only because it is uncertain"


@dataclass(frozen=True)
class ConsensusStage(Stage):
    """All potentials have to put a candidate below the limit.

    Attributes:
        potentials: by name; each needs stages `relax` and `hull` before.
        most: eV/atom above the hull.
        share: of the interval of the distance that must lie below the limit; 0.5 asks no more than the mean.
        spread: eV/atom by which the potentials may differ; 0 for any.
    """

    name = "consensus"

    potentials: tuple[str, ...] = ("chgnet", "sevennet")
    most: float = 0.1
    share: float = 0.5
    spread: float = 0.0

    def __post_init__(self) -> None:
        if len(set(self.potentials)) < 2 or len(set(self.potentials)) < len(self.potentials):
            raise RecipeError(
                f"a consensus needs two or more different potentials; got {', '.join(self.potentials) or 'none'}",
                'name two: potentials = ["chgnet", "sevennet"]',
            )
        for name in self.potentials:
            potential_named(name)
        within(self, -100, 100, "most")
        within(self, 0, 100, "spread")
        Aim(high=self.most, share=self.share)

    @property
    def identity(self) -> str:
        return f"{super().identity} {_checksum()}"

    @property
    def reads(self) -> Sequence[str]:
        return tuple(f"{name}.e_above_hull" for name in self.potentials)

    @property
    def writes(self) -> Sequence[str]:
        return tuple(f"consensus.{name}" for name in ("mean", "spread", "low", "high", "warning"))

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        return [self._judge(one) for one in candidates]

    def _judge(self, one: Candidate) -> Verdict:
        said = Consensus({name: _number(one, f"{name}.e_above_hull") for name in self.potentials}, self.most)
        if said.mean is None or said.spread is None:
            return Verdict.failed("a potential did not say", said.detail)
        quantile, warning = intervals().of(kind_of(one.cell.species.tolist()))
        low, high = said.mean - quantile, said.mean + quantile
        values = {
            "consensus.mean": said.mean, "consensus.spread": said.spread, "consensus.low": low,
            "consensus.high": high, "consensus.warning": warning,
        }  # fmt: skip
        if said.agreement == "unknown":
            return Verdict.failed("a potential did not say", said.detail, values=values)
        if said.agreement != "below":
            reason = "potentials disagree" if said.agreement == "disagree" else "above the hull"
            return Verdict.rejected(reason, said.detail, values=values)
        if self.spread and said.spread > self.spread:
            detail = f"{said.spread:.3f} eV/atom apart, at most {self.spread:g}"
            return Verdict.rejected("potentials far apart", detail, values=values)
        if Aim(high=self.most, share=self.share).judge(low, high) != "on target":
            return Verdict.rejected(
                UNCERTAIN, f"{low:.3f} to {high:.3f} eV/atom, limit {self.most:g}", values=values
            )
        return Verdict.passed(values=values)


@cache
def intervals() -> ByKind:
    """Quantiles of the error of the mean of CHGNet and SevenNet, eV/atom, by kind of chemistry."""
    return ByKind.from_dict(json.loads(FILE.read_text(encoding="utf-8"))["intervals"])


@cache
def _checksum() -> str:
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:16]


def _number(one: Candidate, name: str) -> float | None:
    value = one.values.get(name)
    return float(value) if isinstance(value, int | float) else None


STAGES = (ConsensusStage,)
