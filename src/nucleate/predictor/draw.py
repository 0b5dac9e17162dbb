"""Crystals by a trained model, for requests from Python."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.errors import ModelError, RecipeError
from nucleate.model.crystal_model import CrystalModel
from nucleate.predictor import describe, hub, requests
from nucleate.recipes.base import Recipe, scaled
from nucleate.sampling.generate import EDGES, Generated, generate
from nucleate.sampling.job import header
from nucleate.sampling.request import Limits, Request
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import from_dict

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Composition, Structure


class Predictor:
    """A trained model that predicts crystals.

    Attributes:
        model: the composition of processes and network. recipe: its settings. card: what it was trained on.
        name: what it is called in files. folder: where it came from.
    """

    def __init__(
        self, model: CrystalModel, recipe: Recipe, card: dict[str, Any], name: str, folder: Path
    ) -> None:
        self.model, self.recipe, self.card, self.name, self.folder = model, recipe, card, name, folder

    def __repr__(self) -> str:
        return describe.text(self.name, describe.facts(self.recipe, self.card))

    def _repr_html_(self) -> str:
        return describe.html(self.name, describe.facts(self.recipe, self.card))

    @property
    def limits(self) -> Limits:
        """Elements and sizes that the model can be asked for."""
        return Limits.of_card(self.card)

    @property
    def edges(self) -> int:
        """Padded pairs of atoms in a batch that suit the device."""
        return EDGES if next(self.model.parameters()).device.type == "cpu" else 32 * EDGES

    @property
    def checksum(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the weights."""
        return hashlib.sha256((self.folder / "weights.safetensors").read_bytes()).hexdigest()[:16]

    def sampler(
        self, method: str | None = None, steps: int | None = None, nfe: int | None = None
    ) -> SamplerSettings:
        """The model's own sampler, or the best one known for `nfe` evaluations, with another method or step count.

        `method` is a method, or a name of the recipe's `samplers`, such as `paper` for KLDM. A method that is not the
        model's own comes with what goes with it by name: `pc` with the corrector `expected`. Raises RecipeError for
        both nfe and steps.
        """
        if nfe is not None and steps is not None:
            raise RecipeError(
                f"{nfe} network evaluations and {steps} steps both say how long to sample", "give one of them"
            )
        settings = self.recipe.samplers.get(method or "", self.recipe.sampler)
        try:
            if method is not None and method not in self.recipe.samplers:
                settings = from_dict(type(settings), settings.with_method(method), "sampler.")
        except RecipeError as error:
            more = ", ".join(self.recipe.samplers)
            raise RecipeError(error.message, f"{error.hint}{more and '; by name: '}{more}") from None
        settings = settings if nfe is None else scaled(settings, nfe)
        return settings if steps is None else replace(settings, steps=steps)

    def draw(
        self, requests: Sequence[Request], sampler: SamplerSettings | None = None, seed: int = 0, *,
        with_path: bool = False, on_step: Callable[[int], None] | None = None, edges: int | None = None,
    ) -> Iterator[list[Generated]]:  # fmt: skip
        """Crystals for requests, one list for each batch, as they come."""
        return generate(
            self.model, requests, sampler or self.recipe.sampler, seed,
            edges=edges or self.edges, with_path=with_path, on_step=on_step,
        )  # fmt: skip

    def predict(
        self, formula: str | Composition | Structure | Atoms | Sequence[str], n: int = 1, seed: int = 0, *,
        formula_units: int | Sequence[int] | str = "auto", sampler: SamplerSettings | None = None,
    ) -> list[Structure]:  # fmt: skip
        """n predicted structures of a formula, in the order of their sample numbers.

        Args:
            formula: text such as "SrTiO3", several of them, or a pymatgen Composition, Structure or ASE Atoms whose
                composition is taken.
            formula_units: formula units in the cell, several of them, or "auto" to share n over the probable numbers.
            sampler: see `Predictor.sampler`.

        Returns pymatgen structures with formula, sample, seed, nfe and model in `properties`. The same seed gives the
        same crystals, however many are asked for. Raises FormulaError for what the model can't predict.
        """
        from nucleate.crystals import Crystals

        return [
            _with_properties(Crystals.to_structures(one.crystal)[0], header(one, seed, self.name))
            for one in self._all(formula, n, seed, formula_units, sampler)
        ]

    def predict_atoms(
        self, formula: str | Composition | Structure | Atoms | Sequence[str], n: int = 1, seed: int = 0, *,
        formula_units: int | Sequence[int] | str = "auto", sampler: SamplerSettings | None = None,
    ) -> list[Atoms]:  # fmt: skip
        """As `predict`, but ASE atoms with the same entries in `info`."""
        out = []
        for one in self._all(formula, n, seed, formula_units, sampler):
            atoms = one.crystal.to_atoms()[0]
            atoms.info.update(
                {key: value for key, value in header(one, seed, self.name).items() if value is not None}
            )
            out.append(atoms)
        return out

    def inventions(
        self, n: int, seed: int = 0, *, atoms: tuple[int, int] | None = None, species: str | None = None,
        complete: Structure | None = None, lattice: Any = None,
    ) -> list[Request]:  # fmt: skip
        """Requests for n crystals that the model invents, from nothing or around what is known.

        Args:
            atoms: smallest and largest number of atoms in the cell; as in the training data by default.
            species: formula of the cell, if the composition is given.
            complete: structure whose cell and atoms are kept. lattice: cell to keep, [3, 3], Å.

        Raises FormulaError for what the model can't draw, ModelError for a model that invents nothing.
        """
        if self.recipe.task == "csp":
            raise ModelError(
                f"{self.name} predicts the structure of a composition and invents none",
                "use 'nucleate predict', or a model with task dng ('nucleate models' lists them)",
            )
        return requests.inventions(n, seed, self.limits, atoms, species, complete, lattice)

    def generate(
        self, n: int = 1, seed: int = 0, *, atoms: int | tuple[int, int] | None = None,
        species: str | None = None, complete: Structure | None = None, lattice: Any = None,
        sampler: SamplerSettings | None = None,
    ) -> list[Structure]:  # fmt: skip
        """n crystals that the model invents, as pymatgen structures like those of `predict`; see `inventions`.

        The same seed gives the same crystals, however many are asked for.
        """
        from nucleate.crystals import Crystals

        span = (atoms, atoms) if isinstance(atoms, int) else atoms
        asked = self.inventions(n, seed, atoms=span, species=species, complete=complete, lattice=lattice)
        made = [one for batch in self.draw(asked, sampler, seed) for one in batch]
        made.sort(key=lambda one: one.request.sample)
        return [
            _with_properties(Crystals.to_structures(one.crystal)[0], header(one, seed, self.name))
            for one in made
        ]

    def push_to_hub(self, name: str, private: bool = False) -> str:
        """Upload the model folder to `owner/name` on the Hugging Face hub; returns its address."""
        return hub.push(self.folder, name, self.name, private)

    def _all(self, formula, n, seed, formula_units, sampler) -> list[Generated]:
        asked = requests.predictions(formula, n, self.limits, formula_units)
        order = {request.identity: place for place, request in enumerate(asked)}
        made = [one for batch in self.draw(asked, sampler, seed) for one in batch]
        return sorted(made, key=lambda one: order[one.request.identity])


def _with_properties(structure: Structure, info: dict[str, object]) -> Structure:
    structure.properties.update({key: value for key, value in info.items() if value is not None})
    return structure
