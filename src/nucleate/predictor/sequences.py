"""`wyckoff-mp20`: the shipped Wyckoff sequences and the shipped symmetric diffusion as one generator."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nucleate.errors import ModelError
from nucleate.families.wyckoff.diffused import SequenceDiffusion
from nucleate.families.wyckoff.generator import WyckoffGenerator
from nucleate.predictor.joining import join
from nucleate.predictor.loading import load
from nucleate.sampling.diffusion import DiffusionGenerator

NAME = "wyckoff-mp20"
SEQUENCES, DIFFUSION = "wyckoff-mp20-sequences", "kldm-mp20-symmetric"


def made(device: str, precision: Literal["float32", "bf16"]) -> SequenceDiffusion:
    """The generator of the shipped models, for `nucleate.predictor.load`."""
    return joined(SEQUENCES, DIFFUSION, device, precision, NAME)


def joined(
    sequences: str | Path,
    diffusion: str | Path,
    device: str = "auto",
    precision: Literal["float32", "bf16"] = "float32",
    name: str = "wyckoff-diffusion",
) -> SequenceDiffusion:
    """A generator of two models, each by a shipped name or its folder.

    Args:
        sequences: a model of Wyckoff sequences, which stays on the CPU.
        diffusion: a diffusion model of given compositions.
        device, precision: of the diffusion.
        name: by which files call the generator.

    Raises ModelError where there is no such model, or one of another kind.
    """
    chooser = load(sequences, "cpu").generator
    if isinstance(chooser, SequenceDiffusion):
        chooser = chooser.sequences
    if not isinstance(chooser, WyckoffGenerator):
        raise ModelError(
            f"{sequences} is no model of Wyckoff sequences", "train one with the recipe wyckoff-sequences"
        )
    drawer = load(diffusion, device, precision).generator
    if not isinstance(drawer, DiffusionGenerator):
        raise ModelError(f"{diffusion} is no diffusion model", "name one, such as kldm-mp20-symmetric")
    return join(name, chooser, drawer)
