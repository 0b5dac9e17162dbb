"""CrystalModel: one process for each thing a crystal is made of, one codec for the lattice, one network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from nucleate.arrays import Conditions, Mask, PerCrystal, Species
from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.species import Codes, Numbers
from nucleate.crystals import Crystals
from nucleate.data.conditions import told
from nucleate.data.described import Described, columns_of
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.model.axes import disagreement, permuted, random_orders
from nucleate.model.condition import hidden, with_condition
from nucleate.model.constraint import FREE, Constraint, States
from nucleate.model.order import Orbits, drawn_order, multiplicities, ordered
from nucleate.model.self_conditioning import with_guess
from nucleate.model.symmetry_labels import SymmetryLabels
from nucleate.model.times import EARLIEST_NOISE, Times, training_times, validation_times
from nucleate.model.trainable import Trainable, repeatable
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Noised, Process
from nucleate.streams import ORBITS


class CrystalModel(Trainable):
    """A generative model of crystals as a composition.

    Only the network's products are ever in bfloat16: by `bf16`, or under the caller's autocast, which everything around
    the network leaves. Processes, codecs, times and losses are float32 in any case.

    Attributes:
        processes: the processes of `species`, `frac` and `lattice`.
        codec: the representation of the lattice.
        species_codec: the representation of the species.
        network: the denoiser, with a head for every process that predicts something.
        loss_weights: weight of each process in the total loss; `axes`, if it is there and above 0, that of the
            disagreement under a renaming of the cell's axes (a second forward pass).
        self_conditioning: give the network its last guess of the data as input (Chen et al. 2022, arXiv 2208.04202).
        conditions: names of the properties that are inputs of the network, in their order.
        described: how each is read, where the network embeds them; empty where it is shown bare numbers.
        columns: names of the columns of `Crystals.condition`: one for each condition, or for each element of a system.
        evaluations: number of calls of the network, the NFE of a sampler.
        times: those that are trained, see `nucleate.model.times`.
        bf16: run the network's products in bfloat16.
    """

    def __init__(
        self,
        processes: dict[str, Process],
        codec: LatticeCodec,
        network: Denoiser,
        loss_weights: dict[str, float] | None = None,
        species_codec: Numbers | Codes | None = None,
        self_conditioning: bool = False,
        conditions: tuple[str, ...] = (),
        described: tuple[tuple[str, Described], ...] = (),
        times: Times = "even",
    ) -> None:
        super().__init__()
        self.processes = processes
        self.codec = codec
        self.species_codec = species_codec or Numbers()
        self.network = network
        self.loss_weights = loss_weights or {}
        self.self_conditioning = self_conditioning
        self.conditions, self.described = conditions, described
        self.columns = columns_of(described) or conditions
        self.times: Times = times
        self.evaluations = 0
        self.bf16 = False

    def processes_for(self, species: Species | None) -> dict[str, Process]:
        """The processes for crystals of these atoms; as they are in a model that draws species itself, and for None."""
        own = self.processes.get("species")
        if species is None or own is None or own.target_width:
            return self.processes
        return {name: process.for_species(species) for name, process in self.processes.items()}

    def encode(self, crystals: Crystals) -> dict[str, Tensor]:
        """Crystals to the channels that the processes work on."""
        return {name: self.channel(name, crystals) for name in self.processes}

    def channel(self, name: str, crystals: Crystals) -> Tensor:
        """One of the channels of `encode`."""
        if name == "lattice":
            return self.codec.encode(crystals.lattice, crystals.sizes)
        if name == "species":
            return self.species_codec.encode(crystals.species, crystals.mask)
        return crystals.frac

    def decode(self, states: States, mask: Mask) -> Crystals:
        """States at t = 1 to crystals, float32."""
        channels = {name: process.decode(states[name]) for name, process in self.processes.items()}
        with torch.autocast(mask.device.type, enabled=False):
            cells = self.codec.decode(channels["lattice"], mask.sum(1))
            species = self.species_codec.decode(channels["species"], mask)
        return Crystals(species, channels["frac"] * mask.unsqueeze(-1), cells, mask)

    def denoise(
        self,
        states: States,
        t: PerCrystal,
        mask: Mask,
        guess: dict[str, Tensor] | None = None,
        condition: Conditions | None = None,
    ) -> dict[str, Tensor]:
        """The network's predictions for all processes, float32. The only caller of the network.

        condition: as in `Crystals`; None asks for nothing.
        """
        return self._means(self._answer(self._inputs(states, t, mask, guess, condition), t, mask), t)

    def guess(
        self, states: States, predictions: dict[str, Tensor], t: PerCrystal, mask: Mask
    ) -> dict[str, Tensor]:
        """The expected data of every process that predicts something: the input of self-conditioning."""
        return {
            name: self.processes[name].endpoint(states[name], prediction, t, mask).detach()
            for name, prediction in predictions.items()
        }

    def _inputs(
        self,
        states: States,
        t: PerCrystal,
        mask: Mask,
        guess: dict[str, Tensor] | None,
        condition: Conditions | None,
    ) -> dict[str, Tensor]:
        inputs: dict[str, Tensor] = {}
        for name, process in self.processes.items():
            inputs |= process.inputs(states[name], t)
        if self.network.reads_cell:
            inputs["cell"] = self.codec.decode(inputs["lattice"], mask.sum(1))
        inputs = with_condition(inputs, condition, self.columns, mask)
        return with_guess(inputs, guess, mask) if self.self_conditioning else inputs

    def _answer(self, inputs: dict[str, Tensor], t: PerCrystal, mask: Mask) -> dict[str, Tensor]:
        """One evaluation of the network, the only place where products are in bfloat16."""
        self.evaluations += 1
        device = t.device.type
        dtype = torch.bfloat16 if self.bf16 else torch.get_autocast_dtype(device)
        enabled = self.bf16 or torch.is_autocast_enabled(device)
        # Weights that are cast without gradients must not be found by a later call that needs them.
        with torch.autocast(device, dtype, enabled, cache_enabled=torch.is_grad_enabled()):
            predictions = self.network(inputs, t, mask)
        return {name: prediction.float() for name, prediction in predictions.items()}

    def _means(self, answers: dict[str, Tensor], t: PerCrystal) -> dict[str, Tensor]:
        """The predictions that answers of the network stand for."""
        return {
            name: self.processes[name].mean(x, t) for name, x in answers.items() if name in self.processes
        }

    def loss(
        self, crystals: Crystals, t: PerCrystal, noise: Noise, constraint: Constraint | None = None,
        given: Bool[Tensor, " crystals"] | None = None, labels: SymmetryLabels | None = None,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """The loss of every process for every crystal, at the times t. One network evaluation; one more, without
        gradients, under self-conditioning, and one more with the loss `axes`.

        constraint: that the crystals obey; noise, states and predictions then do too. Raises ValueError for one that
        puts other states in the place of those that were corrupted.
        given: crystals whose species are known, in a model that draws those of the others.
        labels: what the network is asked besides, if it has heads for them: the loss `symmetry`.
        """
        rules = constraint or FREE
        if not rules.projects:
            raise ValueError(
                f"a loss has no targets for the states that {type(rules).__name__} puts in place"
            )
        mask, exact = crystals.mask, partial(torch.autocast, t.device.type, enabled=False)
        with exact():
            channels = self.encode(crystals)
            noised = {
                name: p.corrupt(channels[name], t, mask, rules.noise(noise, name))
                for name, p in self.processes_for(crystals.species).items()
            }
            if given is not None:
                noised["species"] = self.processes["species"].given(
                    channels["species"], noised["species"], given
                )
            states = rules.hold({name: n.state for name, n in noised.items()}, t)
        condition = hidden(crystals.condition, self.described, noise) if self.training else crystals.condition
        guess = self._earlier_guess(states, t, mask, noise, rules, condition)
        inputs = self._inputs(states, t, mask, guess, condition)
        answers = self._answer(inputs, t, mask)
        with exact():
            losses = self._losses(answers, noised, t, mask, rules)
            if labels is not None and "site" in answers:
                losses["symmetry"] = labels.loss(answers, mask)
        if self.loss_weights.get("axes", 0.0) > 0:
            order = random_orders(noise)
            again = self._means(self._answer(permuted(inputs, order, self.codec), t, mask), t)
            losses["axes"] = disagreement(again, permuted(self._means(answers, t), order, self.codec), mask)
        return losses

    def _losses(
        self, answers: dict[str, Tensor], noised: dict[str, Noised], t: PerCrystal, mask: Mask,
        rules: Constraint,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """The loss of every process. Distributions can't be projected: under a constraint their means are asked."""
        if rules is FREE:
            return {
                name: self.processes[name].answer_loss(x, noised[name], t, mask)
                for name, x in answers.items() if name in noised
            }  # fmt: skip
        obeying = rules.answer(self._means(answers, t), t)
        alike = {name: n.target for name, n in noised.items() if _alike(n.target, obeying.get(name))}
        asked = rules.answer(alike, t)
        return {
            name: self.processes[name].loss(
                prediction, replace(noised[name], target=asked.get(name, noised[name].target)), mask
            )
            for name, prediction in obeying.items()
        }

    @torch.no_grad()
    def _earlier_guess(
        self, states: States, t: PerCrystal, mask: Mask, noise: Noise, rules: Constraint,
        condition: Conditions | None,
    ) -> dict[str, Tensor] | None:  # fmt: skip
        """For half of the crystals, the network's guess when it is given none; for the others, no guess."""
        if not self.self_conditioning:
            return None
        inputs = self._inputs(states, t, mask, None, condition)
        answers = self._means(self._answer(inputs, t, mask), t)
        guess = self.guess(states, rules.answer(answers, t), t, mask)
        return {"shown": noise.uniform(1) < 0.5, **guess}

    def fit(self, table: CrystalTable) -> None:
        """The statistics of the lattice codec."""
        self.codec.fit(torch.tensor(table.lattice), torch.tensor(table.sizes))

    def examples(self, table: CrystalTable, device: torch.device) -> Feed:
        """The crystals with what the network is told of them."""
        return Feed(told(table, self.described), device, self.columns)

    def drawn(self, seed: int, step: int, count: int) -> dict[str, Tensor]:
        """Times `t`."""
        return {"t": training_times(seed, step, count, self.times)}

    def drawn_evenly(self, count: int) -> dict[str, Tensor]:
        """Times `t`."""
        return {"t": validation_times(count)}

    def compile_parts(self) -> None:
        self.network.compile(dynamic=True)

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Weighted sum of the losses of the processes."""
        return torch.stack([self.loss_weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum(0)

    def forward(
        self, species: Tensor, frac: Tensor, lattice: Tensor, mask: Mask, t: PerCrystal, keys: Tensor,
        constraint: Constraint | None = None, condition: Conditions | None = None, orbits: Orbits | None = None,
        given: Bool[Tensor, " crystals"] | None = None, group: Int[Tensor, " crystals"] | None = None,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """`loss` on bare tensors, for wrappers that run several devices; keys are those of the noise.

        A wrapper may have rounded the inputs to bfloat16; a time that was rounded to 1 is set back below it.
        orbits: by which atoms are put into an order (`nucleate.model.order`). group: numbers of space groups.
        """
        if t.dtype in (torch.bfloat16, torch.float16):
            t = t.float().clamp(max=1 - EARLIEST_NOISE)
        frac, lattice = at_least_float32(frac), at_least_float32(lattice)
        condition = None if condition is None else at_least_float32(condition)
        crystals = Crystals(species, frac, lattice, mask, condition)
        labels = None
        if orbits is not None:
            order = drawn_order(crystals, orbits, Noise(keys).at(ORBITS.step()))
            crystals = ordered(crystals, order)
            if group is not None:
                labels = SymmetryLabels(multiplicities(orbits, mask).gather(1, order), group)
        if not (self.training and self.network.drops):
            return self.loss(crystals, t, Noise(keys), constraint, given, labels)
        with repeatable(int(keys[0])):
            return self.loss(crystals, t, Noise(keys), constraint, given, labels)


def by_processes(model: Trainable, setting: str, value: object) -> CrystalModel:
    """The model, if it is of crystals by processes. Raises RecipeError for another one, which has not this setting."""
    if not isinstance(model, CrystalModel):
        raise RecipeError(
            f"{setting} = {value} is for models of crystals by processes, and {type(model).__name__} is none",
            f"leave {setting} out",
        )
    return model


def _alike(target: Tensor, prediction: Tensor | None) -> bool:
    """Whether a target is of the kind that is predicted: not a class where logits are."""
    return prediction is not None and target.shape == prediction.shape
