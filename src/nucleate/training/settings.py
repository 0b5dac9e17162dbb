"""Settings of training: a frozen dataclass that every recipe holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.errors import RecipeError
from nucleate.settings import MOST_SEED, MOST_STEPS, within


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the training loop.

    Attributes:
        epochs: passes over the training split, unless a run is given minutes.
        batch: crystals in an optimiser step.
        edges: most padded pairs of atoms in one forward pass.
        slices: size classes mixed in a step, each a separate forward pass: fewer keep a GPU busier, more pad less.
        optimiser: `adamw`, or `muon` for the matrices of the network's blocks, beside AdamW for the rest
            (`nucleate.training.muon`).
        learning_rate: at its peak.
        weight_decay: decoupled, as AdamW's.
        amsgrad: use the AMSGrad variant of AdamW.
        schedule: `constant`, `cosine` (to zero), or `cooldown` (constant, then linear to zero over the last part).
        cooldown: fraction of the run that the cooldown takes.
        warmup: steps of linear warm-up.
        clip: largest gradient norm, 0 for none.
        ema: decay of the averaged weights, reached as (1 + step) / (10 + step).
        precision: `auto` takes bfloat16 where the hardware multiplies it natively, else float32.
        seed: of the initial weights, the order of the data and all noise.
        validate_every: steps between validation losses.
        checkpoint_every: steps between checkpoints.
        match_every: steps between match rates on the validation split, 0 for never.
        match_crystals: validation crystals predicted for a match rate.
        symmetry: train each crystal under its own space group: its noise, states, targets and cell obey, as those of
            a draw on a template do. Crystals without one are trained as they are.
        order: of the atoms that a network with an index sees: that of the data, or by `orbits` found once, otherwise
            random (`nucleate.model.order`).
        replace: share of the crystals in whose place one with another element is shown, drawn by how often crystals
            keep their structure then (`nucleate.training.replaced`). For models that are given compositions.
        shake: standard deviation of noise on the coordinates of a half of the crystals, in units of the cell
            (`nucleate.training.shaken`); 0 for none.
        times: of models of processes, `even`, or more in the `middle` (`nucleate.model.times`).
        compile: compile the network with torch.compile; pays off on GPUs in runs of more than a few minutes.
    """

    epochs: int = 1000
    batch: int = 256
    edges: int = 32768
    slices: int = 4
    optimiser: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    amsgrad: bool = False
    schedule: Literal["constant", "cosine", "cooldown"] = "constant"
    cooldown: float = 0.3
    warmup: int = 100
    clip: float = 0.0
    ema: float = 0.999
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    seed: int = 0
    validate_every: int = 500
    checkpoint_every: int = 250
    match_every: int = 0
    match_crystals: int = 100
    compile: bool = False
    symmetry: bool = False
    order: Literal["data", "orbits"] = "data"
    replace: float = 0.0
    shake: float = 0.0
    times: Literal["even", "middle"] = "even"

    def __post_init__(self) -> None:
        within(self, 1, MOST_STEPS, "epochs validate_every checkpoint_every match_crystals", "training.")
        within(self, 1, 10**7, "batch slices", "training.")
        within(self, 1, 10**8, "edges", "training.")
        within(self, 0, MOST_STEPS, "warmup match_every", "training.")
        within(self, 0, 10.0, "learning_rate weight_decay", "training.")
        within(self, 0, 1e9, "clip", "training.")
        within(self, 0, 1, "replace shake", "training.")
        within(self, 0, MOST_SEED, "seed", "training.")
        if self.symmetry and self.order == "orbits":
            raise RecipeError(
                "training.symmetry holds atoms in the order of the data, and training.order = orbits changes it",
                "set one of them",
            )
        if self.symmetry and self.shake:
            raise RecipeError(
                f"training.symmetry holds atoms on their sites, and training.shake = {self.shake} moves them off",
                "set one of them",
            )
        if not 0 < self.ema < 1:
            raise RecipeError(
                f"training.ema must be between 0 and 1; got {self.ema}",
                "it is the decay of the averaged weights",
            )
        if not 0 < self.cooldown <= 1:
            raise RecipeError(
                f"training.cooldown must be above 0 and at most 1; got {self.cooldown}",
                "it is the fraction of the run that the cooldown takes",
            )
