"""A funnel that is killed at random moments, again and again: its ledger is that of an undisturbed run.

    python benchmarks/funnel_kills.py --folder runs/kills --kills 100 --seed 1

Prints before, in and after which stage the kills fell.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.funnel import killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    killed.main(options.folder, options.kills, options.seed)


if __name__ == "__main__":
    main()
