"""Indices: what an atom's rank is, that equal atoms then differ, and that nothing else is lost."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nucleate.networks import cspnet
from nucleate.networks.base import Denoiser, Head, Shown
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.index import MOST, IndexEmbedding, neighbours, ranks
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from tests.networks.test_networks import HEADS, batch, predict

SPECIES = torch.tensor([[8, 22, 8, 3, 8, 22], [3, 3, 0, 0, 0, 0]])
MASK = SPECIES > 0


def network(name: str, index: bool = True) -> Denoiser:
    torch.manual_seed(1)
    if name == "cspnet":
        net: Denoiser = CSPNet(CSPNetSettings(48, 2, 16, 16, index=index), HEADS)
    else:
        net = TorusTransformer(TorusTransformerSettings(48, 2, 4, 16, 8, 16, index=index), HEADS)
    with torch.no_grad():
        for weight in net.heads.parameters():
            weight.copy_(0.3 * torch.randn_like(weight))
        for module in net.modules():
            if isinstance(module, IndexEmbedding):
                for vectors in module.parameters():
                    vectors.copy_(torch.randn_like(vectors))
    return net


@pytest.fixture(params=["torus-transformer", "cspnet, dense edges", "cspnet, packed edges"])
def net(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 1 if "packed" in request.param else 10**9)
    return network(request.param.split(",")[0])


def test_ranks_are_counted_one_by_one() -> None:
    rank, count, element = (x * MASK for x in ranks(SPECIES, MASK))
    for row in range(2):
        seen = [int(z) for z in SPECIES[row] if z > 0]
        for place, z in enumerate(seen):
            assert rank[row, place] == seen[:place].count(z)
            assert count[row, place] == seen.count(z)
            assert element[row, place] == len({other for other in seen if other < z})


def test_padding_changes_no_rank() -> None:
    short = ranks(SPECIES[1:, :2], MASK[1:, :2])
    for padded, bare in zip(ranks(SPECIES[1:], MASK[1:]), short, strict=True):
        assert torch.equal(padded[:, :2], bare)


def test_many_equal_atoms_share_the_last_vector() -> None:
    species = torch.full((1, MOST + 3), 6)
    vectors = IndexEmbedding(8)(species, species > 0)
    assert torch.equal(vectors[0, MOST - 1], vectors[0, MOST + 2])
    assert not torch.equal(vectors[0, MOST - 2], vectors[0, MOST - 1])


def test_equal_atoms_at_one_place_get_different_answers(net: Denoiser) -> None:
    inputs, t, mask = batch([6, 6])
    inputs["species"] = torch.full_like(inputs["species"], 14)
    inputs["frac"][:, 1], inputs["velocity"][:, 1] = inputs["frac"][:, 0], inputs["velocity"][:, 0]
    answer = predict(net, inputs, t, mask)["frac"]
    assert (answer[:, 0] - answer[:, 1]).abs().amax() > 1e-3


def test_the_order_of_elements_does_not_matter(net: Denoiser) -> None:
    """Atoms of different elements may change places, as long as those of one element keep their order."""
    inputs, t, mask = batch([6, 6])
    inputs["species"] = torch.tensor([[8, 22, 8, 3, 8, 22]] * 2)
    order = torch.tensor([3, 0, 1, 2, 5, 4])  # Li O Ti O Ti O
    assert inputs["species"][0, order].tolist() == [3, 8, 22, 8, 22, 8]
    moved = {name: x[:, order] if x.ndim == 3 or name == "species" else x for name, x in inputs.items()}
    answer, again = predict(net, inputs, t, mask), predict(net, moved, t, mask)
    assert torch.allclose(answer["frac"][:, order], again["frac"], atol=2e-5)
    assert torch.allclose(answer["lattice"], again["lattice"], atol=2e-5)


@pytest.mark.parametrize("name", ["cspnet", "torus-transformer"])
def test_other_weights_begin_as_without(name: str) -> None:
    with_index, without = network(name), network(name, index=False)
    plain = without.state_dict()
    assert {key for key in with_index.state_dict() if key not in plain} == {
        f"index.{kind}_vectors.weight" for kind in ("rank", "count", "element")
    }
    torch.manual_seed(1)
    again = type(without)(type(without).settings(), HEADS)
    torch.manual_seed(1)
    indexed = type(without)(type(without).settings(index=True), HEADS)
    for key, value in again.state_dict().items():
        assert torch.equal(indexed.state_dict()[key], value)


@pytest.mark.parametrize("kind", [CSPNet, TorusTransformer])
def test_vectors_of_species_have_no_ranks(kind: type[nn.Module]) -> None:
    heads = {**HEADS, "species": Head("atom", 100)}
    with pytest.raises(ValueError, match="needs atomic numbers"):
        kind(kind.settings(index=True), heads, Shown(species=100))


def test_neighbours_are_found_one_by_one() -> None:
    species = torch.tensor([[0, 8, 0, 0, 22, 0], [3, 0, 0, 9, 0, 0], [0, 0, 5, 0, 0, 0]])
    mask = torch.arange(6) < torch.tensor([[6], [5], [2]])
    species = species * mask
    (left, before), (right, behind) = neighbours(species, mask)
    for row, size in enumerate((6, 5, 2)):
        known = [place for place in range(size) if species[row, place] > 0]
        for place in range(size):
            one = max((other for other in known if other < place), default=-1)
            other = min((other for other in known if other > place), default=size)
            assert left[row, place] == (species[row, one] if one >= 0 else 0)
            assert right[row, place] == (species[row, other] if other < size else 0)
            assert before[row, place] == place - one
            assert behind[row, place] == other - place


def drawing(name: str) -> Denoiser:
    """A network that draws species too."""
    torch.manual_seed(1)
    heads = {**HEADS, "species": Head("atom", 100)}
    if name == "cspnet":
        net: Denoiser = CSPNet(CSPNetSettings(48, 2, 16, 16, index=True), heads)
    else:
        net = TorusTransformer(TorusTransformerSettings(48, 2, 4, 16, 8, 16, index=True), heads)
    for head in net.heads.values():
        for weight in head.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    assert isinstance(net.index, IndexEmbedding)
    assert net.index.between is not None
    for weight in net.index.between.parameters():
        torch.nn.init.normal_(weight)
    return net


@pytest.mark.parametrize("name", ["cspnet", "torus-transformer"])
def test_the_order_of_elements_counts_as_long_as_an_element_is_hidden(name: str) -> None:
    """The first crystal has a hidden atom, so that it matters where its known ones stand; the second has none."""
    net, (inputs, t, mask) = drawing(name), batch([4, 4])
    inputs["species"] = torch.tensor([[8, 22, 0, 3], [8, 22, 8, 3]])
    order = torch.tensor([1, 0, 2, 3])
    moved = {key: x[:, order] if x.ndim == 3 or key == "species" else x for key, x in inputs.items()}
    with torch.no_grad():
        answer, again = net(inputs, t, mask), net(moved, t, mask)
    difference = (answer["species"][:, order] - again["species"]).abs().amax((1, 2))
    assert difference[0] > 1e-2
    assert difference[1] < 2e-5


def test_hidden_atoms_are_told_apart_and_padding_is_not_hidden() -> None:
    vectors = IndexEmbedding(8, hides=True)
    species, mask = (
        torch.tensor([[0, 0, 8, 0], [8, 8, 0, 0]]),
        torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool(),
    )
    found = vectors(species, mask)
    assert not torch.equal(found[0, 0], found[0, 1])
    known = IndexEmbedding(8)
    known.load_state_dict(vectors.state_dict(), strict=False)
    assert torch.equal(found[1, :2], known(species, mask)[1, :2])


def test_a_network_that_draws_species_begins_as_one_that_is_given_them() -> None:
    """Its weights for known compositions fit, so that it can start from them (`nucleate train --from`)."""
    given, draws = network("torus-transformer").state_dict(), drawing("torus-transformer").state_dict()
    more = {name for name in draws if name not in given}
    assert more
    assert all(name.startswith(("heads.species", "index.between")) for name in more)
    assert given.keys() < draws.keys()
