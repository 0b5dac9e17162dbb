"""Crystals of a data set written as CIF texts and read again: which come back, and which texts the grammar allows.

    python benchmarks/cif_texts.py --data data/mp_20
    python benchmarks/cif_texts.py --data data/mp_20 --every 10 --name mp-20-tenth

A crystal comes back where its text is the same after words and back, and where what is read has its space group, its
Wyckoff letters with their elements, and its number of atoms. The grammar takes longer than all else and is asked about
every 20th of these crystals. Blocks that are done are kept in --progress, so a later
call goes on. Writes benchmarks/results/cif-texts-NAME.json.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.errors import NucleateError
from nucleate.families.cif.grammar import Asked, cif
from nucleate.families.cif.reading import read
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.cif.writing import sites_of, written
from nucleate.runs.card import device_name
from nucleate.symmetry.sites import Sites

RESULTS = Path(__file__).parent / "results"
BLOCK = 500
OF_GRAMMAR = 20
MOVED = 0.01
"""Å; further, rounding to four decimals can't have moved an atom."""


def occupied(sites: Sites) -> list[tuple[str, int]]:
    """Letters with their elements, in one order."""
    return sorted(zip(sites.letters, sites.species, strict=True))


def allowed(words: list[int], most: int) -> bool:
    """Whether the grammar allows the whole text."""
    grammar = cif(Asked(most=most))
    options = next(grammar)
    for place, word in enumerate(words):
        if word not in options:
            return False
        try:
            options = grammar.send(word)
        except StopIteration:
            return place == len(words) - 1
    return False


def judged(table: CrystalTable, row: int, most: int, of_grammar: bool) -> dict[str, Any]:
    """What becomes of one crystal; of_grammar: whether the grammar is asked."""
    vocabulary = cif_vocabulary()
    try:
        sites = sites_of(table.cell(row))
        text = written(sites)
        words = vocabulary.encode(text)
        found = read(text)
    except NucleateError as error:
        return {"problem": error.message}
    same = found.sites.number == sites.number and occupied(found.sites) == occupied(sites)
    asked = {"grammar": allowed(words, most)} if of_grammar else {}
    return {
        "words": len(words), "text": vocabulary.decode(words) == text, "sites": same,
        "moved": round(found.moved, 5), **asked,
    }  # fmt: skip


def block(table: CrystalTable, rows: list[int], most: int) -> dict[str, Any]:
    """Counts of some crystals, and the names of those that don't come back."""
    start = time.process_time()
    found = {
        table.ids[row]: judged(table, row, most, place % OF_GRAMMAR == 0) for place, row in enumerate(rows)
    }
    lost = {name: one for name, one in found.items() if not comes_back(one)}
    sound = [one for one in found.values() if "problem" not in one]
    return {
        "crystals": len(rows), "of grammar": sum("grammar" in one for one in sound),
        "lost": lost, "words": sum(one["words"] for one in sound),
        "longest": max((one["words"] for one in sound), default=0),
        "moved": max((one["moved"] for one in sound), default=0.0),
        "seconds": round(time.process_time() - start, 2),
    }  # fmt: skip


def comes_back(one: dict[str, Any]) -> bool:
    sound = "problem" not in one and one["text"] and one["sites"] and one["moved"] <= MOVED
    return sound and one.get("grammar", True)


def blocks(table: CrystalTable, split: str, every: int, progress: Path, most: int) -> list[dict[str, Any]]:
    """Of a whole split; those in the file are taken from it."""
    known = [json.loads(line) for line in progress.read_text().splitlines()] if progress.is_file() else []
    done = {(one["split"], one["every"], one["first"]): one for one in known}
    rows, found = np.arange(0, len(table), every).tolist(), []
    for first in range(0, len(rows), BLOCK):
        key = (split, every, first)
        if key not in done:
            one = {"split": split, "every": every, "first": first}
            done[key] = {**one, **block(table, rows[first : first + BLOCK], most)}
            progress.parent.mkdir(parents=True, exist_ok=True)
            with progress.open("a") as file:
                file.write(json.dumps(done[key]) + "\n")
        found.append(done[key])
    return found


def numbers(found: list[dict[str, Any]]) -> dict[str, Any]:
    crystals, lost = (
        sum(one["crystals"] for one in found),
        {k: v for one in found for k, v in one["lost"].items()},
    )
    return {
        "crystals": crystals, "of grammar": sum(one["of grammar"] for one in found),
        "come back": crystals - len(lost), "lost": lost,
        "words a text": round(sum(one["words"] for one in found) / max(crystals, 1), 1),
        "longest text": max(one["longest"] for one in found), "moved at most, Å": max(one["moved"] for one in found),
        "ms a crystal": round(1000 * sum(one["seconds"] for one in found) / max(crystals, 1), 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="every N-th crystal alone")
    parser.add_argument(
        "--most", type=int, default=20, help="atoms in a primitive cell that the grammar allows"
    )
    parser.add_argument("--progress", type=Path, default=Path("runs/cif-texts.jsonl"))
    parser.add_argument("--name", default="mp-20")
    asked = parser.parse_args()
    dataset = Dataset.open(asked.data)
    splits = {
        name: numbers(blocks(dataset.split(name), name, asked.every, asked.progress, asked.most))
        for name in dataset.splits
    }
    command = shlex.join(["python", "benchmarks/cif_texts.py", *sys.argv[1:]])
    record = {
        "command": command, "hardware": device_name(torch.device("cpu")), "data": asked.data.name,
        "every": asked.every, "splits": splits,
    }  # fmt: skip
    (RESULTS / f"cif-texts-{asked.name}.json").write_text(
        json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    )
    print({name: (one["come back"], one["crystals"]) for name, one in splits.items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
