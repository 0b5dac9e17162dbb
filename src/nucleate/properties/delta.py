"""What a potential is wrong by, learned from a few calculations: a Gaussian process on the difference.

A potential knows most of an energy; what is left is small and smooth in composition and volume, so that tens of
calculations teach something (delta learning: Ramakrishnan et al., J. Chem. Theory Comput. 11, 2087, 2015). The
process has a Gaussian kernel, whose length and noise are those of the highest marginal likelihood on a grid (Rasmussen
and Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1 and equation 5.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nucleate.cell import Cell
from nucleate.energies.convex_hull import fractions_of
from nucleate.errors import DataError

LENGTHS = (0.1, 0.2, 0.4, 0.8, 1.6)
NOISES = (0.03, 0.1, 0.3, 1.0)
"""In units of the standard deviation of the differences."""
LEAST = 2

Places = Float[np.ndarray, "crystals dimensions"]


def places_of(cells: Sequence[Cell]) -> Places:
    """Square roots of the atomic fractions, and the logarithm of the volume an atom (Å^3).

    Compositions are at most sqrt(2) apart.
    """
    volumes = np.log([cell.volume / len(cell.species) for cell in cells])
    return np.concatenate([np.sqrt([fractions_of(cell.species) for cell in cells]), volumes[:, None]], axis=1)


@dataclass(frozen=True, eq=False)
class DeltaModel:
    """A Gaussian process fitted to differences.

    Attributes:
        places: of the crystals that were computed.
        weights: inverse of the kernel matrix times the differences. [crystals]
        root: Cholesky factor of the kernel matrix. [crystals, crystals]
        mean, scale: of the differences, in their unit.
        length, noise: of the kernel; noise in units of the scale.
        likelihood: logarithm of the marginal likelihood.
    """

    places: np.ndarray
    weights: np.ndarray
    root: np.ndarray
    mean: float
    scale: float
    length: float
    noise: float
    likelihood: float

    @classmethod
    def fit(cls, places: Places, differences: Float[np.ndarray, " crystals"]) -> DeltaModel:
        """From what was computed less what the potential says. Raises DataError for fewer than two crystals."""
        if len(differences) < LEAST:
            raise DataError(
                f"{len(differences)} calculations are too few to learn from", f"give at least {LEAST}"
            )
        mean, scale = float(differences.mean()), max(float(differences.std()), 1e-9)
        standard = (differences - mean) / scale
        fitted = [_fitted(places, standard, length, noise) for length in LENGTHS for noise in NOISES]
        root, weights, length, noise, likelihood = max(fitted, key=lambda one: one[-1])
        return cls(places, weights, root, mean, scale, length, noise, likelihood)

    def predict(
        self, places: Places
    ) -> tuple[Float[np.ndarray, " crystals"], Float[np.ndarray, " crystals"]]:
        """Means and standard deviations of the difference at other places, without the noise of a calculation."""
        from scipy.linalg import solve_triangular

        across = kernel(places, self.places, self.length)
        reduced = solve_triangular(self.root, across.T, lower=True)
        variance = np.maximum(1.0 - (reduced**2).sum(0), 0.0)
        return self.mean + self.scale * across @ self.weights, self.scale * np.sqrt(variance)

    def left_out(
        self, differences: Float[np.ndarray, " crystals"]
    ) -> tuple[Float[np.ndarray, " crystals"], Float[np.ndarray, " crystals"]]:
        """What the model of all others expects of each that it was fitted to: means, and standard deviations with the
        noise of a calculation (Rasmussen and Williams, equation 5.12).

        Args:
            differences: those that it was fitted to.
        """
        from scipy.linalg import cho_solve

        inverse = np.diag(cho_solve((self.root, True), np.eye(len(differences))))
        return differences - self.scale * self.weights / inverse, self.scale / np.sqrt(inverse)


def kernel(
    first: Float[np.ndarray, "first dimensions"],
    second: Float[np.ndarray, "second dimensions"],
    length: float,
) -> Float[np.ndarray, "first second"]:
    """exp(-d^2 / (2 length^2))."""
    squares = ((first[:, None] - second[None]) ** 2).sum(-1)
    return np.exp(-squares / (2 * length**2))


def _fitted(
    places: np.ndarray, values: np.ndarray, length: float, noise: float
) -> tuple[np.ndarray, np.ndarray, float, float, float]:
    """Cholesky factor, weights, length, noise, and the logarithm of the marginal likelihood."""
    from scipy.linalg import cho_solve

    matrix = kernel(places, places, length) + noise**2 * np.eye(len(values))
    root = np.linalg.cholesky(matrix)
    weights = cho_solve((root, True), values)
    likelihood = -0.5 * values @ weights - np.log(np.diag(root)).sum() - 0.5 * len(values) * np.log(2 * np.pi)
    return root, weights, length, noise, float(likelihood)
