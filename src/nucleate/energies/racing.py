"""A race of crystals of one composition to the lowest energy: relaxed side by side, and stopped once they can't win.

Every round evaluates those that run, in one batch, and moves each a step of its own descent. A crystal is stopped
where even what its model still expects to gain, `doubt` times over, leaves it `margin` above the lowest energy so far.
What the model expects is wrong far from a minimum, so that nothing is stopped before `rounds` of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.energies.cache import key_of, open_cache
from nucleate.energies.descent import Descent
from nucleate.energies.potential import Potential
from nucleate.energies.raced import OUT_OF_BUDGET, STOPPED, Raced, RaceSettings, decode_raced, encode_raced
from nucleate.energies.relax import limits
from nucleate.energies.relaxed import Relaxed
from nucleate.energies.symmetric import advance, begin, finished, relaxed_by
from nucleate.errors import NucleateError
from nucleate.work import Work

__all__ = ["OUT_OF_BUDGET", "STOPPED", "RaceSettings", "Raced", "race", "race_all"]


def race(
    cells: Sequence[Cell],
    potential: Potential,
    settings: RaceSettings = RaceSettings(),
    work: Work = Work(),
) -> list[Raced]:
    """Race crystals of one composition: what became of each, in the order given.

    The same crystals with the same settings give the same result; what becomes of one depends on the others.

    Args:
        cells: crystals of one composition, in cells of any size.
        potential: where energies, forces and stresses come from.
        settings: how, and within which budget.
        work: whom to tell, and where finished races are kept; a race runs in this process.

    Raises:
        MissingPackageError: where the potential's package is not installed.
        NucleateError: where the crystals are not of one composition.
    """
    formulas = sorted({cell.formula for cell in cells})
    if len(formulas) > 1:
        raise NucleateError(
            f"{len(formulas)} compositions are in one race, where energies can't be compared",
            "race the crystals of each composition by themselves",
        )
    potential.calculator()
    if work.time_limit is not None:
        settings = replace(settings, seconds=work.time_limit)
    key = _key(cells, potential, settings)
    store = open_cache(work.cache.absolute()) if work.cache else None
    kept = {} if store is None else store.get([key])
    if key in kept:
        return [decode_raced(one) for one in kept[key]]
    found = _Race(cells, potential, settings, work).run()
    late = settings.seconds is not None and any(one.status == OUT_OF_BUDGET for one in found)
    if store is not None and not late:
        store.put(key, [encode_raced(one) for one in found])
    return found


def race_all(
    groups: Sequence[Sequence[Cell]],
    potential: Potential,
    settings: RaceSettings = RaceSettings(),
    work: Work = Work(),
) -> list[list[Raced]]:
    """A race for each composition, each as `race` runs it, in the workers of `work`. Raises what `race` raises."""
    potential.calculator()
    alone = work.alone.kept_in(work.cache and work.cache.absolute())
    one = partial(_race_one, potential, settings, alone)
    return list(work.run("racing", one, list(groups), len(groups)))


def _race_one(potential: Potential, settings: RaceSettings, work: Work, cells: Sequence[Cell]) -> list[Raced]:
    return race(cells, potential, settings, work)


def _key(cells: Sequence[Cell], potential: Potential, settings: RaceSettings) -> str:
    nothing = Cell(np.zeros(0), np.zeros(0), np.zeros(0))
    own = [key_of("race", cell) for cell in cells]
    return key_of("race", nothing, potential.identity, settings.identity, *own)


class _Race:
    """A race under way."""

    def __init__(
        self, cells: Sequence[Cell], potential: Potential, settings: RaceSettings, work: Work
    ) -> None:
        self.cells, self.potential, self.settings, self.work = cells, potential, settings, work
        self.start = perf_counter()
        self.descents: dict[int, Descent] = {}
        self.lost: dict[int, Relaxed] = {}
        self.ended: dict[int, str] = {}
        self.seconds = np.zeros(len(cells))
        rules = limits(potential)
        for place, cell in enumerate(cells):
            reason = defect(cell, rules)
            if reason:
                self.lost[place] = Relaxed(reason=reason)
            else:
                self.descents[place] = begin(cell, settings.descent)

    def run(self) -> list[Raced]:
        running = list(self.descents)
        while running:
            chosen = running[: self._affordable(len(running))]
            if not chosen:
                self.ended |= dict.fromkeys(running, OUT_OF_BUDGET)
                break
            self._round(chosen)
            running = self._in_order(running)
            self.work.tell("racing", len(self.cells) - len(running), len(self.cells))
        return self._results()

    def _affordable(self, running: int) -> int:
        """How many evaluations the budget still has, of those that are asked for."""
        limit = self.settings
        if limit.seconds is not None and self._evaluations and perf_counter() - self.start >= limit.seconds:
            return 0
        return running if limit.evaluations is None else min(running, limit.evaluations - self._evaluations)

    @property
    def _evaluations(self) -> int:
        return sum(descent.evaluations for descent in self.descents.values())

    def _round(self, places: Sequence[int]) -> None:
        """One evaluation of each; the time of a batch is shared out by numbers of atoms."""
        start = perf_counter()
        said = advance([self.descents[place] for place in places], self.potential)
        atoms = np.array([len(self.cells[place].species) for place in places])
        self.seconds[list(places)] += (perf_counter() - start) * atoms / atoms.sum()
        self.lost |= {place: one for place, one in zip(places, said, strict=True) if one is not None}

    def _in_order(self, places: Sequence[int]) -> list[int]:
        """Those that go on, the most promising first, and why the others don't."""
        best = min((self._energy(place) for place in self.descents if place not in self.lost), default=np.inf)
        going = []
        for place in places:
            descent = self.descents[place]
            if place in self.lost or finished(descent, self.settings.descent):
                continue
            hopeless = self._bound(place) > best + self.settings.margin
            if descent.evaluations >= self.settings.rounds and hopeless:
                self.ended[place] = STOPPED
            else:
                going.append(place)
        return sorted(going, key=lambda place: (self._bound(place), place))

    def _energy(self, place: int) -> float:
        """eV/atom; infinite before the first evaluation."""
        energy = self.descents[place].energy
        return np.inf if energy is None else energy / len(self.cells[place].species)

    def _bound(self, place: int) -> float:
        """What a crystal may come down to, eV/atom."""
        if self.descents[place].energy is None:
            return -np.inf
        gain = self.descents[place].gain / len(self.cells[place].species)
        return self._energy(place) - self.settings.doubt * gain

    def _results(self) -> list[Raced]:
        found = []
        for place in range(len(self.cells)):
            one = self.lost.get(place) or relaxed_by(self.descents[place], self.settings.descent)
            found.append(replace(one, seconds=float(self.seconds[place])))
        energies = [np.inf if one.energy_per_atom is None else one.energy_per_atom for one in found]
        order = np.argsort(energies, kind="stable")
        places = np.empty(len(found), dtype=int)
        places[order] = np.arange(1, len(found) + 1)
        lowest = min(energies, default=np.inf)
        return [
            self._result(
                int(places[i]), one, energies[i] - lowest if one.cell else np.inf, self.ended.get(i, "")
            )
            for i, one in enumerate(found)
        ]

    def _result(self, place: int, one: Relaxed, above: float, ended: str) -> Raced:
        if one.cell is None:
            return Raced(place, one, None, ended or one.reason, one.detail)
        status = ended or one.reason or "relaxed"
        detail = f"{status}: {1000 * above:.0f} meV/atom above the best" if ended == STOPPED else ""
        return Raced(place, one, above, status, detail)
