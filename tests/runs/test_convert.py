"""Public DiffCSP files as model folders: what is kept, what the card says, and that the sampler finds the crystal.

The public side is made up here by the published formulas, in cell units and steps 1 to 1000, without our processes.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nucleate.data.dataset import Dataset, sha256
from nucleate.errors import DataError, NucleateError
from nucleate.geometry import wrapped_normal
from nucleate.networks.cspnet import DIFFCSP
from nucleate.predictor import Predictor, load
from nucleate.recipes.registry import get_recipe
from nucleate.runs.convert import LARGEST_CELL, MP_20_CELLS, convert_diffcsp, diffcsp_recipe
from nucleate.runs.public_checkpoints import diffcsp_weights
from tests.runs.test_public_checkpoints import LAYERS, TIME, WAVES, WIDTH, network, public_state
from tests.training.tiny import random_table, write_dataset

# The table of a wrapped normal takes seconds of a processor, and every model here has the same.
pytestmark = pytest.mark.usefixtures("one_table")
SITES = torch.tensor([[0.1, 0.2, 0.3], [0.6, 0.7, 0.8], [0.35, 0.95, 0.05]])
CELL = torch.tensor([[3.9, 0.0, 0.4], [-0.3, 4.4, 0.2], [0.0, 0.0, 5.6]])
NUMBERS = torch.tensor([38, 22, 8])


@pytest.fixture(scope="session")
def table_of_widths():
    return cache(wrapped_normal.FisherRoot)


@pytest.fixture
def one_table(table_of_widths, monkeypatch):
    monkeypatch.setattr(wrapped_normal, "FisherRoot", table_of_widths)


def public_file(folder: Path, typed: bool = False) -> Path:
    path = folder / "diffcsp.ckpt"
    torch.save({"state_dict": public_state(typed)}, path)
    return path


def published_sigma(step: int) -> float:
    """Of the noise of coordinates, in units of the cell."""
    return 0.005 * (0.5 / 0.005) ** ((step - 1) / 999)


def published_derivative(x: Tensor, sigma: float) -> Tensor:
    """Of the published code: d log p / d mean of the wrapped normal at x = f_t - f_0. Softmax for its 0 / 0 far out."""
    images = torch.arange(-10, 11, dtype=x.dtype)
    away = x.unsqueeze(-1) + images
    return (away / sigma**2 * torch.softmax(-(away**2) / (2 * sigma**2), -1)).sum(-1)


def published_alpha_bar() -> Tensor:
    """Index 0 to 1000: products of 1 - beta, beta clipped to [1e-4, 0.9999]."""
    u = torch.arange(1001, dtype=torch.float64) / 1000
    curve = torch.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
    beta = (1 - curve[1:] / curve[:-1]).clamp(1e-4, 0.9999)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)])


class PerfectNetwork(nn.Module):
    """What DiffCSP's network would say if it knew the one crystal of its training data.

    sign: by which the answer on coordinates is multiplied, 1 as published.
    """

    reads_cell = False

    def __init__(self, sign: float, typed: bool) -> None:
        super().__init__()
        self.sign, self.typed = sign, typed
        self.device_is_that_of = nn.Parameter(torch.zeros(1))
        self.alpha_bar = published_alpha_bar()
        self.normal = torch.randn(10_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def forward(self, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
        step = round(1000 * (1 - float(t[0])))
        sigma, bar = published_sigma(step), self.alpha_bar[step]
        away = inputs["frac"].double() - SITES
        # As published: the mean square of the derivative over 10,000 draws.
        mean_square = (published_derivative(sigma * self.normal, sigma) ** 2).mean()
        said = {"frac": self.sign * published_derivative(away, sigma) / mean_square.sqrt()}

        def noise(x: Tensor, data: Tensor) -> Tensor:
            return (x.double() - bar.sqrt() * data) / (1 - bar).sqrt()

        said["lattice"] = noise(inputs["lattice"], CELL.flatten())
        if self.typed:
            said["species"] = noise(inputs["species"], torch.eye(100)[NUMBERS - 1])
        return {name: x.float() for name, x in said.items()}


def perfect(folder: Path, sign: float, typed: bool) -> Predictor:
    folder.mkdir(exist_ok=True)
    convert_diffcsp(public_file(folder, typed), folder / "model")
    predictor = load(folder / "model", "cpu")
    predictor.model.network = PerfectNetwork(sign, typed)
    return predictor


def draw(predictor: Predictor, typed: bool, n: int = 8, noise_left: float = 0.0):
    from nucleate.sampling.request import formula_requests

    sampler = replace(predictor.sampler(steps=50), noise_left=noise_left)
    requests = formula_requests(["SrTiO"], n, predictor.limits)
    if typed:
        requests = predictor.inventions(n, atoms=(3, 3))
    return [one.crystal for batch in predictor.draw(requests, sampler, edges=4096) for one in batch]


def off(frac: Tensor) -> float:
    """Largest distance from SITES along an axis, in units of the cell."""
    return float(((frac - SITES + 0.5) % 1 - 0.5).abs().max())


@pytest.mark.parametrize("typed", [False, True], ids=["csp", "types"])
def test_the_published_target_leads_our_sampler_to_the_crystal(typed, tmp_path):
    """The cell to some 0.01 Å, as the published noise levels are clipped and ours are not."""
    lengths, angles = CELL.norm(dim=1), (CELL @ CELL.T)[[1, 0, 0], [2, 2, 1]]
    for crystal in draw(perfect(tmp_path, 1.0, typed), typed):
        assert off(crystal.frac[0]) < 1e-3
        cell = crystal.lattice[0]
        torch.testing.assert_close(cell.norm(dim=1), lengths, atol=0.05, rtol=0)
        torch.testing.assert_close((cell @ cell.T)[[1, 0, 0], [2, 2, 1]], angles, atol=0.3, rtol=0)
        assert crystal.species[0].tolist() == NUMBERS.tolist()


def test_the_opposite_sign_leads_away_from_the_crystal(tmp_path):
    """So the two conventions are told apart. Before the last step: that would double half a cell to a whole one."""
    right, wrong = (
        [off(one.frac[0]) for one in draw(perfect(tmp_path / str(sign), sign, False), False, 8, 0.02)]
        for sign in (1.0, -1.0)
    )
    assert max(right) < 0.1
    assert min(wrong) > 0.3


def linear_state(pull: float) -> dict[str, Tensor]:
    """A file that says pull * mean_j sin 2 pi (f_j - f_i), and nothing on the lattice.

    Pairs of channels +x and -x carry numbers through the activations, as SiLU(x) - SiLU(-x) = x. Constants of A and -A
    in other channels make the last normalisation a division by a known number.
    """
    state = {name: torch.zeros_like(x) for name, x in public_state(False).items()}
    plus, minus, A = [0, 1, 2], [3, 4, 5], 50.0

    def through(name: str, first: int) -> None:
        """The differences of the pairs from channel `first` on, as pairs."""
        weight = state[f"decoder.{name}.weight"]
        for p, m in zip(plus, minus, strict=True):
            for row, sign in ((p, 1.0), (m, -1.0)):
                weight[row, first + p], weight[row, first + m] = sign, -sign

    edge = state["decoder.csp_layer_0.edge_mlp.0.weight"]
    for axis in range(3):
        sine = 2 * WIDTH + 9 + axis * WAVES + 1
        edge[plus[axis], sine], edge[minus[axis], sine] = 1.0, -1.0
    through("csp_layer_0.edge_mlp.2", 0)
    through("csp_layer_0.node_mlp.0", WIDTH)
    through("csp_layer_0.node_mlp.2", 0)
    constants = torch.zeros(WIDTH)
    constants[6:] = A * (-1.0) ** torch.arange(WIDTH - 6)
    state["decoder.atom_latent_emb.bias"] = constants
    state["decoder.final_layer_norm.weight"] = torch.ones(WIDTH)
    divided = float(constants.var(unbiased=False).sqrt())
    for axis in range(3):
        state["decoder.coord_out.weight"][axis, plus[axis]] = pull * divided
        state["decoder.coord_out.weight"][axis, minus[axis]] = -pull * divided
    # What the other layers add: SiLU(0) = 0.
    return state


def test_a_file_that_pulls_two_atoms_apart_makes_caesium_chloride(tmp_path):
    """Atom i is to be where sin 2 pi (f_j - f_i) falls through zero: half a cell from j on every axis.

    The published target of atom i is positive where f_i is beyond its place, and so is the sine.
    """
    torch.save(linear_state(6.0), tmp_path / "file.pt")
    convert_diffcsp(tmp_path / "file.pt", tmp_path / "model")
    predictor = load(tmp_path / "model", "cpu")
    assert predictor.model.network.levels == {"frac": "atom", "lattice": "cell"}
    drawn = [
        one.crystal.frac[0]
        for batch in predictor.draw(_pairs(predictor), predictor.sampler(steps=100))
        for one in batch
    ]
    apart = torch.stack([frac[1] - frac[0] for frac in drawn]) % 1
    assert len(drawn) == 32
    assert (apart - 0.5).abs().median() < 0.05
    assert ((apart - 0.5).abs() < 0.15).float().mean() > 0.95


def _pairs(predictor: Predictor):
    from nucleate.sampling.request import formula_requests

    return formula_requests(["CsCl"], 32, predictor.limits)


@pytest.mark.parametrize("typed", [False, True], ids=["csp", "types"])
def test_the_folder_holds_the_file_and_its_sizes(typed, tmp_path):
    path = public_file(tmp_path, typed)
    recipe, card = convert_diffcsp(path, tmp_path / "deep" / "mine", name="MP-20 of ours")
    predictor = load(tmp_path / "deep" / "mine", "cpu")
    assert recipe.name == ("diffcsp-dng" if typed else "diffcsp-csp")
    assert predictor.recipe == recipe
    assert predictor.card == json.loads(json.dumps(card))
    assert (recipe.cspnet.width, recipe.cspnet.layers) == (WIDTH, LAYERS)
    assert (recipe.cspnet.frequencies, recipe.cspnet.time_width) == (WAVES, TIME)
    stored = predictor.model.network.state_dict()
    expected = diffcsp_weights(path)
    assert stored.keys() == expected.keys()
    assert all(torch.equal(stored[name], expected[name]) for name in stored)
    assert card["name"] == "MP-20 of ours"
    assert card["parameters"] == sum(x.numel() for x in expected.values())
    assert card["converted"]["sha256"] == sha256(path)
    assert sorted(x.name for x in (tmp_path / "deep").iterdir()) == ["mine"]


def test_published_sizes_give_the_recipe_itself():
    """Without the weights, which would be 49 MB."""
    for typed, name in ((False, "diffcsp-csp"), (True, "diffcsp-dng")):
        with torch.device("meta"):
            weights = network(typed, DIFFCSP).state_dict()
        assert diffcsp_recipe(weights) == get_recipe(name)


def test_without_a_data_set_the_card_states_the_assumptions(tmp_path):
    _, card = convert_diffcsp(public_file(tmp_path), tmp_path / "model")
    assert card["elements"] == list(range(1, 101))
    assert card["largest_cell"] == LARGEST_CELL
    assert set(card["sizes"]) == {str(n) for n in range(1, 21)}
    assert math.isclose(sum(card["sizes"].values()), 1, abs_tol=1e-4)
    assert card["name"] == "model"
    for word in ("not known", "elements 1 to 100", "52 atoms", "MP-20"):
        assert word in card["data"]["note"]


@pytest.mark.slow
def test_the_assumed_sizes_are_those_of_mp_20():
    sizes = Dataset.open("data/mp_20").split("train").sizes
    assert [int((sizes == n).sum()) for n in range(1, 21)] == list(MP_20_CELLS)


@pytest.fixture
def table():
    """Formula units of 2 and 4 atoms, two of the former in one of its cells."""
    species = [[11, 17], [11, 11, 17, 17], [12, 8], [22, 8, 8, 38]]
    counts = [len(one) for one in species]
    table = random_table(counts)
    return replace(table, species=np.concatenate(species))


def test_a_data_set_limits_the_requests(table, tmp_path):
    data = write_dataset(tmp_path / "mine", train=table)
    _, card = convert_diffcsp(public_file(tmp_path), tmp_path / "model", data)
    assert card["elements"] == [8, 11, 12, 17, 22, 38]
    assert card["largest_cell"] == 4
    assert card["sizes"] == {"2": 0.5, "4": 0.5}
    assert card["formula_units"] == {"2": {"1": 0.6667, "2": 0.3333}, "4": {"1": 1.0}}
    assert (card["data"]["name"], card["data"]["crystals"]) == ("mine", 4)
    assert "named at the conversion" in card["data"]["note"]


def test_a_data_set_without_crystals_is_refused(tmp_path):
    data = write_dataset(tmp_path / "empty", train=random_table([]))
    with pytest.raises(DataError, match="no crystals"):
        convert_diffcsp(public_file(tmp_path), tmp_path / "model", data)
    assert not (tmp_path / "model").exists()


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        (tmp_path / "seen").write_text(" ".join(x.name for x in tmp_path.iterdir() if x.name[0] == "."))
        raise OSError(28, "No space left on device")

    path = public_file(tmp_path)
    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(NucleateError, match=r"can't be written \(no space left on the disk\)"):
        convert_diffcsp(path, tmp_path / "model")
    assert (tmp_path / "seen").read_text().startswith(".model-")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["diffcsp.ckpt", "seen"]


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "model").mkdir()
    convert_diffcsp(public_file(tmp_path), tmp_path / "model")
    assert load(tmp_path / "model", "cpu").recipe.task == "csp"
