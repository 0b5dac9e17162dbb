"""Named protocols: every tolerance, threshold and denominator in which published numbers differ.

classic   proxies of CDVAE (arXiv 2110.06197), DiffCSP (2309.04475) and KLDM (2507.03602): nothing is relaxed
mattergen relaxed structures, S.U.N. at 0.1 eV/atom (arXiv 2312.03687)
lemat     S.U.N. at 0 and meta-stable S.U.N. at 0.1 eV/atom (LeMat-GenBench, arXiv 2512.04562)

LeMat-GenBench counts stable, then unique among the stable, then novel among those. Here, as in MatterGen, the three are
judged on their own and then joined; the two differ only for duplicates of which some are stable and some are not.
Uniqueness counts connected sets of duplicates; the count of the literature, one by one, stands beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from nucleate.errors import DataError
from nucleate.metrics.dng.composition_scale import Scale
from nucleate.metrics.matching import Matcher

IDENTITY = (("uniqueness", "unique", "Unique"), ("novelty", "novel", "Novel"))
DEFAULT_MATCHER = Matcher(stol=0.3, angle_tol=5.0, ltol=0.2)


@dataclass(frozen=True)
class Protocol:
    """The definitions of the numbers on the first page.

    Attributes:
        name, title: for the command line and for people.
        source: papers.
        valid, valid_title: column of validity that the funnel asks for, and what it is for people.
        matcher: tolerances of uniqueness and novelty (ltol and stol are relative, angles in degrees).
        relaxed: uniqueness and novelty are judged on relaxed structures, where there are any.
        thresholds: energies above the hull, eV/atom, up to which a structure counts as stable; the first is the
            one on the first page.
        fingerprinted: which samples coverage makes fingerprints of: "buildable" or "valid".
        composition_scale: on which coverage compares compositions: "cdvae", the table of the published numbers, or
            "fitted".
        far_below: energy above the hull, eV/atom, below which a structure counts as not stable (ours).
        headline: (family, measure, label) on the first page, in order.
    """

    name: str
    title: str
    source: str
    valid: str
    valid_title: str
    matcher: Matcher
    relaxed: bool
    thresholds: tuple[float, ...]
    fingerprinted: Literal["buildable", "valid"]
    headline: tuple[tuple[str, str, str], ...]
    composition_scale: Scale = "cdvae"
    far_below: float = -0.1

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
            valid="valid",
            valid_title="geometry and composition",
            matcher=DEFAULT_MATCHER,
            relaxed=False,
            thresholds=(0.0, 0.1),
            fingerprinted="buildable",
            headline=(
                ("validity", "structure_classic", "Valid geometry"),
                ("validity", "composition", "Valid composition"),
                ("coverage", "cov_recall", "COV-R"),
                ("coverage", "cov_precision", "COV-P"),
                ("distributions", "density_w1", "Density, Wasserstein-1"),
                ("distributions", "n_elements_w1", "Elements, Wasserstein-1"),
                ("joint", "unique_novel", "Unique and novel"),
            ),
        ),
        Protocol(
            name="mattergen",
            title="Relaxed; S.U.N. at 0.1 eV/atom",
            source="MatterGen arXiv 2312.03687",
            valid="valid_classic",
            valid_title="geometry",
            matcher=DEFAULT_MATCHER,
            relaxed=True,
            thresholds=(0.1, 0.0),
            fingerprinted="buildable",
            headline=(
                ("joint", "msun", "S.U.N. (stable: 0.1 eV/atom)"),
                ("stability", "stable_0.1", "Stable (0.1 eV/atom)"),
                *IDENTITY,
                ("stability", "energy_above_hull", "Energy above hull, mean"),
                ("stability", "energy_above_hull_median", "Energy above hull, median"),
                ("stability", "rmsd_to_relaxed", "Displacement by relaxation"),
                ("validity", "composition", "Valid composition"),
            ),
        ),
        Protocol(
            name="lemat",
            title="Relaxed; S.U.N. at 0 and meta-stable S.U.N. at 0.1 eV/atom",
            source="LeMat-GenBench arXiv 2512.04562",
            valid="valid_radius",
            valid_title="distances against radii",
            matcher=DEFAULT_MATCHER,
            relaxed=True,
            thresholds=(0.0, 0.1),
            fingerprinted="buildable",
            headline=(
                ("joint", "sun", "S.U.N. (stable: 0 eV/atom)"),
                ("joint", "msun", "Meta-S.U.N. (0.1 eV/atom)"),
                ("stability", "stable_0", "Stable (0 eV/atom)"),
                ("stability", "stable_0.1", "Metastable (0.1 eV/atom)"),
                *IDENTITY,
                ("stability", "energy_above_hull", "Energy above hull, mean"),
                ("stability", "energy_above_hull_median", "Energy above hull, median"),
                ("stability", "rmsd_to_relaxed", "Displacement by relaxation"),
                ("validity", "structure_radius", "Valid distances"),
            ),
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """Raises DataError with the choices for an unknown name."""
    if name not in PROTOCOLS:
        raise DataError(f"no protocol is called {name!r}", f"choose among {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
