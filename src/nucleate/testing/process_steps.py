"""What the probability of a process's step must be: that of the step."""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.geometry.noise import Noise
from nucleate.processes.base import Move
from nucleate.testing.process_case import ProcessCase
from nucleate.testing.suite import require

MANY = 20_000
NOW, THEN = 0.4, 0.6


def ratios_of_two_laws_average_to_one(case: ProcessCase) -> None:
    """Over draws of a step with one prediction, the mean of the probability under another prediction over that under
    the own one is 1; and crystals count without their padding."""
    process, mask = case.process, case.mask(MANY)
    noised = process.corrupt(case.points[:1], torch.full((1,), NOW), mask[:1], Noise.of(0, torch.arange(1)))
    state = {name: _repeated(x) for name, x in noised.state.items()}
    own = _repeated(case.perfect(noised).float().clamp(-4, 4))
    generator = torch.Generator().manual_seed(5)
    away = torch.randn(own[:1].shape, generator=generator)
    now, then = torch.full((MANY,), NOW), torch.full((MANY,), THEN)
    move = Move(now, then, mask, Noise.of(3, torch.arange(MANY)))
    after = process.step(state, own, move)

    def log(said: Tensor) -> Tensor:
        return process.log_probability(state, after, said, move).double()

    drawn = log(own)
    require(
        drawn.shape == (MANY,), f"log_probability has the shape {tuple(drawn.shape)}, not that of crystals"
    )
    require(drawn.isfinite().all(), "log_probability of a drawn step is not finite")
    # As far apart that the logarithm is typically 0.7: wider ones have means that no sample shows.
    spread = float((log(own + 0.01 * away) - drawn).std())
    ratio = (log(own + min(0.2, 0.007 / max(spread, 1e-9)) * away) - drawn).exp()
    error = float(ratio.std()) / MANY**0.5
    gap = abs(float(ratio.mean()) - 1)
    require(
        gap < 5 * error + 1e-3, f"the mean ratio of two laws is {1 + gap:.4f} with an error of {error:.4f}"
    )


def _repeated(x: Tensor) -> Tensor:
    return x.expand(MANY, *x.shape[1:])
