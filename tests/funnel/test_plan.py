"""Plans, and what is wrong with them in one sentence."""

import pytest

from nucleate.errors import NucleateError
from nucleate.funnel.plan import parse_plan, read_plan
from nucleate.funnel.sanitise import Sanitise

GOOD = """
[plan]
name = "oxides"
seed = 3
[[generate]]
generator = "substitution"
n = 10
[[generate]]
folder = "crystals"
seed = 4
[[stage]]
kind = "sanitise"
without = ["Pu"]
timeout = 5
[[stage]]
kind = "duplicates"
batch = 7
[[stage]]
kind = "duplicates"
lowest = ""
[work]
workers = 3
[limits]
most_failures = 0.25
"""


def test_a_plan_is_read():
    plan = parse_plan(GOOD)
    assert (plan.name, plan.seed, plan.work.workers, plan.limits.most_failures) == ("oxides", 3, 3, 0.25)
    assert [source.called for source in plan.sources] == ["substitution", "crystals"]
    assert [source.seed for source in plan.sources] == [3, 4]
    assert plan.steps[0].stage == Sanitise(without=("Pu",))
    assert [step.label for step in plan.steps] == ["sanitise", "duplicates", "duplicates 2"]
    assert [step.timeout for step in plan.steps] == [5, 60, 60]
    assert [step.batch for step in plan.steps] == [256, 7, 64]
    assert {step.most_failures for step in plan.steps} == {0.25}


WRONG = {
    "no stage is called 'sanitize'; did you mean 'sanitise'?": ('kind = "sanitise"', 'kind = "sanitize"'),
    "nothing is called 'witout'; did you mean 'without'?": ("without =", "witout ="),
    "nothing is called 'stages'; did you mean 'stage'?": ("[[stage]]", "[[stages]]"),
    "nothing is called 'worker'; did you mean 'workers'?": ("workers =", "worker ="),
    "nothing is called 'most_failure'; did you mean 'most_failures'?": ("most_failures =", "most_failure ="),
    "nothing is called 'generators'; did you mean 'generator'?": ("generator =", "generators ="),
    "nothing is called 'nam'; did you mean 'name'?": ("name =", "nam ="),
    "stage 1 has no kind": ('kind = "sanitise"', ""),
    "the plan has no [[generate]]": ("[[generate]]", "[plans]"),
    "no seed": ("seed = 3", 'seed = "three"'),
    "from a generator or from a folder": ('generator = "substitution"', ""),
    "is no TOML": ("[plan]", "[plan"),
    "stage 3 (duplicates): no stage before it says energy": ('lowest = ""', 'lowest = "energy"'),
    "'crystals' as those before": (
        'generator = "substitution"',
        'generator = "substitution"\nname = "crystals"',
    ),
    "n = 0 is too small": ("n = 10", "n = 0"),
    "batch = 0 is too small": ("batch = 7", "batch = 0"),
    "limits.most_failures = 2.0 is too large": ("most_failures = 0.25", "most_failures = 2"),
    "Pq": ('["Pu"]', '["Pq"]'),
    "is not a list": ('["Pu"]', '"Pu"'),
    "work is no group": ("[work]\nworkers = 3", "[[work]]\nworkers = 3"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_wrong_is_said_in_one_sentence_with_a_hint(sentence):
    old, new = WRONG[sentence]
    assert old in GOOD
    text = GOOD.replace(old, new)
    if sentence.startswith("the plan has no"):
        text = '[plan]\nname = "empty"\n'
    with pytest.raises(NucleateError) as caught:
        parse_plan(text)
    message, hint = caught.value.message, caught.value.hint
    first, _, second = sentence.partition("; ")
    assert first in message
    assert second in hint
    assert hint
    assert "\n" not in message


def test_a_missing_plan(tmp_path):
    with pytest.raises(NucleateError, match="no plan"):
        read_plan(tmp_path / "plan.toml")
