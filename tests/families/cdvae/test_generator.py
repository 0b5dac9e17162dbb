"""Both kinds of CDVAE train as every recipe does, are resumed, loaded, and answer requests as generators do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nucleate.errors import ModelError
from nucleate.families.cdvae.generator import CDVAEGenerator
from nucleate.predictor import load
from nucleate.recipes.cdvae import Variational
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import Request, formula_requests
from nucleate.testing import GeneratorCase, generator_tests
from tests.families.cdvae.small import SMALL, built
from tests.training.tiny import losses, mixed_sizes, random_table, write_dataset

CARD = {"elements": list(range(1, 101)), "largest_cell": 20, "sizes": {"3": 0.5, "5": 0.5}}
OWN = {"cdvae-small": ("noise.count=4", "sampler.steps=1"), "cdvae-fast-small": ("sampler.steps=3",)}
CPU = Hardware(accelerator="cpu")


def generator(name: str) -> CDVAEGenerator:
    recipe = get_recipe(name, [*SMALL, *OWN[name]])
    assert isinstance(recipe, Variational)
    model = built(name, *OWN[name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    return recipe.generator(model, CARD, name, "0")


def requests() -> list[Request]:
    limits = generator("cdvae-small").limits
    return [
        *formula_requests(["SrTiO3", "NaCl"], 1, limits, (1, 2)),
        *(Request((0,) * atoms, "generated", "", sample) for sample, atoms in enumerate((2, 3, 5))),
        *(Request((0,), "generated", "", sample, units=None) for sample in range(3)),
    ]


test_generators = generator_tests(
    GeneratorCase(name, generator(name), requests(), tolerance=2e-3) for name in OWN
)


def test_evaluations_are_counted() -> None:
    for name, nfe in (("cdvae-small", 4 + 1), ("cdvae-fast-small", 3 + 1)):
        found = [one for batch in generator(name).draw(requests()) for one in batch]
        assert {one.cost.nfe for one in found} == {nfe}


@pytest.mark.parametrize("asked", [Request((0, 0), "x", "", 0, space_group=225), Request((0, 8), "x", "", 0)])
def test_what_it_does_not_know_of_is_refused(asked: Request) -> None:
    with pytest.raises(ModelError, match="can't"):
        generator("cdvae-small").draw([asked])


def test_a_number_of_atoms_is_asked_of_latent_vectors_that_make_it_likely() -> None:
    """By the heads: the chosen vectors make the number likelier than those of the prior do."""
    from nucleate.geometry.noise import Noise

    one = generator("cdvae-small")
    with torch.no_grad():
        list(one.model.heads.atoms.parameters())[2].mul_(20)
    asked = [Request((0,) * 3, "generated", "", sample) for sample in range(200)]
    open_ = [Request((0,), "generated", "", sample, units=None) for sample in range(200)]
    found = []
    for requests_ in (asked, open_):
        noise = Noise.of(0, torch.tensor([request.key for request in requests_]))
        z = one.latents(requests_, noise)
        with torch.no_grad():
            found.append(float(torch.softmax(one.model.heads(z).atoms, -1)[:, 3].mean()))
    assert found[0] > 1.5 * found[1]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cdvae") / "data"
    return write_dataset(folder, train=random_table(mixed_sizes(64)), val=random_table(mixed_sizes(8, 1), 1))


@pytest.mark.parametrize("name", list(OWN))
def test_a_run_trains_and_draws(name: str, data: Path, tmp_path: Path) -> None:
    recipe = get_recipe(name, [*SMALL, *OWN[name], "target=density", "training.learning_rate=0.01"])
    train_recipe(recipe, data, tmp_path / "run", epochs=6, hardware=CPU, visible=False)
    rows = [row["val/total"] for row in losses(tmp_path / "run") if "val/total" in row]
    assert rows[-1] < rows[0]
    predictor = load(tmp_path / "run")
    assert predictor.recipe == recipe
    drawn = [one for batch in predictor.draw(predictor.inventions(6, seed=1), seed=1) for one in batch]
    assert len(drawn) == 6
    assert all(isinstance(one, Generated) for one in drawn)
    again = predictor.generate(2, seed=1)
    assert len(again) == 2


@pytest.mark.parametrize("name", list(OWN))
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(name: str, data: Path, tmp_path: Path) -> None:
    recipe = get_recipe(name, [*SMALL, *OWN[name], "forced_epochs=1", "training.schedule=constant"])
    train_recipe(recipe, data, tmp_path / "whole", epochs=2, hardware=CPU, visible=False)
    train_recipe(recipe, data, tmp_path / "parts", epochs=1, hardware=CPU, visible=False)
    train_recipe(recipe, data, tmp_path / "parts", epochs=2, resume=True, hardware=CPU, visible=False)
    whole, parts = (losses(tmp_path / run)[-1]["val/coordinates"] for run in ("whole", "parts"))
    assert whole == parts


@pytest.mark.parametrize(
    "coordinates", ["kinetic", "wrapped-normal", "wrapped-normal-circular", "interpolant"]
)
def test_the_fast_decoder_takes_any_process_of_coordinates(
    coordinates: str, data: Path, tmp_path: Path
) -> None:
    recipe = get_recipe("cdvae-fast-small", [*SMALL, "sampler.steps=2", f"coordinates={coordinates}"])
    train_recipe(recipe, data, tmp_path / "run", epochs=1, hardware=CPU, visible=False)
    assert len(load(tmp_path / "run").generate(2)) == 2


@pytest.mark.parametrize("name", list(OWN))
def test_cspnet_can_be_its_network(name: str) -> None:
    small = ("cspnet.width=16", "cspnet.layers=1", "cspnet.frequencies=4", "cspnet.time_width=8")
    model = built(name, "network=cspnet", *small)
    crystals = random_table([2, 3]).batch([0, 1])
    assert model.posterior(crystals)[0].shape == (2, 8)
