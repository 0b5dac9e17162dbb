"""Draws of sequences: a whole batch step by step, each word among those that can still fulfil the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nucleate.families.choice import Choice, choose
from nucleate.families.transformer import Cache
from nucleate.families.wyckoff.network import Steps, WyckoffNetwork
from nucleate.families.wyckoff.progress import Progress
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.told import first_step, joined, next_step, rows_of
from nucleate.families.wyckoff.vocabulary import END, LETTERS, vocabulary
from nucleate.geometry.noise import Noise
from nucleate.streams import SEQUENCES
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import GROUPS


@torch.no_grad()
def draw(
    network: WyckoffNetwork,
    prompts: Sequence[Prompt],
    numbers: Int[Tensor, " sequences"],
    seed: int,
    most: int,
    choice: Choice,
    cached: bool = True,
) -> list[tuple[Sites, float]]:
    """One sequence for each prompt, with its log-likelihood under the model as it is (temperature 1, all words).

    Args:
        network: in evaluation mode.
        prompts: all with an answer (`Prompt.check`).
        numbers: of the sequences; with the seed they fix the random numbers, in any batch.
        seed: of all of them.
        most: atoms that a sequence may have.
        choice: temperature and top-p.
        cached: whether keys and values of earlier steps are kept rather than computed again; the result is the same.
    """
    batch = _Batch(network, Noise.of(seed, numbers), choice, [first_step(prompts, most)], cached)
    words, likelihood = batch.choose(network.groups(batch.seen()), groups_allowed(prompts, most), 0)
    states = [Progress.begin(prompt, int(word), most) for prompt, word in zip(prompts, words, strict=True)]
    sites: list[list[tuple[int, int]]] = [[] for _ in prompts]
    while len(batch.rows):
        going = [states[row] for row in batch.rows.tolist()]
        batch.tell(next_step(going, batch.told[0].asked.shape[-1]))
        index, gain = batch.position(going)
        likelihood[batch.rows] += gain
        on = index != END
        batch.keep(on)
        if not len(batch.rows):
            break
        going = [state for state, more in zip(going, on.tolist(), strict=True) if more]
        element, gain = batch.element(going, index[on])
        likelihood[batch.rows] += gain
        for row, i, z in zip(batch.rows.tolist(), index[on].tolist(), element.tolist(), strict=True):
            sites[row].append((i, z))
            states[row] = states[row].after(i, z)
    found = [_sites(state, pairs) for state, pairs in zip(states, sites, strict=True)]
    return list(zip(found, likelihood.tolist(), strict=True))


class _Batch:
    """The unfinished sequences of a batch: what the network was told, and what it answers."""

    def __init__(
        self, network: WyckoffNetwork, noise: Noise, choice: Choice, told: list[Steps], cached: bool
    ) -> None:
        self.network, self.noise, self.choice, self.told = network, noise, choice, told
        self.cache = Cache() if cached else None
        self.rows, self.step = torch.arange(len(noise.keys)), 0
        self.x = torch.empty(0)

    def tell(self, latest: Steps) -> None:
        self.told = [latest] if self.cache is not None else [*self.told, latest]
        self.step += 1
        self.x = self.seen()

    def seen(self) -> Float[Tensor, "sequences width"]:
        """The network's latest step."""
        return self.network(joined(self.told), self.cache)[:, -1]

    def keep(self, on: Bool[Tensor, " sequences"]) -> None:
        """Keeps only these."""
        self.rows, self.x = self.rows[on], self.x[on]
        self.told = [rows_of(one, on) for one in self.told]
        if self.cache is not None:
            self.cache.keep(on)

    def position(self, going: list[Progress]) -> tuple[Tensor, Tensor]:
        """A position's index, or the end, for each; and its log-probability."""
        group = torch.tensor([state.number for state in going])
        allowed = torch.from_numpy(np.stack([positions_allowed(state) for state in going]))
        return self.choose(self.network.positions(self.x[:, None], group)[:, 0], allowed, 2 * self.step - 1)

    def element(self, going: list[Progress], index: Tensor) -> tuple[Tensor, Tensor]:
        """An element for each, told its position; and its log-probability."""
        rows = [state.allowed[i] for state, i in zip(going, index.tolist(), strict=True)]
        position = vocabulary().position[torch.tensor([state.number for state in going]), index]
        return self.choose(
            self.network.elements(self.x, position), torch.from_numpy(np.stack(rows)), 2 * self.step
        )

    def choose(self, logits: Tensor, allowed: Tensor, word: int) -> tuple[Tensor, Tensor]:
        """A uniform number for the word with this number in the sequence."""
        return choose(
            logits, allowed, Noise(self.noise.keys[self.rows]).at(SEQUENCES.step(word)), self.choice
        )


def groups_allowed(prompts: Sequence[Prompt], most: int) -> Bool[Tensor, "sequences groups"]:
    """Space groups that hold an answer, by number."""
    rows = {
        prompt: [False] + [prompt.fits(number, most) for number in range(1, GROUPS + 1)]
        for prompt in set(prompts)
    }
    return torch.tensor([rows[prompt] for prompt in prompts])


def positions_allowed(state: Progress) -> np.ndarray:
    """Positions by index, and last the end. [letters + 1]"""
    row = np.zeros(LETTERS + 1, dtype=bool)
    row[: len(state.allowed)] = state.allowed.any(1)
    row[END] = state.may_end
    return row


def _sites(state: Progress, pairs: list[tuple[int, int]]) -> Sites:
    letters = tuple(state.group.positions[index].letter for index, _ in pairs)
    return Sites(state.number, letters, tuple(element for _, element in pairs))
