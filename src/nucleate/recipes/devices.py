"""Where a run runs: Lightning Fabric, launched with the accelerator, devices, strategy and precision asked for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nucleate.errors import MissingPackageError, TrainingError

BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class Hardware:
    """Accelerator, devices and strategy as Lightning Fabric names them; nodes are machines."""

    devices: int = 1
    strategy: str = "auto"
    accelerator: str = "auto"
    nodes: int = 1


def launch(hardware: Hardware, precision: str) -> Any:
    """A launched Fabric. Under ddp it starts the other processes, which run this same command line up to here.

    precision: as in `TrainingSettings`. Raises TrainingError for what this machine does not have.
    """
    try:
        from lightning.fabric import Fabric
        from lightning.fabric.utilities.exceptions import MisconfigurationException
    except ImportError:
        raise MissingPackageError("training needs lightning", "pip install 'nucleate[train]'") from None
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    if precision == "auto":
        precision = "bf16-mixed" if native_bf16(hardware.accelerator) else "32-true"
    try:
        fabric = Fabric(
            accelerator=hardware.accelerator, devices=hardware.devices, num_nodes=hardware.nodes,
            strategy=hardware.strategy, precision=precision,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        asked = (
            f"accelerator {hardware.accelerator}, {hardware.devices} devices, strategy {hardware.strategy}"
        )
        reason = str(error).strip().splitlines()[0].rstrip(".")
        hint = "try --accelerator cpu --devices 1 --strategy auto"
        raise TrainingError(f"can't run with {asked} ({reason})", hint) from None
    fabric.launch()
    return fabric


def native_bf16(accelerator: str = "auto") -> bool:
    """Whether bfloat16 products run in hardware; elsewhere they are emulated and far slower than float32."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return bool(flags & BF16_FLAGS)
