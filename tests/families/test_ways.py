"""Ways through a latent space: the points are where they should be, and the command line decodes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from nucleate.cell import Cell
from nucleate.cli.latent import aim_of, latent_space
from nucleate.cli.main import app
from nucleate.errors import ModelError, RecipeError
from nucleate.families.latent import LatentModel, Latents
from nucleate.families.ways import Descent, Named, line, near, optimised, prior, reconstruction
from nucleate.metrics.reading import read_structures
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from tests.families.cdvae.small import SMALL
from tests.training.tiny import mixed_sizes, random_table, write_dataset

TABLE = random_table([2, 3, 5])
CRYSTALS = [Named(f"crystal-{i}", cell, i) for i, cell in enumerate(TABLE.cells())]


class Simple(LatentModel):
    """A latent vector is the number of atoms and the length of a; the property is |z|^2 about (3, 3)."""

    width = 2

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, **tensors: Tensor) -> dict[str, Tensor]:
        return {}

    def encode(self, cells: Sequence[Cell]) -> Latents:
        return torch.tensor([[float(len(one.species)), float(one.lattice[0, 0])] for one in cells])

    def property_of(self, z: Latents) -> Tensor:
        return (z - 3).square().sum(-1)


def test_reconstruction_asks_for_the_composition_only_where_it_is_kept() -> None:
    model = Simple()
    open_, kept = reconstruction(model, CRYSTALS), reconstruction(model, CRYSTALS, keep=True)
    assert [request.species for request in open_.requests] == [(0,)] * 3
    assert [len(request.species) for request in kept.requests] == [2, 3, 5]
    assert [request.crystal for request in kept.requests] == [0, 1, 2]
    assert torch.equal(open_.points[:, 0], torch.tensor([2.0, 3.0, 5.0]))


def test_points_near_crystals_have_the_spread() -> None:
    way = near(Simple(), CRYSTALS, 500, 0.6, 1)
    each = way.points.view(3, 500, 2)
    means = Simple().encode([one.cell for one in CRYSTALS])
    torch.testing.assert_close(each.mean(1), means, atol=0.1, rtol=0)
    torch.testing.assert_close(each.std(1), torch.full((3, 2), 0.6), atol=0.06, rtol=0)
    assert len({request.key for request in way.requests}) == 1500


def test_a_line_begins_and_ends_at_its_crystals() -> None:
    points = line(Simple(), CRYSTALS[0], CRYSTALS[2], 4).points
    assert torch.equal(points[:, 0], torch.tensor([2.0, 3.0, 4.0, 5.0]))


@pytest.mark.parametrize(("aim", "value"), [("min", 0.0), (4.0, 4.0)])
def test_a_property_is_brought_to_its_aim(aim: float, value: float) -> None:
    model = Simple()
    way = optimised(model, prior(model, 20, 0), [f"{i}" for i in range(20)], aim, Descent(2000, 0.05, 4))
    last = model.property_of(way.points[-20:])
    torch.testing.assert_close(last, torch.full((20,), value), atol=1e-2, rtol=0)
    assert len(way.requests) == len(way.points) == 80
    more = optimised(model, prior(model, 2, 0), ["a", "b"], "max", Descent(10, 0.05, 1))
    assert (model.property_of(more.points) > model.property_of(prior(model, 2, 0))).all()


def test_what_has_no_property_or_aim_says_so() -> None:
    with pytest.raises(RecipeError, match="aim"):
        aim_of("least")
    model = get_recipe("cdvae-small", list(SMALL)).build()
    assert isinstance(model, LatentModel)
    with pytest.raises(ModelError, match="no head"):
        model.property_of(torch.zeros(1, 8))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ways")
    write_dataset(
        folder / "data", train=random_table(mixed_sizes(32)), val=random_table(mixed_sizes(6, 1), 1)
    )
    recipe = get_recipe("cdvae-fast-small", [*SMALL, "target=density", "sampler.steps=2"])
    train_recipe(
        recipe, folder / "data", folder / "run", epochs=2, hardware=Hardware(accelerator="cpu"), visible=False
    )
    return folder


def run(*words: str) -> str:
    """What the command says."""
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.exception
    return " ".join(result.output.split())


def frames(folder: Path) -> list[dict[str, str]]:
    return [frame.info for frame in read_structures(folder)[0]]


def test_the_command_line_goes_all_ways(trained: Path, tmp_path: Path) -> None:
    data, model = str(trained / "data"), ["--model", str(trained / "run"), "--threads", "1"]
    out = [str(tmp_path / name) for name in "abcd"]
    said = run("latent", "reconstruct", data, "--split", "val", "--keep-composition", "--out", out[0], *model)
    assert "6 of 6 compositions came back" in said
    assert sorted(one["material_id"] for one in frames(Path(out[0]))) == [f"crystal-1-{i}" for i in range(6)]
    run("latent", "near", data, "--split", "val", "--limit", "1", "-n", "3", "--out", out[1], *model)
    assert len(frames(Path(out[1]))) == 3
    ends = [str(path) for path in cifs(tmp_path)]
    run("latent", "interpolate", *ends, "--steps", "3", "--out", out[2], *model)
    assert len(frames(Path(out[2]))) == 3
    said = run(
        "latent", "optimise", "--aim", "max", "-n", "4", "--steps", "20", "--rate", "0.1", "--snapshots", "2",
        "--out", out[3], *model,
    )  # fmt: skip
    found = frames(Path(out[3]))
    assert len(found) == 8
    before, after = (float(text.strip(",. ")) for text in said.partition("density: ")[2].split()[:3:2])
    assert after > before
    assert all(float(one["predicted_density"]) for one in found)


def cifs(folder: Path) -> list[Path]:
    paths = [folder / "one.cif", folder / "other.cif"]
    for path, one in zip(paths, CRYSTALS, strict=False):
        one.cell.to_structure().to(str(path))
    return paths


def test_a_model_without_a_latent_space_is_refused() -> None:
    with pytest.raises(ModelError, match="no latent space"):
        latent_space("kldm-mp20-csp", "cpu", None)
