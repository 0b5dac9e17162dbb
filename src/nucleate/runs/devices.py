"""Devices and precision of a run: Lightning Fabric with the accelerator, devices and strategy asked for.

Fabric is always launched in float32. Its own `bf16-mixed` casts every input of the model and runs processes and losses
under autocast too; here only the network's products are in bfloat16, which is `CrystalModel.bf16`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from nucleate.errors import MissingPackageError, TrainingError

Precision = Literal["32-true", "bf16-mixed"]
BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class Hardware:
    """Accelerator, devices and strategy as Lightning Fabric names them; nodes are machines."""

    devices: int = 1
    strategy: str = "auto"
    accelerator: str = "auto"
    nodes: int = 1


def launch(hardware: Hardware) -> Any:
    """A launched Fabric. Under ddp it starts the other processes, which run this same command line up to here.

    Raises TrainingError for what this machine does not have.
    """
    try:
        from lightning.fabric import Fabric
        from lightning.fabric.utilities.exceptions import MisconfigurationException
    except ImportError:
        raise MissingPackageError("training needs lightning", "pip install 'nucleate[train]'") from None
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    try:
        fabric = Fabric(
            accelerator=hardware.accelerator, devices=hardware.devices, num_nodes=hardware.nodes,
            strategy=hardware.strategy, precision="32-true",
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


def resolve(precision: Literal["auto"] | Precision, accelerator: str) -> Precision:
    """The precision of the network's products where `auto` may be asked for: bfloat16 where it is native."""
    if precision != "auto":
        return precision
    return "bf16-mixed" if native_bf16(accelerator) else "32-true"


def native_bf16(accelerator: str = "auto") -> bool:
    """Whether bfloat16 products run in hardware; otherwise they are emulated and far slower than float32."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(cpu_flags() & BF16_FLAGS)


def cpu_flags() -> set[str]:
    """Feature flags of the CPU as Linux names them; empty on other systems."""
    try:
        return set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return set()
