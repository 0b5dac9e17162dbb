"""Settings of interpolants, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.processes import paths


@dataclass(frozen=True)
class InterpolantSettings:
    """Settings of an interpolant.

    Attributes:
        path: alpha and beta, see `nucleate.processes.paths.path`.
        gamma, gamma_scale: width of the noise on the way, sqrt(a t (1 - t)) or sqrt(a) sin^2(pi t) with the scale a.
        form: on the torus, `displacement` or `published`, see the module's text. Euclidean channels have one form.
        denoiser: let the Gaussian prior play the noise (a one-sided path) and ask for it, which `em` needs.
            Always with `ve`.
        sigma_min, sigma_max: of ve. Half a cell is nearly uniform; Euclidean channels need many times their spread.
        centred: on the torus, keep the net translation of velocities and noise at zero.
        coupling: `min-permutation` gives each atom the prior draw nearby (least sum of squared distances). Only for
            atoms that are alike at t = 0, as where species are drawn along; see the concept page.
        epsilon, epsilon_scale, epsilon_mid, epsilon_width: strength of the noise of `em`, see `paths.epsilon`.
        largest_kick: bound of epsilon h, relative to the variance of the state if the data were one point; see
            `Interpolant.kick`. A huge one is as published.
        overshoot: let annealed steps go beyond the end of the path, as published.
        noise_weight: of the noise's part of the loss.
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
    one_sided, shape = s.denoiser, "the torus" if torus else "Euclidean channels"
    rules = {
        "path = encoder-decoder forgets both ends at t = 1/2; it needs gamma = root or squared-sine": (
            s.path == "encoder-decoder" and s.gamma == "none"
        ),
        f"path = {s.path} has no displacement form on the torus; use form = published": (
            torus and s.form == "displacement" and s.path not in ("linear", "trigonometric")
        ),
        "path = ve has a velocity of noise alone; use denoiser = true": s.path == "ve" and not one_sided,
        f"path = {s.path} with gamma = {s.gamma} has two noises; use gamma = none": (
            s.gamma != "none" and s.path in ("vp", "ve")
        ),
        f"denoiser = true with gamma = {s.gamma} has two noises; use gamma = none": (
            one_sided and s.gamma != "none"
        ),
        f"denoiser = true needs a Gaussian prior, which path = {s.path} on the torus has not; use path = ve": (
            one_sided and torus and s.path != "ve"
        ),
        "denoiser = true needs the standard normal prior, not a base of its own": one_sided and informed,
        "denoiser = true with coupling = min-permutation ties the noise to the data; use coupling = none": (
            one_sided and s.coupling != "none"
        ),
        f"coupling = {s.coupling} pairs atoms, and a cell has none; use coupling = none": (
            s.coupling != "none" and level == "cell"
        ),
        f"level = {level} on {shape}; only quantities of atoms live there": torus and level == "cell",
        f"gamma_scale = {s.gamma_scale} is not above 0 and at most 100": not 0 < s.gamma_scale <= 100,
        f"epsilon_scale = {s.epsilon_scale} is not from 0 to 1000": not 0 <= s.epsilon_scale <= 1000,
        f"epsilon_mid = {s.epsilon_mid} is not from 0 to 1": not 0 <= s.epsilon_mid <= 1,
        f"epsilon_width = {s.epsilon_width} is not above 0 and at most 10": not 0 < s.epsilon_width <= 10,
        f"largest_kick = {s.largest_kick} is not above 0 and at most 1e12": not 0 < s.largest_kick <= 1e12,
        f"noise_weight = {s.noise_weight} is not from 0 to 1e6": not 0 <= s.noise_weight <= 1e6,
        f"sigma_min = {s.sigma_min} and sigma_max = {s.sigma_max} are not "
        "1e-6 <= sigma_min < sigma_max <= 1e4": not 1e-6 <= s.sigma_min < s.sigma_max <= 1e4,
    }
    return next((text for text, broken in rules.items() if broken), "")
