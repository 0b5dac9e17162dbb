"""Crystals from any generator, for requests from Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.errors import ModelError
from nucleate.predictor import describe, hub, requests
from nucleate.predictor.pulling import Pulling
from nucleate.predictor.steer import Steering
from nucleate.predictor.structures import Structures
from nucleate.recipes.contract import AnyRecipe
from nucleate.sampling.generator import Answer, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.job import header
from nucleate.sampling.limits import Limits
from nucleate.sampling.pull import View
from nucleate.sampling.request import Request

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Composition, Structure


class Predictor:
    """A generator with what is convenient from Python.

    Attributes:
        generator: what draws.
        model: the network behind it, None without one.
        name: by which files call it.
        recipe: settings of the model, where it is one from a folder.
        card: what it was trained on, where it is one.
        folder: where it came from, None for a generator of another package.
    """

    def __init__(
        self, generator: Generator, recipe: AnyRecipe | None = None, card: Mapping[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:  # fmt: skip
        self.generator, self.recipe, self.card, self.folder = generator, recipe, card or {}, folder
        self.model, self.name = generator.model, generator.name

    def __repr__(self) -> str:
        return describe.text(self.name, self.facts())

    def _repr_html_(self) -> str:
        return describe.html(self.name, self.facts())

    def facts(self) -> dict[str, str]:
        """What it is, by name, for people."""
        if self.recipe is None:
            return describe.facts_of(self.generator)
        return describe.facts(self.recipe, self.card)

    @property
    def limits(self) -> Limits:
        """Elements and sizes that it can be asked for."""
        return self.generator.limits

    @property
    def checksum(self) -> str:
        """What identifies it in job.json: of a model, the first 16 hexadecimal digits of the SHA-256 of its weights."""
        return self.generator.identity

    def sampler(self, method: str | None = None, steps: int | None = None, nfe: int | None = None) -> Any:
        """The generator's own settings, or of a diffusion model the best sampler known for `nfe` evaluations, with
        another method or step count.

        `method` is a method, or a name of the recipe's `samplers`, such as `paper` for KLDM. A method that is not the
        model's own comes with what goes with it by name: `pc` with the corrector `expected`. Raises RecipeError for
        both nfe and steps, and for a generator that has no such thing.
        """
        return self.generator.settings_by(method, steps, nfe)

    def draw(
        self, requests: Sequence[Request], sampler: Any = None, seed: int = 0, *,
        with_path: bool = False, on_step: Callable[[int], None] | None = None, edges: int | None = None,
    ) -> Iterator[Sequence[Answer]]:  # fmt: skip
        """An answer to each request, one list for each batch, as they come: a crystal, or why there is none."""
        return self.generator.draw(requests, sampler, seed, DrawOptions(with_path, on_step, edges))

    def predict(
        self, formula: str | Composition | Structure | Atoms | Sequence[str], n: int = 1, seed: int = 0, *,
        formula_units: int | Sequence[int] | str = "auto", sampler: Any = None,
        space_group: int | None = None, prototype: str | None = None, target: Mapping[str, Any] | None = None,
        guidance: Mapping[str, Any] | None = None, beyond: bool = False,
    ) -> list[Structure]:  # fmt: skip
        """n predicted structures of a formula, in the order of their sample numbers.

        Args:
            formula: text such as "SrTiO3", several of them, or a pymatgen Composition, Structure or ASE Atoms whose
                composition is taken.
            formula_units: formula units in the cell, several of them, or "auto" to share n over the probable numbers.
            sampler: see `Predictor.sampler`. Left out, answers are relaxed by CHGNet where it is installed, as on the
                command line; `model.sampler()` is without a potential.
            space_group: number of the space group that the structures have, in its primitive cell.
            prototype: that of a known crystal instead: its name, a structure file, or `auto` for the nearest ones.
            target, guidance, beyond: what is asked of properties, as in `generate`.

        Returns pymatgen structures with formula, sample, seed, nfe and model in `properties`. The same seed gives the
        same crystals, however many are asked for. Raises FormulaError for what can't be predicted, ModelError
        where no request has an answer; a warning says where some have none.
        """
        from nucleate.crystals import Crystals

        return Structures(
            _with_properties(Crystals.to_structures(one.crystal)[0], header(one, seed, self.name))
            for one in self._all(
                formula, n, seed, formula_units, sampler, space_group, prototype,
                Steering(target or {}, guidance or {}, beyond=beyond),
            )
        )  # fmt: skip

    def predict_atoms(
        self, formula: str | Composition | Structure | Atoms | Sequence[str], n: int = 1, seed: int = 0, *,
        formula_units: int | Sequence[int] | str = "auto", sampler: Any = None,
        space_group: int | None = None, prototype: str | None = None,
    ) -> list[Atoms]:  # fmt: skip
        """As `predict`, but ASE atoms with the same entries in `info`."""
        out = Structures()
        for one in self._all(formula, n, seed, formula_units, sampler, space_group, prototype):
            atoms = one.crystal.to_atoms()[0]
            atoms.info.update(
                {key: value for key, value in header(one, seed, self.name).items() if value is not None}
            )
            out.append(atoms)
        return out

    def inventions(
        self, n: int, seed: int = 0, *, atoms: tuple[int, int] | None = None, species: str | None = None,
        complete: Structure | None = None, lattice: Any = None, space_group: int | None = None,
        steering: Steering = Steering(),
    ) -> list[Request]:  # fmt: skip
        """Requests for n crystals that the model invents, from nothing or around what is known.

        Args:
            atoms: smallest and largest number of atoms in the cell; as in the training data by default.
            species: formula of the cell, if the composition is given.
            complete: structure whose cell and atoms are kept.
            lattice: cell to keep, [3, 3], Å.
            space_group: number of the space group that they have, in its primitive cell.
            steering: properties and elements that are asked for.

        Raises FormulaError for what the model can't draw, ModelError for a model that invents nothing.
        """
        if self.generator.task == "csp":
            raise ModelError(
                f"{self.name} predicts the structure of a composition and invents none",
                "use 'nucleate predict', or a model with task dng ('nucleate models' lists them)",
            )
        limits, required = steering.sized(self.limits, self.card), steering.system(self.limits)[1]
        made = requests.inventions(
            n, seed, limits, atoms, species, complete, lattice, space_group, kinds=len(required),
            chooses_sites=self.generator.chooses_sites,
        )  # fmt: skip
        return steering.steered(made, self.generator, seed)

    def generate(
        self, n: int = 1, seed: int = 0, *, atoms: int | tuple[int, int] | None = None,
        species: str | None = None, complete: Structure | None = None, lattice: Any = None,
        sampler: Any = None, space_group: int | None = None, target: Mapping[str, Any] | None = None,
        guidance: Mapping[str, Any] | None = None, elements: Any = None, at_most: Any = None,
        without: Any = None, towards: Mapping[str, Any] | None = None, pull: Mapping[str, Any] | None = None,
        pull_on: View = "clean", predictors: Sequence[str | Path] = (), beyond: bool = False,
    ) -> list[Structure]:  # fmt: skip
        """n crystals that the model invents, as pymatgen structures like those of `predict`; see `inventions`.

        Args:
            target: what is asked of properties, such as {"tc": 20, "band_gap": (1.5, 2.5), "density": "max"}.
            guidance: how strongly, such as {"tc": 2}; {"tc": (2, 0.2, 0.8)} between two times.
            elements: exactly these elements, "Li,Fe,P,O" or a list.
            at_most: no others than these.
            without: none of these.
            towards: values that gradients of predictors pull towards, such as {"tc": "max", "band_gap": 2}.
            pull: how strongly, such as {"tc": 3}; {"tc": (3, 0.2, 0.8)} between two times.
            pull_on: the crystal that predictors are asked about, the `clean` one expected or the `noised` one.
            predictors: those that pull, names or folders; by default those of the package.
            beyond: targets may lie outside all labels.

        The same seed gives the same crystals, however many are asked for.
        """
        from nucleate.crystals import Crystals

        span = (atoms, atoms) if isinstance(atoms, int) else atoms
        asked = self.inventions(
            n, seed, atoms=span, species=species, complete=complete, lattice=lattice, space_group=space_group,
            steering=Steering(
                target or {}, guidance or {}, elements, at_most, without, beyond,
                Pulling(towards or {}, pull or {}, pull_on, predictors),
            ),
        )  # fmt: skip
        made = sorted(self._drawn(asked, sampler, seed), key=lambda one: one.request.sample)
        return Structures(
            _with_properties(Crystals.to_structures(one.crystal)[0], header(one, seed, self.name))
            for one in made
        )

    def push_to_hub(self, name: str, private: bool = False) -> str:
        """Upload the model folder to `owner/name` on the Hugging Face hub; returns its address.

        Raises ModelError for a generator that is no model folder.
        """
        if self.folder is None or self.recipe is None:
            raise ModelError(f"{self.name} is no model folder", "push a model that was loaded from one")
        return hub.push(self.folder, name, self.name, private)

    def _all(
        self,
        formula,
        n,
        seed,
        formula_units,
        sampler,
        space_group,
        prototype,
        steering: Steering = Steering(),
    ) -> list[Generated]:
        asked = requests.predictions(
            formula, n, self.limits, formula_units, ranked=self.generator.ranked, seed=seed,
            space_group=space_group, prototype=prototype, chooses_sites=self.generator.chooses_sites,
        )  # fmt: skip
        asked = steering.steered(asked, self.generator, seed)
        sampler = self.generator.patient_settings() if sampler is None else sampler
        order = {request.identity: place for place, request in enumerate(asked)}
        return sorted(self._drawn(asked, sampler, seed), key=lambda one: order[one.request.identity])

    def _drawn(self, asked: Sequence[Request], sampler: Any, seed: int) -> list[Generated]:
        """The crystals, with a warning where some requests have none. Raises ModelError where none has."""
        made, failures = [], []
        for batch in self.draw(asked, sampler, seed):
            for one in batch:
                (failures if isinstance(one, Failure) else made).append(one)
        if failures and not made:
            raise ModelError(
                f"{self.name} answered none of {len(asked)} requests; the first: {failures[0].reason}",
                "ask for another composition, or another generator",
            )
        if failures:
            warnings.warn(
                f"{len(failures)} of {len(asked)} requests have no answer; the first: {failures[0].reason}",
                stacklevel=4,
            )
        return made


def _with_properties(structure: Structure, info: dict[str, object]) -> Structure:
    structure.properties.update({key: value for key, value in info.items() if value is not None})
    return structure
