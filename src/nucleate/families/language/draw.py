"""Texts drawn in batches, word by word: each word among those that its grammar allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nucleate.errors import StructureError
from nucleate.families.choice import Choice, choose
from nucleate.families.language.gpt import GPT
from nucleate.families.language.grammar import Part, Words
from nucleate.families.transformer import Cache
from nucleate.geometry.noise import Noise
from nucleate.streams import TEXT


@dataclass
class Text:
    """A text on its way.

    Attributes:
        grammar: which words may come.
        words: those so far.
        likelihood: log-probability of those that were chosen, among the allowed ones, nats.
        chosen: how many of them were.
        problem: why it could not be finished; "" as long as it can.
    """

    grammar: Part[None]
    words: list[int] = field(default_factory=list)
    likelihood: float = 0.0
    chosen: int = 0
    problem: str = ""
    allowed: Words = ()
    done: bool = False

    def begin(self, most: int) -> None:
        """The first word that is not given, with those before it: these need no network but have to be fed to it."""
        self._go(None)
        while not self.done and len(self.allowed) == 1 and len(self.words) < most:
            self.tell(self.allowed[0])

    def tell(self, word: int) -> None:
        """The next word."""
        self.words.append(word)
        self._go(word)

    def _go(self, word: int | None) -> None:
        try:
            self.allowed = next(self.grammar) if word is None else self.grammar.send(word)
        except StopIteration:
            self.done = True
        except StructureError as error:
            self.done, self.problem = True, error.message


@torch.no_grad()
def draw(
    network: GPT, grammars: Sequence[Part[None]], noise: Noise, choice: Choice,
    condition: Float[Tensor, "texts columns"] | None = None, cached: bool = True,
) -> list[Text]:  # fmt: skip
    """A text for each grammar.

    Args:
        network: in evaluation mode.
        noise: a stream for each text, on the CPU.
        condition: what each text is to have, as for the network; on its device.
        cached: whether keys and values of earlier words are kept rather than computed again; the texts are the same.
    """
    device, most = network.words.weight.device, network.settings.context
    texts = [Text(grammar) for grammar in grammars]
    for one in texts:
        one.begin(most)
    rows = [row for row, one in enumerate(texts) if not one.done]
    cache = Cache() if cached else None
    # All texts begin with as many given words as the shortest beginning has; the rest of the others is fed as it comes.
    fed = 0
    ready = min((len(texts[row].words) for row in rows), default=0)
    while rows:
        if ready >= most:
            for row in rows:
                texts[row].problem = f"the text did not end within {most} words"
            break
        words = [texts[row].words[fed if cached else 0 : ready] for row in rows]
        told = None if condition is None else condition[rows]
        logits = network(torch.tensor(words, device=device), cache, told)[:, -1].cpu()
        fed = ready
        _choose(texts, rows, fed, logits, noise, choice)
        on = [
            place
            for place, row in enumerate(rows)
            if not (texts[row].done and len(texts[row].words) <= fed + 1)
        ]
        if cache is not None and len(on) < len(rows):
            cache.keep(torch.tensor(on, dtype=torch.long, device=device))
        rows = [rows[place] for place in on]
        ready += 1
    return texts


def _choose(
    texts: Sequence[Text], rows: Sequence[int], place: int, logits: Tensor, noise: Noise, choice: Choice
) -> None:
    """The word at a place of each text that does not have it yet."""
    open_ = [(at, row) for at, row in enumerate(rows) if len(texts[row].words) == place]
    free = [(at, row) for at, row in open_ if len(texts[row].allowed) != 1]
    chosen: dict[int, tuple[int, float]] = {}
    if free:
        which, own = [at for at, _ in free], torch.tensor([row for _, row in free])
        allowed = torch.stack([_mask(texts[row].allowed, logits.shape[1]) for _, row in free])
        stream = Noise(noise.keys[own]).at(TEXT.step(place))
        words, gains = choose(logits[which].float(), allowed, stream, choice)
        chosen = {
            row: pair
            for (_, row), pair in zip(free, zip(words.tolist(), gains.tolist(), strict=True), strict=True)
        }
    for _, row in open_:
        one = texts[row]
        if row in chosen:
            one.likelihood += chosen[row][1]
            one.chosen += 1
        one.tell(chosen[row][0] if row in chosen else one.allowed[0])


@lru_cache(maxsize=1 << 12)
def _mask(words: Words, size: int) -> Bool[Tensor, " words"]:
    mask = torch.zeros(size, dtype=torch.bool)
    mask[list(words) if words else slice(None)] = True
    return mask
