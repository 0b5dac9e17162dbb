"""Adapters of a large language model that learn these texts: low-rank matrices (LoRA) beside its own weights.

The model is a folder on disk, as `transformers` has them; nothing is fetched. Its weights stay as they are: what is
trained, averaged and saved is the adapter.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nucleate.arrays import PerCrystal
from nucleate.crystals import Crystals
from nucleate.data.feed import Examples, Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import MissingPackageError, ModelError
from nucleate.families.choice import Choice, choose
from nucleate.families.crystal_text.trainable import training_pairs
from nucleate.geometry.noise import Noise
from nucleate.model.trainable import Trainable, repeatable
from nucleate.streams import TEXT

MOST_WORDS = 2048
"""Of a training text, as published; longer ones are cut."""
IGNORED = -100


def packages() -> tuple[Any, Any]:
    """`transformers` and `peft`. Raises MissingPackageError where they are not installed."""
    try:
        peft, transformers = import_module("peft"), import_module("transformers")
    except ImportError:
        raise MissingPackageError(
            "adapters of large language models need the packages transformers and peft",
            "pip install 'nucleate[language]'",
        ) from None
    return transformers, peft


def read_model(folder: str) -> tuple[Any, Any]:
    """The tokeniser and the causal model of a folder. Raises ModelError where there is none."""
    transformers, _ = packages()
    if not Path(folder, "config.json").is_file():
        raise ModelError(
            f"'{folder}' is no folder of a language model",
            "name one that transformers has saved: --set folder=DIR",
        )
    try:
        tokeniser = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"the model in {folder} can't be read ({first})", "get the folder again") from None
    if tokeniser.eos_token_id is None:
        raise ModelError(f"the tokeniser in {folder} has no word for the end of a text", "take another model")
    return tokeniser, model


class AdaptedTrainable(Trainable):
    """An adapter on a causal language model.

    Attributes:
        tokeniser: texts to words.
        adapter: its weights, by their names in the model with / for dots; the only ones that are trained.
    """

    typical: float = 400.0

    def __init__(
        self, folder: str, rank: int, alpha: float, dropout: float, conditions: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        _, peft = packages()
        self.tokeniser, whole = read_model(folder)
        settings = peft.LoraConfig(
            r=rank, lora_alpha=alpha, lora_dropout=dropout, bias="none", task_type="CAUSAL_LM"
        )
        # In a list, so that the model's own weights are no part of this module.
        self._whole = [peft.get_peft_model(whole, settings)]
        self.conditions = conditions
        self.adapter = nn.ParameterDict(
            {name.replace(".", "/"): one for name, one in self.whole.named_parameters() if one.requires_grad}
        )

    @property
    def whole(self) -> Any:
        """The model with the adapter."""
        return self._whole[0]

    @property
    def end(self) -> int:
        """The word after a text."""
        return self.tokeniser.eos_token_id

    def train(self, mode: bool = True) -> AdaptedTrainable:
        self.whole.train(mode)
        return super().train(mode)

    def _apply(self, *args: Any, **more: Any) -> AdaptedTrainable:
        """Moves the model too."""
        self.whole._apply(*args, **more)
        super()._apply(*args, **more)
        return self

    def examples(self, table: CrystalTable, device: torch.device) -> Examples:
        return Feed(table, device, self.conditions)

    def forward(self, **tensors: Any) -> dict[str, PerCrystal]:
        """Nats of each text with its prompt, over the typical number of words."""
        keys = tensors["keys"]
        crystals = Crystals(tensors["species"], tensors["frac"], tensors["lattice"], tensors["mask"])
        pairs = training_pairs(crystals, tensors["condition"], self.conditions, keys)
        written = [[*self.words(before + after), self.end][:MOST_WORDS] for before, after in pairs]
        most = max(map(len, written))
        words = torch.full((len(written), most), self.end)
        aims = torch.full((len(written), most), IGNORED)
        for row, one in enumerate(written):
            words[row, : len(one)] = aims[row, : len(one)] = torch.tensor(one)
        with repeatable(int(keys[0]) if self.training else 0):
            logits = self.whole(input_ids=words[:, :-1].to(keys.device)).logits
        nats = nn.functional.cross_entropy(
            logits.float().transpose(1, 2),
            aims[:, 1:].to(keys.device),
            ignore_index=IGNORED,
            reduction="none",
        )
        return {"text": nats.sum(1) / self.typical}

    def words(self, text: str) -> list[int]:
        """Numbers of the words of a text."""
        return self.tokeniser(text)["input_ids"]

    @torch.no_grad()
    def continued(self, prompt: str, noise: Noise, choice: Choice, most: int) -> tuple[str, int, bool]:
        """What is drawn after a prompt, how many words it took, and whether it came to its end.

        noise: one stream, on the CPU.
        """
        words = self.words(prompt)
        device = next(iter(self.adapter.values())).device
        told, past, drawn = torch.tensor([words], device=device), None, []
        while len(drawn) < most:
            found = self.whole(input_ids=told, past_key_values=past, use_cache=True)
            past, logits = found.past_key_values, found.logits[:, -1].float().cpu()
            word, _ = choose(
                logits, torch.ones_like(logits, dtype=torch.bool), noise.at(TEXT.step(len(drawn))), choice
            )
            if int(word) == self.end:
                return self.tokeniser.decode(drawn), len(words) + len(drawn), True
            drawn.append(int(word))
            told = torch.tensor([[drawn[-1]]], device=device)
        return self.tokeniser.decode(drawn), len(words) + len(drawn), False
