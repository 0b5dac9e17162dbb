"""The exact log-likelihood of sequences under a prompt: the probabilities from which draws are made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.families.wyckoff.draw import groups_allowed, positions_allowed
from nucleate.families.wyckoff.network import WyckoffNetwork
from nucleate.families.wyckoff.progress import Progress
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.sequences import Sequences, Told, steps_of
from nucleate.families.wyckoff.vocabulary import END, LETTERS, vocabulary
from nucleate.symmetry.sites import Sites


@torch.no_grad()
def log_likelihood(
    network: WyckoffNetwork, every: Sequence[Sites], prompts: Sequence[Prompt], most: int
) -> Float[Tensor, " sequences"]:
    """As `log_probability`, without a gradient."""
    return log_probability(network, every, prompts, most)


def log_probability(
    network: WyckoffNetwork, every: Sequence[Sites], prompts: Sequence[Prompt], most: int
) -> Float[Tensor, " sequences"]:
    """Nats for each sequence, minus infinity where it does not answer its prompt; the probabilities of all answers sum
    to 1.

    Args:
        network: in evaluation mode.
        every: sequences; the order of sites does not matter.
        prompts: one for each.
        most: atoms that a sequence may have.
    """
    every = [sites.sorted() for sites in every]
    answers = [_answers(sites, prompt, most) for sites, prompt in zip(every, prompts, strict=True)]
    rows = [row for row, answer in enumerate(answers) if answer]
    total = torch.full((len(every),), -torch.inf, dtype=torch.float64)
    if rows:
        chosen, asked = [every[row] for row in rows], [prompts[row] for row in rows]
        total = total.index_put((torch.tensor(rows),), _log_likelihood(network, chosen, asked, most))
    return total


def _answers(sites: Sites, prompt: Prompt, most: int) -> bool:
    """Whether a sequence fulfils its prompt."""
    elements = tuple(sites.counts)
    return (
        prompt.space_group in (None, sites.number)
        and prompt.counts in (None, tuple(sites.counts.items()))
        and prompt.total in (None, sites.atoms)
        and prompt.elements in (None, elements)
        and sites.atoms <= most
    )


def _log_likelihood(
    network: WyckoffNetwork, every: Sequence[Sites], prompts: Sequence[Prompt], most: int
) -> Tensor:
    words, sequences = vocabulary(), Sequences.of(every)
    told = Told(
        torch.tensor([prompt.counts is not None for prompt in prompts]),
        torch.tensor([prompt.elements is not None for prompt in prompts]),
        torch.tensor([prompt.atoms is not None for prompt in prompts]),
    )
    x = network(steps_of(sequences, told))
    total = _log(network.groups(x[:, 0]), groups_allowed(prompts, most), sequences.group)
    letters = network.positions(x[:, 1:], sequences.group)
    elements = network.elements(x[:, 1:-1], sequences.position)
    parts = []
    for row, (sites, prompt) in enumerate(zip(every, prompts, strict=True)):
        positions, kinds = masks(sites, prompt, most)
        length = len(kinds)
        aim = torch.cat([words.letter[sequences.position[row, :length]], torch.tensor([END])])
        chosen = _log(letters[row, : length + 1], positions, aim).sum()
        parts.append(chosen + _log(elements[row, :length], kinds, sequences.element[row, :length]).sum())
    return total + torch.stack(parts)


def masks(sites: Sites, prompt: Prompt, most: int) -> tuple[Tensor, Tensor]:
    """The words that a sequence's steps may answer: [sites + 1, letters + 1] and [sites, elements + 1]."""
    state = Progress.begin(prompt, sites.number, most)
    positions = np.zeros((len(sites.letters) + 1, LETTERS + 1), dtype=bool)
    elements = np.zeros((len(sites.letters), MAX_ATOMIC_NUMBER + 1), dtype=bool)
    for step, (letter, element) in enumerate(zip(sites.letters, sites.species, strict=True)):
        index = sites.group.letters.index(letter)
        positions[step], elements[step] = positions_allowed(state), state.allowed[index]
        state = state.after(index, element)
    positions[-1] = positions_allowed(state)
    return torch.from_numpy(positions), torch.from_numpy(elements)


def _log(logits: Tensor, allowed: Tensor, aim: Tensor) -> Tensor:
    masked = logits.double().masked_fill(~allowed, -torch.inf)
    return torch.log_softmax(masked, -1).gather(-1, aim[:, None])[:, 0]
