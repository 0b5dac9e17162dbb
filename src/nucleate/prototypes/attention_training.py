"""Learning the attention: each entry, left out of the index, is a question; its own prototype is the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from nucleate.prototypes.attention import Attention, bounded
from nucleate.prototypes.candidates import Families, Family
from nucleate.prototypes.chemistry import element_vectors
from nucleate.streams import ATTENTION, QUESTIONS

SHARPNESS = 6.0
"""Initial distances are the baseline's times this."""


@dataclass(frozen=True)
class AttentionSettings:
    """How the attention is learned.

    Attributes:
        numbers: components of each element vector.
        questions: entries asked for, over the whole training.
        batch: questions at once, all of one formula.
        entries: most entries of a family that take part in one batch.
        rate: learning rate of Adam, falling to zero.
        decay: pull of the vectors towards their initial values.
        seed: of the order.
    """

    numbers: int = 16
    questions: int = 200_000
    batch: int = 16
    entries: int = 800
    rate: float = 0.02
    decay: float = 1e-3
    seed: int = 0


def learn_attention(
    families: Families, settings: AttentionSettings, tell: Callable[[int, int, float], None] = lambda *_: None
) -> Attention:
    """Element vectors, power and slope that give the prototype of each entry the largest share.

    tell: called with the batches done, the number of batches, and the mean loss since the last call.
    """
    start = np.zeros((len(element_vectors()), settings.numbers), dtype=np.float32)
    start[:, : element_vectors().shape[1]] = SHARPNESS * element_vectors()
    first = torch.from_numpy(start)
    noise = ATTENTION.generator(settings.seed).normal(size=start.shape)
    vectors = (first + 0.1 * torch.from_numpy(noise.astype(np.float32))).requires_grad_()
    scalars = torch.tensor([1.0, 5.0], requires_grad=True)
    optimiser = torch.optim.Adam([vectors, scalars], lr=settings.rate)
    total = settings.questions // settings.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5 * settings.rate, total_steps=total + 1)
    losses: list[float] = []
    for step, batch in zip(range(total), batches(families, settings), strict=False):
        loss = _loss(vectors, scalars, batch)
        if loss is not None:
            optimiser.zero_grad()
            (loss + settings.decay * ((vectors - first) ** 2).mean()).backward()
            optimiser.step()
            losses.append(loss.item())
        schedule.step()
        if step % 50 == 49:
            tell(step + 1, total, float(np.mean(losses[-50:] or [np.nan])))
    power, slope = scalars.tolist()
    return Attention(vectors.detach().numpy().astype(np.float64), power, slope)


@dataclass(frozen=True, eq=False)
class Batch:
    """Questions of one formula.

    Attributes:
        new: elements by role for each way. [questions, ways, roles]
        old: elements of the entries. [entries, roles]
        energy: of the entries, bounded, eV/atom. [entries]
        right: whether a candidate is of the question's group. [questions, entries, ways]
        barred: whether it is the question itself, or a crystal of its formula. [questions, entries, ways]
        weights: of the roles. [roles]
    """

    new: torch.Tensor
    old: torch.Tensor
    energy: torch.Tensor
    right: torch.Tensor
    barred: torch.Tensor
    weights: torch.Tensor


def batches(families: Families, settings: AttentionSettings) -> Iterator[Batch]:
    """Endless batches of questions, each formula as often as it has entries."""
    random = QUESTIONS.generator(settings.seed)
    index = families.index
    while True:
        entry = int(random.integers(len(index)))
        counts = index.counts[index.roles(entry)]
        family = families.get(tuple(counts.tolist()))
        assert family is not None
        if len(family.entries) < 3 or len(family.ways) > 24:
            continue
        yield make_batch(families, family, random, settings)


def make_batch(
    families: Families, family: Family, random: np.random.Generator, settings: AttentionSettings
) -> Batch:
    count = len(family.entries)
    taking = random.permutation(count)[: settings.entries]
    asked = random.permutation(taking)[: settings.batch]
    mine = family.elements[asked]
    # the elements of each question by (count, number), the order that the ways permute
    place = np.lexsort((mine, np.broadcast_to(family.counts, mine.shape)), axis=1)
    numbers = np.take_along_axis(mine, place, 1)
    new = numbers[:, family.ways]
    own = (new == mine[:, None]).all(2).argmax(1)
    kind = family.kind[asked]
    right = (family.kind[taking] == kind[:, None])[:, :, None] & (
        family.same_way[kind] == family.same_way[kind, own][:, None]
    )[:, None, :]
    old = family.elements[taking]
    known = (new[:, None] == old[None, :, None]).all(3)
    barred = known | (taking == asked[:, None])[:, :, None]
    energy = bounded(families.index.energy[family.entries[taking]]).astype(np.float32)
    weights = torch.tensor(family.counts, dtype=torch.float32)
    return Batch(
        torch.from_numpy(new), torch.from_numpy(old), torch.from_numpy(energy), torch.from_numpy(right),
        torch.from_numpy(barred), weights / weights.sum(),
    )  # fmt: skip


def _loss(vectors: torch.Tensor, scalars: torch.Tensor, batch: Batch) -> torch.Tensor | None:
    """- log of the share of the right group, mean over the questions that have one; None where none has."""
    gap = vectors[:, None] - vectors
    table = (gap.square().sum(-1) + 1e-6).sqrt()
    weights = batch.weights ** scalars[0]
    weights = weights / weights.sum()
    apart = sum(
        weight * table[batch.new[:, None, :, role], batch.old[None, :, None, role]]
        for role, weight in enumerate(weights)
    )
    logits = (-apart - scalars[1] * batch.energy[:, None]).masked_fill(batch.barred, -1e4).flatten(1)
    right = (batch.right & ~batch.barred).flatten(1)
    has = right.any(1)
    if not has.any():
        return None
    shares = logits.logsumexp(1) - logits.masked_fill(~right, -1e4).logsumexp(1)
    return shares[has].mean()
