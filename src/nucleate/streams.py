"""Every numbered stream of random numbers in one table, so that no two coincide.

Numbers in use never change: a published seed always gives the same crystals, splits and intervals.

Not here, since only their seed distinguishes them: the initial weights (torch, seeded by `training.seed`), the
frequencies of a network's features (torch, 0), and draws by a hash of what is drawn (`metrics.dng.samples`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Steps:
    """Steps of `geometry.noise.Noise.at` that belong to one use.

    Attributes:
        what: what is drawn.
        crystals: which numbers the crystals have in `Noise.of`: only those of one kind can collide.
        first: the first step.
        endless: whether all later steps belong to it too.
    """

    what: str
    crystals: str
    first: int
    endless: bool = False

    def step(self, number: int = 0) -> int:
        """The number-th of them, from 0."""
        assert number == 0 or (self.endless and number > 0), f"'{self.what}' has no step {number}"
        return self.first + number


REQUEST, PLACE, ROW = "key of the request", "place in the job", "row of the split"
SEQUENCE = "number of the sequence"
WRITTEN = "key of a text"

PRIOR = Steps("the state at t = 0", REQUEST, 0)
WALK = Steps("a step of the sampler and its correctors", REQUEST, 1, endless=True)
HELD = Steps("the path of what is known", REQUEST, -2)
SIZES = Steps("how many atoms a crystal has", PLACE, -3)
TRAINING = Steps("the noise of a training step", ROW, 0, endless=True)
SITES = Steps("which sites of a space group are occupied", PLACE, -4)
SEQUENCES = Steps("the words of a Wyckoff sequence", SEQUENCE, 0, endless=True)
UNITS = Steps("how many formula units a crystal has", REQUEST, -5)
HIDING = Steps("which conditions a training crystal is not told", ROW, -5)
ORBITS = Steps("the order of a training crystal's atoms", ROW, -7)
REPLACING = Steps("which element of a training crystal is replaced, and by which", ROW, -8)
SHAKING = Steps("how far a training crystal's atoms are moved", ROW, -9)
TARGETS = Steps("a value within a range that is asked for", PLACE, -6)
SLOTS = Steps("which orbits have the elements that have to be there", REQUEST, -7)
LATENTS = Steps("a latent vector, and what its heads leave to chance", REQUEST, -8)
WAYS = Steps("points of a latent space about crystals", PLACE, -8)
TEXT = Steps("the words of a text", WRITTEN, 0, endless=True)
POINTS = Steps("how many primitive cells the conventional cell of a text has", WRITTEN, -1)
TELLING = Steps("what the text of a training crystal says", ROW, -6)
STEPS = (
    PRIOR, WALK, HELD, SIZES, TRAINING, SITES, SEQUENCES, UNITS, HIDING, TARGETS, SLOTS, LATENTS, WAYS, TEXT,
    POINTS, TELLING, ORBITS, REPLACING, SHAKING,
)  # fmt: skip
"""Validation draws from `Noise.of` itself, without a step; the match rate during training as a job does, with rows for
keys: both under VALIDATION_SEED."""


@dataclass(frozen=True)
class Draws:
    """A use of numpy's generators, distinguished by words after the seed.

    Attributes:
        what: what is drawn.
        words: after the seed.
        counters: how many further numbers follow, such as an epoch.
    """

    what: str
    words: tuple[int, ...] = ()
    counters: int = 0

    def generator(self, seed: int, *counters: int) -> np.random.Generator:
        assert len(counters) == self.counters, f"'{self.what}' takes {self.counters} counters"
        return np.random.default_rng((seed, *self.words, *counters))


ORDER = Draws("the order of the crystals in an epoch", counters=1)
TIMES = Draws("the times of a training step", (1,), counters=1)
VALIDATION = Draws("crystals and times of the validation loss")
SPLIT = Draws("train, val and test of an import")
SUBSET = Draws("rows of a data set, or cells of a reference")
RESAMPLES = Draws("samples of samples, for intervals")
PROMPTS = Draws("the prompts of a training step of Wyckoff sequences", (3, 1), counters=1)
PLACES = Draws("cells and places of a Wyckoff sequence", (4, 1), counters=1)
QUESTIONS = Draws("entries of an index that ranking is learned from", (5, 1))
ATTENTION = Draws("where the attention of a ranking starts", (6, 1))
EXCHANGES = Draws("a crystal made by substitution", (7, 1), counters=1)
CLEAN = Draws("which crystals a predictor of properties learns from without noise", (13, 1), counters=1)
ROUNDS = Draws("the seed of the draws of a round of tuning", (19, 1), counters=1)
LEARNING = Draws("what a step of tuning learns from", (20, 1), counters=2)
DRAWS = (
    ORDER,
    TIMES,
    VALIDATION,
    SPLIT,
    SUBSET,
    RESAMPLES,
    PROMPTS,
    PLACES,
    QUESTIONS,
    ATTENTION,
    EXCHANGES,
    CLEAN,
    ROUNDS,
    LEARNING,
)
"""numpy fills up with zeros: (seed), (seed, 0) and (seed, 0, 0) are one stream. So the uses without words share one
with epoch 0, and epoch 1 shares one with the times of step 0, as they always did.
A new use gets two words of its own before its counters, of which the first is above 1 and the second above 0."""

VALIDATION_SEED = 20_507
VALIDATION_TIMES_SEED = VALIDATION_SEED + 1
LIKE_SEED = 0
"""Of the rows that `predict --like --limit` takes, whatever the seed of the crystals."""
