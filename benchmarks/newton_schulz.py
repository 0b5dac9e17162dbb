"""Processor seconds of Muon's products in float32 and bfloat16, for the matrices of the shipped free model.

    python benchmarks/newton_schulz.py
    ONEDNN_MAX_CPU_ISA=AVX2 python benchmarks/newton_schulz.py

The second holds the products to what a processor with AVX2 alone has. One thread.
"""

from __future__ import annotations

import statistics
import time

import torch

from nucleate.recipes.registry import get_recipe
from nucleate.training.muon import orthogonal
from nucleate.training.optimisers import block_matrices

REPEATS = 5


def seconds(dtype: torch.dtype) -> float:
    """The median for all matrices of a step."""
    torch.manual_seed(0)
    gradients = [torch.randn(1, *one.shape) for one in block_matrices(get_recipe("nucleate-csp").build())]
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        for gradient in gradients:
            orthogonal(gradient, dtype)
        spent.append(time.process_time() - start)
    return statistics.median(spent)


if __name__ == "__main__":
    torch.set_num_threads(1)
    plain, half = seconds(torch.float32), seconds(torch.bfloat16)
    print(f"float32 {plain:.2f} s, bfloat16 {half:.2f} s: {half / plain:.2f} times")
