"""A CSP report as text."""

from __future__ import annotations

from nucleate.metrics.csp.report import CspReport
from nucleate.report.number_texts import fixed_text

RULES = {
    "full": "every prediction counts",
    "geometry": "atoms >= 0.5 Å apart, volume >= 0.1 Å^3, cell vectors <= 40 Å (KLDM)",
    "smact": "SMACT composition rule and geometry; @1 asks the reference too (CDVAE, DiffCSP, FlowMM)",
}
SILENT = ("reference_rows", "covered_rows", "samples_per_row", "predictions")


def summary(report: CspReport) -> str:
    """Rates in per cent, RMS displacements in (volume / atoms)^(1/3), with 95 % intervals."""
    counts = report.counts
    rows, covered, samples = (counts[name] for name in SILENT[:3])
    lines = [
        f"{covered} crystals, {samples} sample{'s' * (samples > 1)} each, {counts['predictions']} predictions"
    ]
    if covered < rows:
        lines.append(f"these are {covered} of the {rows} rows of the reference; rates are over the {covered}")
    pairing = ", ".join(f"{n} by {how}" for how, n in report.settings["pairing"].items())
    if pairing:
        lines.append(f"paired: {pairing}")
    for name, estimates in report.protocols.items():
        lines += ["", f"{name}: {RULES[name]}"]
        if name == "smact":
            lines.append(_smact_note(report))
        for key, estimate in estimates.items():
            is_rate = key.startswith(("match_rate", "metre"))
            text = fixed_text(estimate, 100, 2) + " %" if is_rate else fixed_text(estimate, 1, 4)
            lines.append(f"  {key:<18} {text}")
            if covered < rows and key.startswith("match_rate@") and estimate.value is not None:
                lines.append(f"  {'':<18} {100 * estimate.value * covered / rows:.2f} % of all {rows} rows")
    failures = {name: n for name, n in counts.items() if n and name not in SILENT}
    lines += [
        "",
        "failures: " + (", ".join(f"{k.replace('_', ' ')} {v}" for k, v in failures.items()) or "none"),
    ]
    return "\n".join(lines)


def _smact_note(report: CspReport) -> str:
    ceiling = report.smact_ceiling.value if report.smact_ceiling else None
    tested = "tested" if report.settings["fingerprints"] else "not tested"
    return (
        f"  states {report.settings['smact_oxidation_states']} of smact {report.settings['smact']}; "
        f"fingerprints {tested}; ceiling: {100 * (ceiling or 0):.2f} % of the references pass"
    )
