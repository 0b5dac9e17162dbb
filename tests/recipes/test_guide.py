"""docs/guides/recipes.md says of the recipes what they are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from nucleate.geometry import wrapped_normal
from nucleate.recipes.registry import recipes

PAGE = (Path(__file__).parents[2] / "docs/guides/recipes.md").read_text()
ROWS = {
    cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
    for line in PAGE.splitlines()
    if line.startswith("| `") and len(cells := line.strip("| ").split("|")) == 8
}
SIZES = ("", "-small", "-tiny")
LANGUAGE = {
    "crystallm", "crystallm-large", "crystallm-mini", "crystallm-small", "crystallm-tiny", "crystal-text",
    "crystal-text-tiny", "crystal-text-llm", "flowllm", "flowllm-small", "flowllm-tiny",
}  # fmt: skip


def listed() -> list[tuple[str, str]]:
    """Every recipe of the table with its number of parameters."""
    return [
        (row + size, cells[4 + n])
        for row, cells in ROWS.items()
        for n, size in enumerate(SIZES)
        if cells[4 + n] != "-"
    ]


def sized_costs() -> dict[str, int]:
    """NFE of small and tiny recipes where it is not 100, by the beginning of their names: the guide's sentence."""
    (sentence,) = re.findall(r"\(in `-small` and `-tiny` it is 100;[^)]*\)", PAGE)
    found = re.findall(r"(\d+) for ([^;)]*)", sentence)
    return {name: int(cost) for cost, names in found for name in re.findall(r"`([^`]+)`", names)}


def test_the_table_lists_every_recipe():
    others = {"kldm-csp-large", "cross", "cross-tiny", "cross-mini", "wyckoff-sequences", "property",
              "cdvae", "cdvae-small", "cdvae-fast-small", "ftcp", "ftcp-small", "crystal-gan", *LANGUAGE}  # fmt: skip
    assert {name for name, _ in listed()} == set(recipes()) - others
    assert all(name in PAGE or name.endswith("-large") for name in others)


@pytest.mark.parametrize("name", ROWS)
def test_sampler_cost_and_species_of_each_row(name):
    recipe, (_, _, species, sampler, *_) = recipes()[name], ROWS[name]
    assert sampler == f"{recipe.sampler.method} {recipe.sampler.evaluations}"
    assert (species == "given") == (recipe.task == "csp")
    costs = sized_costs()
    begins = [begin for begin in costs if name == begin or name.startswith(f"{begin}-")]
    cost = costs[max(begins, key=len)] if begins else 100
    for size in SIZES[1:]:
        if name + size in recipes():
            assert recipes()[name + size].sampler.evaluations == cost


def test_step_sizes_are_those_of_the_recipes():
    (row,) = re.findall(r"^\| MP-20 .*$", PAGE, flags=re.MULTILINE)
    csp, dng = (recipes()[f"diffcsp-{task}"].sampler.tau for task in ("csp", "dng"))
    assert row.endswith(f"| 1e-5, {csp} | 5e-6, {dng} |")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), listed())
def test_parameters(name, count, monkeypatch):
    monkeypatch.setattr(wrapped_normal, "FisherRoot", cache(lambda *_, **__: None))
    model = recipes()[name].build()
    assert f"{sum(p.numel() for p in model.parameters()):,}" == count
