"""The terms of the bound against independent computations, and what is drawn from the heads."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Normal, kl_divergence

from nucleate.crystals import Crystals
from nucleate.errors import DataError
from nucleate.families.cdvae.annealed import shortest
from nucleate.families.cdvae.heads import (
    Said,
    composition_loss,
    divergence,
    drawn_elements,
    rounded_compositions,
    size_loss,
)
from nucleate.families.cdvae.langevin import LangevinDecoder
from nucleate.families.cdvae.model import CDVAE
from nucleate.geometry.noise import Noise
from nucleate.recipes.cdvae import AnnealedCDVAE
from nucleate.recipes.registry import get_recipe
from tests.families.cdvae.small import built
from tests.training.tiny import random_table

TABLE = random_table([1, 3, 4, 6])


def said(seed: int = 0) -> Said:
    g = torch.Generator().manual_seed(seed)
    atoms, lattice, composition = (torch.randn(4, width, generator=g) for width in (21, 6, 100))
    return Said(atoms, lattice, composition, None)


def test_divergence_is_that_of_normal_distributions() -> None:
    g = torch.Generator().manual_seed(1)
    mean, log_variance = torch.randn(5, 8, generator=g), torch.randn(5, 8, generator=g)
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(divergence(mean, log_variance), expected)


def test_size_and_composition_are_cross_entropies() -> None:
    crystals, one = TABLE.batch([0, 1, 2, 3]), said()
    expected = -Categorical(logits=one.atoms).log_prob(crystals.sizes)
    torch.testing.assert_close(size_loss(one, crystals.sizes), expected)
    per_atom = composition_loss(one, crystals.species, crystals.mask)
    for row, size in enumerate(crystals.sizes.tolist()):
        logits = one.composition[row].expand(size, -1)
        target = crystals.species[row, :size] - 1
        assert float(per_atom[row]) == pytest.approx(float(F.cross_entropy(logits, target)), rel=1e-5)


def test_elements_are_drawn_by_their_odds() -> None:
    odds = torch.tensor([0.0, 2.0, 0.0, 6.0])
    uniform = (torch.arange(8000) + 0.5) / 8000
    counts = Counter(drawn_elements(odds.expand(8000, -1), uniform).tolist())
    assert counts == {2: 2000, 4: 6000}


def test_whole_compositions_come_out_whole_and_others_have_the_right_number() -> None:
    shares = torch.zeros(3, 100)
    shares[0, [37, 21, 7]] = torch.tensor([0.2, 0.2, 0.6])
    shares[1, [0, 1]] = 0.5
    shares[2, :10] = 0.1
    sizes = torch.tensor([5, 3, 7])
    found = rounded_compositions(shares, sizes, Noise.of(0, torch.arange(3)))
    assert Counter(found[0, :5].tolist()) == {38: 1, 22: 1, 8: 3}
    for row, size in enumerate(sizes.tolist()):
        assert (found[row, :size] > 0).all()
        assert (found[row, size:] == 0).all()
    assert set(found[1, :3].tolist()) <= {1, 2}
    assert set(found[2, :7].tolist()) <= set(range(1, 11))


def lesson(model: CDVAE, forced: bool, seed: int = 0) -> dict[str, torch.Tensor]:
    crystals = TABLE.batch([0, 1, 2, 3])
    t = torch.tensor([0.1, 0.4, 0.6, 0.9])
    keys = Noise.of(seed, torch.arange(4)).keys
    return model(
        species=crystals.species, frac=crystals.frac, lattice=crystals.lattice, mask=crystals.mask, t=t,
        forced=torch.full((4,), forced), keys=keys,
    )  # fmt: skip


def test_the_coordinate_loss_is_the_published_one_where_the_network_says_nothing() -> None:
    """1/2 sigma^2 |d / sigma^2|^2 summed over x, y, z; heads begin at zero, so that s = 0."""
    model = built("cdvae-small")
    crystals, keys = TABLE.batch([0, 1, 2, 3]), Noise.of(0, torch.arange(4)).keys
    losses = lesson(model, True)
    noise = Noise(keys)
    noise.normal(model.width)
    noise.uniform(1)
    noise.uniform(6)
    normal = noise.normal(6, 3)
    sigma = torch.tensor([10 * 1e-3 ** (level / 49) for level in (5, 20, 30, 45)])[:, None, None]
    places = crystals.frac @ crystals.lattice + sigma * normal
    frac = torch.linalg.solve(crystals.lattice, places, left=False)
    d = shortest(crystals.frac - frac, crystals.lattice)
    each = 0.5 * sigma**2 * (d / sigma**2).square()
    expected = (each.sum(-1) * crystals.mask).sum(1) / crystals.sizes
    torch.testing.assert_close(losses["coordinates"], expected, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(losses["divergence"], torch.zeros(4), atol=1e-6, rtol=0)
    width = losses["species"] / np.log(100)
    assert ((width >= 1 / 5.001) & (width <= 1 / 0.00999)).all()


def test_latent_vectors_are_drawn_with_the_mean_and_the_variance_that_the_encoder_says(monkeypatch) -> None:
    model, count = built("cdvae-small"), 500
    mean, spread = torch.linspace(-2, 2, model.width), torch.linspace(0.2, 3, model.width)
    monkeypatch.setattr(
        model, "posterior", lambda crystals: (mean.expand(count, -1), 2 * spread.log().expand(count, -1))
    )
    seen: list[torch.Tensor] = []
    model.heads.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    crystals = TABLE.batch([0] * count)
    model(
        species=crystals.species, frac=crystals.frac, lattice=crystals.lattice, mask=crystals.mask,
        t=torch.full((count,), 0.5), forced=torch.ones(count, dtype=torch.bool),
        keys=Noise.of(0, torch.arange(count)).keys,
    )  # fmt: skip
    torch.testing.assert_close(seen[0].std(0), spread, rtol=0.15, atol=0.0)
    assert ((seen[0].mean(0) - mean).abs() < 5 * spread / count**0.5).all()


def test_the_total_has_the_published_weights() -> None:
    names = ("atoms", "lattice", "composition", "coordinates", "species", "divergence", "property")
    weights = (1, 10, 1, 10, 1, 0.01, 1)
    losses = {name: torch.tensor(float(2**place)) for place, name in enumerate(names)}
    expected = sum(weight * 2**place for place, weight in enumerate(weights))
    assert float(get_recipe("cdvae").build().total(losses)) == pytest.approx(expected)


def test_the_true_cell_is_forced_for_half_of_the_training() -> None:
    recipe = get_recipe("cdvae")
    assert isinstance(recipe, AnnealedCDVAE)
    assert recipe.forced_epochs == recipe.training.epochs / 2
    model = built("cdvae-small", "forced_epochs=3", "training.batch=2")
    model.fit(TABLE)
    forced = [bool(model.drawn(0, step, 2)["forced"].all()) for step in range(10)]
    assert forced == [True] * 6 + [False] * 4
    assert not model.drawn_evenly(4)["forced"].any()
    # another cell, other targets of the same noise
    assert not torch.equal(lesson(model, True)["coordinates"], lesson(model, False)["coordinates"])


def test_a_property_that_is_not_known_has_no_loss_and_no_gradient() -> None:
    model = built("cdvae-small", "target=density")
    model.fit(TABLE)
    crystals = TABLE.batch([0, 1, 2, 3])
    condition = torch.tensor([[1.0], [float("nan")], [2.0], [float("nan")]])
    losses = model(
        species=crystals.species, frac=crystals.frac, lattice=crystals.lattice, mask=crystals.mask,
        t=torch.full((4,), 0.5), forced=torch.ones(4, dtype=torch.bool), keys=torch.arange(4),
        condition=condition,
    )  # fmt: skip
    assert (losses["property"][[1, 3]] == 0).all()
    assert (losses["property"][[0, 2]] > 0).all()
    losses["property"].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_cells_that_are_too_large_are_refused() -> None:
    with pytest.raises(DataError, match="cells of 6 atoms"):
        built("cdvae-small", "most=5").fit(TABLE)


def test_the_latent_vector_reaches_the_decoder() -> None:
    model = built("cdvae-small")
    crystals = TABLE.batch([0, 1, 2, 3])
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    z = torch.zeros(4, model.width)
    level = torch.zeros(4)
    decoder = model.decoder
    assert isinstance(decoder, LangevinDecoder)
    args = crystals.frac, crystals.species, crystals.lattice, level, crystals.mask
    one, other = decoder.answer(*args, z), decoder.answer(*args, z + 1)
    assert (one[0] - other[0]).abs().max() > 1e-3
    assert (one[1] - other[1]).abs().max() > 1e-3


def test_the_encoder_sees_no_translation_and_no_turn() -> None:
    model = built("cdvae-small")
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    crystals = TABLE.batch([0, 1, 2, 3])
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    shifted = (crystals.frac + 0.3).remainder(1) * crystals.mask[..., None]
    other = Crystals(crystals.species, shifted, crystals.lattice @ turn, crystals.mask)
    mean, again = model.posterior(crystals)[0], model.posterior(other)[0]
    assert mean.abs().max() > 1e-3
    torch.testing.assert_close(mean, again, atol=1e-4, rtol=1e-3)


def test_the_published_number_of_parameters() -> None:
    """4.9 million, as comparisons give it."""
    count = sum(p.numel() for p in get_recipe("cdvae").build().parameters())
    assert round(count / 1e6, 1) == 4.9
