"""A funnel that is killed at random moments of each stage: its ledger is that of an undisturbed run.

    python benchmarks/funnel_kills.py --folder runs/kills --kills 100 --seed 1

Writes benchmarks/results/funnel-kills.json: into which stage the kills fell.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.funnel import killed

RESULT = Path(__file__).parent / "results" / "funnel-kills.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    found = killed.kill_often(options.folder, options.kills, options.seed)
    asked = f"--kills {options.kills} --seed {options.seed}"
    record = {
        "benchmark": "funnel-kills",
        "command": f"python benchmarks/funnel_kills.py --folder runs/kills {asked}",
        "kills": sum(found.where.values()),
        "signal": "SIGKILL at a random moment of each position in turn, as long as it lasts undisturbed",
        "crystals": killed.CRYSTALS,
        "runs": found.runs,
        "killed_in": found.where,
        "verdicts": found.verdicts,
        "same_as_undisturbed": True,
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n")
    sys.stdout.write(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
