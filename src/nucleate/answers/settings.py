"""How answers are found: which proposers offer how many structures, what relaxes them, what ranks them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

from nucleate.errors import RecipeError
from nucleate.settings import MOST_SECONDS, within

Ranking = Literal["fitted", "prior", "agreement", "energy"]
RANKINGS = get_args(Ranking)
PROPOSERS = ("prototypes", "free", "sequences")


def installed_potential() -> str:
    """The potential that relaxes answers where nothing is said: CHGNet if it is installed, else "" for none."""
    return "chgnet" if find_spec("chgnet") else ""


@dataclass(frozen=True)
class AnswerSettings:
    """Settings of `nucleate.answers.answerer.Answerer`.

    Attributes:
        propose: names of the proposers.
        prototypes: different structures taken from known crystals of the same anonymous formula.
        free: draws of the free model, at most: fewer where the prototypes leave little doubt.
        sequences: draws of Wyckoff sequences with a symmetric diffusion, at most, likewise; not asked by default.
        known: `include` known crystals of the composition itself, as for NaCl, or take them last to find another
            polymorph (`other`).
        sources: sources in the index of prototypes that may be used, such as mp_20; all if empty.
        potential: what relaxes the best structures, such as chgnet; "" for nothing.
        relaxed: how many structures are relaxed.
        seconds: that one composition may take, 0 for any number. Fewer draws are then made, relaxing ends early; known
            crystals are always looked up. What is found in time depends on the machine.
        rank: order of the answers: by `fitted` probability, by the proposers' probability alone (`prior`), by
            `agreement` of the free draws, or by `energy`.
    """

    propose: tuple[str, ...] = ("prototypes", "free")
    prototypes: int = 20
    free: int = 10
    sequences: int = 10
    known: Literal["include", "other"] = "include"
    sources: tuple[str, ...] = ()
    potential: str = ""
    relaxed: int = 5
    rank: Ranking = "fitted"
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if unknown := [name for name in self.propose if name not in PROPOSERS]:
            raise RecipeError(f"there is no proposer '{unknown[0]}'", f"choose among {', '.join(PROPOSERS)}")
        if not self.propose or len(set(self.propose)) < len(self.propose):
            raise RecipeError(
                f"propose = {list(self.propose)} must name each proposer once", "name at least one"
            )
        if self.rank not in RANKINGS:
            raise RecipeError(f"there is no ranking '{self.rank}'", f"choose among {', '.join(RANKINGS)}")
        if self.rank == "energy" and not self.potential:
            raise RecipeError(
                "answers can't be ranked by energy without a potential", "name one, such as chgnet"
            )
        if self.known not in ("include", "other"):
            raise RecipeError(
                f"known must be 'include' or 'other'; got '{self.known}'", "leave it out for include"
            )
        within(self, 0, 1000, "prototypes free sequences relaxed")
        within(self, 0, MOST_SECONDS, "seconds")
