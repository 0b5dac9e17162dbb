"""Distances between two profiles as measures: value, interval, and the floor that chance sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.metrics.dng.distances import Discrepancy, jensen_shannon, wasserstein1
from nucleate.metrics.dng.family import Measure
from nucleate.metrics.dng.profiles import CRYSTAL_SYSTEMS, N_SPACE_GROUPS, Profile
from nucleate.metrics.dng.resampling import Statistic, floor, scatter
from nucleate.metrics.intervals import Estimate

AXES = {
    "density": ("mass density", "g/cm³"),
    "n_elements": ("number of different elements", ""),
    "volume_per_atom": ("volume for each atom", "Å³"),
    "n_atoms": ("number of atoms in the cell", ""),
}


@dataclass(frozen=True)
class Contrast:
    """Makes measures of distances.

    Attributes:
        seed, resamples: of intervals and floors.
    """

    seed: int
    resamples: int

    def lines(
        self, own: Profile, other: Profile, suffix: str, names: Iterable[str], of: str
    ) -> dict[str, Measure]:
        """Wasserstein-1 distances of single numbers."""
        measures: dict[str, Measure] = {}
        for name in names:
            values, counts = np.unique(own.column(name), return_counts=True)
            grid, reference = np.unique(other.column(name), return_counts=True)
            if not len(values):
                # np.unique keeps no place for a missing value, and a statistic needs one
                values, counts = np.zeros(1), np.zeros(1, dtype=int)
            distance = partial(wasserstein1, reference=grid, reference_shares=reference / reference.sum())
            text, unit = AXES[name]
            measures |= self._pair(
                f"{name}_w1{suffix}",
                (partial(distance, values), counts),
                (partial(distance, grid), reference),
                of,
                f"Wasserstein-1 distance of the {text}",
                unit,
            )
        return measures

    def categories(self, own: Profile, other: Profile, at: str) -> dict[str, Measure]:
        """Jensen-Shannon divergences of space groups, crystal systems, numbers of atoms, and elements."""
        sizes = [side.column("n_atoms").astype(int) for side in (own, other)]
        axes = (
            ("space_group", own.groups - 1, other.groups - 1, N_SPACE_GROUPS, f"space groups {at}"),
            ("crystal_system", own.systems, other.systems, len(CRYSTAL_SYSTEMS), f"crystal systems {at}"),
            ("n_atoms", *sizes, int(max(side.max() for side in sizes)) + 1, "numbers of atoms"),
        )
        measures: dict[str, Measure] = {}
        for name, first, second, size, text in axes:
            counts, reference = (np.bincount(side[side >= 0], minlength=size) for side in (first, second))
            if not reference.sum():
                continue
            distance = partial(jensen_shannon, reference=reference / reference.sum())
            of = "samples with a volume" if name == "n_atoms" else "samples with a space group"
            measures |= self._divergence(name, (distance, counts), (distance, reference), of, text)
        return measures | self._elements(own, other)

    def _elements(self, own: Profile, other: Profile) -> dict[str, Measure]:
        """Every crystal counts the same, whatever the number of its atoms."""
        mean = other.elements.mean(0)
        assert len(mean) == MAX_ATOMIC_NUMBER + 1
        sides = []
        for side in (own, other):
            rows, counts = np.unique(side.elements, axis=0, return_counts=True)
            sides.append((partial(_mixed, rows=rows, reference=mean), counts))
        text = "elements, each crystal's atoms counted as shares of it"
        return self._divergence("element", sides[0], sides[1], "samples with a volume", text)

    def _divergence(
        self,
        name: str,
        own: tuple[Statistic, np.ndarray],
        other: tuple[Statistic, np.ndarray],
        of: str,
        text: str,
    ) -> dict[str, Measure]:
        what = f"Jensen-Shannon divergence in bits (0 to 1, not its square root) of the {text}"
        return self._pair(f"{name}_jsd", own, other, of, what, "bit")

    def discrepancy(
        self, name: str, samples: np.ndarray, reference: np.ndarray, text: str, of: str
    ) -> dict[str, Measure]:
        """Maximum mean discrepancy of two sets of points. [samples, features], [reference, features]"""
        # the order of the rows decides what a seed draws
        samples, reference = (side[np.lexsort(side.T)] for side in (samples, reference))
        kernel = Discrepancy(samples, reference)
        what = (
            f"maximum mean discrepancy (biased, Gaussian kernel, bandwidth {kernel.bandwidth:.3g} = median distance "
            f"in the reference) of {text}"
        )
        own = kernel.of_samples, np.ones(len(samples), dtype=int)
        other = kernel.of_reference, np.ones(len(reference), dtype=int)
        return self._pair(f"{name}_mmd", own, other, of, what, "")

    def _pair(
        self,
        name: str,
        own: tuple[Statistic, np.ndarray],
        other: tuple[Statistic, np.ndarray],
        of: str,
        what: str,
        unit: str,
    ) -> dict[str, Measure]:
        """The measure and its floor, of (statistic, counts of the distinct values) of each side."""
        n = int(own[1].sum())
        estimate = scatter(*own, self.seed, self.resamples)
        chance: Estimate = floor(*other, n, self.seed, self.resamples)
        return {
            name: Measure(estimate, of, f"{what} from the reference", unit),
            f"{name}_floor": Measure(
                chance, "draws from the reference", f"floor: {what} of as many draws from the reference", unit
            ),
        }


def _mixed(shares: np.ndarray, rows: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return jensen_shannon(shares @ rows, reference)
