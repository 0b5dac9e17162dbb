"""Two models as one generator: Wyckoff sequences choose the sites, a symmetric diffusion draws cell and places.

Shapes come from the shipped index of prototypes, of which only the crystals that both shipped models were trained on
are used.
"""

from __future__ import annotations

from nucleate.families.wyckoff.diffused import SequenceDiffusion
from nucleate.families.wyckoff.generator import WyckoffGenerator
from nucleate.prototypes.files import checksum_of, read_index
from nucleate.prototypes.shapes import Shapes
from nucleate.prototypes.shipped import INDEX
from nucleate.sampling.diffusion import DiffusionGenerator

SOURCES = ("mp_20",)
DRAWS_WITH = "draws_with"
"""Entry of the card of sequences that were tuned before a structure model: its name and the checksum of its weights."""


def join(name: str, sequences: WyckoffGenerator, diffusion: DiffusionGenerator) -> SequenceDiffusion:
    """The generator. name: by which files call it."""
    index = read_index(INDEX).of_sources(SOURCES)
    return SequenceDiffusion(name, sequences, diffusion, Shapes(index).cell, checksum_of(index))
