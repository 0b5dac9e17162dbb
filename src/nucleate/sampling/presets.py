"""The sampler to take for a given cost.

From the sweep on MP-20 validation (docs/results.md, "Match rate against NFE"), which separates few of them: at NFE 100
the corrector with the expected step and one drift is ahead within the error, at 200 the published one. 1000 is not
measured and takes the setting of 200 with more steps.
"""

from __future__ import annotations

from dataclasses import replace

from nucleate.sampling.settings import SamplerSettings

BEST: dict[int, SamplerSettings] = {
    100: SamplerSettings(method="pc", steps=50, tau=0.1, corrector="expected", drift_in_corrector=False),
    200: SamplerSettings(method="pc", steps=100),
    1000: SamplerSettings(method="pc", steps=500),
}


def best_sampler(nfe: int) -> SamplerSettings:
    """The sampler to take for about `nfe` network evaluations: the best of the nearest cost below, with its steps
    scaled to use them all."""
    known = max((cost for cost in BEST if cost <= nfe), default=min(BEST))
    steps = max(1, nfe * BEST[known].steps // BEST[known].evaluations)
    return replace(BEST[known], steps=steps)
