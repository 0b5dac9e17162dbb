"""Symmetric: the constraint that crystals have the space groups of templates, for all processes.

Coordinates stay on f0 + W u, a subspace of the torus; displacements and answers are averaged over the operations:
linear, exact, the same for special positions (`nucleate.symmetry.free`). A uniform start is uniform in u. A projected
uniform displacement is not, for sites such as (x, 2x, z), nor are averages of wrapped images of an asymmetric state.

Noise of the coordinates has, along the free directions, the mean square that it has for free atoms: widths mean the
same with and without a symmetry. Species are drawn once for an orbit.

The channels of a codec turn cells that share a symmetry into a curved surface. Channels keep to the plane that touches
it at a reference; at a time t, to that through what the process makes of this reference without noise (which gives the
answer there in any parametrisation). `finish` averages the metric of the result.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.crystals import Crystals, wrap
from nucleate.errors import RecipeError
from nucleate.geometry.noise import MappedNoise, Noise
from nucleate.model.constraint import Constraint, Predictions, States
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.symmetric_cells import CellPlane
from nucleate.symmetry.projection import Projection


class Symmetric(Constraint):
    """Keeps crystals to their templates.

    model: whose crystals. projection: the templates, on its device. mask: which atoms are real.
    Raises RecipeError for a process of the coordinates that does not say which parts of its state are positions.
    """

    def __init__(self, model: CrystalModel, projection: Projection, mask: Mask) -> None:
        self.processes, self.projection, self.mask = model.processes, projection, mask
        if "frac" in self.processes and not self.processes["frac"].positions:
            raise RecipeError(
                f"{type(self.processes['frac']).__name__} does not say which of its state are positions",
                "a process under symmetry needs the attribute 'positions'",
            )
        self.plane = CellPlane(model.processes["lattice"], model.codec, projection, mask)

    def begin(self, states: States) -> States:
        return self.hold(states, torch.zeros(len(self.mask), device=self.mask.device))

    def noise(self, noise: Noise, name: str) -> Noise:
        own, atoms = self.projection, self.mask.shape[1]

        def coordinates(x: Tensor) -> Tensor:
            return own.normals(x) if x.shape[1:] == (atoms, 3) else x

        def points(x: Tensor) -> Tensor:
            return wrap(own.positions(x)) if x.shape[1:] == (atoms, 3) else x

        def orbits(x: Tensor) -> Tensor:
            return own.anchored(x) if x.shape[1] == atoms else x

        if name == "frac":
            return MappedNoise(noise, coordinates, points, own.shortest)
        if name == "lattice":
            return MappedNoise(noise, self.plane.flat)
        return MappedNoise(noise, orbits, orbits)

    def answer(self, predictions: Predictions, t: PerCrystal) -> Predictions:
        maps = {"frac": self.projection.displacements, "lattice": lambda x: self.plane.answered(x, t)}
        return {
            name: maps.get(name, self.projection.orbit_mean)(value) for name, value in predictions.items()
        }

    def hold(self, states: States, t: PerCrystal) -> States:
        return {name: self._held(name, state, t) for name, state in states.items()}

    def finish(self, crystals: Crystals) -> Crystals:
        """Positions and cells made symmetric again, in double precision."""
        frac = wrap(self.projection.positions(crystals.frac.double())) * self.mask.unsqueeze(-1)
        cells = self.projection.cells(crystals.lattice)
        return replace(crystals, frac=wrap(frac.to(crystals.frac)), lattice=cells.to(crystals.lattice))

    def _held(self, name: str, state: dict[str, Tensor], t: PerCrystal) -> dict[str, Tensor]:
        if name == "lattice":
            return {part: self.plane.held(part, value, t) for part, value in state.items()}
        if name != "frac":
            return {part: self.projection.anchored(value) for part, value in state.items()}
        ends, real = self.processes[name].positions, self.mask.unsqueeze(-1)
        moved = {
            part: self._placed(value, *ends[part]) if part in ends else self.projection.displacements(value)
            for part, value in state.items()
        }
        return {part: value * real for part, value in moved.items()}

    def _placed(self, x: Tensor, low: float, high: float) -> Tensor:
        """Symmetric points for points of a cell that goes from low to high."""
        moved = self.projection.positions(x, high - low)
        inside = torch.remainder(moved - low, high - low) + low
        return self.projection.asked(torch.where(inside < high, inside, torch.full_like(inside, low)), x)
