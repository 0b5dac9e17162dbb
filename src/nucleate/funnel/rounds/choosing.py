"""Whom a round asks the oracle about: by what they promise against the hull as it is by now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleate.funnel.rounds.knowledge import Knowledge
from nucleate.funnel.rounds.settings import Rounds
from nucleate.properties.acquisition import chosen, scores
from nucleate.properties.delta import places_of
from nucleate.records.ledger import Ledger
from nucleate.records.rounds import Asked
from nucleate.records.verdicts import Candidate


def choose(
    ledger: Ledger, candidates: Sequence[Candidate], known: Knowledge, rounds: Rounds, number: int, seed: int
) -> list[Asked]:
    """The calls of a round, the first choice first; fewer where there are fewer candidates.

    Before there is a delta model, all rules but `random` take those that the potential puts lowest.

    Args:
        candidates: who may be asked.
        number: of the round.
        seed: of the plan.
    """
    if not candidates:
        return []
    mean, deviation, reach = known.expected(candidates)
    rule = rounds.acquisition
    if known.learned is None and rule != "random":
        rule = "greedy"
    promise = -known.above_now(candidates, mean.tolist())
    sure = known.above_now(known.candidates, known.believed)
    best = float(np.max(-sure[np.isfinite(sure)], initial=-np.inf)) if np.isfinite(sure).any() else 0.0
    scored = scores(rule, promise, deviation, best, seed=_seed(seed, number))
    order = chosen(scored, places_of([one.cell for one in candidates]), rounds.calls, rounds.diverse)
    return [
        Asked(
            ledger.number_of(candidates[row].id), number,
            {
                "cheap": float(candidates[row].values[known.cheap]),  # type: ignore[arg-type]
                "mean": float(mean[row]),
                "reach": None if reach is None else float(reach[row]),
            },
        )
        for row in order
    ]  # fmt: skip


def _seed(seed: int, number: int) -> int:
    """Of `random` in a round."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))
