"""The best structures of a composition, raced to the lowest energy in a potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nucleate.answers.answer import Ranked
from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.merge import joined
from nucleate.discovery.deciding import Evidence, shipped_decision
from nucleate.energies.potential import Potential
from nucleate.energies.racing import OUT_OF_BUDGET, Raced, RaceSettings, race

RELAXING = "relaxing"
"""What is cut short where there is no time for it."""


def relaxed(
    found: Sequence[Ranked], number: int, potential: Potential, budget: Budget = UNLIMITED
) -> list[Ranked]:
    """All structures in their order; the first `number` with an energy and a relaxed cell where the potential gave one.

    Structures that relax to the same one are one answer.
    """
    first, rest = list(found[:number]), list(found[number:])
    limit = RaceSettings(seconds=max(budget.left, 0.0)) if budget.seconds else RaceSettings()
    raced = race([one.cell for one in first], potential, limit)
    if any(one.status == OUT_OF_BUDGET for one in raced):
        budget.cut.append(RELAXING)
    return [*_apart([_with_energy(one, result) for one, result in zip(first, raced, strict=True)]), *rest]


def _with_energy(one: Ranked, result: Raced) -> Ranked:
    """A structure with the result of the race; unchanged where that found no energy.

    The energy of one that ran out of time says nothing about its rank."""
    cell, energy = result.relaxed.cell, result.energy_per_atom
    if cell is None or energy is None:
        return one
    if result.status == OUT_OF_BUDGET:
        return replace(one, cell=cell, energy=energy, above=result.above, relaxation=result.status)
    change = cell.volume / one.cell.volume - 1
    # the retrieval is counted elsewhere: only the energies of the evidence count here
    evidence = Evidence(0.0, 0, 1, False, result.above, result.relaxed.energy_drop_per_atom, change)
    return replace(
        one, cell=cell, energy=energy, above=result.above, relaxation=result.status,
        log_odds=shipped_decision().of_energies(evidence),
    )  # fmt: skip


def _apart(found: Sequence[Ranked]) -> list[Ranked]:
    """Structures that are now the same become the most probable one, with the offers and shares of all."""
    kept = []
    for group in joined([one.cell for one in found]):
        first = found[group[0]]
        offers = tuple(offer for i in group for offer in found[i].structure.offers)
        share = sum(found[i].probability for i in group)
        kept.append(replace(first, structure=replace(first.structure, offers=offers), probability=share))
    return kept
