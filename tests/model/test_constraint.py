"""Constraints: the sampler asks all four, the loss projects too, several work together. The toy is a pair of atoms that
are each other's inversion images in a cell whose lengths are equal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.crystals import Crystals
from nucleate.geometry.noise import MappedNoise, Noise
from nucleate.geometry.torus import TAU, wrap
from nucleate.model.constraint import Constraint, Predictions, States, Together
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.sampling.given import Given
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings

COUNT = 4
MASK = torch.ones(COUNT, 2, dtype=torch.bool)
SPECIES = torch.full((COUNT, 2), 11)
METHODS = ("em", "ode", "heun", "multistep", "pc")
ASKED = ("begin", "noise", "answer", "hold")


def odd(x: Tensor) -> Tensor:
    """The part of [crystals, 2, ...] that inversion leaves as it is: the second atom's is minus the first one's."""
    half = (x[:, 0] - x[:, 1]) / 2
    return torch.stack([half, -half], 1)


def equal(x: Tensor) -> Tensor:
    """Lattice channels with equal lengths."""
    return torch.cat([x[:, :3].mean(1, keepdim=True).expand(-1, 3), x[:, 3:]], 1)


class Inverted(Constraint):
    """The atoms of a pair at f and -f, in a cell with a = b = c. `asked`: how often it was, by method; `active`: which
    of the methods do their work."""

    def __init__(self, active: tuple[str, ...] = ASKED) -> None:
        self.active, self.asked = active, dict.fromkeys(ASKED, 0)

    def _does(self, method: str) -> bool:
        self.asked[method] += 1
        return method in self.active

    def begin(self, states: States) -> States:
        return self._projected(states) if self._does("begin") else states

    def noise(self, noise: Noise, name: str) -> Noise:
        project = {"frac": odd, "lattice": equal}.get(name)
        return MappedNoise(noise, project) if self._does("noise") and project else noise

    def answer(self, predictions: Predictions, t: Tensor) -> Predictions:
        if not self._does("answer"):
            return predictions
        projected = {"frac": odd(predictions["frac"]), "lattice": equal(predictions["lattice"])}
        return predictions | projected

    def hold(self, states: States, t: Tensor) -> States:
        return self._projected(states) if self._does("hold") else states

    def _projected(self, states: States) -> States:
        first = states["frac"]["theta"][:, 0]
        frac = {"theta": torch.stack([first, wrap(-first)], 1), "velocity": odd(states["frac"]["velocity"])}
        return states | {"frac": frac, "lattice": {"x": equal(states["lattice"]["x"])}}


class Lopsided(Denoiser):
    """A network that breaks every symmetry, and remembers the coordinates and cells it was shown.

    even: added to what it says of both atoms alike, which is no concern of an inverted pair.
    """

    def __init__(self, even: float = 0.0) -> None:
        super().__init__()
        self.even, self.shown = even, []

    def forward(self, inputs, t, mask):
        frac, lattice = inputs["frac"], inputs["lattice"]
        self.shown.append((frac, lattice))
        skew = torch.tensor([[[0.3, -0.2, 0.5]], [[1.0, 0.4, -0.6]]]).transpose(0, 1)
        said = torch.sin(TAU * frac) + skew + self.even
        return {
            "frac": said,
            "lattice": 0.1 * lattice + torch.arange(6) * (0.2 + self.even) + frac.sum((1, 2))[:, None],
        }


def model(even: float = 0.0) -> CrystalModel:
    processes = {
        "species": Fixed(),
        "frac": Kinetic(KineticSettings(centred=False)),
        "lattice": Gaussian(GaussianSettings()),
    }
    return CrystalModel(processes, LogLengthsTanAngles(), Lopsided(even))


def walk(rules: Constraint, method: str, one: CrystalModel | None = None) -> list[States]:
    given, noise = Given.composition(SPECIES, MASK), Noise.of(0, torch.arange(COUNT))
    settings = SamplerSettings(method, steps=5)  # type: ignore[arg-type]
    return [
        states for _, states in trajectory(one or model(), MASK, settings, noise, given, constraints=[rules])
    ]


def broken(theta: Tensor, lattice: Tensor) -> float:
    """How far from inverted: angles in radians, or lattice channels."""
    lengths = lattice[:, :3]
    return max(
        wrap(theta.sum(1)).abs().max().item(), (lengths - lengths.mean(1, keepdim=True)).abs().max().item()
    )


def worst(path: list[States]) -> float:
    return max(broken(states["frac"]["theta"], states["lattice"]["x"]) for states in path)


@pytest.mark.parametrize("method", METHODS)
def test_the_sampler_calls_all_four_hooks(method: str) -> None:
    rules = Inverted()
    assert worst(walk(rules, method)) < 1e-5
    assert rules.asked["begin"] == 1
    assert rules.asked["hold"] == 5 + (method == "heun") * 4
    evaluations = SamplerSettings(method, steps=5).evaluations  # type: ignore[arg-type]
    assert rules.asked["answer"] == evaluations
    # priors of three processes, every step of each, and the correctors of two; heun and multistep move twice
    assert rules.asked["noise"] >= 3 * (1 + 5) + (method == "pc") * 2 * 5


@pytest.mark.parametrize("method", METHODS)
def test_each_hook_is_needed_where_states_are_not_held(method: str) -> None:
    """Start, noise and answers that obey keep the whole way so; without one of them it leaves."""
    assert worst(walk(Inverted(("begin", "noise", "answer")), method)) < 1e-4
    assert worst(walk(Inverted(("noise", "answer")), method)) > 0.05
    assert worst(walk(Inverted(("begin", "noise")), method)) > 0.05
    if method in ("em", "pc"):
        assert worst(walk(Inverted(("begin", "answer")), method)) > 0.05


def test_guided_answers_keep_the_constraint() -> None:
    def skewed(predictions, states, t, ask):
        return predictions | {"frac": predictions["frac"] + 5.0}

    given, noise = Given.composition(SPECIES, MASK), Noise.of(0, torch.arange(COUNT))
    settings = SamplerSettings("ode", steps=5)
    path = trajectory(model(), MASK, settings, noise, given, constraints=[Inverted()], guidance=skewed)
    for (_, guided), states in zip(path, walk(Inverted(), "ode"), strict=True):
        torch.testing.assert_close(guided["frac"], states["frac"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["em", "ode", "heun", "multistep"])
def test_held_states_are_all_that_the_network_is_shown(method: str) -> None:
    one = model()
    assert worst(walk(Inverted(("begin", "hold")), method, one)) < 1e-5
    assert isinstance(one.network, Lopsided)
    assert len(one.network.shown) == one.evaluations
    assert max(broken(TAU * frac, lattice) for frac, lattice in one.network.shown) < 1e-5
    free = model()
    walk(Constraint(), method, free)
    assert max(broken(TAU * frac, lattice) for frac, lattice in free.network.shown) > 0.05  # type: ignore[union-attr]


def crystals() -> Crystals:
    frac = torch.rand(COUNT, 1, 3, generator=torch.Generator().manual_seed(2))
    cells = torch.eye(3) * torch.tensor([3.0, 4.0, 5.0, 6.0])[:, None, None]
    return Crystals(SPECIES, torch.cat([frac, 1 - frac], 1), cells, MASK)


def loss(one: CrystalModel, rules: Constraint | None = None) -> dict[str, Tensor]:
    t = torch.tensor([0.1, 0.4, 0.7, 0.95])
    return one.loss(crystals(), t, Noise.of(1, torch.arange(COUNT)), rules)


def test_the_loss_is_of_states_and_predictions_that_keep_the_constraint() -> None:
    one, rules = model(), Inverted()
    found = loss(one, rules)
    assert isinstance(one.network, Lopsided)
    ((frac, lattice),) = one.network.shown
    assert broken(TAU * frac, lattice) < 1e-5
    assert rules.asked == {"begin": 0, "noise": 3, "answer": 2, "hold": 1}
    # what the constraint forbids the network to say costs it nothing; without the constraint it does
    same = loss(model(even=0.7), Inverted())
    torch.testing.assert_close(same["frac"], found["frac"])
    assert (loss(model(even=0.7))["frac"] - loss(model())["frac"]).abs().min() > 0.05


@pytest.mark.parametrize("method", ["noise", "hold"])
def test_states_in_the_loss_keep_the_constraint_by_noise_and_by_hold(method: str) -> None:
    one = model()
    loss(one, Inverted((method,)))
    ((frac, lattice),) = one.network.shown  # type: ignore[union-attr]
    assert broken(TAU * frac, lattice) < 1e-5
    free = model()
    loss(free, Inverted(()))
    ((frac, lattice),) = free.network.shown  # type: ignore[union-attr]
    assert broken(TAU * frac, lattice) > 0.05


def test_a_network_right_on_constrained_states_has_no_loss() -> None:
    """The targets are those of the projected noise."""
    one, noise = model(), Noise.of(1, torch.arange(COUNT))
    t, data = torch.tensor([0.1, 0.4, 0.7, 0.95]), crystals()
    channels, rules = one.encode(data), Inverted()
    target = {
        name: process.corrupt(channels[name], t, MASK, rules.noise(noise, name)).target
        for name, process in one.processes.items()
    }
    one.network = Right({"frac": target["frac"] + 3.0, "lattice": target["lattice"]})
    found = loss(one, rules)
    assert max(value.abs().max().item() for value in found.values()) < 1e-8
    assert loss(one)["frac"].min() > 0.1


class Right(Denoiser):
    def __init__(self, said: dict[str, Tensor]) -> None:
        super().__init__()
        self.said = said

    def forward(self, inputs, t, mask):
        return self.said


def test_a_self_conditioned_network_sees_constrained_guesses() -> None:
    one = model()
    one.self_conditioning = True
    with pytest.MonkeyPatch.context() as patch:
        guesses = []
        real = CrystalModel.guess

        def seen(self, states, predictions, t, mask):
            guesses.append(predictions)
            return real(self, states, predictions, t, mask)

        patch.setattr(CrystalModel, "guess", seen)
        patch.setattr("nucleate.model.crystal_model.with_guess", lambda inputs, guess, mask: inputs)
        loss(one, Inverted())
        walk(Inverted(), "em", one)
    assert len(guesses) == 6
    assert all(broken(guess["frac"], guess["lattice"]) < 1e-5 for guess in guesses)


def test_given_parts_are_a_constraint_and_are_refused_in_a_loss() -> None:
    one = model()
    held = Given(crystals(), {"frac": MASK}).on(one, Noise.of(0, torch.arange(COUNT)))
    assert isinstance(held, Constraint)
    for rules in (held, Together([Inverted(), held])):
        with pytest.raises(ValueError, match="no targets for the states"):
            loss(one, rules)
    assert loss(one, Together([Inverted()])).keys() == {"frac", "lattice"}


class Scaled(Constraint):
    """x to factor x + shift, whatever it is asked of: two of them do not commute."""

    def __init__(self, factor: float, shift: float) -> None:
        self.factor, self.shift = factor, shift

    def _moved(self, x: Tensor) -> Tensor:
        return self.factor * x + self.shift

    def begin(self, states: States) -> States:
        return {"frac": {"x": self._moved(states["frac"]["x"])}}

    def noise(self, noise: Noise, name: str) -> Noise:
        return MappedNoise(noise, self._moved)

    def answer(self, predictions: Predictions, t: Tensor) -> Predictions:
        return {"frac": self._moved(predictions["frac"])}

    def hold(self, states: States, t: Tensor) -> States:
        return self.begin(states)


def test_several_constraints_apply_in_order() -> None:
    both, t = Together([Scaled(2, 1), Scaled(3, 5)]), torch.zeros(COUNT)
    x, noise, again = torch.rand(COUNT, 2, 3), *(Noise.of(0, torch.arange(COUNT)) for _ in range(2))
    states = {"frac": {"x": x}}
    assert torch.equal(both.begin(states)["frac"]["x"], 3 * (2 * x + 1) + 5)
    assert torch.equal(both.hold(states, t)["frac"]["x"], 3 * (2 * x + 1) + 5)
    assert torch.equal(both.answer({"frac": x}, t)["frac"], 3 * (2 * x + 1) + 5)
    assert torch.equal(both.noise(noise, "frac").normal(2), 3 * (2 * again.normal(2) + 1) + 5)
    nothing = Constraint()
    assert nothing.begin(states) is nothing.hold(states, t) is states
    assert nothing.noise(noise, "frac") is noise
    assert nothing.answer(states["frac"], t) is states["frac"]


def test_mapped_noise_counts_on_the_stream_below() -> None:
    plain, below = (Noise.of(3, torch.arange(2)) for _ in range(2))
    mapped = MappedNoise(below, lambda x: -x, lambda x: x + 1)
    drawn = [mapped.normal(3), below.normal(3), mapped.uniform(3), mapped.at(5).normal(3)]
    expected = [-plain.normal(3), plain.normal(3), plain.uniform(3) + 1, -plain.at(5).normal(3)]
    for one, other in zip(drawn, expected, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(MappedNoise(below).normal(2), plain.normal(2))
    assert torch.equal(MappedNoise(below).uniform(2), plain.uniform(2))
