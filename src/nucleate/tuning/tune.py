"""Tune a model by a reward: rounds of drawing, scoring and learning, in a folder that goes on where it stopped."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from nucleate.errors import RecipeError
from nucleate.rewards.diversity import filtered
from nucleate.rewards.files import read_reward
from nucleate.rewards.reward import Reward
from nucleate.settings import override, to_dict
from nucleate.training.interrupt import StopRequest
from nucleate.tuning import record
from nucleate.tuning.base import Base
from nucleate.tuning.curve import line_of, row_of
from nucleate.tuning.judge import Judge
from nucleate.tuning.learner import Learner
from nucleate.tuning.policy import StepPolicy
from nucleate.tuning.result import is_saved, save_tuned
from nucleate.tuning.sequences import SequencePolicy, sequences_base
from nucleate.tuning.settings import Budget
from nucleate.tuning.weighted import RewardWeighted

Tell = Callable[[str], None]
METHODS: dict[str, type[Learner]] = {one.name: one for one in (RewardWeighted, StepPolicy, SequencePolicy)}
EVERY = 10
"""Rounds between two times that the model is written."""


@dataclass(frozen=True)
class Tuned:
    """How a call ended.

    Attributes:
        model: the folder of the tuned model.
        state: `tuned` to the end of the budget, `stopped` by a signal, or `finished` by an earlier call.
        rounds, calls: of the run.
        rows: of its curve.
    """

    model: Path
    state: Literal["tuned", "stopped", "finished"]
    rounds: int
    calls: int
    rows: tuple[Mapping[str, Any], ...]


def tune(
    model: str | Path, reward: Reward | Path | str, out: Path | str, method: str = "weighted", *,
    budget: Budget = Budget(), settings: Sequence[str] = (), formulas: Sequence[str] = (),
    data: Path | str | None = None, structures: str | None = None, judge: str = "auto",
    device: str = "auto", tell: Tell | None = None,
    warn: Tell | None = None,
) -> Tuned:  # fmt: skip
    """Tune a model by a reward, or go on with such a run.

    Args:
        model: name or folder of what is tuned.
        reward: what is good, or a file that says it.
        out: folder of the run; the tuned model lies in its `model`.
        method: `weighted`, `policy` or `sequences`.
        budget: when it ends; without any limit after 1,000 calls.
        settings: changes such as `draws=32`; see `nucleate.tuning.settings`.
        formulas: compositions for a model that has to be given them.
        data: data set that stands for draws of the untouched model (`weighted`).
        structures: structure model behind Wyckoff sequences (`sequences`).
        judge: predictor that reports beside the reward; `auto` for the shipped partner of the one that rewards, `none`.
        device: as in `nucleate.load`.
        tell: called with a line for each round.
        warn: called with warnings; by default one of Python.

    Raises NucleateError for what can't be asked, before anything is drawn, and for a folder that holds another run.
    """
    tell, run = tell or _silent, Path(out)
    if method not in METHODS:
        raise RecipeError(f"no method of tuning is called '{method}'", f"one of: {', '.join(METHODS)}")
    kind = METHODS[method]
    chosen = override(kind.Settings(), list(settings))
    opened = reward if isinstance(reward, Reward) else read_reward(reward)
    watching = Judge.of(judge, opened, warn or _warn)
    base = _base(kind, model, formulas, structures, device)
    what = {
        "base": base.name, "weights": base.checksum, "method": method, "settings": to_dict(chosen),
        "reward": opened.identity, "formulas": list(formulas), "data": str(data or ""),
        "structures": structures or "",
        "judge": watching.name if watching else "none",
    }  # fmt: skip
    learner = _learner(kind, base, chosen, run, data)
    record.claim(run, what)
    progress = record.resume(run, learner)
    limits = budget if budget != Budget() else replace(budget, calls=1000)
    return _Run(run, learner, opened, watching, what, tell).go(progress, limits)


def _base(
    kind: type[Learner], model: str | Path, formulas: Sequence[str], structures: str | None, device: str
) -> Base:
    if kind is not SequencePolicy:
        if structures is not None:
            raise RecipeError(
                f"structures have no effect on the method {kind.name}", "leave --structures out"
            )
        return Base.of(model, formulas, device)
    if formulas:
        raise RecipeError("sequences choose the composition, and some are given", "leave the formulas out")
    return sequences_base(model, structures, device)


def _learner(kind: type[Learner], base: Base, settings: Any, run: Path, data: Path | str | None) -> Learner:
    if data is None:
        return kind(base, settings, run)
    if kind is not RewardWeighted:
        raise RecipeError(f"data has no effect on the method {kind.name}", "leave --data out")
    return RewardWeighted(base, settings, run, Path(data))


class _Run:
    """One call: what does not change while it goes on."""

    def __init__(
        self,
        run: Path,
        learner: Learner,
        reward: Reward,
        judge: Judge | None,
        what: dict[str, Any],
        tell: Tell,
    ) -> None:
        self.run, self.learner, self.reward, self.judge = run, learner, reward, judge
        self.what, self.tell = what, tell

    def go(self, progress: record.Progress, budget: Budget) -> Tuned:
        state = "finished"
        with StopRequest() as stop:
            while not budget.spent(progress.calls, progress.rounds, progress.seconds):
                if stop.asked:
                    state = "stopped"
                    break
                self._round(progress)
                state = "tuned"
                if progress.rounds % EVERY == 0:
                    self._save_model(progress)
        folder = self.run / "model"
        if progress.rounds and not is_saved(folder, progress.rounds):
            self._save_model(progress)
        return Tuned(folder, state, progress.rounds, progress.calls, tuple(progress.rows))

    def _round(self, progress: record.Progress) -> None:
        started, number, learner = time.monotonic(), progress.rounds + 1, self.learner
        known = record.read_round(self.run, number)
        drawn = known[0] if known else learner.draw(number)
        scores = known[1] if known else self.reward(drawn.cells)
        if not known:
            record.write_round(self.run, number, drawn, scores)
        remembered = [tuple((a, b) for a, b in formula) for formula in progress.formulas]
        values, memory = filtered(drawn.cells, scores.value, remembered, self.reward.gates)
        losses = learner.learn(number, drawn, values)
        progress.rounds, progress.calls = number, progress.calls + scores.calls
        progress.formulas = [[list(pair) for pair in formula] for formula in memory]
        judged = self.judge(drawn.cells) if self.judge else None
        row = row_of(drawn, scores, values, judged)
        progress.seconds += time.monotonic() - started
        head = {"round": number, "calls": progress.calls, "seconds": round(progress.seconds, 1)}
        progress.rows.append({**head, **row, **losses})
        record.save(self.run, learner, progress)
        self.tell(line_of(number, progress.calls, len(drawn.cells), row))

    def _save_model(self, progress: record.Progress) -> None:
        save_tuned(self.run / "model", self.learner, self.what, progress.rounds, progress.calls)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)


def _silent(text: str) -> None:
    pass
