"""Settings of interpolants, and which of them fit together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.processes import paths


@dataclass(frozen=True)
class InterpolantSettings:
    """Settings of an interpolant.

    Attributes:
        path: alpha and beta, see `nucleate.processes.paths.path`.
        gamma: width of the noise between the ends: `root`, sqrt(a t (1 - t)), or `squared-sine`, sqrt(a) sin^2(pi t).
        gamma_scale: a, its scale.
        form: on the torus, `displacement` or `published`, see `nucleate.processes.interpolant`.
        denoiser: use the Gaussian prior as the noise (a one-sided path) and predict it, which `em` needs. Always with
            `ve`.
        sigma_min: width of the noise of `ve` at the data.
        sigma_max: its width at the prior: half a cell is nearly uniform; Euclidean channels need many times their
            spread.
        centred: on the torus, keep the net translation of velocities and noise at zero.
        coupling: `min-permutation` pairs atoms with prior draws at the least sum of squared distances. Only for atoms
            that are alike at t = 0, as when species are drawn too; see docs/concepts/interpolants.md.
        epsilon: strength of the noise of `em` over time, see `paths.epsilon`.
        epsilon_scale: its scale.
        epsilon_mid: time before which a `vanishing` one falls off, as it does after 1 - epsilon_mid.
        epsilon_width: time in which it falls off.
        largest_kick: bound of epsilon h, relative to the variance of the state if the data were one point; see
            `InterpolantPath.kick`. As published there is no bound.
        overshoot: let annealed steps go beyond the end of the path, as published.
        noise_weight: weight of the noise in the loss.
    """

    path: paths.PathName = "linear"
    gamma: paths.GammaName = "none"
    gamma_scale: float = 0.02
    form: Literal["displacement", "published"] = "displacement"
    denoiser: bool = False
    sigma_min: float = 0.005
    sigma_max: float = 0.5
    centred: bool = True
    coupling: Literal["none", "min-permutation"] = "none"
    epsilon: paths.EpsilonName = "constant"
    epsilon_scale: float = 0.01
    epsilon_mid: float = 0.2
    epsilon_width: float = 0.04
    largest_kick: float = 0.1
    overshoot: bool = False
    noise_weight: float = 1.0


def misfit(s: InterpolantSettings, level: str, torus: bool, informed: bool) -> str:
    """What is wrong with these settings together, in one sentence; empty if nothing."""
    one_sided = s.denoiser
    rules = {
        "path = encoder-decoder forgets both ends at t = 1/2; it needs gamma = root or squared-sine": (
            s.path == "encoder-decoder" and s.gamma == "none"
        ),
        f"path = {s.path} has no displacement form on the torus; use form = published": (
            torus and s.form == "displacement" and s.path not in ("linear", "trigonometric")
        ),
        "path = ve has no velocity but that of its noise; use denoiser = true": s.path == "ve"
        and not one_sided,
        f"path = {s.path} with gamma = {s.gamma} has two noises; use gamma = none": (
            s.gamma != "none" and s.path in ("vp", "ve")
        ),
        f"denoiser = true with gamma = {s.gamma} has two noises; use gamma = none": (
            one_sided and s.gamma != "none"
        ),
        f"denoiser = true needs a Gaussian prior, which path = {s.path} lacks on the torus; use path = ve": (
            one_sided and torus and s.path != "ve"
        ),
        "denoiser = true needs the standard normal prior, not an informed prior": one_sided and informed,
        "coupling = min-permutation makes the noise depend on the data; with denoiser = true use coupling = none": (
            one_sided and s.coupling != "none"
        ),
        f"coupling = {s.coupling} pairs atoms and can't be used for a cell; use coupling = none": (
            s.coupling != "none" and level == "cell"
        ),
        "a quantity with level = cell can't be on the torus; use geometry = euclidean": torus
        and level == "cell",
        f"gamma_scale must be above 0 and at most 100; got {s.gamma_scale}": not 0 < s.gamma_scale <= 100,
        f"epsilon_scale must be between 0 and 1000; got {s.epsilon_scale}": not 0 <= s.epsilon_scale <= 1000,
        f"epsilon_mid must be between 0 and 1; got {s.epsilon_mid}": not 0 <= s.epsilon_mid <= 1,
        f"epsilon_width must be above 0 and at most 10; got {s.epsilon_width}": not 0 < s.epsilon_width <= 10,
        f"largest_kick must be above 0 and at most 1e12; got {s.largest_kick}": not 0
        < s.largest_kick
        <= 1e12,
        f"noise_weight must be between 0 and 1e6; got {s.noise_weight}": not 0 <= s.noise_weight <= 1e6,
        f"1e-6 <= sigma_min < sigma_max <= 1e4 must hold; got {s.sigma_min} and {s.sigma_max}": not 1e-6
        <= s.sigma_min
        < s.sigma_max
        <= 1e4,
    }
    return next((text for text, broken in rules.items() if broken), "")
