"""CrystaLLM (Antunes et al. 2024, arXiv 2307.04340): a GPT of CIF texts.

`crystallm` and `crystallm-large` are the published small and large model, `crystallm-mini` the example of its code;
`-small` and `-tiny` are ours, for a CPU. As published: 371 words, the layout of the text, the sizes, dropout, learning
rate, clipping and steps on MP-20 (128 windows of 1,024 words are about 384 crystals). Otherwise than published: a text
always stands alone from its beginning, the second beta of AdamW is 0.999 and not 0.99, weights decay in all tensors,
the rate falls to 0 and not to a tenth, and weights are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from nucleate.data.conditions import described
from nucleate.data.described import Descriptions
from nucleate.data.table import CrystalTable
from nucleate.families.cif.generator import CifGenerator, CifSampling
from nucleate.families.cif.trainable import CifTrainable
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.language.gpt import GPT, GPTSettings
from nucleate.families.wyckoff.vocabulary import MOST_ATOMS
from nucleate.recipes.contract import AnyRecipe
from nucleate.sampling.generator import Task
from nucleate.settings import within
from nucleate.training.settings import TrainingSettings


@dataclass(frozen=True)
class CrystaLLM(AnyRecipe):
    """Settings of a language model of CIF texts.

    Attributes:
        name: of the recipe.
        most: atoms in the primitive cell; larger crystals of the data are left out.
        gpt: sizes of the network.
        conditions: properties of the data set that it is told.
        described: how these are read, as a run finds it in its training split.
        training: how it is trained; its loss is nats for each word.
        sampler: how texts are drawn.
    """

    name: str = "crystallm"
    most: int = 20
    gpt: GPTSettings = field(default_factory=GPTSettings)
    conditions: tuple[str, ...] | None = None
    described: Descriptions | None = None
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=71, batch=384, edges=32 * 512**2, slices=4, learning_rate=1e-3, weight_decay=0.1,
            schedule="cosine", warmup=100, clip=1.0,
        )
    )  # fmt: skip
    sampler: CifSampling = field(default_factory=CifSampling)

    def __post_init__(self) -> None:
        within(self, 1, MOST_ATOMS, "most")

    @property
    def task(self) -> Task:
        return "dng"

    def described_by(self, train: CrystalTable) -> CrystaLLM:
        if not self.conditions:
            return self
        each = tuple((name, described(train, name)) for name in self.conditions)
        return replace(self, described=Descriptions(each))

    def build(self) -> CifTrainable:
        names = self.conditions or ()
        told = self.described.of(names) if self.described else ()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.training.seed)
            network = GPT(self.gpt, len(cif_vocabulary()), told)
        return CifTrainable(network, self.most, names, told)

    def generator(
        self, model: CifTrainable, card: Mapping[str, Any], name: str, identity: str
    ) -> CifGenerator:
        return CifGenerator(name, identity, model, self.sampler, card)

    def facts(self) -> dict[str, str]:
        grammar = "under the grammar" if self.sampler.grammar else "without a grammar"
        return {"sampler": f"temperature {self.sampler.temperature:g}, top-k {self.sampler.top_k}, {grammar}"}


_published = CrystaLLM()
_large = replace(
    _published, name="crystallm-large", gpt=GPTSettings(1024, 16, 16, 2048),
    training=replace(_published.training, batch=192, epochs=36),
)  # fmt: skip
_mini = replace(
    _published, name="crystallm-mini", gpt=GPTSettings(384, 6, 6, 2048, dropout=0.2),
    training=replace(_published.training, epochs=28),
)  # fmt: skip
_cpu = replace(
    _published.training, batch=64, epochs=20, edges=8 * 512**2, slices=2, learning_rate=2e-3, precision="32-true",
    validate_every=200, checkpoint_every=100, ema=0.995,
)  # fmt: skip
_small = replace(_published, name="crystallm-small", gpt=GPTSettings(192, 6, 6, dropout=0.05), training=_cpu)
_tiny = replace(_published, name="crystallm-tiny", gpt=GPTSettings(128, 4, 4, dropout=0.0), training=_cpu)

RECIPES = (_published, _large, _mini, _small, _tiny)
