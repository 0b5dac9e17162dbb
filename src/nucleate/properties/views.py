"""States of any model of crystals as soft crystals, with a gradient back to the states.

Of the two views that a predictor may have, `seen` shows a state at time t as it is, for predictors that know noise, and
`expected` the clean crystal that the model's answer makes of it (Tweedie's formula), for any predictor.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.codecs.species import Codes
from nucleate.errors import ModelError
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.processes.base import Process
from nucleate.processes.gaussian import Gaussian
from nucleate.processes.interpolant import Interpolant
from nucleate.properties.soft import SoftCrystals, certain, posterior

SHARP = 16.0
"""Logit of a clean code: its element has a probability of 1 - 1e-5 for one-hot vectors, 0.93 for bits."""
HIDDEN = 0


def leaves_of(states: States, mask: Mask) -> States:
    """The states with gradients; atomic numbers as probabilities. What no gradient is taken of is left as it is."""
    found: States = {}
    for name, state in states.items():
        found[name] = {}
        for part, x in state.items():
            if x.is_floating_point():
                found[name][part] = x.detach().clone().requires_grad_()
            elif part == "x":
                found[name][part] = certain(x, mask).requires_grad_()
    return found


def seen(model: CrystalModel, leaves: States, t: PerCrystal, mask: Mask) -> SoftCrystals:
    """Crystals as the states show them. leaves: of `leaves_of`."""
    frac = model.processes["frac"].noisy(leaves["frac"], t)
    channels = model.processes["lattice"].noisy(leaves["lattice"], t)
    return SoftCrystals(
        _species(model, leaves, t, mask), frac, model.codec.decode(channels, mask.sum(1)), mask
    )


def expected(
    model: CrystalModel,
    leaves: States,
    states: States,
    predictions: dict[str, Tensor],
    t: PerCrystal,
    mask: Mask,
) -> SoftCrystals:
    """The clean crystals that the predictions at the leaves expect. states: which the leaves were made of."""
    ends = {
        name: model.processes[name].endpoint(leaves[name], predictions[name], t, mask)
        for name in ("frac", "lattice")
        if name in predictions
    }
    frac = ends.get("frac", leaves["frac"].get("x"))
    lattice = ends.get("lattice", leaves["lattice"].get("x"))
    assert frac is not None
    assert lattice is not None
    species = _expected_species(model, leaves, states, predictions, t, mask)
    return SoftCrystals(species, frac, model.codec.decode(lattice, mask.sum(1)), mask)


def _expected_species(
    model: CrystalModel,
    leaves: States,
    states: States,
    predictions: dict[str, Tensor],
    t: PerCrystal,
    mask: Mask,
) -> Tensor:
    """Of vectors by the nearest code; of hidden atoms what the logits say."""
    x, prediction = leaves["species"]["x"], predictions.get("species")
    codec, process = model.species_codec, model.processes["species"]
    if prediction is None:
        return x
    if isinstance(codec, Codes):
        end = process.endpoint(leaves["species"], prediction, t, mask)
        square = codec.codes[0].square().sum()
        logits = SHARP / square * (end @ codec.codes.T)
        return torch.nn.functional.pad(torch.softmax(logits, -1), (1, 0)) * mask.unsqueeze(-1)
    hidden = (states["species"]["x"] == HIDDEN).unsqueeze(-1)
    told = torch.nn.functional.pad(torch.softmax(prediction, -1), (1, 0))
    # The leaf stays in the sum, so that there is a gradient with respect to each element.
    return torch.where(hidden, told + (x - x.detach()), x) * mask.unsqueeze(-1)


def _species(model: CrystalModel, leaves: States, t: PerCrystal, mask: Mask) -> Tensor:
    """Probabilities of the elements given the state alone."""
    x, codec, process = leaves["species"]["x"], model.species_codec, model.processes["species"]
    if not isinstance(codec, Codes):
        return x
    alpha, sigma = _scales(process, t)
    return posterior(x, codec.codes, alpha, sigma, mask)


def _scales(process: Process, t: PerCrystal) -> tuple[PerCrystal, PerCrystal]:
    if isinstance(process, Gaussian | Interpolant):
        return process.alpha_sigma(t)
    raise ModelError(
        f"what vectors of species say under {type(process).__name__} is not known",
        "guide by the expected crystal",
    )
