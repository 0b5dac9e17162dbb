"""Plans that come with the package: they parse, and what they ask for exists."""

import pytest

from nucleate.cli.main import app
from nucleate.errors import DataError
from nucleate.funnel.example import plans, write_plan
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.relaxing import Relax
from nucleate.funnel.sanitise import Sanitise
from nucleate.funnel.symmetrise import Symmetrise


@pytest.mark.parametrize("name", plans())
def test_a_plan_of_the_package_parses(name):
    plan = parse_plan(plans()[name])
    assert plan.name != "plan"
    assert [step.label for step in plan.steps][-1] == "shortlist"


def test_the_plans():
    assert set(plans()) >= {"example", "li-ion-cathodes", "superconductors", "band-gap-window"}
    assert sum(source.n for source in parse_plan(plans()["example"]).sources) == 1000


@pytest.mark.parametrize("name", plans())
def test_what_a_plan_asks_for_is_there(name):
    """Generators, adapters and targets; predictors and potentials."""
    parse_plan(plans()[name]).check()


@pytest.mark.parametrize("name", plans())
def test_no_draw_is_wasted_on_elements_that_a_plan_rejects(name):
    plan = parse_plan(plans()[name])
    for stage in (step.stage for step in plan.steps if isinstance(step.stage, Sanitise)):
        assert not stage.only + stage.without + stage.needs


@pytest.mark.parametrize("name", plans())
def test_symmetry_is_asked_of_relaxed_crystals_alone(name):
    """Draws of a model have it only roughly."""
    plan = parse_plan(plans()[name])
    relaxed, drawn = False, any(source.generator != "substitution" for source in plan.sources)
    for stage in (step.stage for step in plan.steps):
        relaxed |= isinstance(stage, Relax)
        if isinstance(stage, Symmetrise) and drawn:
            assert relaxed or stage.lowest == 1


def test_a_plan_that_is_there_stays(tmp_path):
    path = write_plan(tmp_path)
    path.write_text("# mine\n" + path.read_text())
    assert write_plan(tmp_path).read_text().startswith("# mine")
    with pytest.raises(DataError) as caught:
        write_plan(tmp_path, "batteries")
    assert "li-ion-cathodes" in caught.value.hint


def test_a_plan_or_the_example(tmp_path):
    from typer.testing import CliRunner

    for words in (["run"], ["plan.toml", "--example"]):
        result = CliRunner().invoke(app, ["discover", *words, "--out", str(tmp_path)])
        assert isinstance(result.exception, DataError)
        assert result.exception.hint
