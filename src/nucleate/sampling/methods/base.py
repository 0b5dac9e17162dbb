"""What a method is: one way to take all processes of a model from t to t_next.

    for t, t_next in pairwise(times):
        states = method.step(walk, states, move)      # sampling/loop.py

A method is an object with settings and a state of its own, made for one batch. It asks the model (`walk.ask`), as often
as it says, and moves each process in a way that the process can. Files beside this one hold one method each; other
packages bring theirs (`nucleate.sampling.methods.registry`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from nucleate.errors import RecipeError
from nucleate.model.crystal_model import States
from nucleate.processes.base import NAMES, Ability, Move, NoSettings, Process, State
from nucleate.sampling.walk import Walk


class Method(ABC):
    """One way to go from t to t_next, for one batch.

    Attributes:
        name: by which it is found.
        Settings: class of its own settings, a frozen dataclass of keywords with defaults.
        deterministic: whether it draws no noise for a process that has a probability flow.
        asks: network evaluations of a step.
        takes: what it asks of a process: any of these is enough.
        by_name: settings that go with it where it is asked for by its name and nothing more is said.
    """

    name: ClassVar[str]
    Settings: ClassVar[type] = NoSettings
    deterministic: ClassVar[bool] = False
    asks: ClassVar[int] = 1
    takes: ClassVar[tuple[Ability, ...]] = ("flow", "step")
    by_name: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, settings: Any = None) -> None:
        self.settings = self.Settings() if settings is None else settings

    @abstractmethod
    def step(self, walk: Walk, states: States, move: Move) -> States:
        """The states at the move's t_next."""

    def evaluations(self, steps: int, to_data: bool) -> int:
        """Network evaluations of so many steps, the last of which ends on the data or before it."""
        return self.asks * steps

    def check(self, processes: Mapping[str, Process]) -> None:
        """Raise RecipeError where a process has nothing of what the method takes."""
        for name, process in processes.items():
            if not process.can.intersection(self.takes):
                needed = " or ".join(f"a {NAMES[ability]}" for ability in self.takes)
                raise RecipeError(
                    f"method = {self.name} needs {needed} of {name}, and {type(process).__name__} has none",
                    "take another method, or a recipe with another process",
                )


def along(process: Process, state: State, prediction: Tensor, move: Move) -> State:
    """A step along the probability flow; a drawn one of a process that has none."""
    if "flow" in process.can:
        return process.along(state, prediction, move)
    return process.step(state, prediction, move)


def drawn(process: Process, state: State, prediction: Tensor, move: Move) -> State:
    """A step of the reverse stochastic process; along the probability flow where there is none."""
    if "step" in process.can:
        return process.step(state, prediction, move)
    return process.along(state, prediction, move)
