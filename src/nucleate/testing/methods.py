"""What every sampling method must do: noise and cost as declared, padding, refusals, and arriving at the data.

    test_mine = method_tests([MethodCase("mine", Mine)])

The model is one whose network knows the data: atoms' coordinates and cells by diffusion, species by unmasking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nucleate.arrays import Conditions, Mask, PerCrystal
from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move, Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.sampling.methods.base import Method
from nucleate.sampling.walk import Walk
from nucleate.testing.silent import Silent
from nucleate.testing.suite import Check, as_test, require

ATOMS, PADDED, STEPS = (3, 1, 5), 6, 8


@dataclass(frozen=True)
class MethodCase:
    """A method under test.

    Attributes:
        name: shown in the names of the tests.
        make: returns a new method for one batch: the class itself, or a function that adds settings.
        near: largest allowed distance of the end from the data, in channels of coordinates and cells.
    """

    name: str
    make: Callable[[], Method]
    near: float = 0.05


def method_tests(cases: Iterable[MethodCase]) -> Callable[..., Any]:
    """All checks of all cases as one test of pytest."""
    return as_test(check for case in cases for check in method_checks(case))


def method_checks(case: MethodCase) -> list[Check]:
    checks = (
        noise_is_drawn_as_declared,
        evaluations_are_as_declared,
        padding_stays_zero,
        a_crystal_is_the_same_alone_and_in_a_batch,
        a_new_method_remembers_nothing,
        unsuitable_processes_are_refused,
        the_data_are_reached,
    )
    return [Check(f"{case.name}-{check.__name__}", partial(check, case)) for check in checks]


class Knowing(CrystalModel):
    """Its network predicts the data whatever the input: [3, 6] species, [3, 6, 3] and [3, 6] channels."""

    def __init__(self, processes: dict[str, Process], rows: slice, atoms: int) -> None:
        super().__init__(processes, LogLengthsTanAngles(), Denoiser())
        self.mask = (torch.arange(PADDED) < torch.tensor(ATOMS)[:, None])[rows, :atoms]
        generator = torch.Generator().manual_seed(4)
        species = 1 + torch.arange(len(ATOMS) * PADDED).reshape(len(ATOMS), PADDED)
        self.data = {
            "species": species[rows, :atoms] * self.mask,
            "frac": torch.randn(len(ATOMS), PADDED, 3, generator=generator)[rows, :atoms]
            * self.mask.unsqueeze(-1),
            "lattice": torch.randn(len(ATOMS), 6, generator=generator)[rows],
        }

    def denoise(
        self, states: States, t: PerCrystal, mask: Mask, guess: dict[str, Tensor] | None = None,
        condition: Conditions | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        self.evaluations += 1
        logits = 60.0 * F.one_hot((self.data["species"] - 1).clamp(min=0), Masked.target_width)
        return {"frac": self.data["frac"], "lattice": self.data["lattice"], "species": logits}


def model_for(
    method: Method, flows_only: bool = False, rows: slice = slice(None), atoms: int = PADDED
) -> Knowing:
    """A model with those of the three processes that the method takes."""
    settings = GaussianSettings(predicts="x0")
    known: dict[str, Process] = {
        "species": Masked(MaskedSettings()),
        "frac": Gaussian(settings, "frac", 3, "atom"),
        "lattice": Gaussian(settings),
    }
    takes = ("flow",) if flows_only else method.takes
    taken = {name: process for name, process in known.items() if process.can.intersection(takes)}
    require(taken, f"takes = {method.takes}, which none of the processes has")
    return Knowing(taken, rows, atoms)


def walked(
    method: Method, model: Knowing, noise: Noise, silent: bool = False, end: float = 1.0
) -> list[States]:
    """The states at each time of a grid from 0 to the end."""
    walk, mask = Walk(model), model.mask
    states = {name: process.prior(mask, noise.at(0)) for name, process in model.processes.items()}
    path, times = [states], torch.linspace(0, end, STEPS + 1).tolist()
    for number, (now, then) in enumerate(pairwise(times)):
        t, t_next = (torch.full(mask.shape[:1], value) for value in (now, then))
        own = Silent(noise.keys) if silent else noise.at(number + 1)
        with torch.no_grad():
            states = method.step(walk, states, Move(t, t_next, mask, own))
        path.append(states)
    return path


def streams(rows: slice = slice(None)) -> Noise:
    return Noise.of(0, torch.arange(len(ATOMS))[rows])


def noise_is_drawn_as_declared(case: MethodCase) -> None:
    """A deterministic method draws nothing for a process with a flow; any other draws."""
    method = case.make()
    if method.deterministic:
        walked(method, model_for(method, flows_only=True), streams(), silent=True)
        return
    try:
        walked(method, model_for(method, flows_only=True), streams(), silent=True)
    except AssertionError:
        return
    raise AssertionError("it draws no noise but is not declared deterministic")


def evaluations_are_as_declared(case: MethodCase) -> None:
    for end in (1.0, 0.7):
        method = case.make()
        model = model_for(method)
        walked(method, model, streams(), end=end)
        declared = method.evaluations(STEPS, end == 1)
        require(
            model.evaluations == declared,
            f"{STEPS} steps to t = {end} took {model.evaluations} evaluations, not {declared}",
        )


def padding_stays_zero(case: MethodCase) -> None:
    method = case.make()
    model = model_for(method)
    for number, states in enumerate(walked(method, model, streams())):
        require(states.keys() == model.processes.keys(), f"step {number} gives states of {[*states]}")
        for name, state in states.items():
            for part, value in state.items():
                require(torch.isfinite(value).all(), f"step {number}: {name} {part} is not finite")
                padding = value[~model.mask] if model.processes[name].level == "atom" else torch.zeros(1)
                require((padding == 0).all(), f"step {number}: {name} {part} is not zero in padding")


def a_crystal_is_the_same_alone_and_in_a_batch(case: MethodCase) -> None:
    method = case.make()
    together = walked(method, model_for(method), streams(), end=0.7)[-1]
    for i, atoms in enumerate(ATOMS):
        method, rows = case.make(), slice(i, i + 1)
        model = model_for(method, rows=rows, atoms=atoms)
        for name, state in walked(method, model, streams(rows), end=0.7)[-1].items():
            for part, value in state.items():
                mine = together[name][part][rows]
                mine = mine[:, :atoms] if model.processes[name].level == "atom" else mine
                gap = (mine - value).abs().max().item()
                require(gap < 1e-4, f"{name} {part} of a crystal differs by {gap:.2g} in a batch")


def a_new_method_remembers_nothing(case: MethodCase) -> None:
    """State kept between steps belongs to the object, which is made for one batch."""
    one, other = (
        walked(method, model_for(method), streams(), end=0.7)[-1] for method in (case.make(), case.make())
    )
    same = all(torch.equal(one[n][part], other[n][part]) for n in one for part in one[n])
    require(same, "a second batch under the same seed differs from the first")


class Stuck(Fixed):
    """A quantity without any kind of step."""

    can = frozenset()


def unsuitable_processes_are_refused(case: MethodCase) -> None:
    """Before the first step, with an error that names the quantity."""
    method = case.make()
    method.check(model_for(method).processes)
    try:
        method.check({"species": Stuck()})
    except RecipeError as error:
        require("species" in str(error), f"the error does not name the quantity, species: {error}")
        return
    raise AssertionError("a process that can't move is not refused")


def the_data_are_reached(case: MethodCase) -> None:
    method = case.make()
    model = model_for(method)
    last = walked(method, model, streams())[-1]
    for name, process in model.processes.items():
        gap = (process.decode(last[name]) - model.data[name]).abs().max().item()
        require(gap <= (0 if name == "species" else case.near), f"{name} ends {gap:.3g} from the data")
