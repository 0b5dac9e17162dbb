"""The part of the page on speed that says where the time of a step goes."""

from __future__ import annotations

from pathlib import Path

from answers_section import read

HEAD = """## Where the time of a step goes

Shares of the time inside torch's operations, of {crystals} crystals of MP-20 on {hardware}, {threads} thread,
{precision}. What is no product of matrices is what better code could still save. Other work ran
beside it: believe shares more than milliseconds.
"""


def step_profile(results: Path) -> str:
    """A row for each recipe's training step and draw."""
    record = read(results, "step-profile")
    if record is None:
        return ""
    first = next(iter(record["recipes"].values()))
    kinds = list(first["training step"]["shares"])
    lines = [
        "| recipe | parameters | step | ms a crystal | " + " | ".join(f"{kind} %" for kind in kinds) + " |"
    ]
    lines.append("|---" * (4 + len(kinds)) + "|")
    for name, row in record["recipes"].items():
        for step, found in row.items():
            if isinstance(found, dict):
                cells = [
                    name, f"{row['parameters'] / 1e6:.1f} M", step, f"{1000 * found['seconds'] / row['crystals']:.0f}",
                    *(f"{100 * found['shares'][kind]:.0f}" for kind in kinds),
                ]  # fmt: skip
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([HEAD.format(**first | record), *lines, f"\n```\n{record['command']}\n```\n"])
