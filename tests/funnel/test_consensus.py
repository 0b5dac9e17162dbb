"""What the consensus of potentials says: all below, how far apart, and only because it is uncertain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nucleate.errors import NucleateError, RecipeError
from nucleate.funnel import consensus
from nucleate.funnel.consensus import ConsensusStage
from nucleate.funnel.plan import parse_plan
from nucleate.properties.conformal import ByKind
from nucleate.work import Work
from tests.funnel.crystals import candidates, rocksalt


def placed(*pairs: tuple[float | None, float | None]):
    return [
        replace(one, values={"chgnet.e_above_hull": first, "sevennet.e_above_hull": second})
        for one, (first, second) in zip(candidates(*[rocksalt()] * len(pairs)), pairs, strict=True)
    ]


@pytest.fixture
def known_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ByKind(0.9, {"halide": 0.05}, {"halide": 40}, 0.1)
    monkeypatch.setattr(consensus, "intervals", lambda: found)


@pytest.mark.usefixtures("known_intervals")
def test_consensus_wants_all_below() -> None:
    pairs = [(0.01, 0.02), (0.01, 0.2), (0.3, 0.2), (0.01, None), (0.09, 0.09)]
    found = ConsensusStage().judge(placed(*pairs), Work())
    assert [one.reason for one in found] == [
        "", "potentials disagree", "above the hull", "a potential did not say", "",
    ]  # fmt: skip
    assert [one.outcome for one in found] == ["passed", "rejected", "rejected", "failed", "passed"]
    assert found[0].values == {
        "consensus.mean": 0.015, "consensus.spread": 0.01,
        "consensus.low": pytest.approx(-0.035), "consensus.high": pytest.approx(0.065), "consensus.warning": "",
    }  # fmt: skip
    sure = ConsensusStage(share=0.9).judge(placed(*pairs), Work())
    assert sure[0].outcome == "passed"
    assert sure[4].reason == consensus.UNCERTAIN
    assert sure[4].detail == "0.040 to 0.140 eV/atom, limit 0.1"
    near = ConsensusStage(spread=0.005).judge(placed((0.01, 0.02), (0.01, 0.011)), Work())
    assert [one.reason for one in near] == ["potentials far apart", ""]


@pytest.mark.usefixtures("known_intervals")
def test_consensus_warns_of_chemistry_without_an_interval() -> None:
    (halide,) = placed((0.0, 0.0))
    oxide = replace(halide, cell=rocksalt(12, 8, 4.2))
    warnings = [one.values["consensus.warning"] for one in ConsensusStage().judge([halide, oxide], Work())]
    assert warnings[0] == ""
    assert "no coverage is promised" in str(warnings[1])


def test_shipped_intervals_are_read() -> None:
    assert consensus.intervals().confidence == 0.9
    assert 0.01 < consensus.intervals().overall < 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"potentials": ("chgnet",)}, "two or more different potentials; got chgnet"),
        ({"potentials": ("chgnet", "chgnet")}, "two or more"),
        ({"potentials": ("chgnet", "vasp")}, "no potential is called 'vasp'"),
        ({"share": 0.0}, "share"),
    ],
)
def test_a_consensus_that_is_none(settings: dict, message: str) -> None:
    with pytest.raises(NucleateError, match=message):
        ConsensusStage(**settings)


def test_a_plan_without_hulls_before_the_consensus_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"no stage before it says chgnet\.e_above_hull"):
        parse_plan('[[generate]]\ngenerator = "substitution"\n[[stage]]\nkind = "consensus"\n')
