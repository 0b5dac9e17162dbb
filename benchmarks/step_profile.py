"""Where the time of a step goes: a training step and a draw of a recipe, by kinds of operations.

    python benchmarks/step_profile.py --data data/mp_20 --recipe nucleate-csp --recipe kldm-csp

Time inside each of torch's operations alone, without what it calls, by torch's own profiler, after one uncounted step.
Writes benchmarks/results/step-profile.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from nucleate.files import write_whole
from nucleate.recipes.base import Recipe, scaled
from nucleate.recipes.registry import recipes
from nucleate.runs.devices import native_bf16
from nucleate.training.batches import StepPlan
from recipe_runs import crystals_of, models_of, on_device, sampling, training_step
from turns import hardware

RESULT = Path(__file__).parent / "results" / "step-profile.json"
KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "addmv_", "mv", "linear", "matmul"),
    "copies, casts, concatenations": ("copy_", "cat", "clone", "_to_copy", "contiguous", "stack", "repeat"),
    "lookups and scatters": (
        "embedding", "embedding_dense_backward", "index", "index_select", "gather", "scatter_add_", "index_put_",
        "index_add_", "_embedding_bag", "_embedding_bag_backward",
    ),
    "activations, norms, softmax": (
        "silu", "silu_backward", "gelu", "gelu_backward", "_softmax", "_softmax_backward_data",
        "native_layer_norm", "native_layer_norm_backward", "sigmoid", "tanh",
    ),
    "optimiser and clipping": ("_fused_adamw_", "linalg_vector_norm", "_foreach_mul_"),
    "other arithmetic": (
        "mul", "mul_", "add", "add_", "sub", "div", "div_", "sum", "mean", "sin", "cos", "exp", "pow", "neg",
        "where", "clamp", "remainder", "sqrt", "square", "lt", "ge",
    ),
}  # fmt: skip
"""Names of torch's operations, without `aten::`; all else, views and the interpreter's part, is bookkeeping."""
REST = "bookkeeping"
TIMED_NFE = 10


def profiled(run: Callable[[], None]) -> dict[str, Any]:
    """Seconds of one run, the share of each kind, and the five operations that take most."""
    run()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        run()
    kind_of = {f"aten::{name}": kind for kind, names in KINDS.items() for name in names}
    times = {event.key: event.self_cpu_time_total / 1e6 for event in found.key_averages()}
    kinds: Counter[str] = Counter()
    for name, seconds in times.items():
        kinds[kind_of.get(name, REST)] += seconds
    total = sum(times.values())
    return {
        "seconds": round(total, 3),
        "shares": {kind: round(kinds[kind] / total, 3) for kind in (*KINDS, REST)},
        "most": {
            name.removeprefix("aten::"): round(seconds / total, 3)
            for name, seconds in sorted(times.items(), key=lambda one: -one[1])[:5]
        },
    }


def row_of(recipe: Recipe, asked: argparse.Namespace) -> dict[str, Any]:
    """One recipe: a step on as many crystals, and a draw of as many."""
    table = crystals_of(asked)
    model = models_of(recipe, table, "cpu")["dense"]
    model.bf16 = native_bf16("cpu")
    plan = StepPlan(table.sizes, asked.batch, recipe.training.edges, asked.seed, recipe.training.slices)
    parts = plan.step(0)
    train = profiled(training_step(model, on_device(table, parts, "cpu"), recipe.training.clip))
    timed = scaled(recipe.sampler, TIMED_NFE)
    draw = profiled(sampling(model.eval(), on_device(table, parts, "cpu"), recipe.task, timed))
    return {
        "parameters": sum(one.numel() for one in model.parameters()),
        "crystals": asked.batch,
        "training step": train,
        f"draw, NFE {timed.evaluations}": draw,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", action="append", required=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    chosen = {name: one for name in asked.recipe if isinstance(one := recipes().get(name), Recipe)}
    if missing := set(asked.recipe) - chosen.keys():
        parser.error(f"no recipes of a network that denoises crystals: {', '.join(sorted(missing))}")
    record = {
        "benchmark": "step-profile",
        "command": f"python benchmarks/step_profile.py --data {asked.data} "
        + " ".join(f"--recipe {name}" for name in asked.recipe),
        "hardware": hardware("cpu"),
        "threads": asked.threads,
        "precision": "bf16" if native_bf16("cpu") else "float32",
        "torch": torch.__version__,
        "recipes": {name: row_of(recipe, asked) for name, recipe in chosen.items()},
    }
    write_whole(RESULT, json.dumps(record, indent=1) + "\n")
    print(RESULT)


if __name__ == "__main__":
    main()
