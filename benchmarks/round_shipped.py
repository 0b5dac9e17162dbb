"""Round the half-precision weights of a shipped model to bfloat16's eight significant bits, for a smaller package.

    python benchmarks/round_shipped.py kldm-mp20-symmetric

Type and size of the file stay; the three bits that are 0 at the end of each number compress, so that a wheel loses
2.3 MB of a model of 15.3 MB. Machines that multiply bfloat16 round weights in this way in any case.
"""

from __future__ import annotations

import argparse
import json

import torch
from safetensors.torch import load_file, save_file

from nucleate.files import write_whole
from ship import SHIPPED

WORDS = "averaged over training (EMA), rounded to bfloat16 and stored in half precision"


def rounded(weights: torch.Tensor) -> torch.Tensor:
    """Half-precision weights with the digits of bfloat16; other tensors as they are."""
    return weights.bfloat16().half() if weights.dtype == torch.float16 else weights


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name")
    folder = SHIPPED / parser.parse_args().name
    path, card = folder / "weights.safetensors", folder / "card.json"
    save_file({name: rounded(one) for name, one in load_file(path).items()}, path)
    about = json.loads(card.read_text()) | {"weights": WORDS}
    write_whole(card, json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
