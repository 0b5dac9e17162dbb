"""Speed of CSPNet against a plain scatter implementation of the same layer (scatter_cspnet.py), at equal output.

Training step: forward, backward and AdamW on one batch of random sizes, the same for both. Sampling: forward passes
without gradients over a pool of crystals, as in any sampler. The library batches its pool by size
as `predict` does; the scatter network gets random batches as public codes make them, and the library's batches as well.
Both take turns in one run; the ratio is that of the medians. In bf16 the scatter network runs in float32 too, as public
codes train it. Building the list of edges is not timed for scatter, while
everything that the library derives from sizes and coordinates is.

    python benchmarks/network_speed.py --threads 2 --data data/mp_20
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from nucleate.networks.base import Head
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.runs.devices import native_bf16
from scatter_cspnet import Graph, ScatterCSPNet
from turns import hardware, summary, take_turns

HEADS = {"frac": Head("atom", 3), "lattice": Head("cell", 6)}
# Cells of MP-20's training split by number of atoms, 0 to 20.
MP_20 = [
    0,
    65,
    585,
    549,
    4167,
    1298,
    2310,
    583,
    2109,
    940,
    2357,
    357,
    2545,
    557,
    1678,
    376,
    1704,
    264,
    1399,
    278,
    2222,
]
IN_FLOAT32 = "scatter in float32, random batches"
Batch = tuple[dict[str, Tensor], Tensor, Tensor]
FlatBatch = tuple[dict[str, Tensor], Tensor, Graph]


def draw_sizes(data: str | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """Sizes of random crystals of a data set's training split, or of MP-20's histogram."""
    if data is None:
        return rng.choice(len(MP_20), count, p=np.array(MP_20) / sum(MP_20))
    from nucleate.data.dataset import Dataset

    return rng.choice(Dataset.open(data).split("train").sizes, count)


def make_batch(sizes: np.ndarray, seed: int, device: str) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    mask = torch.arange(int(sizes.max())) < torch.as_tensor(sizes).unsqueeze(1)
    inputs = {
        "species": torch.randint(1, 90, mask.shape, generator=rng) * mask,
        "frac": (torch.rand(*mask.shape, 3, generator=rng) - 0.5) * mask.unsqueeze(-1),
        "velocity": 0.16 * torch.randn(*mask.shape, 3, generator=rng) * mask.unsqueeze(-1),
        "lattice": torch.randn(len(sizes), 6, generator=rng),
    }
    t = torch.rand(len(sizes), generator=rng)
    return {name: x.to(device) for name, x in inputs.items()}, t.to(device), mask.to(device)


def flatten(batch: Batch) -> FlatBatch:
    inputs, t, mask = batch
    flat = {name: x if name == "lattice" else x[mask] for name, x in inputs.items()}
    return flat, t, Graph.of(mask)


def check(dense: CSPNet, scatter: ScatterCSPNet, batch: Batch) -> float:
    """Largest difference of the two networks' predictions, over the largest prediction. Raises if they disagree."""
    with torch.no_grad():
        ours, theirs = dense(*batch), scatter(*flatten(batch))
    ours["frac"] = ours["frac"][batch[2]]
    error = max(float((ours[k] - theirs[k]).abs().max() / theirs[k].abs().max()) for k in ours)
    if error > 1e-3:
        raise RuntimeError(f"the two networks differ by {error:.1e}: their speeds can't be compared")
    return error


def training_step(
    net: nn.Module, batch: Batch | FlatBatch, autocast: Callable[[], contextlib.AbstractContextManager]
) -> Callable[[], None]:
    optimiser = torch.optim.AdamW(net.parameters(), 1e-6, fused=True)

    def step() -> None:
        with autocast():
            predictions = net(*batch)
            loss = sum((x.float().square().mean() for x in predictions.values()), torch.zeros(()))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def sampling_pass(
    net: nn.Module, batches: list, autocast: Callable[[], contextlib.AbstractContextManager]
) -> Callable[[], None]:
    @torch.no_grad()
    def run() -> None:
        with autocast():
            for batch in batches:
                net(*batch)

    return run


def size_sorted(sizes: np.ndarray, edges: int) -> list[np.ndarray]:
    from nucleate.data.buckets import split_by_edges

    return split_by_edges(np.argsort(sizes, kind="stable"), sizes, edges)


def measure(args: argparse.Namespace, precision: str) -> dict:
    """Both comparisons in one precision."""
    torch.manual_seed(0)
    settings = CSPNetSettings(layers=args.layers)
    dense = CSPNet(settings, HEADS).to(args.device)
    scatter = ScatterCSPNet(settings, HEADS).to(args.device)
    scatter.load_state_dict(dense.state_dict())

    def autocast() -> contextlib.AbstractContextManager:
        return torch.autocast(args.device, torch.bfloat16, enabled=precision == "bf16")

    rng = np.random.default_rng(args.seed)
    sizes = draw_sizes(args.data, args.batch, rng)
    batch = make_batch(sizes, args.seed, args.device)
    error = check(dense, scatter, batch)
    training = {
        "scatter": training_step(scatter, flatten(batch), autocast),
        "dense": training_step(dense, batch, autocast),
    }
    if precision == "bf16":
        training[IN_FLOAT32] = training_step(scatter, flatten(batch), contextlib.nullcontext)
    with autocast():
        taken = dense.layout(batch[0]["frac"], batch[2])
    record = {
        "largest_relative_difference": error,
        "edges_of_ours": taken,
        "training": {"crystals": len(sizes), "edges": int((sizes * (sizes - 1)).sum())}
        | summary(take_turns(training, args.repeats, args.device), len(sizes)),
    }
    pool = draw_sizes(args.data, args.pool, rng)
    by_size = [make_batch(pool[i], n, args.device) for n, i in enumerate(size_sorted(pool, args.edges))]
    at_random = [
        make_batch(i, n, args.device)
        for n, i in enumerate(np.array_split(pool, max(1, args.pool // args.batch)))
    ]
    sampling = {
        "scatter, random batches": sampling_pass(scatter, [flatten(b) for b in at_random], autocast),
        "scatter, same batches": sampling_pass(scatter, [flatten(b) for b in by_size], autocast),
        "dense": sampling_pass(dense, by_size, autocast),
    }
    if precision == "bf16":
        sampling[IN_FLOAT32] = sampling_pass(scatter, [flatten(b) for b in at_random], contextlib.nullcontext)
    print(json.dumps(record["training"]), file=sys.stderr)
    record["sampling"] = {
        "crystals": len(pool),
        "edges": int((pool * (pool - 1)).sum()),
        "unit": "one network evaluation of every crystal; crystals/s at n NFE is this divided by n",
    } | summary(take_turns(sampling, args.repeats, args.device), len(pool))
    return record


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="data set folder whose sizes are drawn; default: MP-20's histogram")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument(
        "--batch", type=int, default=64, help="crystals of a training step and of a random batch"
    )
    parser.add_argument("--pool", type=int, default=256, help="crystals to sample")
    parser.add_argument(
        "--edges", type=int, default=32768, help="padded pairs in one of the library's batches"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/network_speed.json"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    record = {
        "benchmark": "network_speed",
        "command": shlex.join(["python", *sys.argv]),
        "hardware": hardware(args.device),
        "threads": args.threads,
        "native_bf16": native_bf16(args.device),
        "load_before": [round(x, 2) for x in os.getloadavg()],
        "torch": torch.__version__,
        "data": args.data or "MP-20 histogram",
        "layers": args.layers,
    }
    for precision in ("float32", "bf16"):
        if precision == "bf16" and not native_bf16("cpu" if args.device == "cpu" else "auto"):
            record[precision] = "skipped: this processor multiplies bfloat16 in software only"
            continue
        record[precision] = measure(args, precision)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
