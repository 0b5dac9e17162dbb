"""Measured orders of convergence of the deterministic samplers, with the exact prediction in the network's place.

From a state of the exact law at t = START the flow of a mixture of two data points is followed to t = STOP, between
the ends where weights diverge, on uniform grids, and compared with a grid 40 times finer. A method of order p loses 2^p of its
error when the steps are doubled. Everything is in float64.
"""

from __future__ import annotations

import math

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import wrap
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move, StepRule
from nucleate.sampling.walk import Walk
from tests.processes.examples import EXAMPLES, Example, wrapped_normal_case

START, STOP = 0.35, 0.8
COUNTS = (16, 32, 64)
CRYSTALS = 60
WEIGHTS = torch.tensor([0.4, 0.6], dtype=torch.float64)
NAMES = (
    "gaussian-x0-linear",
    "gaussian-epsilon-linear",
    "gaussian-x0-cosine",
    "gaussian-epsilon-cosine",
    "kinetic-paper",
    "kinetic-direct",
    "kinetic-uncentred",
    "wrapped-normal-none",
    "wrapped-normal-noise",
    "wrapped-normal-circular",
)
BY_NAME = {example.name: example for example in EXAMPLES}


class Exact(CrystalModel):
    """A model of one process whose network is the exact prediction."""

    def __init__(self, example: Example) -> None:
        super().__init__({"x": example.process}, LogLengthsTanAngles(), Denoiser())
        assert example.oracle is not None
        self.oracle = example.oracle(example.points.double(), WEIGHTS)

    def denoise(self, states: States, t, mask, guess=None):
        return {"x": self.oracle(self.processes["x"].inputs(states["x"], t), t, mask)}


def followed(example: Example, method: str, steps: int) -> torch.Tensor:
    """The state at STOP, all parts side by side, [crystals, numbers]."""
    mask, noise = example.mask(CRYSTALS), Noise.of(7, torch.arange(CRYSTALS))
    which = torch.arange(CRYSTALS) % 2
    start = torch.full((CRYSTALS,), START, dtype=torch.float64)
    states = {"x": example.process.corrupt(example.points[which].double(), start, mask, noise).state}
    walk = Walk(Exact(example), lambda name: 0.0, lambda states, t: states)
    for step in range(steps):
        now, then = (START + (STOP - START) * (step + k) / steps for k in (0, 1))
        times = (torch.full((CRYSTALS,), t, dtype=torch.float64) for t in (now, then))
        states = walk.step(states, Move(*times, mask, noise, StepRule(method)))
    return torch.cat([part.flatten(1) for part in states["x"].values()], 1)


def slopes(example: Example, method: str) -> tuple[list[float], list[float]]:
    reference = followed(example, "heun", 40 * COUNTS[-1] // 4)
    errors = []
    for steps in COUNTS:
        gap = followed(example, method, steps) - reference
        gap = gap if "gaussian" in example.name else wrap(gap)
        errors.append(gap.abs().median().item())
    return [math.log2(a / b) for a, b in zip(errors, errors[1:])], errors

if __name__ == "__main__":
    from tests.processes.examples import *
    import sys
    from nucleate.processes.gaussian import *
    for name in NAMES:
        if name=="wrapped-normal-circular": e=wrapped_normal_case("circular")
        elif name=="gaussian-x0-cosine":
            b=BY_NAME["gaussian-x0-linear"]; p=Gaussian(GaussianSettings("x0","cosine"))
            import dataclasses
            e=dataclasses.replace(b,name=name,process=p,oracle=lambda c,w,p=p: gaussian_oracle(p,c,w))
        else: e=BY_NAME[name]
        for m in ("ode","heun","multistep"):
            s,err=slopes(e,m); print(name,m,[f"{x:.2f}" for x in s],[f"{x:.1e}" for x in err],flush=True)
