"""Methods: abilities and settings of processes, and methods of other packages. What all must do: `nucleate.testing`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from nucleate import plugins
from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move, Process
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings, GaussianStep
from nucleate.processes.kinetic import Kinetic, KineticSettings, KineticStep
from nucleate.processes.masked import Masked, MaskedSettings, MaskedStep
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.sampling.loop import sample
from nucleate.sampling.methods.base import Method
from nucleate.sampling.methods.pc import PredictorCorrectorSettings
from nucleate.sampling.methods.registry import BUILT_IN, get_method, methods
from nucleate.sampling.settings import SamplerSettings
from nucleate.sampling.walk import Walk
from nucleate.settings import from_dict, override, to_dict


def test_a_process_can_take_the_steps_that_it_defines():
    diffusion = {"flow", "step", "correction", "probability"}
    assert Gaussian(GaussianSettings()).can == diffusion | {"distribution"}
    assert Kinetic(KineticSettings()).can == WrappedNormal(WrappedNormalSettings()).can == diffusion
    assert Masked(MaskedSettings()).can == {"step", "distribution", "probability"}
    assert Fixed().can == {"step"}


class Stuck(Fixed):
    """A quantity that has no way to move."""

    can = frozenset()


def test_a_process_without_what_a_method_takes_is_named():
    sentence = "method = ode needs a probability flow or a stochastic step of species, and Stuck has none"
    with pytest.raises(RecipeError, match=sentence):
        get_method("ode")().check({"species": Stuck()})


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda p, state, move: p.follow(state, state["x"], move), "probability flow"),
        (lambda p, state, move: p.correct(state, state["x"], move), "Langevin corrector"),
    ],
    ids=["flow", "correction"],
)
def test_a_process_names_its_missing_ability(call, what, mask, noise):
    t = torch.zeros(3)
    masked = Masked(MaskedSettings())
    with pytest.raises(RecipeError, match=f"Masked has no {what}"):
        call(masked, masked.prior(mask, noise), Move(t, t + 0.1, mask, noise))


def test_every_setting_has_one_owner():
    """No name is declared twice, and none is lost."""
    owners = (PredictorCorrectorSettings, KineticStep, GaussianStep, MaskedStep)
    owned = [name for kind in owners for name in kind.__dataclass_fields__]
    assert len(set(owned)) == len(owned)
    assert set(owned) == {
        "order", "predictor", "predictor_frac", "predictor_lattice", "predictor_species", "corrects", "tau",
        "corrector", "drift_in_corrector", "euler", "temperature",
    }  # fmt: skip
    assert set(owned) < set(to_dict(SamplerSettings()))


def test_each_owner_gets_only_its_own_settings():
    settings = SamplerSettings(
        euler=True, temperature=0.5, drift_in_corrector=False, tau=0.1, anneal_lattice=2.0
    )
    zero = torch.zeros(1)
    move = Move(zero, zero + 1, torch.ones(1, 1, dtype=torch.bool), Noise.of(0, torch.arange(1)))
    told = {
        name: settings.owned(move, name, process)
        for name, process in {
            "species": Masked(MaskedSettings()),
            "frac": Kinetic(KineticSettings()),
            "lattice": Gaussian(GaussianSettings()),
        }.items()
    }
    assert told["species"].settings == MaskedStep(temperature=0.5)
    assert told["frac"].settings == KineticStep(drift_in_corrector=False)
    assert told["lattice"].settings == GaussianStep(euler=True)
    assert [told[name].anneal for name in told] == [0, 0, 2]
    assert settings.made().settings == PredictorCorrectorSettings(tau=0.1)


def test_each_batch_has_its_own_method():
    settings = SamplerSettings("multistep", steps=3)
    assert settings.made() is not settings.made()


# Of another package


@dataclass(frozen=True, kw_only=True)
class HalfSettings:
    share: float = 0.5


class Half(Method):
    """Goes a share of the way along the flow."""

    name = "half"
    Settings = HalfSettings
    takes = ("flow",)

    def step(self, walk, states, move):
        t_next = move.t + self.settings.share * (move.t_next - move.t)
        shorter = Move(move.t, t_next, move.mask, move.noise)
        return walk.moved(states, walk.ask(states, move.t, move.mask), shorter, lambda name: Process.along)


class Point:
    value = "theirs:METHODS"

    def __init__(self, found) -> None:
        self.found = found

    def load(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def theirs(monkeypatch):
    """The method of another package, found by its entry point."""
    points = {"nucleate.methods": [Point((Half,))]}
    monkeypatch.setattr(plugins, "entry_points", lambda group: points[group])
    methods.cache_clear()
    yield points
    methods.cache_clear()


def test_a_method_of_another_package_has_its_settings_among_the_samplers(theirs):
    settings = from_dict(SamplerSettings, {"method": "half", "steps": 4, "share": 0.25}, "sampler.")
    assert settings.made().settings == HalfSettings(share=0.25)
    assert settings.evaluations == 4
    assert from_dict(SamplerSettings, to_dict(settings)) == settings
    assert override(settings, ["share=1.0"]).made().settings == HalfSettings(share=1.0)
    assert override(SamplerSettings(), ["method=half", "share=0.1"]).made().settings.share == 0.1
    assert settings.with_method("ode") == to_dict(SamplerSettings("ode", steps=4))
    assert set(to_dict(SamplerSettings())) == set(to_dict(settings)) - {"share"}


def test_a_method_of_another_package_moves_a_model(theirs, mask, noise):
    class Steady(CrystalModel):
        def denoise(self, states, t, mask, guess=None, condition=None):
            return {"lattice": torch.ones(3, 6)}

    model = Steady({"lattice": Gaussian(GaussianSettings())}, LogLengthsTanAngles(), Denoiser())
    draws = [from_dict(SamplerSettings, {"method": "half", "steps": 2, "share": s}) for s in (0.5, 1.0)]
    walks = [Walk(model), Walk(model)]
    states = {"lattice": model.processes["lattice"].prior(mask, noise)}
    zero = torch.zeros(3)
    one, other = (
        settings.made().step(walk, states, Move(zero, zero + end, mask, noise))["lattice"]["x"]
        for settings, walk, end in zip(draws, walks, (0.4, 0.2), strict=True)
    )
    torch.testing.assert_close(one, other)
    inventive = CrystalModel({"species": Masked(MaskedSettings())}, LogLengthsTanAngles(), Denoiser())
    with pytest.raises(RecipeError, match="half needs a probability flow of species, and Masked has none"):
        sample(inventive, mask, draws[0], noise)


def test_a_broken_package_is_skipped_with_a_warning(theirs):
    theirs["nucleate.methods"] = [Point(OSError("no such disk")), Point((Half,))]
    with pytest.warns(
        UserWarning, match="the methods of 'theirs:METHODS' can't be loaded \\(no such disk\\)"
    ):
        assert list(methods()) == [*BUILT_IN, "half"]


def test_built_in_methods_take_precedence(theirs):
    class Other(Half):
        name = "ode"

    theirs["nucleate.methods"] = [Point((Other,))]
    assert methods()["ode"] is get_method("ode") is BUILT_IN["ode"]


@pytest.mark.parametrize("wrong", ["thesis", 5, None, ["ode"]])
def test_an_unknown_method_is_refused_with_the_known_names(wrong):
    with pytest.raises(RecipeError, match=r"sampler\.method can't be ") as caught:
        from_dict(SamplerSettings, {"method": wrong}, "sampler.")
    assert caught.value.hint == "one of: em, ode, heun, multistep, pc"
    with pytest.raises(RecipeError, match="method can't be 'thesis'"):
        SamplerSettings("thesis")


@dataclass(frozen=True, kw_only=True)
class SpringStep:
    stiffness: float = 1.0


@dataclass(frozen=True)
class SpringSampler(SpringStep, SamplerSettings):
    """Settings of a recipe of another package, whose process has something to set for a step."""


def test_a_recipe_of_another_package_may_extend_the_samplers_settings(theirs):
    class Spring(Gaussian):
        step_settings = SpringStep

    settings = override(SpringSampler("ode"), ["stiffness=3.0", "method=half", "share=0.2"])
    assert isinstance(settings, SpringSampler)
    assert settings.part(Spring.step_settings) == SpringStep(stiffness=3.0)
    assert settings.made().settings == HalfSettings(share=0.2)
    assert type(override(settings, ["share=0.3"])).__mro__[1] is SpringSampler
