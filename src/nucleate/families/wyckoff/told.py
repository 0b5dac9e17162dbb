"""What the network is told at one step of a draw, from the state of each sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import torch

from nucleate.families.wyckoff.network import Steps
from nucleate.families.wyckoff.progress import Progress
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.vocabulary import UNKNOWN, UNUSED, USED, vocabulary


def first_step(prompts: Sequence[Prompt], most: int) -> Steps:
    """The first step, which knows only the prompt."""
    states = [Progress.begin(prompt, 1, most) for prompt in prompts]
    steps = next_step(states, max(len(state.left) for state in states))
    steps.group.zero_()
    return steps


def next_step(states: Sequence[Progress], width: int) -> Steps:
    """One step for each sequence, padded to so many elements of the prompt. [sequences, 1]"""
    table = vocabulary().position
    asked = torch.zeros(len(states), 1, width, dtype=torch.long)
    amount = torch.zeros_like(asked)
    for row, state in enumerate(states):
        for place, (element, count) in enumerate(state.left):
            asked[row, 0, place] = element
            amount[row, 0, place] = count if state.prompt.counts is not None else (UNUSED if count else USED)
    rows = [
        (
            state.number,
            int(table[state.number, state.last[0]]) if state.placed else 0,
            state.last[1],
            state.placed,
            UNKNOWN if state.prompt.total is None else state.prompt.total - state.placed,
        )
        for state in states
    ]
    group, position, element, placed, total = torch.tensor(rows).T[:, :, None]
    return Steps(group.clone(), position, element, placed, total, asked, amount)


def joined(steps: Sequence[Steps]) -> Steps:
    """Steps of the same sequences, concatenated."""
    return Steps(*(torch.cat(parts, 1) for parts in zip(*map(_parts, steps), strict=True)))


def rows_of(steps: Steps, rows: torch.Tensor) -> Steps:
    """Some of the sequences."""
    return Steps(*(part[rows] for part in _parts(steps)))


def _parts(steps: Steps) -> tuple[torch.Tensor, ...]:
    return tuple(getattr(steps, part.name) for part in fields(steps))
