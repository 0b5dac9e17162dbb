"""The loss: minus the log-likelihood of whole sequences, nats for each, with the masks that are cheap to compute.

Letters ascend, positions without freedom come once, elements of one letter ascend, the cell has room, and the prompt's
elements and atoms are respected. What still fits on the remaining positions is only checked in draws (progress.py):
there the same probabilities, normalised over fewer words, can only be higher.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.families.wyckoff.network import Steps, WyckoffNetwork
from nucleate.families.wyckoff.sequences import Sequences, Told, steps_of
from nucleate.families.wyckoff.vocabulary import END, UNKNOWN, UNUSED, vocabulary


def negative_log_likelihood(
    network: WyckoffNetwork, sequences: Sequences, told: Told, most: int
) -> Float[Tensor, "sequences 3"]:
    """Loss of groups, positions (with the end) and elements, nats for each sequence.

    Args:
        network: in training or not.
        sequences: the data.
        told: which parts of each are its prompt.
        most: atoms that a sequence may have.
    """
    words = vocabulary()
    steps = steps_of(sequences, told)
    x = network(steps)
    ends = sequences.sites
    valid = torch.arange(sequences.position.shape[1] + 1) <= ends[:, None]
    group = _cross_entropy(network.groups(x[:, 0])[:, 1:], sequences.group - 1)
    allowed = positions_allowed(steps, most)
    logits = network.positions(x[:, 1:], sequences.group).masked_fill(~allowed, -torch.inf)
    aim = torch.cat([words.letter[sequences.position], torch.zeros(len(ends), 1, dtype=torch.long)], 1)
    aim = torch.where(torch.arange(aim.shape[1]) < ends[:, None], aim, END)
    position = _cross_entropy(logits[valid], aim[valid])
    inner = valid[:, 1:]
    allowed = elements_allowed(steps, sequences.position)[inner]
    logits = network.elements(x[:, 1:-1][inner], sequences.position[inner]).masked_fill(~allowed, -torch.inf)
    element = _cross_entropy(logits, sequences.element[inner])
    return torch.stack([group, _total(position, valid), _total(element, inner)], 1)


def positions_allowed(steps: Steps, most: int) -> Bool[Tensor, "sequences steps positions"]:
    """Which positions, and the end, each step but the first may answer."""
    words = vocabulary()
    last, placed, total = steps.position[:, 1:], steps.placed[:, 1:], steps.total[:, 1:]
    own = words.position[steps.group[:, 1]][:, None]
    first = torch.where(last > 0, words.letter[last] + words.fixed[last], 0)
    room = torch.where(total == UNKNOWN, most - placed, total)
    index = torch.arange(own.shape[-1])
    letters = (own > 0) & (index >= first[..., None]) & (words.size[own] <= room[..., None])
    amount, asked = steps.amount[:, 1:], steps.asked[:, 1:]
    done = ((asked == 0) | ((amount != UNUSED) & ((amount == 0) | (amount > UNUSED)))).all(-1)
    end = (placed > 0) & ((total == UNKNOWN) | (total == 0)) & done
    return torch.cat([letters, end[..., None]], -1)


def elements_allowed(steps: Steps, position: Tensor) -> Bool[Tensor, "sequences sites elements"]:
    """Which elements each site may take, by atomic number, given its position. [sequences, sites]"""
    words = vocabulary()
    before, element = steps.position[:, 1:-1], steps.element[:, 1:-1]
    asked, amount = steps.asked[:, 1:-1], steps.amount[:, 1:-1]
    numbers = torch.arange(MAX_ATOMIC_NUMBER + 1)
    order = torch.where(before == position, element, 1)
    allowed = numbers >= order[..., None].clamp(min=1)
    fits = (amount >= words.size[position][..., None]) & (asked > 0)
    wanted = torch.zeros_like(allowed).scatter_reduce(-1, asked, fits, "amax", include_self=True)
    return allowed & (wanted | (asked == 0).all(-1, keepdim=True))


def _cross_entropy(logits: Tensor, aim: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(logits, aim, reduction="none")


def _total(values: Tensor, where: Tensor) -> Tensor:
    """Sum over the steps of each sequence, from the values at those steps."""
    return torch.zeros(where.shape, dtype=values.dtype).masked_scatter(where, values).sum(1)
