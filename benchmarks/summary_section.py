"""The first table of the results: one number for each question, from the records, with the page that has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from answers_section import read, share

FREE, SEQUENCES = "mp-20-asked-val-k1", "dng/mp-20-wyckoff-replaced-1000"
RELAXED = "dng/mp-20-wyckoff-replaced-relaxed-300"
HEAD = """| question | measured | how |
|---|---|---|"""


def summary(results: Path) -> str:
    """Questions with their answers."""
    rows = [*_answers(results), *_free(results), *_materials(results), *_targets(results)]
    return "\n".join([HEAD, *rows, ""])


def _row(question: str, measured: str, how: str) -> str:
    return f"| {question} | {measured} | {how} |"


def _answers(results: Path) -> list[str]:
    rows = []
    if one := read(results, "textbook-answers-chgnet"):
        bare = read(results, "textbook-answers")
        without = f", {bare['right_at_rank_1']} without it" if bare else ""
        rows.append(
            _row(
                "Is the first answer to a textbook compound right?",
                f"{one['right_at_rank_1']} of {one['of']}{without}",
                "`nucleate predict`, relaxed with CHGNet; most are in the index ([answers](results/structures.md))",
            )
        )
    if one := read(results, "answers-mp-20"):
        rate = one["full"]
        rows.append(
            _row(
                "To a composition of MP-20's validation split?",
                f"{share(rate['match_rate@1'])} %, RMSE {rate['rmse@1']['value']:.3f}; among 20 answers "
                f"{share(rate['match_rate@20'])} %",
                "no potential; only the training split is known ([answers](results/structures.md))",
            )
        )
    if one := read(results, "retrieval-mp-20"):
        new = one["parts"]["formula not in the index"]
        rows.append(
            _row(
                "Where the training split lacks the formula?",
                f"{share(new['match_rate@1'])} %",
                "retrieval of prototypes alone ([retrieval](results/structures.md))",
            )
        )
    return rows


def _load(results: Path, name: str) -> dict[str, Any] | None:
    path = results / f"{name}.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else None


def _free(results: Path) -> list[str]:
    one = _load(results, FREE)
    if one is None:
        return []
    rate = next(found for found in one["results"] if found["protocol"] == "full" and found["k"] == 1)
    return [
        _row(
            "How often is one draw from noise right?",
            f"{share(rate['match_rate'])} % (KLDM as published, test split: 65.8 %)",
            f"kldm-mp20-csp, NFE {one['sampling']['nfe']}; after 6 minutes of a GPU and 5.5 hours of one core in all "
            "([one model](results/structures.md))",
        )
    ]


def _materials(results: Path) -> list[str]:
    rows, drawn, relaxed = [], _load(results, SEQUENCES), _load(results, RELAXED)
    if drawn:
        one = drawn["numbers"]
        rows.append(
            _row(
                "Are invented crystals sound?",
                f"valid composition {share(one['validity.composition'])} %, without symmetry "
                f"{share(one['symmetry.p1'])} %, novel {share(one['novelty.novel'])} %",
                "1,000 of wyckoff-mp20 ([new materials](results/materials.md))",
            )
        )
    if relaxed:
        one = relaxed["numbers"]
        rows.append(
            _row(
                "Stable, unique and novel?",
                f"{share(one['joint.msun'])} % within 0.1 eV/atom of the hull, {share(one['joint.sun'])} % on it",
                f"{one['joint.msun']['n']} of wyckoff-mp20, relaxed with CHGNet, against its own hull of MP-20 "
                "([new materials](results/materials.md))",
            )
        )
    return rows


def _targets(results: Path) -> list[str]:
    record = read(results, "targets")
    rows = []
    for found in record["targets"].values() if record else ():
        name, best = max(found["methods"].items(), key=lambda item: item[1]["hit"]["value"])
        rows.append(
            _row(
                f"Asked for {found['title']}, how many have it?",
                f"{share(best['hit'])} %, {best['over_data']:g} times as many as of the data",
                f"{name}, the best of {len(found['methods'])} ways; {best['drawn']} draws, judged by a predictor of "
                "other labels ([targets](results/steering.md))",
            )
        )
    return rows
