"""[rounds] of a plan: how often the funnel goes round, whom it asks, what it learns, when it stops.

[rounds]
rounds = 3
calls = 20
oracle = "sevennet"
tune = ["wyckoff-mp20"]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nucleate.energies.potentials import potential_named
from nucleate.errors import RecipeError
from nucleate.funnel.calculations import Calculations
from nucleate.funnel.energies import AboveHull, Energy
from nucleate.funnel.hulls import MOST_ABOVE, check_hull
from nucleate.funnel.relaxing import Relax
from nucleate.funnel.shortlist import Shortlist
from nucleate.funnel.sources import Source
from nucleate.funnel.stage import Stage
from nucleate.properties.acquisition import RULES
from nucleate.settings import within


@dataclass(frozen=True)
class Rounds:
    """Settings of the rounds.

    Attributes:
        rounds: how many at most.
        calls: of the oracle in each.
        oracle: a potential that is asked about few candidates; its word counts.
        potential: the one that the stages ask about all; a stage `hull` has to say its e_above_hull.
        relax: whether the oracle relaxes a crystal before it gives its energy.
        acquisition: improvement, bound, greedy, or random as the control.
        diverse: the most different are taken of so many times as many as there are calls; 1 takes the best.
        most: eV/atom above the hull, up to which a candidate counts as found.
        tune: names of the sources whose generators learn from each round.
        passes: how often a generator is shown each crystal that it learns from; many make it repeat them.
        patience: rounds without one found after which it stops; 0 for never.
        least_new: of the candidates of a round, the share that has to come through all stages, or it stops.
    """

    rounds: int = 3
    calls: int = 20
    oracle: str = "sevennet"
    potential: str = "chgnet"
    relax: bool = True
    acquisition: str = "improvement"
    diverse: int = 1
    most: float = 0.0
    tune: tuple[str, ...] = ()
    passes: int = 20
    patience: int = 0
    least_new: float = 0.0

    def __post_init__(self) -> None:
        within(self, 1, 1000, "rounds diverse", "rounds.")
        within(self, 1, 100_000, "calls passes", "rounds.")
        within(self, -MOST_ABOVE, MOST_ABOVE, "most", "rounds.")
        within(self, 0, 1000, "patience", "rounds.")
        within(self, 0, 1, "least_new", "rounds.")
        if self.acquisition not in RULES:
            raise RecipeError(
                f"rounds.acquisition = '{self.acquisition}' is no rule", f"choose among {', '.join(RULES)}"
            )
        for name in (self.oracle, self.potential):
            potential_named(name)
        if self.oracle == self.potential:
            raise RecipeError(
                f"rounds.oracle = '{self.oracle}' is the potential that the stages ask",
                "name another one, such as sevennet",
            )

    def fit(self, sources: Sequence[Source], stages: Sequence[Stage]) -> None:
        """Raise RecipeError where such rounds and the rest of a plan don't go together."""
        for number, stage in enumerate(stages, 1):
            if isinstance(stage, Shortlist | Calculations):
                raise RecipeError(
                    f"stage {number} ({stage.name}) is for the few that are left, and rounds go on after it",
                    "leave it out: asked.csv lists what the oracle was asked, and what it said",
                )
        self.hull_of(stages)
        known = {source.called: source for source in sources}
        for name in self.tune:
            if name not in known:
                raise RecipeError(
                    f"rounds.tune names '{name}', and no candidates are called so",
                    f"those of the plan: {', '.join(known)}",
                )
            if known[name].folder or known[name].adapters or known[name].formulas:
                raise RecipeError(
                    f"rounds.tune names '{name}', which does not draw freely from one model",
                    "name a source with a generator, without adapters and formulas",
                )

    def hull_of(self, stages: Sequence[Stage]) -> AboveHull:
        """The stage whose distances the rounds read: the last of the potential. Raises RecipeError without one."""
        found = [one for one in stages if isinstance(one, AboveHull) and one.potential == self.potential]
        if not found:
            raise RecipeError(
                f"rounds read {self.potential}.e_above_hull, and no stage says it",
                f'add a [[stage]] with kind = "hull" and potential = "{self.potential}"',
            )
        return found[-1]

    def oracle_stages(self, hull: AboveHull) -> tuple[Stage, Stage]:
        """What the oracle does with a candidate: an energy, and its distance from a hull like that of the plan."""
        first = Relax(potential=self.oracle) if self.relax else Energy(potential=self.oracle)
        return first, replace(hull, potential=self.oracle, most=MOST_ABOVE, least=-MOST_ABOVE)

    def check(self, stages: Sequence[Stage]) -> None:
        """Raise NucleateError for an oracle that is not there."""
        hull = self.hull_of(stages)
        check_hull(self.oracle, hull.reference, hull.hull)
