"""The numbers of a CSP evaluation under each protocol, from the verdicts on single predictions."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nucleate.data.table import CrystalTable
from nucleate.metrics.csp.estimates import FingerprintTests, Grid, estimates
from nucleate.metrics.csp.jobs import JudgedRun
from nucleate.metrics.csp.predictions import PredictionSet
from nucleate.metrics.csp.settings import CspSettings
from nucleate.metrics.intervals import Estimate, wilson
from nucleate.metrics.validity_rules import GEOMETRY, SMACT_SET, smact_valid
from nucleate.work import Work

Row = dict[str, Any]


@dataclass(frozen=True)
class CspReport:
    """What an evaluation found.

    Attributes:
        protocols: estimates by protocol, then by name ("match_rate@1", "rmse@1", "metre", "crmse", ...).
        counts: how many rows, predictions, and failures of each kind.
        settings: everything the numbers depend on.
        smact_ceiling: share of the references that pass the SMACT rule; no `smact` match rate can be higher.
        rows: one entry for each prediction: crystal, material_id, sample, formula, atoms, geometry, rms, ...
    """

    protocols: dict[str, dict[str, Estimate]]
    counts: dict[str, int]
    settings: dict[str, Any]
    smact_ceiling: Estimate | None
    rows: list[Row]

    def to_dict(self) -> dict[str, Any]:
        """Protocols by name, then "counts" and "settings": what --json writes."""
        numbers = {name: {k: v.to_dict() for k, v in one.items()} for name, one in self.protocols.items()}
        ceiling = self.smact_ceiling.to_dict() if self.smact_ceiling else None
        return {**numbers, "counts": self.counts, "settings": {**self.settings, "smact_ceiling": ceiling}}


def build_report(
    judged: JudgedRun,
    found: PredictionSet,
    reference: CrystalTable,
    settings: CspSettings,
    work: Work,
) -> CspReport:
    """Apply each protocol to the verdicts."""
    use_smact = "smact" in settings.protocols
    grid = Grid(judged, reference, use_smact)
    fingerprints = FingerprintTests(grid, judged, reference, settings, work)
    samples = grid.rms.shape[1]
    ks = settings.k or tuple(sorted({1, samples}))
    protocols = {
        name: estimates(name, grid, judged, fingerprints, settings, ks) for name in settings.protocols
    }
    ceiling = None
    if use_smact:
        valid = [smact_valid(reference.cell(row).formula) for row in range(len(reference))]
        ceiling = wilson(sum(valid), len(valid))
    counts = _counts(grid, judged, found, reference, fingerprints, use_smact)
    described = _described(settings, ks, use_smact, found)
    return CspReport(protocols, counts, described, ceiling, _table(grid, judged, reference, use_smact))


def _counts(
    grid: Grid,
    judged: JudgedRun,
    found: PredictionSet,
    reference: CrystalTable,
    fingerprints: FingerprintTests,
    use_smact: bool,
) -> dict[str, int]:
    rows, samples = grid.rms.shape
    problems, failures = Counter(grid.problem.ravel()), Counter(grid.failure.ravel())
    readable = grid.problem != "unreadable"
    broken = GEOMETRY.reasons[1:]
    counts = {
        "reference_rows": len(reference),
        "covered_rows": rows,
        "samples_per_row": samples,
        "predictions": rows * samples - judged.missing,
        "missing_predictions": judged.missing,
        "unpaired_predictions": len(found.unpaired),
        "unreadable_predictions": problems["unreadable"] - judged.missing,
        **{name: problems[name] for name in broken},
        "invalid_geometry": sum(problems[name] for name in broken),
        "other_composition": int(grid.other_composition.sum()),
        "no_match": int((readable & np.isinf(grid.rms) & (grid.failure == "")).sum()),
        "matcher_failed": failures["matcher_failed"] + judged.cross_failures.get("matcher_failed", 0),
        "timed_out": failures["timed_out"] + judged.cross_failures.get("timed_out", 0),
        "irreducible_references": sum(row.reference is None for row in judged.verdicts),
    }
    if use_smact:
        counts["smact_invalid"] = int((readable & ~grid.smact).sum())
        counts["smact_invalid_references"] = int((~grid.reference_smact).sum())
    if fingerprints.wanted:
        counts["fingerprints_tested"] = len(fingerprints.made)
        counts["fingerprint_failed"] = sum(not passed for passed in fingerprints.made.values())
    return counts


def _described(
    settings: CspSettings, ks: tuple[int, ...], use_smact: bool, found: PredictionSet
) -> dict[str, Any]:
    import pymatgen.core

    described = {
        "k": list(ks),
        "matcher": asdict(settings.matcher),
        "timeout_s": settings.timeout,
        "bootstrap_seed": settings.seed,
        "pairing": dict(found.pairing),
        "pymatgen": pymatgen.core.__version__,
    }
    if use_smact:
        from importlib.metadata import version

        described |= {"smact": version("smact"), "smact_oxidation_states": SMACT_SET}
        described["fingerprints"] = settings.fingerprints
    return described


def _table(grid: Grid, judged: JudgedRun, reference: CrystalTable, use_smact: bool) -> list[Row]:
    from nucleate.elements import SYMBOLS

    table = []
    for i, row in enumerate(judged.rows):
        formula = "".join(f"{SYMBOLS[z]}{n if n > 1 else ''}" for z, n in grid.references[i].formula)
        for sample, cell in enumerate(judged.cells[i]):
            rms = float(grid.rms[i, sample])
            entry: Row = {
                "crystal": row,
                "material_id": reference.ids[row],
                "sample": sample,
                "formula": formula,
                "atoms": 0 if cell is None else len(cell.species),
                "reference_atoms": len(grid.references[i].species),
                "geometry": grid.problem[i, sample] or "valid",
                "matched": bool(np.isfinite(rms)),
                "rms": rms if np.isfinite(rms) else None,
                "failure": grid.failure[i, sample],
            }
            if use_smact:
                entry["smact_composition"] = bool(grid.smact[i, sample])
            table.append(entry)
    return table
