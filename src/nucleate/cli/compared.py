"""What comparisons share on the command line: their data sets, and what their records say of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def checked(data: list[Path]) -> tuple[Path, ...]:
    """The data sets, checked before anything is trained: each exists, with a name of its own."""
    from nucleate.data.dataset import Dataset
    from nucleate.errors import DataError

    folders = tuple(folder if folder.name not in ("", "..") else folder.resolve() for folder in data)
    names = [folder.name for folder in folders]
    for folder in folders:
        missing = {"train", "val"} - set(Dataset.open(folder).splits)
        if missing:
            raise DataError(f"{folder} has no split '{min(missing)}'", "a comparison needs train and val")
        if names.count(folder.name) > 1:
            raise DataError(
                f"two data sets are called {folder.name}",
                "give them different names: --out has a folder of each",
            )
    return folders


def surroundings() -> dict[str, Any]:
    """The command, the machine and the versions, for a record."""
    import platform
    import shlex
    import sys

    import torch

    import nucleate
    from nucleate.runs.card import device_name
    from nucleate.runs.devices import resolve

    products = {"32-true": "float32", "bf16-mixed": "native bfloat16"}[resolve("auto", "cpu")]
    threads = torch.get_num_threads()
    return {
        "command": shlex.join(["nucleate", *sys.argv[1:]]),
        "hardware": f"{device_name(torch.device('cpu'))}, {products}, {threads} thread{'s' * (threads > 1)}",
        "versions": {"nucleate": nucleate.__version__, "torch": torch.__version__, "python": platform.python_version()},
    }  # fmt: skip
