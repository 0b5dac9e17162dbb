"""Estimates under each protocol, from the verdicts on single predictions."""

from __future__ import annotations

import numpy as np

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.metrics.csp.jobs import JudgedRun, judge_fingerprint
from nucleate.metrics.csp.settings import CspSettings
from nucleate.metrics.intervals import Estimate, bootstrap_mean, wilson
from nucleate.metrics.validity_rules import smact_valid
from nucleate.work import Work


class Grid:
    """Verdicts as arrays over [covered rows, samples]; `rms` is infinite without a match."""

    def __init__(self, judged: JudgedRun, reference: CrystalTable, use_smact: bool) -> None:
        verdicts = [row.samples for row in judged.verdicts]
        self.references = [reference.cell(row) for row in judged.rows]
        self.rms = np.array([[np.inf if v.rms is None else v.rms for v in row] for row in verdicts])
        self.problem = np.array([[v.geometry for v in row] for row in verdicts], dtype=object)
        self.failure = np.array([[v.failure for v in row] for row in verdicts], dtype=object)
        formulas = [
            [c.formula if c is not None and len(c.species) else () for c in row] for row in judged.cells
        ]
        truth = [cell.formula for cell in self.references]
        self.other_composition = np.array(
            [[bool(f) and f != t for f in row] for row, t in zip(formulas, truth, strict=True)]
        )
        if use_smact:
            self.smact = np.array([[bool(f) and smact_valid(f) for f in row] for row in formulas])
            self.reference_smact = np.array([smact_valid(f) for f in truth])

    def admitted(self, protocol: str) -> np.ndarray:
        """Which predictions may count, before fingerprints. [rows, samples]"""
        if protocol == "full":
            return self.problem != "unreadable"
        if protocol == "geometry":
            return self.problem == ""
        return self.smact & ((self.problem == "") | (self.problem == "cell_too_long"))


class FingerprintTests:
    """Fingerprint tests, made only where a match depends on one."""

    def __init__(
        self,
        grid: Grid,
        judged: JudgedRun,
        reference: CrystalTable,
        settings: CspSettings,
        work: Work,
    ) -> None:
        self.wanted = settings.fingerprints and "smact" in settings.protocols
        self.made: dict[tuple[int, int], bool] = {}
        if not self.wanted:
            return
        hits = np.isfinite(grid.rms) & grid.admitted("smact")
        places = [(int(row), int(sample)) for row, sample in np.argwhere(hits)]
        places += [(row, -1) for row in sorted({row for row, sample in places if sample == 0})]
        if settings.metre:
            index = {row: i for i, row in enumerate(judged.rows)}
            places += [(index[i], 0) for i in sorted({i for i, _ in judged.cross})]
        places = list(dict.fromkeys(places))
        jobs = [(self._cell(grid, judged, row, sample), settings.timeout) for row, sample in places]
        results = work.run("fingerprints", judge_fingerprint, jobs, len(jobs))
        self.made = dict(zip(places, results, strict=True))

    @staticmethod
    def _cell(grid: Grid, judged: JudgedRun, row: int, sample: int) -> Cell:
        cell = grid.references[row] if sample < 0 else judged.cells[row][sample]
        assert cell is not None
        return cell

    def passed(self, row: int, sample: int) -> bool:
        """Sample -1 is the reference. True if fingerprints are not required."""
        return not self.wanted or self.made.get((row, sample), False)


def estimates(
    name: str,
    grid: Grid,
    judged: JudgedRun,
    fingerprints: FingerprintTests,
    settings: CspSettings,
    ks: tuple[int, ...],
) -> dict[str, Estimate]:
    rms = np.where(grid.admitted(name), grid.rms, np.inf)
    rows = len(rms)
    gate = np.ones(rows, dtype=bool)
    if name == "smact":
        for row, sample in np.argwhere(np.isfinite(rms)):
            if not fingerprints.passed(int(row), int(sample)):
                rms[row, sample] = np.inf
        gate = grid.reference_smact & np.array([fingerprints.passed(row, -1) for row in range(rows)])
    result: dict[str, Estimate] = {}
    for k in ks:
        best = rms[:, :k].min(1)
        if k == 1:
            best = np.where(gate, best, np.inf)
        hit = np.isfinite(best)
        result[f"match_rate@{k}"] = wilson(int(hit.sum()), rows)
        result[f"rmse@{k}"] = bootstrap_mean(best[hit], settings.seed)
    if rms.shape[1] > 1 and 1 in ks:
        result["match_rate@1_mean"] = bootstrap_mean(
            (np.isfinite(rms) & gate[:, None]).mean(1), settings.seed
        )
    if settings.metre:
        result |= _metre(rms[:, 0], grid.admitted(name)[:, 0], judged, fingerprints, settings)
    return result


def _metre(
    own: np.ndarray,
    admitted: np.ndarray,
    judged: JudgedRun,
    fingerprints: FingerprintTests,
    settings: CspSettings,
) -> dict[str, Estimate]:
    """METRe and cRMSE: each reference takes the closest first sample of any row; a miss costs stol."""
    index = {row: i for i, row in enumerate(judged.rows)}
    best = own.copy()
    for (source, target), rms in judged.cross.items():
        i, j = index[source], index[target]
        if admitted[i] and fingerprints.passed(i, 0):
            best[j] = min(best[j], rms)
    hit = np.isfinite(best)
    corrected = np.where(hit, best, settings.matcher.stol)
    return {"metre": wilson(int(hit.sum()), len(best)), "crmse": bootstrap_mean(corrected, settings.seed)}
