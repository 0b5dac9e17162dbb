"""What a loaded model says of itself in a terminal and in a notebook."""

import subprocess
import sys

import pytest

import nucleate
from nucleate.predictor import describe, load
from nucleate.predictor.find import shipped_models
from nucleate.recipes.registry import get_recipe
from tests.models import CARD, tiny_model


def test_the_shipped_model_describes_its_data_elements_and_cost():
    told = repr(nucleate.load("kldm-mp20-csp", device="cpu"))
    for part in (
        "nucleate model kldm-mp20-csp", "nucleate-csp", "26,343 crystals of mp_20", "88: H to Pu without Ar, Po, At",
        "up to 20 atoms", "20 network evaluations (NFE)", "CC BY 4.0",
    ):  # fmt: skip
        assert part in told


@pytest.mark.parametrize("name", [name for name in shipped_models() if not name.startswith("property-")])
def test_every_shipped_model_has_a_table_for_notebooks(name):
    model = nucleate.load(name, device="cpu")
    page = model._repr_html_()
    assert f"<b>{name}</b>" in page
    for key, value in describe.facts(model.recipe, model.card).items():
        assert f"{key}</th>" in page
        assert value in page


def test_names_are_escaped_in_the_description(tmp_path):
    model = load(tiny_model(tmp_path / "tiny"), device="cpu")
    model.name, model.card = "<script>", {**model.card, "data": {"name": "<b>&", "crystals": 3}}
    assert "<script>" not in model._repr_html_()
    assert "&lt;b&gt;&amp;" in model._repr_html_()


def test_a_short_card_is_accepted():
    told = describe.facts(get_recipe("kldm-csp-tiny"), {})
    assert told["trained on"] == "unknown data"
    assert told["elements"] == "unknown"
    assert told["licence of the data"] == "not stated"


def test_elements_are_named_or_counted():
    recipe = get_recipe("kldm-csp-tiny")
    assert describe.facts(recipe, CARD)["elements"] == "5: O, Na, Cl, Ti, Sr"
    every = {**CARD, "elements": list(range(1, 84))}
    assert describe.facts(recipe, every)["elements"] == "83: H to Bi"
    some = {**CARD, "elements": list(range(1, 84, 4))}
    assert describe.facts(recipe, some)["elements"].endswith(", ...")


def test_loading_a_model_loads_no_compiler():
    code = "import sys, nucleate; nucleate.load(); print('torch._dynamo' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
