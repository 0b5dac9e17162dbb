"""Networks by name: ours, those of other packages, and those that can't be had."""

import tomllib

import pytest

from nucleate.errors import RecipeError
from nucleate.networks import registry
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.registry import get_network, network_names, settings_of, table_of
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from nucleate.recipes.registry import get_recipe, recipe_from_dict
from nucleate.settings import to_dict, to_toml
from tests.cli.words import assert_one_line, run
from tests.plug_ins import package

PLAIN = """
from dataclasses import dataclass

import torch
from torch import nn

from nucleate.networks.base import Denoiser, masked_mean


@dataclass(frozen=True)
class PlainSettings:
    width: int = 8


class Plain(Denoiser):
    settings = PlainSettings

    def __init__(self, settings, heads, shown):
        super().__init__()
        self.species = nn.Embedding(101, settings.width)
        self.levels = {name: head.level for name, head in heads.items()}
        self.heads = nn.ModuleDict({name: nn.Linear(settings.width, head.width) for name, head in heads.items()})

    def forward(self, inputs, t, mask):
        return self.answers(self.species(inputs["species"]), inputs["lattice"], mask)


class Bare(Denoiser):
    pass


NUMBER = 3
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """Packages of somebody else's are installed while a test runs: a sound one and three that are not."""
    folder = tmp_path / "packages"
    group = "nucleate.networks"
    package(
        folder, "plain_networks", PLAIN, group, **{"plain-net": "Plain", "bare": "Bare", "number": "NUMBER"}
    )
    package(folder, "gone_networks", "raise OSError('no such disk')\n", group, gone="Net", cspnet="Net")
    monkeypatch.syspath_prepend(folder)
    for known in (registry._theirs, registry._loaded):
        known.cache_clear()
    yield
    monkeypatch.undo()
    for known in (registry._theirs, registry._loaded):
        known.cache_clear()


def test_built_in_networks_are_found():
    assert network_names() == ["cspnet", "torus-transformer"]
    assert get_network("cspnet") is CSPNet
    assert get_network("torus-transformer") is TorusTransformer
    assert table_of("torus-transformer") == "torus_transformer"
    assert settings_of("torus_transformer") is TorusTransformerSettings
    assert settings_of("torus-transformer") is None


def test_an_unknown_network_is_refused_with_the_known_names():
    with pytest.raises(RecipeError, match="network can't be 'cspnett'") as caught:
        get_recipe("kldm-csp", ["network=cspnett"])
    assert "cspnet, torus-transformer" in caught.value.hint


@pytest.mark.usefixtures("outside")
def test_networks_of_other_packages_are_found_after_built_in_ones():
    assert network_names() == ["cspnet", "torus-transformer", "bare", "gone", "number", "plain-net"]
    assert get_network("cspnet") is CSPNet
    assert get_network("plain-net").__name__ == "Plain"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("gone", "no such disk"), ("number", "is not a subclass"), ("bare", "has no settings dataclass")],
)
@pytest.mark.usefixtures("outside")
def test_an_entry_that_is_no_network_is_refused_when_requested(name, reason):
    get_recipe("kldm-csp", ["network=plain-net"])
    with pytest.raises(RecipeError, match=reason) as caught:
        get_recipe("kldm-csp", [f"network={name}"])
    assert f"'{name}'" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.usefixtures("outside")
def test_settings_of_an_external_network_are_read(order):
    """They stand in a table of its own, whatever the order of the assignments, and a model is built by them."""
    recipe = get_recipe("kldm-csp-tiny", ["network=plain-net", "plain_net.width=5"][::order])
    written = to_toml(to_dict(recipe))
    assert "\n[plain_net]\nwidth = 5\n" in written
    assert "tables" not in written
    assert recipe_from_dict(tomllib.loads(written)) == recipe
    assert recipe.build().network.state_dict()["species.weight"].shape == (101, 5)


@pytest.mark.usefixtures("outside")
def test_defaults_of_an_external_network_are_written():
    recipe = get_recipe("kldm-csp-tiny", ["network=plain-net"])
    assert to_dict(recipe)["plain_net"] == {"width": 8}
    short = {"name": "kldm-csp-tiny", "network": "plain-net"}
    assert to_dict(recipe_from_dict(short))["plain_net"] == {"width": 8}
    with pytest.raises(RecipeError, match=r"no setting named 'plain_net\.depth'"):
        get_recipe("kldm-csp-tiny", ["network=plain-net", "plain_net.depth=5"])


def test_files_hold_the_same_tables_as_before():
    """Both of our networks, whichever is built, at their place among the others."""
    names = [
        name for name, value in to_dict(get_recipe("diffcsp-csp-tiny")).items() if isinstance(value, dict)
    ]
    assert names[:4] == ["loss_weights", "cspnet", "torus_transformer", "training"]
    old = {"name": "diffcsp-csp-tiny", "cspnet": {"width": 7}, "torus_transformer": {"width": 8}}
    recipe = recipe_from_dict(old)
    assert recipe.cspnet == CSPNetSettings(width=7)
    assert recipe.network == "cspnet"


def test_a_model_of_a_missing_network_is_refused():
    values = to_dict(get_recipe("kldm-csp-tiny")) | {"network": "plain-net", "plain_net": {"width": 5}}
    with pytest.raises(RecipeError, match="network can't be 'plain-net'") as caught:
        recipe_from_dict(values)
    assert "install the package" in caught.value.hint


@pytest.mark.usefixtures("outside")
def test_settings_that_another_network_would_read_are_refused(monkeypatch, capsys):
    words = "train kldm-csp --data d --out o --set network=plain-net --set cspnet.width=3"
    assert run(monkeypatch, *words.split()) == 2
    assert_one_line(capsys, "--set cspnet.width=3 has no effect with the network plain-net")


def test_a_name_that_a_recipe_uses_otherwise_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "BUILT_IN", {**registry.BUILT_IN, "training": CSPNet})
    with pytest.raises(RecipeError, match="'training' is something else"):
        get_recipe("kldm-csp", ["network=training"]).build()
