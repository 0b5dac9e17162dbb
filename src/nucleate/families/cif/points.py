"""How many primitive cells the conventional cell has, where only the primitive one is asked for: drawn from the model.

A text begins with the formula of the conventional cell. For 1 to 4 primitive cells,

    p(points) ~ p(formula of so many | nothing) p(a group with this centring | formula),

both as the network has them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from nucleate.families.cif.elements import sorted_counts
from nucleate.families.cif.grammar import Asked, groups_for
from nucleate.families.cif.vocabulary import SUFFIX, cif_vocabulary
from nucleate.families.cif.writing import head
from nucleate.families.language.gpt import GPT
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.metrics.dng.symmetry import symbol
from nucleate.symmetry.wyckoff import space_group

CENTRINGS = (1, 2, 3, 4)


def points_of(network: GPT, prompt: Prompt, most: int) -> Mapping[int, float]:
    """Probabilities of the numbers of primitive cells for a prompt with a composition.

    Args:
        network: in evaluation mode.
        prompt: with counts of the primitive cell.
        most: atoms in the primitive cell.
    """
    assert prompt.counts is not None
    if prompt.space_group is not None:
        return {space_group(prompt.space_group).lattice_points: 1.0}
    found = {}
    for points in CENTRINGS:
        counts = sorted_counts({number: count * points for number, count in prompt.counts})
        groups = groups_for(Asked(prompt, points, most), counts)
        if groups:
            found[points] = log_probability(network, head(counts), groups)
    if not found:
        return {1: 1.0}
    shares = torch.softmax(torch.tensor(list(found.values())), 0).tolist()
    return dict(zip(found, shares, strict=True))


@torch.no_grad()
def log_probability(network: GPT, begin: str, groups: tuple[int, ...]) -> float:
    """Of the first line of a text, and of any of these groups after its beginning; nats."""
    vocabulary = cif_vocabulary()
    words = vocabulary.encode(begin)
    line = words.index(vocabulary["\n"])
    logits = network(torch.tensor([words], device=network.words.weight.device))[0]
    nats = torch.log_softmax(logits.cpu().double(), -1)
    first = nats[:line].gather(1, torch.tensor(words[1 : line + 1])[:, None]).sum()
    return float(first + nats[-1, [vocabulary[symbol(group) + SUFFIX] for group in groups]].logsumexp(0))
