"""Learning the probability that a group of candidates matches, from judged examples (examples.py)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from nucleate.prototypes.attention import Attention
from nucleate.prototypes.candidates import Cells, Families
from nucleate.prototypes.examples import Example, others
from nucleate.prototypes.features import features
from nucleate.prototypes.ranking import Ranking
from nucleate.prototypes.volumes import Volumes

UNITS = 32
DROPPED = 0.2
"""Dropout: share of the hidden units left out in a training step."""
HELD_BACK = 0.15
"""Share of the examples held back to choose when to stop."""


def learn_ranking(
    families: Families,
    attention: Attention,
    volumes: Volumes,
    examples: Sequence[Example],
    cells: Cells = "same",
    steps: int = 1500,
    seed: int = 0,
) -> tuple[Ranking, dict[str, float]]:
    """The ranking, and its loss on the held-back examples, beside that of the plain share."""
    numbers, matches, question = judged_groups(families, attention, volumes, examples, cells)
    mean, scale = numbers.mean(0), numbers.std(0) + 1e-6
    held = question >= (1 - HELD_BACK) * len(examples)
    inputs = torch.from_numpy((numbers - mean) / scale).float()
    targets = torch.from_numpy(matches).float()
    generator = torch.Generator().manual_seed(seed)
    network = _network(numbers.shape[1], generator)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.05)
    keep = torch.from_numpy(held)
    best, state = np.inf, {}
    for step in range(steps):
        optimiser.zero_grad()
        batch = torch.randint(0, int((~keep).sum()), (1024,), generator=generator)
        kept = torch.rand(1024, UNITS, generator=generator) >= DROPPED
        hidden = network[1](network[0](inputs[~keep][batch])) * kept / (1 - DROPPED)
        logits = network[2](hidden)[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(logits, targets[~keep][batch]).backward()
        optimiser.step()
        if step % 25 == 24:
            with torch.no_grad():
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    network(inputs[keep])[:, 0], targets[keep]
                ).item()
            if loss < best:
                best, state = loss, {name: one.clone() for name, one in network.state_dict().items()}
    arrays = {name: one.numpy().astype(float) for name, one in state.items()}
    ranking = Ranking(
        attention,
        mean,
        scale,
        arrays["0.weight"].T,
        arrays["0.bias"],
        arrays["2.weight"][0],
        float(arrays["2.bias"][0]),
    )
    return ranking, {
        "loss": best, "groups": len(matches), "examples": len(examples), "held": len(set(question[held].tolist())),
    }  # fmt: skip


def judged_groups(
    families: Families, attention: Attention, volumes: Volumes, examples: Sequence[Example], cells: Cells
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of all judged groups [groups, numbers], their verdicts, and the example that each belongs to."""
    index = families.index
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for place, example in enumerate(examples):
        found = others(families, example.entry, cells, attention.distances)
        groups = features(found, index, attention, volumes)
        verdicts = _verdicts(example)
        exact = {
            (int(e), tuple(new)): i
            for i, (e, new) in enumerate(zip(found.entries, found.elements.tolist(), strict=True))
        }
        by_group: dict[int, bool] = {}
        for key, verdict in verdicts.items():
            if (candidate := exact.get(key)) is not None:
                group = int(groups.of[candidate])
                if group not in by_group or candidate == groups.best[group]:
                    by_group[group] = verdict
        chosen = np.array(sorted(by_group), dtype=np.int64)
        parts.append(
            (groups.numbers[chosen], np.array([by_group[g] for g in chosen]), np.full(len(chosen), place))
        )
    numbers, matches, question = (np.concatenate(one) for one in zip(*parts, strict=True))
    return numbers, matches, question


def _verdicts(example: Example) -> dict[tuple[int, tuple[int, ...]], bool]:
    found = example.candidates
    keys = zip(found.entries.tolist(), map(tuple, found.elements.tolist()), strict=True)
    return dict(zip(keys, example.matches.tolist(), strict=True))


def _network(numbers: int, generator: torch.Generator) -> torch.nn.Sequential:
    network = torch.nn.Sequential(torch.nn.Linear(numbers, UNITS), torch.nn.ReLU(), torch.nn.Linear(UNITS, 1))
    with torch.no_grad():
        for one in network.parameters():
            one.copy_(torch.randn(one.shape, generator=generator) * (0.2 if one.dim() > 1 else 0.0))
    return network
