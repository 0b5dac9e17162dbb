"""Named protocols: every tolerance, threshold and denominator that published numbers differ in.

classic   proxies of CDVAE (arXiv 2110.06197), DiffCSP (2309.04475) and KLDM (2507.03602): nothing is relaxed
mattergen relaxed structures, S.U.N. at 0.1 eV/atom (arXiv 2312.03687)
lemat     S.U.N. at 0 and meta-stable S.U.N. at 0.1 eV/atom (LeMat-GenBench, arXiv 2512.04562)

LeMat-GenBench counts stable, then unique among the stable, then novel among those. Here, as in MatterGen, the three are
judged on their own and then joined; the two differ only for duplicates of which some are stable and some are not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from nucleate.errors import DataError
from nucleate.metrics.matching import Matcher

DEFAULT_MATCHER = Matcher(stol=0.3, angle_tol=5.0, ltol=0.2)


@dataclass(frozen=True)
class Protocol:
    """What the numbers on the first page mean.

    Attributes:
        name, title: for the command line and for people. source: papers.
        matcher: tolerances of uniqueness and novelty (ltol and stol are relative, angles in degrees).
        relaxed: uniqueness and novelty are judged on relaxed structures, where there are any.
        thresholds: energies above the hull, eV/atom, up to which a structure counts as stable; the first is the
            one on the first page.
        fingerprinted: which samples coverage makes fingerprints of: "buildable" or "valid".
        greedy: uniqueness keeps the first of each set of duplicates, one by one, instead of one for each connected set.
        headline: (family, measure, label) on the first page, in order.
    """

    name: str
    title: str
    source: str
    matcher: Matcher
    relaxed: bool
    thresholds: tuple[float, ...]
    fingerprinted: str
    greedy: bool
    headline: tuple[tuple[str, str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it, for the record of a result."""
        content = asdict(self)
        content["headline"] = [f"{family}.{measure}" for family, measure, _ in self.headline]
        return content


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="classic",
            title="Proxies without energies",
            source="CDVAE arXiv 2110.06197, DiffCSP arXiv 2309.04475, KLDM arXiv 2507.03602",
            matcher=DEFAULT_MATCHER,
            relaxed=False,
            thresholds=(0.0, 0.1),
            fingerprinted="buildable",
            greedy=False,
            headline=(),
        ),
        Protocol(
            name="mattergen",
            title="Relaxed; S.U.N. at 0.1 eV/atom",
            source="MatterGen arXiv 2312.03687",
            matcher=DEFAULT_MATCHER,
            relaxed=True,
            thresholds=(0.1, 0.0),
            fingerprinted="buildable",
            greedy=False,
            headline=(),
        ),
        Protocol(
            name="lemat",
            title="Relaxed; S.U.N. at 0 and meta-stable S.U.N. at 0.1 eV/atom",
            source="LeMat-GenBench arXiv 2512.04562",
            matcher=DEFAULT_MATCHER,
            relaxed=True,
            thresholds=(0.0, 0.1),
            fingerprinted="buildable",
            greedy=False,
            headline=(),
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """Raises DataError with the choices for an unknown name."""
    if name not in PROTOCOLS:
        raise DataError(f"no protocol is called {name!r}", f"choose among {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
