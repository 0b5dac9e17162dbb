"""What answers requests with crystals: a diffusion model, a folder of crystals, or what another package brings.

A generator answers each request once: with one crystal, or with a failure that says why there is none. The request and
the seed decide the answer, whatever else is asked for and in whatever batches, so that a job can be stopped, resumed
and shared out between processes. `nucleate.testing.generators` checks these promises.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nucleate.errors import ModelError, RecipeError
from nucleate.sampling.answer import HEADER, Answer, Cost, Failure, Generated
from nucleate.sampling.guidance import Guides
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.settings import MOST_SEED

__all__ = [
    "HEADER",
    "Answer",
    "Cost",
    "DrawOptions",
    "Failure",
    "Generated",
    "Generator",
    "Task",
    "check_space_group",
]

Task = Literal["csp", "dng"]
"""Whether a composition has to be given (crystal structure prediction) or may be invented (de novo generation)."""


def check_space_group(generator: Generator, request: Request) -> None:
    """Raise ModelError for a space group whose sites the generator would have to choose and can't."""
    if request.space_group is not None and not generator.chooses_sites:
        raise ModelError(
            f"{generator.name} can't choose the sites of space group {request.space_group}",
            "give it a template of this space group, or take a generator of sequences, such as wyckoff-mp20",
        )


@dataclass(frozen=True)
class DrawOptions:
    """How requests are worked on. No option changes a crystal.

    Attributes:
        with_path: record the way from noise to crystal. Only for generators that have one.
        on_step: told after every step how many crystals have gone a step further.
        edges: padded pairs of atoms (crystals times atoms squared) in a batch; None for what suits the device.
    """

    with_path: bool = False
    on_step: Callable[[int], None] | None = None
    edges: int | None = None


class Generator(ABC):
    """Requests in, crystals out. A subclass says what it can be asked for and writes `answers`.

    Attributes:
        name: by which files call it.
        task: whether it needs a composition.
        settings: those it draws with by default, a frozen dataclass; None where there is nothing to set.
        conditions: names of the properties that a request may ask for.
        fixes: whether a request may fix a cell or atoms (`Request.known`).
        symmetric: whether a request may ask for a template's symmetry (`Request.template`).
        chooses_sites: whether a request may ask for a space group and leave the sites to the generator
            (`Request.space_group`). Such a generator may be asked for an open number of formula units too, or of atoms.
        ranked: whether sample i of a composition is its i-th best structure, different from the others, instead of a
            draw. Such a generator may be asked for a composition whose number of formula units is open
            (`Request.units`), and works on all samples of a composition together.
        restricts: whether a request may say which elements a crystal may have (`Request.allowed`).
        has_path: whether there is a way from noise to crystal that can be recorded.
        pullable: whether predictors may steer it by their gradients (`Request.pulls`), by its `guides`.
        model: the network behind it, None without one.
    """

    name: str
    task: Task = "csp"
    settings: Any = None
    conditions: Sequence[str] = ()
    fixes: bool = False
    symmetric: bool = False
    chooses_sites: bool = False
    ranked: bool = False
    restricts: bool = False
    has_path: bool = False
    pullable: bool = False
    guides: Guides | None = None
    model: Any = None

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """Elements and sizes that can be asked for."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What the crystals hang on besides request, seed and settings: a checksum of weights, an index, a folder.

        It stands in job.json: a job is only resumed with a generator of the same identity.
        """

    @abstractmethod
    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        """An answer to each request, in any order, in batches as they come."""

    def draw(
        self, requests: Sequence[Request], settings: Any = None, seed: int = 0,
        options: DrawOptions = DrawOptions(),
    ) -> Iterator[Sequence[Answer]]:  # fmt: skip
        """As `answers`, for what was checked: each request is answered once, or a ModelError says that it was not.

        Raises NucleateError with a hint for a seed, an option or a request that can't be.
        """
        if not 0 <= seed <= MOST_SEED:
            raise RecipeError(f"the seed must be from 0 to {MOST_SEED}; got {seed}", "give another seed")
        if options.with_path and not self.has_path:
            raise ModelError(f"{self.name} has no trajectories to record", "leave --trajectory out")
        self.check(requests)
        return self._each_once(requests, self.settings if settings is None else settings, seed, options)

    @property
    def settings_kind(self) -> type | None:
        """Class of its settings, by which those of an older job are read; None where there are none."""
        return None if self.settings is None else type(self.settings)

    def check(self, requests: Sequence[Request]) -> None:
        """Raise ModelError for a request of a kind that this generator can't answer."""
        for request in requests:
            for name, _ in request.condition:
                if name not in self.conditions:
                    known = ", ".join(self.conditions) or "none: leave the condition out"
                    raise ModelError(f"{self.name} has no condition '{name}'", f"conditions: {known}")
            if request.known is not None and not self.fixes:
                raise ModelError(
                    f"{self.name} can't keep a cell or atoms that are given",
                    "take a diffusion model for this",
                )
            if request.template is not None and not self.symmetric:
                raise ModelError(
                    f"{self.name} can't keep a symmetry that is given", "take a diffusion model for this"
                )
            check_space_group(self, request)
            if request.allowed and not self.restricts:
                raise ModelError(
                    f"{self.name} can't keep to given elements", "take a diffusion model for this"
                )
            if request.pulls:
                raise ModelError(
                    f"{self.name} can't be steered by a predictor", "take a diffusion model for this"
                )
            if 0 in request.species and self.task == "csp":
                raise ModelError(
                    f"{self.name} predicts the structure of a composition and invents none",
                    "use 'nucleate predict', or a model with task dng ('nucleate models' lists them)",
                )

    def identity_with(self, settings: Any) -> str:
        """Its identity where it has these settings, None for the usual ones: settings may choose what answers."""
        return self.identity

    def on(self, base: Generator) -> Generator:
        """The same generator with the one that it starts from. Raises ModelError for one that starts from none."""
        raise ModelError(f"{self.name} starts from no other generator", f"leave {base.name} out")

    def steps(self, settings: Any) -> int:
        """How often `on_step` hears of each crystal; progress is shown in these steps."""
        return 1

    def about(self, settings: Any) -> list[str]:
        """Lines for a log: on what machine it draws, at what cost."""
        return [f"settings: {settings}"]

    def facts(self) -> dict[str, str]:
        """What it is, by name, for people."""
        return {}

    def patient_settings(self) -> Any:
        """Its settings where a person asks for a few compositions, which may take longer; the usual ones by default."""
        return self.settings

    def methods(self) -> Sequence[str]:
        """Names of the methods that it can draw by."""
        return ()

    def settings_by(self, method: str | None = None, steps: int | None = None, nfe: int | None = None) -> Any:
        """Its settings with another method, number of steps or of network evaluations, where it has such things.

        Raises RecipeError where it has not.
        """
        asked = {"sampler": method, "steps": steps, "nfe": nfe}
        for name, value in asked.items():
            if value is not None:
                raise RecipeError(f"{name} {value} means nothing to {self.name}", f"leave --{name} out")
        return self.settings

    def _each_once(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        hint = "this is a mistake in that generator: tell its authors"
        waiting = Counter(request.key for request in requests)
        for batch in self.answers(requests, settings, seed, options) if requests else ():
            for one in batch:
                if not waiting[one.request.key]:
                    raise ModelError(f"{self.name} answered a request for {one.request.name} twice", hint)
                waiting[one.request.key] -= 1
            yield batch
        if lost := waiting.total():
            raise ModelError(f"{self.name} left {lost} of {len(requests)} requests without an answer", hint)
