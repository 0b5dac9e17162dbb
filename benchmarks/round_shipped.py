"""Round the half-precision weights of a shipped model or adapter, for a smaller package.

    python benchmarks/round_shipped.py kldm-mp20-symmetric kldm-perov5-csp

Each matrix is rounded to whole multiples of a power of two near 1/32 (or 1/PARTS) of its standard deviation, which
changes it by about 1 % in the mean square, as eight-bit integers would. Type and size of the file stay; the bits that
are 0 at the end of each number compress, so that a wheel holds 8.7 MB of a model of 15.3 MB, 7.5 with a 16th. Vectors
and other tensors stay.
"""

from __future__ import annotations

import argparse
import json

import torch
from safetensors.torch import load_file, save_file

from nucleate.files import write_whole
from ship import SHIPPED

PARTS = 32
"""Steps in a standard deviation."""
WORDS = "averaged over training (EMA), matrices rounded to 1/{} of their spread, in half precision"


def rounded(weights: torch.Tensor, parts: int = PARTS) -> torch.Tensor:
    """A half-precision matrix with fewer digits; other tensors as they are."""
    if weights.dtype != torch.float16 or weights.ndim < 2 or weights.numel() < 2:
        return weights
    exact = weights.float()
    spread = exact.std()
    if spread == 0:
        return weights
    step = 2.0 ** torch.round(torch.log2(spread / parts))
    return (torch.round(exact / step) * step).half()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+")
    parser.add_argument("--parts", type=int, default=PARTS, help="steps in a standard deviation")
    asked = parser.parse_args()
    for name in asked.names:
        if not (SHIPPED / name / "weights.safetensors").exists():
            parser.error(f"'{name}' is no shipped model; 'nucleate models' lists them")
    for name in asked.names:
        folder = SHIPPED / name
        path, card = folder / "weights.safetensors", folder / "card.json"
        save_file({key: rounded(one, asked.parts) for key, one in load_file(path).items()}, path)
        about = json.loads(card.read_text()) | {"weights": WORDS.format(asked.parts)}
        write_whole(card, json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
