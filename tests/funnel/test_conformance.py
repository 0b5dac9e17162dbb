"""Every stage of the package through the suite that those of other packages run too."""

from dataclasses import replace

import pytest

from nucleate.funnel.calculations import Calculations
from nucleate.funnel.consensus import ConsensusStage
from nucleate.funnel.duplicates import Duplicates
from nucleate.funnel.energies import AboveHull, Energy
from nucleate.funnel.heuristics import Heuristics
from nucleate.funnel.novelty import Novelty
from nucleate.funnel.property import PropertyStage
from nucleate.funnel.registry import stages
from nucleate.funnel.relaxing import Relax
from nucleate.funnel.sanitise import Sanitise
from nucleate.funnel.shortlist import Shortlist
from nucleate.funnel.stage import Stage, Verdict
from nucleate.funnel.symmetrise import Symmetrise
from nucleate.testing import StageCase, stage_checks, stage_tests
from tests.funnel.crystals import caesium_chloride, candidates, doubled, rocksalt, zincblende

GIVEN = candidates(
    rocksalt(), rocksalt(length=2.0), zincblende(), caesium_chloride(), doubled(rocksalt()), rocksalt(11, 12)
)
NICKEL, PALLADIUM = caesium_chloride(28, 13, 2.9), caesium_chloride(46, 13, 3.0)
ALLOYS = (rocksalt(29, 47, 4.8), rocksalt(29, 79, 4.8), NICKEL, PALLADIUM, rocksalt())
METALS = candidates(*ALLOYS)
PLACED = candidates(*ALLOYS, **{"emt.energy_per_atom": 0.1, "emt.e_above_hull": 0.02})
BY_TWO = [
    replace(one, values={"chgnet.e_above_hull": 0.05 * place, "sevennet.e_above_hull": 0.04 * place})
    for place, one in enumerate(GIVEN)
]
CASES = [
    StageCase("sanitise", Sanitise(), GIVEN),
    StageCase("sanitise-elements", Sanitise(needs=("Na",), kinds=(2, 3), charge=False), GIVEN),
    StageCase("duplicates", Duplicates(), GIVEN),
    StageCase("consensus", ConsensusStage(most=0.18, share=0.7), BY_TWO),
    StageCase("property", PropertyStage("property-band-gap-first", low=1.0, share=0.6), GIVEN, 1e-4),
    StageCase("heuristics", Heuristics(prototype=True, production=4000.0), GIVEN),
    StageCase("novelty", Novelty(), GIVEN),
    StageCase("calculations", Calculations(("gpaw",)), GIVEN),
    StageCase("symmetrise", Symmetrise(), GIVEN),
    StageCase("energy", Energy("emt"), METALS),
    StageCase("relax", Relax("emt"), METALS, 1e-6),
    StageCase("hull", AboveHull("emt", most=0.5, near=0.0), PLACED),
    StageCase("shortlist", Shortlist(2, ("min emt.e_above_hull",)), PLACED),
]

test_stages = stage_tests(CASES)


def test_every_stage_of_the_package_is_among_them():
    assert {case.stage.name for case in CASES} == set(stages())


class Forgetful(Sanitise):
    """Judges all but the last one."""

    def judge(self, candidates, work):
        return super().judge(candidates, work)[:-1]


class Numbered(Sanitise):
    """Puts numbers into reasons."""

    def judge(self, candidates, work):
        return [Verdict.rejected(f"{len(one.cell.species)} atoms") for one in candidates]


class Talkative(Sanitise):
    """Writes what it does not announce."""

    def judge(self, candidates, work):
        return [Verdict.passed(values={"mood": "good"}) for _ in candidates]


class Neighbourly(Sanitise):
    """Lets others of a batch decide."""

    def judge(self, candidates, work):
        return [Verdict.passed() if len(candidates) > 1 else Verdict.rejected("alone") for _ in candidates]


class Nosy(Sanitise):
    """Judges by the name."""

    def judge(self, candidates, work):
        return [
            Verdict.passed() if one.id.startswith("given") else Verdict.rejected("name") for one in candidates
        ]


BAD: list[tuple[type[Stage], str]] = [
    (Forgetful, "every_candidate_has_one_verdict"),
    (Numbered, "verdicts_can_be_kept"),
    (Talkative, "verdicts_can_be_kept"),
    (Neighbourly, "the_same_candidates_have_the_same_verdicts"),
    (Nosy, "it_reads_no_more_than_it_says"),
]


@pytest.mark.parametrize(("kind", "check"), BAD, ids=[f"{kind.__name__}-{check}" for kind, check in BAD])
def test_the_suite_finds_bad_stages(kind, check):
    (found,) = [one for one in stage_checks(StageCase("bad", kind(), GIVEN)) if one.name.endswith(check)]
    with pytest.raises(AssertionError):
        found.run()
