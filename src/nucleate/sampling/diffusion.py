"""A CrystalModel as a generator: crystals from noise, by processes and a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from nucleate.errors import ModelError, RecipeError
from nucleate.model.crystal_model import CrystalModel
from nucleate.sampling.condition import check_conditions
from nucleate.sampling.generate import EDGES, generate
from nucleate.sampling.generator import Answer, DrawOptions, Task, check_space_group
from nucleate.sampling.learned import LearnedGenerator
from nucleate.sampling.methods.registry import methods
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings, scaled
from nucleate.settings import from_dict


class DiffusionGenerator(LearnedGenerator):
    """Draws from a model by a sampler.

    Attributes:
        name: by which files call it.
        model: the processes and the network.
        task: whether it needs a composition.
        settings: the model's own sampler.
        card: what it was trained on, which says what it can be asked for.
        samplers: others by name, such as `paper`.
    """

    fixes = True
    symmetric = True
    restricts = True
    has_path = True
    pullable = True
    settings: SamplerSettings

    def __init__(
        self, name: str, identity: str, model: CrystalModel, task: Task, settings: SamplerSettings,
        card: Mapping[str, Any], samplers: Mapping[str, SamplerSettings] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, identity, model, settings, card)
        self.task, self.samplers = task, samplers or {}
        self.conditions = model.conditions

    @property
    def settings_kind(self) -> type[SamplerSettings]:
        return SamplerSettings

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    @property
    def edges(self) -> int:
        """Padded pairs of atoms in a batch that suit the device."""
        return EDGES if self.device.type == "cpu" else 32 * EDGES

    def check(self, requests: Sequence[Request]) -> None:
        """Raise ModelError for a condition that the network is not told, and for elements to keep to where it is given
        all species. What else it can't do, sampling says."""
        check_conditions(requests, self.conditions, self.model.described)
        for request in requests:
            check_space_group(self, request)
        if any(request.pulls for request in requests):
            if self.guides is None:
                raise ModelError(
                    f"{self.name} has no predictor that could steer it", "load one with --predictor"
                )
            self.guides.check(requests)
        if self.task == "csp" and any(request.allowed for request in requests):
            raise ModelError(
                f"{self.name} is given all elements and chooses none", "take a model with task dng for this"
            )

    def answers(
        self, requests: Sequence[Request], settings: SamplerSettings, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        yield from generate(
            self.model, requests, settings, seed, edges=options.edges or self.edges,
            with_path=options.with_path, on_step=options.on_step, guides=self.guides,
        )  # fmt: skip

    def steps(self, settings: SamplerSettings) -> int:
        return settings.steps

    def about(self, settings: SamplerSettings) -> list[str]:
        return [
            f"on {self.device}, {torch.get_num_threads()} CPU threads; torch {torch.__version__}",
            f"{settings.evaluations} network evaluations for each crystal: {settings}",
        ]

    def methods(self) -> Sequence[str]:
        return list(methods())

    def settings_by(
        self, method: str | None = None, steps: int | None = None, nfe: int | None = None
    ) -> SamplerSettings:
        """The model's own sampler, or the best one known for `nfe` evaluations, with another method or step count.

        `method` is a method, or a name in `samplers`. A method that is not the model's own comes with what goes with it
        by name: `pc` with the corrector `expected`. Raises RecipeError for both nfe and steps.
        """
        if nfe is not None and steps is not None:
            raise RecipeError(
                f"{nfe} network evaluations and {steps} steps both say how long to sample", "give one of them"
            )
        settings = self.samplers.get(method or "", self.settings)
        try:
            if method is not None and method not in self.samplers:
                settings = from_dict(type(settings), settings.with_method(method), "sampler.")
        except RecipeError as error:
            more = ", ".join(self.samplers)
            raise RecipeError(error.message, f"{error.hint}{more and '; by name: '}{more}") from None
        settings = settings if nfe is None else scaled(settings, nfe)
        return settings if steps is None else replace(settings, steps=steps)
