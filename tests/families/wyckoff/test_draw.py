"""Draws answer their prompt whatever the weights, follow the model's probabilities, and don't hang on the batch."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from nucleate.errors import FormulaError, NucleateError, StructureError
from nucleate.families.choice import Choice, choose
from nucleate.families.wyckoff.draw import draw
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.geometry.noise import Noise
from tests.families.wyckoff.cases import random_model

PROMPTS = [
    {},
    {"space_group": 225},
    {"atoms": 7},
    {"atoms": 19, "space_group": 227},
    {"elements": [8, 22, 38]},
    {"elements": ["Li", "O", "P", "Fe", "Mn", "F"], "atoms": 11},
    {"formula": "SrTiO3"},
    {"formula": "Sr4Ti4O12", "space_group": 62},
    {"formula": "Mg2Al4O8"},
    {"formula": "YBa2Cu3O7"},
    {"formula": "NaClKBr", "space_group": 225},
]


@pytest.mark.parametrize("asked", PROMPTS, ids=str)
def test_every_draw_answers_the_prompt(asked: dict) -> None:
    """At a high temperature all allowed words are about as likely, so no dead end stays hidden."""
    model = random_model(most=20)
    if asked == {"atoms": 19, "space_group": 227} or asked == {"formula": "NaClKBr", "space_group": 225}:
        with pytest.raises(FormulaError, match="can't hold"):
            model.propose(4, 0, **asked)
        return
    prompt = model.prompt(**asked)
    for sites, likelihood in model.propose(12, 1, temperature=30.0, **asked):
        assert sites == sites.sorted()
        assert sites.atoms <= 20
        assert prompt.space_group in (None, sites.number)
        assert prompt.total in (None, sites.atoms)
        assert prompt.counts in (None, tuple(sites.counts.items()))
        assert prompt.elements in (None, tuple(sites.counts))
        assert likelihood == pytest.approx(float(model.log_likelihood([sites], [prompt])), abs=1e-4)


@pytest.mark.parametrize("asked", [{}, {"elements": (8, 22)}, {"counts": {8: 3, 22: 1, 38: 1}}], ids=str)
def test_the_cache_of_keys_changes_nothing(asked: dict) -> None:
    model, prompts = random_model(), [Prompt.of(**asked)] * 16
    first, second = (
        draw(model.network, prompts, torch.arange(16), 3, 20, Choice(), cached) for cached in (True, False)
    )
    assert [sites for sites, _ in first] == [sites for sites, _ in second]
    assert torch.allclose(
        torch.tensor([p for _, p in first]), torch.tensor([p for _, p in second]), atol=1e-4
    )


def test_batches_and_other_prompts_change_nothing() -> None:
    model = random_model()
    prompts = [Prompt.of(atoms=n % 5 + 1) for n in range(12)]
    together = draw(model.network, prompts, torch.arange(12), 5, 20, Choice())
    alone = [
        draw(model.network, [prompt], torch.tensor([number]), 5, 20, Choice())[0]
        for number, prompt in enumerate(prompts)
    ]
    assert [sites for sites, _ in together] == [sites for sites, _ in alone]
    longer, shorter, other = (
        [sites for sites, _ in model.propose(n, seed)] for n, seed in ((260, 7), (10, 7), (10, 8))
    )
    assert longer[:10] == shorter
    assert longer[:10] != other


def test_draws_follow_the_probabilities() -> None:
    """Rock salt's formula in one group has few answers: their shares are their probabilities."""
    model, drawn = random_model(), 1500
    prompt = model.prompt(225, "NaCl")
    shares = Counter(sites for sites, _ in model.propose(drawn, 0, 225, "NaCl"))
    for sites, times in shares.items():
        p = float(model.log_likelihood([sites], [prompt]).exp())
        assert abs(times / drawn - p) < 4 * (p * (1 - p) / drawn) ** 0.5 + 1e-3
    assert len(shares) == 2


def test_temperature_and_top_p() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, 5.0]]).repeat(20_000, 1)
    allowed = torch.tensor([[True, True, True, False]]).expand_as(logits)
    noise = Noise.of(0, torch.arange(20_000))
    for choice, expected in (
        (Choice(), torch.softmax(torch.tensor([2.0, 1.0, 0.0]), 0)),
        (Choice(temperature=0.5), torch.softmax(torch.tensor([4.0, 2.0, 0.0]), 0)),
        (Choice(top_p=0.8), torch.tensor([0.7311, 0.2689, 0.0])),
        (Choice(top_p=0.5), torch.tensor([1.0, 0.0, 0.0])),
    ):
        words, likelihood = choose(logits, allowed, noise, choice)
        shares = torch.bincount(words, minlength=4) / len(words)
        assert shares[3] == 0
        assert torch.allclose(shares[:3], expected, atol=0.015)
        assert likelihood[words == 0][0].item() == pytest.approx(-0.4076, abs=1e-3)


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"space_group": 231}, StructureError, "no space group 231"),
        ({"formula": "Mg2Al4O8", "space_group": 230}, FormulaError, "space group 230 can't hold O8Mg2Al4"),
        ({"atoms": 21}, FormulaError, "21 atoms are asked for"),
        ({"formula": "NaCl", "atoms": 3}, FormulaError, "the formula has 2 atoms"),
        ({"formula": "NaCl", "elements": ["K"]}, FormulaError, "other elements"),
        ({"elements": ["Xx"]}, FormulaError, "'Xx' is no element"),
        ({"temperature": 0.0}, NucleateError, "temperature can't be 0.0"),
        ({"top_p": 1.5}, NucleateError, "top_p can't be 1.5"),
    ],
)
def test_impossible_prompts_are_refused(asked: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        random_model().propose(1, 0, **asked)
