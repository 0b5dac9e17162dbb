"""A generator that learns from the rounds: reward-weighted tuning on candidates that are in the ledger already.

Each time it starts from the weights that the plan names, and learns from all rounds so far: what the oracle said, and
elsewhere what the delta model expects. Draws of the first round stand for the untouched generator. So tuning costs no
draw and no energy, and a killed one begins again and ends the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import RecipeError
from nucleate.families.wyckoff.diffused import SequenceDiffusion
from nucleate.funnel.rounds.knowledge import Knowledge, unasked
from nucleate.funnel.rounds.sources import MODEL
from nucleate.funnel.sources import Source, predictor_of
from nucleate.predictor.joining import DRAWS_WITH
from nucleate.records.ledger import SPAN, Ledger
from nucleate.records.verdicts import unpack
from nucleate.rewards.shapes import Numbers, Shape
from nucleate.tuning.base import Base
from nucleate.tuning.learner import Drawn
from nucleate.tuning.result import is_saved, save_tuned
from nucleate.tuning.sequences import sequences_base
from nucleate.tuning.settings import WeightedSettings
from nucleate.tuning.weighted import RewardWeighted

WIDTH = 0.1
"""eV/atom above the hull at which a crystal is worth exp(-1/2)."""
REWARD = f"at most 0 eV/atom above the hull, width {WIDTH}"


class FromLedger(RewardWeighted):
    """Learns from crystals that others drew."""

    def __init__(self, base: Base, settings: WeightedSettings, run: Path, untouched: Sequence[Cell]) -> None:
        """untouched: what stands for draws of the base."""
        super().__init__(base, settings, run)
        self._pool = list(untouched)

    def card(self) -> dict[str, Any]:
        generator = self.base.generator
        if not isinstance(generator, SequenceDiffusion):
            return {}
        return {DRAWS_WITH: {"name": self.base.structures, "weights": generator.diffusion.identity}}


def tune_for(
    source: Source, number: int, first: int, ledger: Ledger, known: Knowledge, out: Path, passes: int
) -> None:
    """Make the generator of a source for a round, unless it is there.

    Args:
        source: of the plan.
        number: of the round that it will draw for.
        first: number of the source in the ledger.
        known: from all rounds before.
        out: folder of this tuning.
        passes: over the crystals that it learns from.
    """
    if is_saved(out / MODEL, number - 1):
        return
    cells, values = worth(ledger, known)
    base, settings = _base(source), _settings(int((values > 0).sum()), passes, source.seed or 0)
    untouched = _drawn(ledger, first, settings.base_draws)
    learner = FromLedger(base, settings, out, untouched)
    learner.learn(number - 1, Drawn(list(cells)), values)
    what = {
        "base": base.name, "weights": base.checksum, "method": learner.name, "reward": REWARD,
        "settings": {"passes": passes, "steps": settings.steps, "crystals": len(cells), "seed": settings.seed},
    }  # fmt: skip
    save_tuned(out / MODEL, learner, what, number - 1, len(known.calls))


def _settings(crystals: int, passes: int, seed: int) -> WeightedSettings:
    """So many steps that each crystal is shown `passes` times on average."""
    usual = WeightedSettings(seed=seed)
    shown = (1 - usual.base_share) * usual.batch
    return replace(usual, steps=max(1, round(passes * min(crystals, usual.buffer) / shown)))


def worth(ledger: Ledger, known: Knowledge) -> tuple[list[Cell], Numbers]:
    """Crystals that came through, and what each is worth, from 0 to 1: by the oracle where it was asked, else by what
    is expected; against the hull as it is by now."""
    others = unasked(ledger)
    every = [*known.candidates, *others]
    above = np.concatenate([known.believed, known.expected(others)[0]])
    sure = np.where(np.isfinite(above), above, 0.0)
    distance = np.where(np.isfinite(above), known.above_now(every, sure.tolist()), np.nan)
    return [one.cell for one in every], Shape("at-most", 0.0, WIDTH)(distance)


def check_tunable(source: Source) -> None:
    """Raise NucleateError for a generator that can't learn."""
    if predictor_of(source).folder is None and not _joined(source):
        raise RecipeError(
            f"rounds.tune names '{source.called}', and {source.generator} has no weights that can learn",
            "name a source with a trained model, such as wyckoff-mp20 or kldm-mp20-dng",
        )
    _base(source)


def _joined(source: Source) -> bool:
    return isinstance(predictor_of(source).generator, SequenceDiffusion)


def _base(source: Source) -> Base:
    if _joined(source):
        return sequences_base(source.generator, None, source.device)
    return Base.of(source.generator, (), source.device)


def _drawn(ledger: Ledger, source: int, count: int) -> list[Cell]:
    """The first candidates of a source as they were drawn."""
    question = (
        "SELECT cell FROM candidates WHERE number >= ? AND number < ? AND cell IS NOT NULL "
        "ORDER BY number LIMIT ?"
    )
    rows = ledger.base.execute(question, (source * SPAN, (source + 1) * SPAN, count))
    return [unpack(cell) for (cell,) in rows]
