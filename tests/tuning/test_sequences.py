"""Policy gradients for Wyckoff sequences before a frozen structure model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from nucleate.elements import SYMBOLS
from nucleate.errors import ModelError, NucleateError
from nucleate.families.wyckoff.diffused import SequenceDiffusion
from nucleate.families.wyckoff.likelihood import log_likelihood, log_probability
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.trainable import WyckoffTrainable
from nucleate.predictor import load
from nucleate.rewards import Gates, Reward
from nucleate.rewards.facts import Elements
from nucleate.runs.model_folder import checksum, load_model, read_card
from nucleate.tuning import Budget, tune
from nucleate.tuning.record import read_round
from nucleate.tuning.sequences import sites_of
from tests.families.wyckoff.test_diffused import sequences_model
from tests.models import tiny_model

HALF = tuple(SYMBOLS[1:48])
REWARD = Reward({"half": Elements(HALF)}, gates=Gates(usable=False))
QUICK = ["draws=64", "learning_rate=0.01", "nfe=2", "kl=0.001"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    home = tmp_path_factory.mktemp("sequences")
    both = sequences_model(home / "sequences"), tiny_model(home / "diffusion")
    done = tune(
        both[0], REWARD, home / "run", "sequences", structures=str(both[1]), budget=Budget(rounds=4),
        settings=QUICK, device="cpu",
    )  # fmt: skip
    return (*both, done)


def test_the_share_of_some_elements_rises(tuned):
    rewards = [row["reward"] for row in tuned[2].rows]
    assert rewards[-1] > rewards[0] + 0.1, rewards


def test_the_folder_draws_with_the_structure_model(tuned):
    sequences, diffusion, done = tuned
    generator = load(done.model, "cpu").generator
    assert isinstance(generator, SequenceDiffusion)
    card = read_card(done.model / "card.json")
    assert card["draws_with"] == {"name": str(diffusion), "weights": checksum(diffusion)}
    assert card["tuned"]["base"]["weights"] == checksum(sequences)
    before, after = (load_file(one / "weights.safetensors") for one in (sequences, done.model))
    assert any(not before[name].equal(after[name]) for name in before)


def test_other_structures_are_refused(tuned, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(tuned[2].model, tmp_path / "copy")
    card = read_card(folder / "card.json")
    card["draws_with"]["weights"] = "0" * 16
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="another model"):
        load(folder)


def test_kept_likelihoods_are_those_of_the_sequences(tuned):
    """Of the first round, under the untouched weights; and the differentiable one agrees with that of draws."""
    model, _, _ = load_model(tuned[0])
    assert isinstance(model, WyckoffTrainable)
    known = read_round(tuned[2].model.parent, 1)
    assert known is not None
    every = [sites_of(one) for one in known[0].origins]
    said = log_likelihood(model.network, every, [Prompt()] * len(every), model.most)
    kept = torch.tensor([one["log_likelihood"] for one in known[0].origins], dtype=torch.float64)
    torch.testing.assert_close(said, kept, rtol=1e-4, atol=1e-4)
    with_gradient = log_probability(model.network, every, [Prompt()] * len(every), model.most)
    assert with_gradient.requires_grad
    torch.testing.assert_close(with_gradient.detach(), said)


def test_wrong_requests_are_refused(tuned, tmp_path):
    sequences, diffusion, _ = tuned
    cases: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (diffusion, {}, "no model of Wyckoff sequences"),
        (sequences, {"structures": str(sequences)}, "no diffusion model"),
        (sequences, {"formulas": ["NaCl"]}, "sequences choose the composition"),
        (sequences, {"data": "somewhere"}, "data has no effect"),
    )
    for model, options, part in cases:
        with pytest.raises(NucleateError, match=part) as caught:
            tune(model, REWARD, tmp_path / "run", "sequences", device="cpu", **options)
        assert caught.value.hint
    with pytest.raises(NucleateError, match="which only one method tunes"):
        tune(tuned[2].model, REWARD, tmp_path / "run", device="cpu")
    with pytest.raises(NucleateError, match="draws no crystals step by step"):
        tune(sequences, REWARD, tmp_path / "run", "policy", device="cpu")
