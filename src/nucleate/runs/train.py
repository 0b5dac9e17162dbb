"""A training run in a folder: recipe.toml, metrics.jsonl, tensorboard/, last.ckpt and the models in model/ (lowest
validation loss), model-match/ (highest match rate, where that is measured) and model-last/."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from nucleate.data.conditions import completed
from nucleate.data.dataset import Dataset
from nucleate.data.feed import Examples
from nucleate.data.table import CrystalTable
from nucleate.errors import NucleateError, TrainingError
from nucleate.model.trainable import Trainable
from nucleate.recipes.contract import AnyRecipe
from nucleate.runs.card import make_card
from nucleate.runs.claim import check_same_data, claim_run
from nucleate.runs.devices import Hardware, Precision, launch, resolve
from nucleate.runs.match_rate import match_rate_judge
from nucleate.runs.model_folder import take_over
from nucleate.runs.replacing import KNOWN, check_replacing, knowledge_of, with_replaced
from nucleate.runs.splits import check_conditions, check_splits
from nucleate.runs.subject import Subject
from nucleate.training.batches import steps_per_epoch
from nucleate.training.hooks import Hooks
from nucleate.training.loop import Trainer
from nucleate.training.orbit_split import Found, in_order, orbit_examples, orbits_of
from nucleate.training.progress import Budget, Counters
from nucleate.training.shaken import Shaken, check_shaking
from nucleate.training.symmetric_split import SymmetricSplit, obeying, symmetric_examples

FOLDERS = {"best": "model", "match": "model-match", "last": "model-last"}
Tell = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """How a call of `train_recipe` ended.

    Attributes:
        counters: progress of the run.
        state: `trained` to the end of the budget, `stopped` by a signal with a checkpoint saved, or `finished` by an
            earlier call already.
        main: whether this process reports to the user, where there are several.
    """

    counters: Counters
    state: Literal["trained", "stopped", "finished"]
    main: bool


def train_recipe(
    recipe: AnyRecipe, data: Path, run: Path, *, epochs: int | None = None, minutes: float | None = None,
    resume: bool = False, start_from: Path | None = None, hardware: Hardware | None = None, visible: bool = True,
    tell: Tell | None = None, subject: Subject = Subject(), timer: Callable[[], float] = time.perf_counter,
) -> Outcome:  # fmt: skip
    """Train a recipe on a data set folder.

    The budget counts from the start of the run: epochs (the recipe's by default), or minutes including
    validation. `start_from`: a model folder whose weights and statistics are taken over wherever names and shapes
    agree, for fine-tuning or another task; a checkpoint that is resumed takes precedence. `tell` is called with
    messages for the user, in whole sentences. `subject` makes and saves what is trained. `timer` measures the minutes:
    `time.process_time` where a machine does other work beside. Raises TrainingError if the
    run folder is taken and resume is not asked, DataError if the data can't be trained on.
    """
    budget = Budget(0, minutes, timer)
    hardware = hardware or Hardware()
    fabric = launch(hardware)
    precision = resolve(recipe.training.precision, fabric.device.type)
    tell = tell if tell and fabric.global_rank == 0 else _silent
    _once(fabric, partial(check_splits, data))
    dataset = Dataset.open(data)
    names = recipe.conditions or ()
    train, val = (completed(dataset.split(name), names) for name in ("train", "val"))
    _once(fabric, partial(check_conditions, data, recipe, train))
    recipe = recipe.described_by(train)
    model = subject.made(recipe, train)
    model.bf16 = precision == "bf16-mixed"
    if start_from is not None:
        taken = take_over(model, start_from)
        tell(f"{taken} of {len(model.state_dict())} tensors start as those of {start_from}")
    # what can be refused is refused before the folder is taken
    more = _with_more(fabric, recipe, model)
    _once(fabric, partial(check_replacing, recipe))
    _once(fabric, partial(check_shaking, model, recipe.training.shake))
    found = [] if more else [model.examples(split, fabric.device) for split in (train, val)]
    _once(fabric, partial(claim_run, run, recipe, resume))
    if more:
        if not any(run.glob("*-train.npz")):
            tell(
                f"finding the symmetry of {len(train) + len(val):,} crystals, once for this run: about 2 ms each"
            )
        found = [more(split, run, name) for name, split in (("train", train), ("val", val))]
    examples, held_out = found
    if recipe.training.replace:
        first = _once(fabric, partial(knowledge_of, run / KNOWN))
        known = first or knowledge_of(run / KNOWN, write=False)
        examples = with_replaced(examples, recipe.training.replace, known, recipe.task == "dng")
    if recipe.training.shake:
        examples = Shaken(examples, recipe.training.shake)
    if epochs is None:
        epochs = recipe.training.epochs if minutes is None else 10**9
    budget = replace(budget, steps=epochs * steps_per_epoch(len(examples.sizes), recipe.training.batch))
    card = make_card(recipe, dataset, train, model, hardware.devices * hardware.nodes, fabric.device)
    hooks = Hooks(_exporter(run, recipe, card, subject), _judge(recipe, val, tell))
    trainer = Trainer(fabric, model, examples, held_out, recipe.training, budget, run, hooks)
    try:
        return _train(trainer, dataset, precision, resume, visible, tell)
    except TrainingError:
        # Every process meets the same error; one of them reports it.
        if trainer.main:
            raise
        raise SystemExit(0) from None


def _train(
    trainer: Trainer, dataset: Dataset, precision: Precision, resume: bool, visible: bool, tell: Tell
) -> Outcome:
    if resume and not trainer.resume():
        tell(f"{trainer.run} holds no checkpoint yet, so the run starts from the beginning")
    check_same_data(trainer.counters, dataset, trainer.run)
    if trainer.progress >= 1:
        return Outcome(trainer.counters, "finished", trainer.main)
    _note_precision(trainer.counters, precision, tell)
    completed = trainer.fit(visible, tell)
    return Outcome(trainer.counters, "trained" if completed else "stopped", trainer.main)


def _with_more(
    fabric: Any, recipe: AnyRecipe, model: Trainable
) -> Callable[[CrystalTable, Path, str], Examples] | None:
    """Makes splits of which more is found than the data say, and kept in the run's folder; None for plain ones."""
    if recipe.training.symmetry:
        free = obeying(model)
        return lambda split, run, name: symmetric_examples(
            free, _symmetric(fabric, split, run / f"symmetry-{name}.npz"), fabric.device
        )
    if recipe.training.order == "orbits":
        ordered = in_order(model)
        return lambda split, run, name: orbit_examples(
            ordered, split, _orbits(fabric, split, run / f"orbits-{name}.npz"), fabric.device
        )
    return None


def _orbits(fabric: Any, table: CrystalTable, file: Path) -> Found:
    """The orbits of a split: the first process finds them and writes the file, the others then read it."""
    first = _once(fabric, partial(orbits_of, table, file))
    return orbits_of(table, file, write=False) if first is None else first


def _symmetric(fabric: Any, table: CrystalTable, file: Path) -> SymmetricSplit:
    """A split under symmetry: the first process finds the operations and writes the file, the others then read it."""
    first = _once(fabric, partial(SymmetricSplit.of, table, file))
    return first or SymmetricSplit.of(table, file, write=False)


def _once(fabric: Any, work: Callable[[], T]) -> T | None:
    """Do some work in the first process only; the others wait and get None.

    Its error ends all processes, and only the first one reports it.
    """
    error = done = None
    if fabric.global_rank == 0:
        try:
            done = work()
        except NucleateError as found:
            error = found
    failed = fabric.broadcast(error is not None) if fabric.world_size > 1 else error is not None
    if error is not None:
        raise error
    if failed:
        raise SystemExit(0)
    return done


def _note_precision(counters: Counters, precision: Precision, tell: Tell) -> None:
    """A run may be resumed in another precision, for example on another machine: tell the user, and record it."""
    before = counters.precisions
    if before and before[-1] != precision:
        tell(
            f"the run goes on in {precision} and has so far been in {before[-1]}: it no longer repeats, bit for bit, "
            f"a run without the break (training.precision={before[-1]} would)"
        )
    counters.precisions = [*before, precision] if before[-1:] != [precision] else before


def _exporter(run: Path, recipe: AnyRecipe, card: dict[str, Any], subject: Subject):
    def export(model: Trainable, kind: str, metrics: dict[str, float], counters: Counters) -> None:
        model.settle()
        training = {
            "steps": counters.step,
            "crystals": counters.crystals,
            "minutes": round((counters.seconds + counters.paused) / 60, 2),
            "precision": ", ".join(counters.precisions),
        }
        subject.save(run / FOLDERS[kind], model, recipe, {**card, "training": training, "metrics": metrics})

    return export


def _judge(recipe: AnyRecipe, val: CrystalTable, tell: Tell):
    if not recipe.training.match_every:
        return None
    judge = match_rate_judge(recipe, val)
    if judge is None:
        tell("no match rates during training: pymatgen is not installed")
    return judge


def _silent(text: str) -> None:
    pass
