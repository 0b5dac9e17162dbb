"""Every process of the folder, and for each class the constructions that the conformance suite runs.

A new class needs one entry in `_MAKERS`: settings to try, data points that its oracle knows, and what to measure.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

import nucleate.processes
from nucleate.codecs.species import species_codec
from nucleate.geometry.torus import TAU, wrap
from nucleate.processes.base import Noised, Process, State
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings, KineticStep
from nucleate.processes.masked import HIDDEN, Masked, MaskedSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.sampling.methods.pc import predicted
from nucleate.testing import WAYS, Oracle, ProcessCase, Way, largest_difference, means_and_squares
from tests.processes.exact import (
    euclidean_oracle,
    gaussian_oracle,
    kinetic_oracle,
    masked_oracle,
    torus_oracle,
    wrapped_normal_oracle,
)
from tests.processes.ways import EULER


def _kinetic() -> list[ProcessCase]:
    cases = {
        "paper": KineticSettings(),
        "long": KineticSettings(horizon=4.0),
        "direct": KineticSettings(horizon=4.0, parametrisation="direct"),
        "uncentred": KineticSettings(horizon=4.0, centred=False),
    }
    points = torch.tensor([[[0.1, 0.2, 0.3], [0.35, 0.6, 0.9]], [[0.1, 0.2, 0.3], [0.85, 0.15, 0.5]]])
    return [_kinetic_case(name, Kinetic(settings), points) for name, settings in cases.items()]


def _kinetic_case(name: str, process: Kinetic, points: Tensor) -> ProcessCase:
    centred = process.settings.centred
    points = points if centred else points[:, 1:]

    def relative(x: Tensor) -> Tensor:
        return x[:, 0] - x[:, -1] if centred else x[:, 0]

    def distance(frac: Tensor, point: Tensor) -> Tensor:
        return wrap(TAU * (relative(frac) - relative(point[None]))).abs().amax(-1) / TAU

    def moments(state: State) -> Tensor:
        phase, speed = relative(state["theta"]), relative(state["velocity"])
        speed = speed / (2**0.5 if centred else 1)
        rows = (speed, speed**2, phase.cos(), phase.sin(), speed * phase.sin(), speed * phase.cos())
        return torch.cat([row.T for row in rows])

    def oracle(chosen: Tensor, weights: Tensor) -> Oracle:
        return kinetic_oracle(process, chosen, weights)

    def circles(frac: Tensor, both: Tensor) -> Tensor:
        """Without centring the three coordinates are circles of their own: three draws a crystal."""
        gaps = (frac[:, 0] - both[:, 0, None]).abs().remainder(1).flatten(1)
        return torch.minimum(gaps, 1 - gaps)

    gap = 0.25 if process.settings.horizon < 3 else (0.02 if centred else 0.1)
    apart = None if centred else circles
    ways = WAYS | {"pc-one-drift": Way(predicted, KineticStep(drift_in_corrector=False))}
    return ProcessCase(
        f"kinetic-{name}", process, points, oracle, distance, moments, gap, ways=ways, apart=apart
    )


def _wrapped_normal() -> list[ProcessCase]:
    return [wrapped_normal_case(centred) for centred in ("none", "noise", "circular")]


def wrapped_normal_case(centred: str) -> ProcessCase:
    process = WrappedNormal(WrappedNormalSettings(centred=centred))
    points = torch.tensor([[[0.1, 0.2, 0.3], [0.35, 0.6, 0.9]], [[0.1, 0.2, 0.3], [0.85, 0.15, 0.5]]])

    def relative(x: Tensor) -> Tensor:
        return (x[:, 0] - x[:, 1])[:, None] if centred != "none" else x

    def distance(frac: Tensor, point: Tensor) -> Tensor:
        return wrap(TAU * (relative(frac) - relative(point[None]))).abs().flatten(1).amax(-1) / TAU

    def moments(state: State) -> Tensor:
        phase = relative(state["theta"]).flatten(1)
        return torch.cat([phase.cos().T, phase.sin().T])

    def oracle(chosen: Tensor, weights: Tensor) -> Oracle:
        return wrapped_normal_oracle(process, chosen, weights)

    # The first Fourier mode of plain noise at sigma_max = 0.5 is 0.007, that of a difference 5e-5. The score of EquiCSP
    # is not the forward process's and does not draw data by their weights: it counts as one whose prior is off.
    gap = 0.25 if centred == "circular" else 0.01
    return ProcessCase(f"wrapped-normal-{centred}", process, points, oracle, distance, moments, gap)


GAUSSIAN_WAYS = WAYS | {"em-euler": EULER}


def _gaussian() -> list[ProcessCase]:
    points = torch.tensor([[0.8, -0.5, 0.0, 1.5, -1.0, 0.3], [-1.2, 0.4, 0.9, -0.7, 1.0, 0.1]])

    def case(predicts: str, schedule: str = "linear") -> ProcessCase:
        process = Gaussian(GaussianSettings(predicts=predicts, schedule=schedule))
        return ProcessCase(
            f"gaussian-{predicts}-{schedule}",
            process,
            points,
            lambda chosen, weights: gaussian_oracle(process, chosen, weights),
            largest_difference,
            means_and_squares,
            0.02,
            ways=GAUSSIAN_WAYS,
        )

    return [case("x0"), case("epsilon"), case("epsilon", "cosine"), _one_of_each_atom()]


def _one_of_each_atom() -> ProcessCase:
    """Diffusion of the species of two atoms as analog bits."""
    codec = species_codec("bits")
    points = codec.encode(torch.tensor([[11, 17], [3, 9]]), torch.ones(2, 2, dtype=torch.bool))
    process = Gaussian(GaussianSettings(), "species", codec.width, "atom")
    return ProcessCase(
        "gaussian-bits",
        process,
        points,
        lambda chosen, weights: gaussian_oracle(process, chosen, weights),
        largest_difference,
        means_and_squares,
        0.02,
        ways=GAUSSIAN_WAYS,
    )


def _masked() -> list[ProcessCase]:
    points = torch.tensor([[11, 17], [3, 9]])

    def moments(state: State) -> Tensor:
        of_first, of_second = ((state["x"] == point).T.float() for point in points)
        hidden = (state["x"] == HIDDEN).T.float()
        both = [part.prod(0, keepdim=True) for part in (of_first, of_second, hidden)]
        return torch.cat([of_first, of_second, hidden, *both])

    def perfect(noised: Noised) -> Tensor:
        data = noised.state["guess"]
        return 60.0 * F.one_hot((data - 1).clamp(min=0), Masked.target_width) * (data > 0).unsqueeze(-1)

    def case(schedule: str, remask: float = 0.0) -> ProcessCase:
        process = Masked(MaskedSettings(schedule=schedule, remask=remask))
        return ProcessCase(
            f"masked-{schedule}" + ("-remask" if remask else ""),
            process,
            points,
            masked_oracle,
            lambda x, point: (x != point).float().amax(-1),
            moments,
            0.0,
            perfect,
        )

    return [case("linear"), case("cosine"), case("polynomial"), case("linear", 2.0)]


def _interpolant() -> list[ProcessCase]:
    euclidean = {
        "linear": InterpolantSettings(),
        "trigonometric": InterpolantSettings(path="trigonometric"),
        "root-gamma": InterpolantSettings(gamma="root", gamma_scale=0.3, epsilon_scale=0.1),
        "encoder-decoder": InterpolantSettings(
            path="encoder-decoder", gamma="squared-sine", gamma_scale=1.0, epsilon_scale=0.5
        ),
        "vp-denoiser": InterpolantSettings(path="vp", denoiser=True, epsilon_scale=0.5),
        "ve": InterpolantSettings(path="ve", denoiser=True, sigma_max=20.0, epsilon_scale=1.0),
    }
    points = torch.tensor([[[0.1, 0.2, 0.3], [0.35, 0.6, 0.9]], [[0.1, 0.2, 0.3], [0.85, 0.15, 0.5]]])
    torus = {
        "geodesic": InterpolantSettings(),
        "geodesic-uncentred": InterpolantSettings(centred=False),
        "trigonometric": InterpolantSettings(path="trigonometric"),
        "root-gamma": InterpolantSettings(centred=False, gamma="root"),
    }
    return [_euclidean_case(name, settings) for name, settings in euclidean.items()] + [
        _torus_case(name, Interpolant(settings), points) for name, settings in torus.items()
    ]


def _euclidean_case(name: str, settings: InterpolantSettings) -> ProcessCase:
    points = torch.tensor([[0.8, -0.5, 0.0, 1.5, -1.0, 0.3], [-1.2, 0.4, 0.9, -0.7, 1.0, 0.1]])
    process = Interpolant(settings, "lattice", 6, "cell", "euclidean")
    scale = settings.sigma_max if settings.path == "ve" else 1.0
    return ProcessCase(
        f"interpolant-{name}",
        process,
        points,
        lambda chosen, weights: euclidean_oracle(process, chosen, weights),
        largest_difference,
        lambda state: torch.cat([state["x"].T / scale, (state["x"].T / scale) ** 2]),
        0.05 if settings.path == "ve" else 0.0,
    )


def _torus_case(name: str, process: Interpolant, points: Tensor) -> ProcessCase:
    centred = process.settings.centred
    points = points if centred else points[:, 1:]

    def phase(x: Tensor) -> Tensor:
        return TAU * (x[:, 0] - x[:, -1] if centred else x[:, 0])

    def moments(state: State) -> Tensor:
        angle = phase(state["x"]).T
        return torch.cat([angle.cos(), angle.sin(), (2 * angle).cos()])

    return ProcessCase(
        f"interpolant-torus-{name}",
        process,
        points,
        lambda chosen, weights: torus_oracle(process, chosen, weights),
        lambda frac, point: wrap(phase(frac) - phase(point[None])).abs().amax(-1) / TAU,
        moments,
        0.0,
    )


def _fixed() -> list[ProcessCase]:
    points = torch.tensor([[3, 8], [11, 17]])
    return [
        ProcessCase(
            "fixed",
            Fixed(),
            points,
            None,
            largest_difference,
            lambda state: state["x"].T.float(),
            float("inf"),
        )
    ]


_MAKERS: dict[type[Process], Callable[[], list[ProcessCase]]] = {
    Kinetic: _kinetic,
    Gaussian: _gaussian,
    Interpolant: _interpolant,
    Fixed: _fixed,
    Masked: _masked,
    WrappedNormal: _wrapped_normal,
}


def process_classes() -> list[type[Process]]:
    """Every concrete process of the folder src/nucleate/processes."""
    names = [m.name for m in pkgutil.iter_modules(nucleate.processes.__path__, "nucleate.processes.")]
    members = [
        value
        for name in names
        for _, value in inspect.getmembers(importlib.import_module(name), inspect.isclass)
    ]
    found = {c for c in members if issubclass(c, Process) and not inspect.isabstract(c)}
    return sorted(found, key=lambda c: c.__name__)


def examples_of(process_class: type[Process]) -> list[ProcessCase]:
    """Example constructions of a class. Raises LookupError, with what to do, for one that has none."""
    if process_class not in _MAKERS:
        raise LookupError(
            f"{process_class.__name__} has no example in tests/processes/examples.py: add a maker to _MAKERS, so that "
            "the conformance suite covers it (docs/guides/add-a-process.md)"
        )
    return _MAKERS[process_class]()


EXAMPLES = [example for c in process_classes() if c in _MAKERS for example in examples_of(c)]
