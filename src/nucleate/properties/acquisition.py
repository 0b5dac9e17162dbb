"""Which candidates to compute next: by what they promise, how uncertain they are, and how different from each other.

For a property that is to be as high as possible, known to within a normal distribution for each candidate:

| name | score |
|---|---|
| `improvement` | log of the improvement on the best b that is expected: (m - b) Phi(z) + s phi(z), z = (m - b) / s |
| `bound` | upper confidence bound m + doubt s (Srinivas et al. 2010) |
| `greedy` | the mean m |
| `random` | a number drawn for each candidate: the control that any other has to beat |
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from nucleate import streams
from nucleate.errors import NucleateError

Values = Float[np.ndarray, " candidates"]
RULES = ("improvement", "bound", "greedy", "random")
DOUBT = 2.0
FAR = -20.0
"""Standard deviations from the best, below which an expected improvement is taken from its series."""
POOL = 4
"""Of so many times the candidates that are wanted, the most different ones are taken."""


def scores(
    rule: str, mean: Values, deviation: Values, best: float, seed: int = 0, doubt: float = DOUBT
) -> Values:
    """The score of each candidate; the higher the better.

    Args:
        mean, deviation: what is expected of the property, and its standard deviation.
        best: the highest value that is known.
        seed: of `random`.
        doubt: standard deviations that `bound` grants.

    Raises NucleateError for an unknown rule.
    """
    if rule == "improvement":
        return log_expected_improvement(mean, deviation, best)
    if rule == "bound":
        return mean + doubt * deviation
    if rule == "greedy":
        return mean.copy()
    if rule == "random":
        return streams.RESAMPLES.generator(seed).random(len(mean))
    raise NucleateError(f"no rule is called '{rule}'", f"choose among {', '.join(RULES)}")


def expected_improvement(mean: Values, deviation: Values, best: float) -> Values:
    """The mean of max(value - best, 0) under normal distributions; without deviation, of the mean itself."""
    from scipy.stats import norm

    gain = mean - best
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gain / deviation
        found = gain * norm.cdf(z) + deviation * norm.pdf(z)
    return np.where(deviation > 0, found, np.maximum(gain, 0.0))


def log_expected_improvement(mean: Values, deviation: Values, best: float) -> Values:
    """Its logarithm, which ranks candidates that are far below the best too (Ament et al., arXiv 2310.20708).

    Below z = -20, phi(z) + z Phi(z) is phi(z) (z^-2 - 3 z^-4 + 15 z^-6), to two parts in a million.
    """
    from scipy.stats import norm

    with np.errstate(divide="ignore", invalid="ignore"):
        z = (mean - best) / deviation
        far = norm.logpdf(z) + np.log(z**-2 - 3 * z**-4 + 15 * z**-6) + np.log(deviation)
        near = np.log(expected_improvement(mean, deviation, best))
    return np.where((z < FAR) & (deviation > 0), far, near)


def chosen(
    scored: Values, places: Float[np.ndarray, "candidates dimensions"], count: int, pool: int = POOL
) -> Int[np.ndarray, " chosen"]:
    """Candidates with high scores that differ: the best, then each time the one farthest from those taken.

    Args:
        scored: of each candidate.
        places: of each candidate in a space in which near means alike.
        count: how many are wanted.
        pool: they are taken from the `pool` times `count` with the highest scores; 1 takes those with the highest.
    """
    count = min(count, len(scored))
    best = np.argsort(-scored, kind="stable")[: max(pool, 1) * count]
    if count == 0:
        return best[:0]
    taken, near = [0], _distances(places[best], places[best[0]])
    while len(taken) < count:
        near[taken] = -1.0
        taken.append(int(np.argmax(near)))
        near = np.minimum(near, _distances(places[best], places[best[taken[-1]]]))
    return best[taken]


def _distances(places: np.ndarray, place: np.ndarray) -> np.ndarray:
    return np.linalg.norm(places - place, axis=1)
