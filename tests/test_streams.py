"""The table of streams: it holds all of them, none is another, and all draw what they always drew."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

import nucleate
from nucleate import streams
from nucleate.geometry.noise import Noise
from nucleate.streams import DRAWS, ORDER, STEPS, TIMES, VALIDATION_SEED, VALIDATION_TIMES_SEED, Draws, Steps

BARE = [use for use in DRAWS if not use.words and not use.counters]
MANY = 60


def shared(draws: tuple[Draws, ...], seed: int) -> set[frozenset[tuple[str, tuple[int, ...]]]]:
    """Uses, with their counters, that start from one state of the generator."""
    found: dict[str, set[tuple[str, tuple[int, ...]]]] = defaultdict(set)
    for use in draws:
        for counters in product(range(MANY), repeat=use.counters):
            state = str(use.generator(seed, *counters).bit_generator.state)
            found[state].add((use.what, counters))
    return {frozenset(names) for names in found.values() if len(names) > 1}


@pytest.mark.parametrize("seed", [0, 1, 7, VALIDATION_SEED])
def test_only_streams_listed_as_sharing_share_numbers(seed: int) -> None:
    alone = frozenset({(use.what, ()) for use in BARE} | {(ORDER.what, (0,))})
    assert shared(DRAWS, seed) == {alone, frozenset({(ORDER.what, (1,)), (TIMES.what, (0,))})}


def test_a_new_stream_shares_no_numbers() -> None:
    assert shared((*DRAWS, Draws("new", (2, 1), 1)), 0) == shared(DRAWS, 0)
    assert shared((*DRAWS, Draws("wrong", (2,), 1)), 0) != shared(DRAWS, 0)


def test_uses_of_the_same_crystals_have_different_steps() -> None:
    for kind in {use.crystals for use in STEPS}:
        uses = [use for use in STEPS if use.crystals == kind]
        owned = [use.step(number) for use in uses for number in range(MANY if use.endless else 1)]
        assert len(owned) == len(set(owned))
        assert sum(use.endless for use in uses) <= 1
    with pytest.raises(AssertionError, match="has no step 1"):
        Steps("one", "", 0).step(1)


def test_every_entry_is_in_the_table() -> None:
    named = [value for value in vars(streams).values() if isinstance(value, Steps | Draws)]
    assert set(named) == {*STEPS, *DRAWS}
    assert len({use.what for use in named}) == len(named)


def test_no_other_file_makes_a_numpy_generator() -> None:
    source = Path(nucleate.__file__).parent
    makers = [path.name for path in source.rglob("*.py") if "default_rng(" in path.read_text()]
    assert makers == ["streams.py"]


def test_streams_still_give_their_recorded_numbers() -> None:
    for seed in (0, 5, 2**63 - 1):
        for use in BARE:
            assert use.generator(seed).random() == np.random.default_rng(seed).random()
        assert ORDER.generator(seed, 3).random() == np.random.default_rng((seed, 3)).random()
        assert TIMES.generator(seed, 3).random() == np.random.default_rng((seed, 1, 3)).random()
    assert ORDER.generator(0, 2).permutation(8).tolist() == [5, 2, 6, 0, 7, 1, 4, 3]
    assert (VALIDATION_SEED, VALIDATION_TIMES_SEED, streams.LIKE_SEED) == (20_507, 20_508, 0)
    steps = {use.what: use.step() for use in (streams.PRIOR, streams.WALK, streams.HELD, streams.SIZES)}
    assert list(steps.values()) == [0, 1, -2, -3]
    assert streams.WALK.step(9) == 10
    assert streams.TRAINING.step(9) == 9


def test_steps_are_different_streams_of_noise() -> None:
    noise = Noise.of(0, torch.tensor([3]))
    keys = [noise.at(step).keys.item() for step in range(-4, MANY)]
    assert len({*keys, noise.keys.item()}) == len(keys) + 1
