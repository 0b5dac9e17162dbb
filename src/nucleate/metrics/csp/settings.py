"""What is measured of predictions, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from nucleate.errors import DataError
from nucleate.metrics.matching import Matcher
from nucleate.settings import MOST_SECONDS, MOST_SEED, within

PROTOCOLS = ("geometry", "smact", "full")


@dataclass(frozen=True)
class CspSettings:
    """What is measured and how.

    Attributes:
        k: numbers of samples; () takes 1 and the number of samples there are.
        protocols: names from PROTOCOLS.
        matcher: tolerances of the structure matcher.
        fingerprints: whether `smact` also requires a CrystalNN fingerprint (0.05 to 0.5 s for each matched
            structure).
        metre: whether METRe and cRMSE are computed (all pairs of one composition: slow for elements).
        timeout: seconds for one pair; a pair that takes longer counts as no match.
        seed: of the bootstrap.
    """

    k: tuple[int, ...] = ()
    protocols: tuple[str, ...] = PROTOCOLS
    matcher: Matcher = field(default_factory=Matcher)
    fingerprints: bool = False
    metre: bool = True
    timeout: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.protocols:
            if name not in PROTOCOLS:
                raise DataError(f"no protocol is called {name!r}", f"choose among {', '.join(PROTOCOLS)}")
        if any(k < 1 for k in self.k):
            raise DataError(f"k must be at least 1; got {min(self.k)}", "write for example -k 1,20")
        if self.fingerprints and "smact" not in self.protocols:
            raise DataError(
                f"none of the protocols ({', '.join(self.protocols)}) uses fingerprints",
                "leave --fingerprints out, or add --protocol smact",
            )
        within(self, 0, MOST_SECONDS, "timeout", error=DataError)
        within(self, 0, MOST_SEED, "seed", error=DataError)
