"""The share of a network's time spent in products, in float32 and in bfloat16, and the bytes that casts move.

    python benchmarks/bf16_share.py --threads 1 --out bf16_share.json

Works on any CPU. Where bfloat16 is emulated, the time of its products is meaningless and left out: the estimate takes
the measured float32 products at `--gain` times their speed (2.27 was measured on two threads of a CPU with avx512_bf16,
420 against 185 GFLOP/s) and the measured rest. Times are sums over operators from torch's profiler, the minimum over
all repeats, since other programs only add to them.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from network_speed import HEADS, make_batch
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import native_bf16
from turns import hardware

PRODUCTS = ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm", "aten::baddbmm")


class Counted(TorchDispatchMode):
    """FLOPs of the products by their precision, and bytes that casts read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.flops: dict[str, float] = {}
        self.cast = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func._schema.name
        if name in PRODUCTS:
            a = args[1] if "add" in name else args[0]
            key = str(a.dtype).removeprefix("torch.")
            self.flops[key] = self.flops.get(key, 0.0) + 2.0 * out.numel() * a.shape[-1]
        elif name == "aten::_to_copy" and out.is_floating_point() and args[0].dtype != out.dtype:
            self.cast += args[0].nbytes + out.nbytes
        return out


def passes(net: nn.Module, batch: tuple, rounded: bool, training: bool):
    def run() -> None:
        with torch.set_grad_enabled(training):
            with torch.autocast("cpu", torch.bfloat16, enabled=rounded, cache_enabled=training):
                answers = net(*batch)
            if training:
                sum((x.float().square().mean() for x in answers.values()), torch.zeros(())).backward()
                net.zero_grad()

    return run


def seconds(run, repeats: int) -> dict[str, float]:
    """Minimum time in products and outside them, s."""
    found: dict[str, list[float]] = {"products": [], "rest": []}
    for _ in range(repeats):
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            run()
        events = seen.key_averages()
        products = sum(e.self_cpu_time_total for e in events if e.key in PRODUCTS) / 1e6
        found["products"].append(products)
        found["rest"].append(sum(e.self_cpu_time_total for e in events) / 1e6 - products)
    return {name: min(values) for name, values in found.items()}


def measure(net: nn.Module, batch: tuple, training: bool, asked: argparse.Namespace) -> dict:
    record: dict = {}
    for name, rounded in (("float32", False), ("bf16", True)):
        run = passes(net, batch, rounded, training)
        run()
        with Counted() as counted:
            run()
        record[name] = {"gigaflop": {k: round(v / 1e9, 3) for k, v in counted.flops.items()}}
        record[name]["cast_megabytes"] = round(counted.cast / 1e6, 1)
        record[name]["seconds"] = {k: round(v, 4) for k, v in seconds(run, asked.repeats).items()}
    exact, rounded = record["float32"]["seconds"], record["bf16"]["seconds"]
    share = record["bf16"]["gigaflop"].get("bfloat16", 0.0) / sum(record["bf16"]["gigaflop"].values())
    work = (
        exact["products"]
        * sum(record["bf16"]["gigaflop"].values())
        / sum(record["float32"]["gigaflop"].values())
    )
    native = work * (share / asked.gain + 1 - share) + rounded["rest"]
    record["estimated_gain"] = round((exact["products"] + exact["rest"]) / native, 2)
    return record


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--crystals", type=int, default=32)
    parser.add_argument("--atoms", type=int, default=12)
    parser.add_argument("--layers", type=int, default=6, help="layers of CSPNet")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gain", type=float, default=2.27, help="speed of bfloat16 products against float32")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/bf16_share.json"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    batch = make_batch(np.full(asked.crystals, asked.atoms), 0, "cpu")
    cspnet, transformer = (
        CSPNet(CSPNetSettings(layers=asked.layers), HEADS),
        get_recipe("kldm-csp-small").build().network,
    )
    record = {
        "benchmark": "bf16_share", "command": shlex.join(["python", *sys.argv]), "hardware": hardware("cpu"),
        "threads": asked.threads, "torch": torch.__version__, "native_bf16": native_bf16("cpu"), "gain": asked.gain,
        "crystals": asked.crystals, "atoms": asked.atoms, "edges_of_cspnet": cspnet.layout(batch[0]["frac"], batch[2]),
    }  # fmt: skip
    for name, net in (("cspnet", cspnet), ("torus-transformer", transformer)):
        for training in (True, False):
            record[f"{name}, {'training' if training else 'sampling'}"] = measure(net, batch, training, asked)
    asked.out.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
