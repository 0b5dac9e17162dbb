"""Symmetry over every process: the suite of constraints, the walk of the free parameters, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from nucleate.codecs.lattice import lattice_codec
from nucleate.codecs.species import species_codec
from nucleate.crystals import Crystals
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.symmetric import Symmetric
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move, Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.sampling.methods.base import along, drawn
from nucleate.sampling.settings import SamplerSettings
from nucleate.symmetry.free import Freedom
from nucleate.symmetry.projection import Projection
from nucleate.symmetry.template import Template
from nucleate.testing import ConstraintCase, constraint_tests
from tests.symmetry.examples import GENERAL, template

FRAC: dict[str, Process] = {
    "kinetic": Kinetic(KineticSettings(horizon=3.0)),
    "kinetic-at-rest": Kinetic(KineticSettings(shown="rest")),
    "kinetic-direct": Kinetic(KineticSettings(parametrisation="direct", centred=False)),
    "wrapped-normal": WrappedNormal(WrappedNormalSettings()),
    "wrapped-normal-centred": WrappedNormal(WrappedNormalSettings(centred="noise")),
    "wrapped-normal-circular": WrappedNormal(WrappedNormalSettings(centred="circular")),
    "flow": Interpolant(InterpolantSettings()),
    "interpolant": Interpolant(InterpolantSettings(path="trigonometric", gamma="root", form="published")),
    "one-sided": Interpolant(InterpolantSettings(path="ve", denoiser=True, form="published")),
}
CODECS = ("log-lengths", "logit-angles", "matrix", "polar")
TEMPLATES = [
    template(225, [(0, 0, 0), (0.25, 0.25, 0.25)], [20, 9]),
    template(156, [(0.1, 0.2, 0.3), (0, 0, 0)], [11, 17]),
    template(107, [(0, 0, 0.1), (0.1, 0.1, 0.2)], [11, 17]),
    template(195, [GENERAL], [8]),
    template(1, [GENERAL, (0.1, 0.2, 0.3)], [11, 17]),
]


class Noisy(Denoiser):
    """Breaks every symmetry."""

    def __init__(self, widths: dict[str, int]) -> None:
        torch.nn.Module.__init__(self)
        self.widths = widths

    def forward(self, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
        noise = Noise.of(9, torch.arange(len(mask)))
        shape = {
            name: (width,) if name == "lattice" else (mask.shape[1], width)
            for name, width in self.widths.items()
        }
        real = mask.unsqueeze(-1)
        return {
            name: noise.normal(*size) * (1 if name == "lattice" else real) for name, size in shape.items()
        }


def model(
    frac: Process, codec: str = "log-lengths", lattice: str = "x0", species: str = "given"
) -> CrystalModel:
    cells = lattice_codec(codec, standardise=True, informed=True)
    cells.fit(torch.eye(3).repeat(20, 1, 1) * torch.linspace(3, 9, 20)[:, None, None], torch.arange(1, 21))
    if lattice == "flow":
        cell: Process = Interpolant(
            InterpolantSettings(), "lattice", cells.width, "cell", "euclidean", base=cells.draw
        )
    else:
        cell = Gaussian(GaussianSettings(predicts=lattice), width=cells.width)  # type: ignore[arg-type]
    kinds = {
        "given": (Fixed(), species_codec("numbers")),
        "masked": (Masked(MaskedSettings()), species_codec("numbers")),
        "bits": (Gaussian(GaussianSettings(), "species", 7, "atom"), species_codec("bits")),
    }
    kind, representation = kinds[species]
    processes = {"species": kind, "frac": frac, "lattice": cell}
    widths = {name: process.target_width for name, process in processes.items() if process.target_width}
    return CrystalModel(processes, cells, Noisy(widths), {}, representation)


def mask_of(templates: Sequence[Template]) -> Tensor:
    sizes = torch.tensor([len(one.species) for one in templates])
    return torch.arange(int(sizes.max())) < sizes[:, None]


def rules(one: CrystalModel, templates: Sequence[Template] = TEMPLATES) -> Symmetric:
    mask = mask_of(templates)
    return Symmetric(one, Projection.of(templates, mask.shape[1]), mask)


def case(name: str, one: CrystalModel) -> ConstraintCase:
    mask = mask_of(TEMPLATES)
    noise = Noise.of(5, torch.arange(len(mask)))
    states = {name: process.prior(mask, noise) for name, process in one.processes.items()}
    said = one.network({}, torch.zeros(len(mask)), mask)
    return ConstraintCase(name, lambda: rules(one), states, said, mask, near=2e-5)


test_the_suite = constraint_tests(
    [
        *(case(name, model(process)) for name, process in FRAC.items()),
        *(case(codec, model(FRAC["flow"], codec)) for codec in CODECS),
        *(case(f"{codec}-epsilon", model(FRAC["flow"], codec, "epsilon")) for codec in CODECS),
        *(case(f"{codec}-flow", model(FRAC["flow"], codec, "flow")) for codec in CODECS),
        *(case(kind, model(FRAC["flow"], species=kind)) for kind in ("masked", "bits")),
    ]
)


def draw(one: CrystalModel, templates: Sequence[Template], method: str, *, bound: bool = True) -> Crystals:
    """By four steps, species given."""
    mask = mask_of(templates)
    species = torch.zeros(mask.shape, dtype=torch.long)
    for row, chosen in enumerate(templates):
        species[row, : len(chosen.species)] = torch.tensor(chosen.species)
    settings = SamplerSettings(method=method, steps=4, anneal_frac=2.0)
    noise, given = Noise.of(1, torch.arange(len(mask))), Given.composition(species, mask)
    return sample(one, mask, settings, noise, given, [rules(one, templates)] if bound else [])


def misfit(crystals: Crystals, templates: Sequence[Template]) -> tuple[float, float]:
    """How far, in cells and Å^2, drawn crystals are from their operations."""
    frac, metric = 0.0, 0.0
    for cell, one in zip(crystals.cells(), templates, strict=True):
        carried = np.einsum("gij,aj->gai", one.rotations, cell.frac) + one.translations[:, None]
        gap = carried - cell.frac[one.images]
        frac = max(frac, np.abs(gap - np.round(gap)).max())
        own = cell.lattice @ cell.lattice.T
        metric = max(
            metric, np.abs(np.einsum("gji,jk,gkl->gil", one.rotations, own, one.rotations) - own).max()
        )
    return frac, metric


@pytest.mark.parametrize("method", ["em", "ode", "heun", "multistep", "pc"])
@pytest.mark.parametrize("name", FRAC)
def test_drawn_crystals_have_their_symmetry(name: str, method: str) -> None:
    crystals = draw(model(FRAC[name]), TEMPLATES, method)
    frac, metric = misfit(crystals, TEMPLATES)
    assert frac < 1e-6
    assert metric < 1e-4
    # and it is not where it began
    assert np.abs(crystals.cells()[1].frac - TEMPLATES[1].frac).max() > 0.01


def test_sites_without_freedom_never_move() -> None:
    crystals = draw(model(FRAC["kinetic"]), TEMPLATES, "em")
    np.testing.assert_allclose(crystals.cells()[0].frac, TEMPLATES[0].frac, atol=1e-7)


def test_without_operations_nothing_changes() -> None:
    one, none = model(FRAC["kinetic"]), TEMPLATES[-1:]
    for method in ("em", "multistep"):
        free, bound = draw(one, none, method, bound=False), draw(one, none, method)
        assert torch.equal(free.lattice, bound.lattice)
        assert torch.equal(free.frac, bound.frac)


class Fed(Noise):
    """Hands out one tensor of normal numbers after another."""

    def __init__(self, tensors: list[Tensor]) -> None:
        super().__init__(torch.zeros(len(tensors[0])).long())
        self.tensors = tensors

    def normal(self, *shape: int) -> Tensor:
        drawn = self.tensors.pop(0)
        assert drawn.shape[1:] == shape
        return drawn


@pytest.mark.parametrize("step", [along, drawn], ids=["flow", "step"])
@pytest.mark.parametrize("name", ["kinetic", "kinetic-direct", "wrapped-normal", "flow", "interpolant"])
@pytest.mark.parametrize("number", [16, 143, 195, 225])
def test_the_walk_is_that_of_the_free_parameters(number: int, name: str, step) -> None:
    """f = f0 + W u: the process itself, on the parameters of sites in general position, goes the same way."""
    kind = FRAC[name]
    process = type(kind)(kind.settings)
    object.__setattr__(process, "settings", _uncentred(kind.settings))
    one = template(number, [GENERAL, (0.31, 0.83, 0.57)])
    bound = rules(model(process), [one])
    free, mask = Freedom.of(one), mask_of([one])
    basis, read, mean = (torch.tensor(x).float() for x in (free.basis, free.read, free.mean))
    places, sites = len(one.species), torch.ones(1, 2, dtype=torch.bool)
    spread = torch.tensor(free.multiplicity).sqrt()
    ends = process.positions
    noise = Noise.of(4, torch.arange(1))
    whole = bound.begin({"frac": process.prior(mask, noise)})["frac"]

    def parameters(state: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {}
        for part, x in state.items():
            high, low = ends[part][::-1] if part in ends else (1.0, 0.0)
            origin = torch.tensor(one.frac).float() * (high - low) if part in ends else 0.0
            u = (read @ (x[0] - origin).flatten()).reshape(1, 2, 3)
            found[part] = torch.remainder(u - low, high - low) + low if part in ends else u
        return found

    state = parameters(whole)
    for number_of, (now, then) in enumerate([(0.2, 0.4), (0.4, 0.7), (0.7, 0.9)]):
        t, t_next = torch.tensor([now]), torch.tensor([then])
        drawing = noise.at(number_of)
        raw = drawing.normal(places, 3)
        said = {"frac": drawing.normal(places, process.target_width)}
        said = bound.answer(said, t)
        own = [(read @ part.flatten()).reshape(1, 2, 3) for part in said["frac"][0].split(3, -1)]
        eps = ((mean @ raw[0].flatten()) * spread).reshape(1, 2, 3)
        move = Move(t, t_next, mask, bound.noise(Fed([raw]), "frac"))
        whole = bound.hold({"frac": step(process, whole, said["frac"], move)}, t_next)["frac"]
        state = step(process, state, torch.cat(own, -1), Move(t, t_next, sites, Fed([eps])))
    for part, u in parameters(whole).items():
        gap = u - state[part]
        if part in ends:
            period = ends[part][1] - ends[part][0]
            gap = torch.remainder(gap + period / 2, period) - period / 2
        assert gap.abs().max() < 2e-4
    assert basis.shape == (3 * places, 6)


def _uncentred(settings):
    from dataclasses import replace

    return replace(settings, centred="none" if isinstance(settings, WrappedNormalSettings) else False)


def test_the_start_is_uniform_in_the_free_parameters() -> None:
    """Of sites (x, 2x, z) x is uniform: the projection of a uniform displacement would crowd it."""
    one = template(156, [(0.1, 0.2, 0.3)])
    count = 4000
    bound = rules(model(FRAC["wrapped-normal"]), [one] * count)
    states = {
        "frac": FRAC["wrapped-normal"].prior(
            bound.mask, bound.noise(Noise.of(2, torch.arange(count)), "frac")
        )
    }
    theta = bound.begin(states)["frac"]["theta"]
    for coordinate in (0, 2):
        phase = torch.exp(1j * theta[:, 0, coordinate])
        assert abs(phase.mean()) < 4 / count**0.5
        assert abs((phase**2).mean()) < 4 / count**0.5


@pytest.mark.parametrize("name", FRAC)
def test_the_loss_is_that_of_symmetric_states(name: str) -> None:
    """A network that knows the targets has no loss, and states obey."""
    one, mask = model(FRAC[name], lattice="x0"), mask_of(TEMPLATES)
    bound = rules(one)
    species = torch.zeros(mask.shape, dtype=torch.long)
    frac = torch.zeros(*mask.shape, 3)
    for row, chosen in enumerate(TEMPLATES):
        species[row, : len(chosen.species)] = torch.tensor(chosen.species)
        frac[row, : len(chosen.species)] = torch.tensor(chosen.frac).float()
    cells = one.codec.decode(bound.plane.reference.float(), mask.sum(1))
    crystals = Crystals(species, frac, cells, mask)
    shown: list[dict[str, Tensor]] = []
    one.network.register_forward_pre_hook(lambda _, args: shown.append(args[0]))
    losses = one.loss(crystals, torch.full((len(mask),), 0.6), Noise.of(3, torch.arange(len(mask))), bound)
    assert all(torch.isfinite(loss).all() for loss in losses.values())
    period_one = bound.projection.positions(shown[0]["frac"])
    gap = period_one - shown[0]["frac"]
    assert (gap - gap.round()).abs().max() < 1e-5


def test_a_process_that_does_not_name_its_positions_is_refused() -> None:
    class Silent(WrappedNormal):
        positions = {}  # noqa: RUF012

    with pytest.raises(RecipeError, match="which of its state are positions"):
        rules(model(Silent(WrappedNormalSettings())))
