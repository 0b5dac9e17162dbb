"""docs/guides/discover.md lists every stage that comes with the package, with every setting it has."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from nucleate.funnel.registry import BUILT_IN
from nucleate.funnel.rounds.settings import Rounds

PAGE = (Path(__file__).parents[2] / "docs/guides/discover.md").read_text(encoding="utf-8")


def table(head: str) -> list[list[str]]:
    """The cells of the rows of the table with this head."""
    lines = PAGE[PAGE.index(head) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_stage_is_listed_with_its_settings():
    written = {
        row[0].strip("`"): re.findall(r"`(\w+)`", row[2])
        for row in table("| stage | what it does | settings |")
    }
    kinds = [kind for module in BUILT_IN for kind in module.STAGES]
    assert written == {kind.name: [one.name for one in fields(kind)] for kind in kinds}


def test_every_setting_of_rounds_is_listed():
    written = {
        name for row in table("| setting | meaning |") for name in re.findall(r"`(\w+)(?: =[^`]*)?`", row[0])
    }
    assert written == {one.name for one in fields(Rounds)}
