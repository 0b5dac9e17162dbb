"""Exact answers of a perfect network, in closed form, for data that are a few points with weights.

They stand in the network's place: what a network is shown (`inputs`, time, mask) goes in, its ideal prediction comes
out.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nucleate.geometry.circular import mean_free_law
from nucleate.geometry.torus import TAU, wrap
from nucleate.geometry.wrapped_normal import grad_mean, log_density
from nucleate.processes import paths
from nucleate.processes.gaussian import Gaussian
from nucleate.processes.interpolant import Interpolant
from nucleate.processes.kinetic import Kinetic
from nucleate.processes.masked import HIDDEN, Masked
from nucleate.processes.wrapped_normal import LEAST_SIGMA, WrappedNormal
from nucleate.testing import Oracle


def kinetic_oracle(process: Kinetic, points: Tensor, weights: Tensor) -> Oracle:
    """For data points [points, atoms, 3] (fractional) and their weights.

    Two atoms with centred noise: only the difference of the two matters, and the law of the pair is one wrapped normal
    of sqrt(2) times the width. One atom with noise that is not centred: every coordinate is a circle of its own, and
    the points are mixed in each coordinate independently.
    """
    pair = process.settings.centred
    if points.shape[1] != (2 if pair else 1):
        raise ValueError("exact scores are known for two atoms with centred noise or one without")

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        theta, velocity = inputs["frac"] * TAU, inputs["velocity"] * TAU
        a, sigma_v, sigma_r = process.coefficients(t, theta)
        if pair:
            position, speed, spread = (
                theta[:, 0] - theta[:, 1],
                velocity[:, 0] - velocity[:, 1],
                2**0.5 * sigma_r[:, 0],
            )
            targets = TAU * (points[:, 0] - points[:, 1])
        else:
            position, speed, spread = theta[:, 0], velocity[:, 0], sigma_r[:, 0]
            targets = TAU * points[:, 0]
        # [crystals, points, 3]; the law of the velocity is the same for every point.
        gaps = position[:, None] - targets - a * speed[:, None]
        width = spread[:, None].expand_as(gaps)
        logs = log_density(wrap(gaps), width, process.images + 1)
        logs = logs.sum(-1, keepdim=True) if pair else logs
        share = torch.softmax(logs + weights.log()[:, None].to(logs), 1)
        pull = (share * grad_mean(gaps, width, process.images + 1)).sum(1)
        pulls = torch.stack([pull, -pull], 1) if pair else pull[:, None]
        if process.settings.parametrisation == "direct":
            return -velocity / sigma_v**2 + a * pulls
        return pulls / process.fisher_root(sigma_r)

    return oracle


def gaussian_oracle(process: Gaussian, points: Tensor, weights: Tensor) -> Oracle:
    """For data points [points, ..., width] and their weights: the posterior mean, as clean data or as noise."""
    flat = points.flatten(1)

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        shown = inputs[process.name]
        x = shown.flatten(1)
        alpha, sigma = (c[:, None] for c in process.alpha_sigma(t))
        squares = ((x[:, None] - alpha[..., None] * flat.to(x)) ** 2).sum(-1)
        share = torch.softmax(weights.log().to(x) - 0.5 * squares / sigma.clamp(min=1e-6) ** 2, -1)
        mean = share @ flat.to(x)
        wanted = mean if process.settings.predicts == "x0" else (x - alpha * mean) / sigma.clamp(min=1e-6)
        return wanted.reshape(shown.shape)

    return oracle


def normal_oracle(process: Gaussian, spread: float) -> Oracle:
    """For data that are independent normal numbers of one standard deviation in every channel."""

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        x = inputs[process.name]
        alpha, sigma = (c.reshape(-1, *(1,) * (x.ndim - 1)) for c in process.alpha_sigma(t))
        mean = alpha * spread**2 * x / (alpha**2 * spread**2 + sigma**2)
        return mean if process.settings.predicts == "x0" else (x - alpha * mean) / sigma.clamp(min=1e-6)

    return oracle


def masked_oracle(points: Tensor, weights: Tensor) -> Oracle:
    """For data points [points, atoms] and their weights: log probabilities of each atom given those that are shown."""

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        x = inputs["species"]
        agrees = ((x[:, None] == points) | (x[:, None] == HIDDEN)).all(-1)
        share = agrees * weights
        share = share / share.sum(-1, keepdim=True)
        chance = torch.einsum("cp,pae->cae", share, F.one_hot(points - 1, Masked.target_width).float())
        return chance.clamp(min=1e-30).log()

    return oracle


def euclidean_oracle(process: Interpolant, points: Tensor, weights: Tensor) -> Oracle:
    """For an interpolant with a standard normal prior and data points [points, ..., width].

    Given the point, x is normal around beta x1 with the variance v = alpha^2 + gamma^2, of which alpha^2 is the
    prior's; so E x0 = alpha (x - beta x1) / v and E z = gamma (x - beta x1) / v.
    """

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        shown = inputs[process.name].double()
        x, flat = shown.flatten(1), points.flatten(1).double()
        (alpha, beta), (slope0, slope1) = (
            [c.double()[:, None] for c in pair] for pair in (process.path.ends(t), process.path.slopes(t))
        )
        s = process.settings
        width = paths.gamma(s.gamma, t, s.gamma_scale).double()[:, None]
        variance = (alpha**2 + width**2).clamp(min=1e-14)
        gaps = x[:, None] - beta[..., None] * flat
        share = torch.softmax(weights.log().double() - 0.5 * (gaps**2).sum(-1) / variance, -1)
        gap, data = (share[..., None] * gaps).sum(1), share @ flat
        if s.denoiser:
            parts = [slope1 * data] * process.has_velocity + [alpha * gap / variance]
        else:
            velocity = slope0 * alpha * gap / variance + slope1 * data
            parts = [velocity] + [width * gap / variance] * process.has_noise
        return torch.cat([part.reshape(shown.shape) for part in parts], -1).float()

    return oracle


IMAGES = torch.arange(-2, 3, dtype=torch.float64)


def torus_oracle(process: Interpolant, points: Tensor, weights: Tensor) -> Oracle:
    """For an interpolant in the displacement form on the torus and data points [points, atoms, 3].

    What is left of the way, w = -(1 - s) D, is independent of the point: for one atom that is not centred it is uniform
    in each coordinate; for the difference of two atoms, without gamma, triangular. Sums go over images of the data.
    """
    pair = process.settings.centred
    if points.shape[1] != (2 if pair else 1) or (pair and process.has_noise):
        raise ValueError("exact answers are known for one atom that is not centred, or two without gamma")

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        x, flat = inputs["frac"].double(), points.double()
        s, slope = (c.double()[:, None, None] for c in paths.progress(process.settings.path, t))
        width = paths.gamma(process.settings.gamma, t, process.settings.gamma_scale).double()[:, None, None]
        x, flat = (v[:, 0] - v[:, 1] if pair else v[:, 0] for v in (x, flat))
        # [crystals, points, 3, images]
        gaps = (x[:, None] - flat).sub_((x[:, None] - flat).round())[..., None] + IMAGES
        left = (1 - s)[..., None]
        if pair:
            logs, way = _triangular(gaps, left), gaps
        else:
            logs, way = _uniform(gaps, left / 2, width[..., None])
        shares = torch.softmax(logs, -1)
        point = torch.softmax(logs.logsumexp(-1).sum(-1) + weights.log().double(), 1)[..., None]
        way, gap = ((point * (shares * v).sum(-1)).sum(1) for v in (way, gaps))
        velocity = -slope[:, 0] * way / (1 - s[:, 0]) / process.unit
        parts = [velocity] + [(gap - way) / width[:, 0].clamp(min=1e-9)] * process.has_noise
        answer = torch.cat(parts, -1)
        return (torch.stack([answer, -answer], 1) / 2 if pair else answer[:, None]).float()

    return oracle


OUTSIDE = 1e4
"""How fast the log probability falls, per cell, where a step of finite length has left the law's support."""


def _triangular(gaps: Tensor, left: Tensor) -> Tensor:
    inside = (1 - gaps.abs() / left).clamp(min=1e-6).log()
    return inside - OUTSIDE * (gaps.abs() - left).clamp(min=0)


def _uniform(gaps: Tensor, half: Tensor, width: Tensor) -> tuple[Tensor, Tensor]:
    """Log probability of gap = w + width z for w uniform within +-half, and E w: a truncated normal's mean."""
    if not bool((width > 0).any()):
        return -OUTSIDE * (gaps.abs() - half).clamp(min=0), gaps
    width = width.clamp(min=1e-5)
    # By symmetry for gaps >= 0, where the tails are those that log_ndtr knows to its last digits.
    a, b = (-half - gaps.abs()) / width, (half - gaps.abs()) / width
    upper, lower = torch.special.log_ndtr(b), torch.special.log_ndtr(a)
    log_chance = upper + torch.log1p(-torch.exp((lower - upper).clamp(max=-1e-12)))
    ratios = [torch.exp(-0.5 * c**2 - 0.5 * math.log(TAU) - log_chance) for c in (a, b)]
    way = gaps.abs() + width * (ratios[0] - ratios[1])
    return log_chance, gaps.sign() * way.clamp(-half, half)


def wrapped_normal_oracle(process: WrappedNormal, points: Tensor, weights: Tensor) -> Oracle:
    """For data points [points, atoms, 3] (fractional) and their weights.

    Noise as it is: every atom is a wrapped normal about its own. Without its mean (two atoms): only the difference
    matters, a wrapped normal of sqrt(2) times the width; then the exact score is the answer, or, for EquiCSP, half of
    the difference, which is the angle of either atom to the mean of the two, and the sine of that.
    """
    pair = process.settings.centred != "none"
    if pair and points.shape[1] != 2:
        raise ValueError("without their mean, exact scores are known for two atoms")

    def oracle(inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> Tensor:
        theta, data = inputs["frac"] * TAU, TAU * points
        sigma = process.sigma(t).clamp(min=LEAST_SIGMA)
        width = sigma[:, None, None, None] * (2**0.5 if pair else 1)
        if pair:
            theta, data = theta[:, :1] - theta[:, 1:], data[:, :1] - data[:, 1:]
        # [crystals, points, atoms or 1, 3]
        gaps = wrap(theta[:, None] - data.to(theta))
        width = width.expand_as(gaps)
        logs = log_density(gaps, width, process.images + 2).sum((-1, -2)) + weights.log().to(theta)
        share = torch.softmax(logs, 1)[..., None, None]
        if process.settings.centred == "circular":
            _, sine, spread = (x[:, None, None] for x in mean_free_law(mask.sum(1), sigma))
            heads = [(share * gaps / 2).sum(1) / spread, (share * torch.sin(gaps / 2)).sum(1) / sine]
            return torch.cat([torch.cat([head, -head], 1) for head in heads], -1)
        pull = (share * grad_mean(gaps, width, process.images + 2)).sum(1)
        pulls = torch.cat([pull, -pull], 1) if pair else pull
        return pulls / process.fisher_root(sigma[:, None, None])

    return oracle
