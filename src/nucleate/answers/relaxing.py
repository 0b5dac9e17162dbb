"""The best structures of a composition, raced to the lowest energy in a potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nucleate.answers.answer import Ranked
from nucleate.answers.merge import joined
from nucleate.energies.potential import Potential
from nucleate.energies.racing import race


def relaxed(found: Sequence[Ranked], number: int, potential: Potential) -> list[Ranked]:
    """All structures in their order; the first `number` with an energy and a relaxed cell where the potential gave one.

    Structures that fall together are one answer.
    """
    first, rest = list(found[:number]), list(found[number:])
    raced = race([one.cell for one in first], potential)
    done = []
    for one, result in zip(first, raced, strict=True):
        cell = result.relaxed.cell
        if cell is None or result.energy_per_atom is None:
            done.append(one)
        else:
            done.append(replace(one, cell=cell, energy=result.energy_per_atom, above=result.above))
    return [*_apart(done), *rest]


def _apart(found: Sequence[Ranked]) -> list[Ranked]:
    """Structures that have fallen into one are one, that of the lower energy, with the offers of both."""
    by_energy = sorted(found, key=lambda one: float("inf") if one.energy is None else one.energy)
    groups = joined([one.cell for one in by_energy])
    kept = []
    for group in groups:
        first = by_energy[group[0]]
        offers = tuple(offer for i in group for offer in by_energy[i].structure.offers)
        kept.append(replace(first, structure=replace(first.structure, offers=offers)))
    return kept
