"""What a model or another generator is, in a few lines for a terminal or a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from nucleate.elements import SYMBOLS
from nucleate.recipes.contract import AnyRecipe
from nucleate.sampling.generator import Generator

TASKS = {
    "csp": "predicts structures of a composition",
    "dng": "invents crystals, or predicts structures of a composition",
    "property": "predicts a property of crystals",
}
SHOWN = 12


def facts(recipe: AnyRecipe, card: Mapping[str, Any]) -> dict[str, str]:
    """Names and values in the order of display. What the card does not state is `unknown`."""
    data = card.get("data") or {}
    crystals = data.get("crystals")
    parameters = card.get("parameters")
    return {
        "task": TASKS.get(recipe.task, recipe.task),
        "recipe": recipe.name + (f", {parameters / 1e6:.1f} M parameters" if parameters else ""),
        "trained on": f"{f'{crystals:,} crystals of ' if crystals else ''}{data.get('name') or 'unknown data'}",
        **_tuned(card.get("tuned")),
        "elements": _elements(card.get("elements") or []),
        "cells": f"up to {card['largest_cell']} atoms" if "largest_cell" in card else "of unknown size",
        **recipe.facts(),
        "licence of the data": data.get("licence") or "not stated",
    }


def facts_of(generator: Generator) -> dict[str, str]:
    """The same of a generator without a recipe and a card."""
    return {
        "task": TASKS[generator.task],
        **generator.facts(),
        "elements": _elements(sorted(generator.limits.elements)),
        "cells": f"up to {generator.limits.largest_cell} atoms",
    }


def text(name: str, told: Mapping[str, str]) -> str:
    """One line for the model and one for each fact."""
    width = max(map(len, told))
    return "\n".join(
        [f"nucleate model {name}", *(f"  {key:{width}}  {value}" for key, value in told.items())]
    )


def html(name: str, told: Mapping[str, str]) -> str:
    """The same as a table for notebooks."""
    rows = "".join(
        f'<tr><th style="text-align: left">{escape(key)}</th><td style="text-align: left">{escape(value)}</td></tr>'
        for key, value in told.items()
    )
    return f"<table><caption>nucleate model <b>{escape(name)}</b></caption>{rows}</table>"


def _tuned(said: Mapping[str, Any] | None) -> dict[str, str]:
    """Of a model that was tuned by a reward: from which one, how, and for how many property calls."""
    if said is None:
        return {}
    return {"tuned": f"from {said['base']['name']}, method {said['method']}, {said['calls']} property calls"}


def _elements(numbers: list[int]) -> str:
    """Their number and symbols: the first few or, for a long range, its ends and what it lacks."""
    if not numbers:
        return "unknown"
    missing = [SYMBOLS[number] for number in range(min(numbers), max(numbers)) if number not in numbers]
    if len(missing) <= SHOWN < len(numbers):
        rest = f" without {', '.join(missing)}" if missing else ""
        return f"{len(numbers)}: {SYMBOLS[min(numbers)]} to {SYMBOLS[max(numbers)]}{rest}"
    symbols = [SYMBOLS[number] for number in sorted(numbers)]
    return f"{len(symbols)}: {', '.join(symbols[:SHOWN])}{', ...' if len(symbols) > SHOWN else ''}"
