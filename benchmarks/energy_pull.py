"""What a potential brings that pulls in the last steps: the same noise with and without it, by CHGNet.

    python benchmarks/energy_pull.py -n 16 --atoms 6

Energies, forces and stresses are of crystals as they are drawn; differences are of those with the same elements in
both.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.energies.potentials import potential_named
from nucleate.geometry.noise import Noise
from nucleate.predictor import load
from nucleate.properties.energy import LessEnergy, evaluated
from nucleate.properties.guidance import GradientSettings, guided
from nucleate.properties.pulls import PLACES
from nucleate.sampling.loop import sample

GPA = 160.21766
"""GPa in 1 eV/Å^3."""


def measured(cells: Sequence[Cell]) -> np.ndarray:
    """Energy (eV/atom), mean force (eV/Å) and largest component of the stress (GPa); NaN where there is none."""
    out = np.full((len(cells), 3), np.nan)
    for row, one in evaluated(cells, potential_named("chgnet")).items():
        forces = np.linalg.norm(one.forces, axis=1).mean()
        out[row] = one.energy / len(cells[row].species), forces, GPA * np.abs(one.stress).max()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=16)
    parser.add_argument("--atoms", type=int, default=6)
    parser.add_argument(
        "--pulls", nargs="*", default=["3@0.9", "10@0.9", "3@0.8", "10@0.8"], metavar="WEIGHT@START"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    generator = load("kldm-mp20-dng", "cpu").generator
    model, mask = generator.model, torch.ones(asked.n, asked.atoms, dtype=torch.bool)
    plain: list[Cell] = []
    for pull in ["", *asked.pulls]:
        guidance = None
        if pull:
            weight, start = map(float, pull.split("@"))
            settings = GradientSettings(weight=weight, start=start, quantities=PLACES)
            guidance = guided(model, mask, LessEnergy(potential_named("chgnet")), settings)
        cells = sample(
            model, mask, generator.settings, Noise.of(0, torch.arange(asked.n)), guidance=guidance
        ).cells()
        plain = plain or cells
        same = np.array([(a.species == b.species).all() for a, b in zip(cells, plain, strict=True)])
        now, before = measured(cells), measured(plain)
        change = np.nanmedian((now - before)[same, 0])
        forces, stress = np.nanmedian(now[:, 1:], axis=0)
        print(f"{pull or 'no pull':8} same elements {same.sum()} of {asked.n}  energy {change:+.3f} eV/atom  "
              f"force {forces:.2f} eV/Å  stress {stress:.1f} GPa", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
