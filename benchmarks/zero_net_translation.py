"""How the Fréchet mean of the coordinates moves under forward noise, with and without zero net translation.

Draws docs/images/zero-net-translation.png: python benchmarks/zero_net_translation.py
"""

from __future__ import annotations

from pathlib import Path

import torch

from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, wrap
from nucleate.processes.kinetic import Kinetic, KineticSettings

OUT = Path(__file__).parents[1] / "docs" / "images" / "zero-net-translation.png"


def frechet_mean(angles: torch.Tensor) -> torch.Tensor:
    """The point of the circle with the smallest sum of squared arc lengths to the angles [sets, atoms]: [sets].

    Exact: each cut of the circle between two neighbouring angles gives a mean, 2 pi / atoms from the next; it is one
    of these.
    """
    atoms = angles.shape[-1]
    candidates = angles.mean(-1, keepdim=True) + TAU / atoms * torch.arange(atoms, dtype=angles.dtype)
    costs = wrap(angles[:, None, :] - candidates[:, :, None]).square().sum(-1)
    return wrap(candidates.gather(1, costs.argmin(-1, keepdim=True)).squeeze(-1))


def shifts(
    frac: torch.Tensor, tau: float, centred: bool, crystals: int = 4000, seed: int = 0
) -> torch.Tensor:
    """Shift of the Fréchet mean of each axis, in radians, after the paper's time tau. frac: [atoms, 3]."""
    process = Kinetic(KineticSettings(centred=centred))
    mask = torch.ones(crystals, len(frac), dtype=torch.bool)
    data = frac.double().expand(crystals, -1, -1)
    t = torch.full((crystals,), 1 - tau / process.settings.horizon, dtype=torch.float64)
    theta = process.corrupt(data, t, mask, Noise.of(seed, torch.arange(crystals))).state["theta"]
    now, before = (frechet_mean(x.transpose(1, 2).flatten(0, 1)) for x in (theta, wrap(TAU * data)))
    return wrap(now - before).reshape(crystals, 3)


def cluster(atoms: int = 4) -> torch.Tensor:
    """Atoms within a fifth of the circle, far from the cut."""
    return (torch.linspace(-0.1, 0.1, atoms)[:, None] + 0.4).expand(-1, 3)


def spread(atoms: int = 4) -> torch.Tensor:
    """Atoms over the whole circle, as in a crystal."""
    return torch.tensor([0.03, 0.22, 0.55, 0.71])[:atoms, None].expand(-1, 3)


def draw(path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), constrained_layout=True)
    for axis, centred in zip(axes, (False, True), strict=False):
        values = shifts(spread(), 1.0, centred).flatten()
        axis.hist(values.numpy(), bins=121, range=(-3.2, 3.2), color="#2a6f97" if centred else "#bc6c25")
        axis.set_xticks([-TAU / 2, -TAU / 4, 0, TAU / 4, TAU / 2], ["-π", "-π/2", "0", "π/2", "π"])
        axis.set_title("zero net translation" if centred else "free noise")
        axis.set_xlabel("shift of the Fréchet mean at τ = 1, 4 atoms")
    times = torch.linspace(0.05, 2, 25).tolist()
    for name, frac in (("spread over the cell", spread()), ("clustered", cluster())):
        jumped = [(shifts(frac, tau, True, 1000).abs() > 1e-6).float().mean().item() for tau in times]
        axes[2].plot(times, jumped, label=name)
    axes[2].axhline(0.75, color="grey", lw=0.8, ls="--")
    axes[2].set_xlabel("τ")
    axes[2].set_title("zero net translation: share that jumped")
    axes[2].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    draw(OUT)
