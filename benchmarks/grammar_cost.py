"""What a grammar costs and brings: words a second and crystals of what was asked, with it and without.

    python benchmarks/grammar_cost.py --model runs/cif --data data/perov_5 --name perov-5

Each text is drawn once. `csp`: validation compositions; `dng`: crystals from nothing. Then the same texts with keys and
values computed again for each word. Seconds are those of the processor, on one thread. Writes
benchmarks/results/grammar-NAME.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nucleate.data.dataset import Dataset
from nucleate.families.choice import Choice
from nucleate.families.cif.generator import grammar_of
from nucleate.families.cif.grammar import Asked
from nucleate.families.cif.trainable import CifTrainable
from nucleate.families.language.draw import draw
from nucleate.geometry.noise import Noise
from nucleate.metrics.intervals import wilson
from nucleate.predictor import Predictor, load
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import Request, table_requests
from nucleate.training.validation import validation_subset

RESULTS = Path(__file__).parent / "results"
RECOMPUTED = 16
"""Texts of which keys and values are computed again for each word."""


def drawn(predictor: Predictor, requests: list[Request], grammar: bool) -> dict[str, Any]:
    """One text for each request."""
    settings = replace(predictor.generator.settings, grammar=grammar, tries=1)
    start = time.process_time()
    answers = [one for batch in predictor.generator.draw(requests, settings, 0) for one in batch]
    seconds = time.process_time() - start
    words = sum(one.cost.counts["tokens"] for one in answers)
    made = sum(isinstance(one, Generated) for one in answers)
    return {
        "texts": len(answers), "crystals of what was asked": wilson(made, len(answers)).to_dict(), "words": words,
        "words a second": round(words / seconds), "crystals a second": round(made / seconds, 2),
    }  # fmt: skip


def recomputed(predictor: Predictor) -> dict[str, Any]:
    """Words a second with keys and values that are kept, and without."""
    model = predictor.model
    assert isinstance(model, CifTrainable)
    found, noise = {}, Noise.of(0, torch.arange(RECOMPUTED))
    for name, cached in (("kept", True), ("computed again", False)):
        grammars = [grammar_of(Asked(most=model.most), True) for _ in range(RECOMPUTED)]
        start = time.process_time()
        texts = draw(model.network, grammars, noise, Choice(top_k=10), cached=cached)
        found[name] = round(sum(len(text.words) for text in texts) / (time.process_time() - start))
    return {"texts": RECOMPUTED, "words a second": found}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--name", required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    predictor, table = load(asked.model, "cpu"), Dataset.open(asked.data).split("val")
    rows = validation_subset(table, asked.n)
    requests = {
        "csp": table_requests(table, 1, predictor.limits, rows)[0],
        "dng": predictor.inventions(asked.n),
    }
    measured = {
        task: {"grammar" if on else "free": drawn(predictor, some, on) for on in (True, False)}
        for task, some in requests.items()
    }
    if isinstance(predictor.model, CifTrainable):
        measured["keys and values"] = recomputed(predictor)
    training = predictor.card["training"]
    record = {
        "command": shlex.join(["python", "benchmarks/grammar_cost.py", *sys.argv[1:]]), "data": asked.data.name,
        "recipe": predictor.card["recipe"], "parameters": predictor.card["parameters"], "steps": training["steps"],
        "minutes": training["minutes"], "hardware": f"{platform.machine()}, one thread", **measured,
    }  # fmt: skip
    (RESULTS / f"grammar-{asked.name}.json").write_text(
        json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    )
    print(json.dumps(measured, indent=1, ensure_ascii=False), file=sys.stderr)


if __name__ == "__main__":
    main()
