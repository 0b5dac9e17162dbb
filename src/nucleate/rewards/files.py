"""A reward as a TOML file:

combine = "product"

[parts.tc]
kind = "predictor"
model = "property-tc-first"
shape = "at-least"
value = 10
width = 5

[gates]
largest_systems = 0.05
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from nucleate.errors import RecipeError
from nucleate.rewards.facts import Density, Elements, SpaceGroup
from nucleate.rewards.gates import Gates
from nucleate.rewards.novelty import Novelty
from nucleate.rewards.part import Part, Weighted
from nucleate.rewards.plugged import Plugged
from nucleate.rewards.predicted import Predicted
from nucleate.rewards.reward import Combine, Reward
from nucleate.rewards.shapes import SHAPE_KEYS, Shape
from nucleate.rewards.stability import AboveHull
from nucleate.settings import from_dict


@dataclass(frozen=True)
class _Weight:
    weight: float = 1.0


KINDS: dict[str, type[Part]] = {
    part.kind: part for part in (Predicted, AboveHull, Novelty, Density, SpaceGroup, Elements, Plugged)
}
COMMON = ("kind", "weight", *SHAPE_KEYS)
TOP = ("combine", "parts", "gates")


def read_reward(path: Path | str) -> Reward:
    """The reward of a TOML file. Raises RecipeError for what is wrong in it, and NucleateError for what it names and
    there is not."""
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(
            f"the reward {path} can't be read ({error.strerror})", "name a TOML file with [parts.NAME]"
        ) from None
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"the reward {path} is no TOML ({error})", "mend that line") from None
    return reward_of(values)


def reward_of(values: Mapping[str, Any]) -> Reward:
    """The reward of such a file's content."""
    for key in values:
        if key not in TOP:
            raise RecipeError(f"a reward has no '{key}'", f"it has {', '.join(TOP)}")
    combine = values.get("combine", "product")
    if combine not in get_args(Combine):
        raise RecipeError(f"combine can't be {combine!r}", "one of: product, mean")
    parts, gates = values.get("parts", {}), values.get("gates", {})
    for name, group in (("parts", parts), ("gates", gates)):
        if not isinstance(group, Mapping):
            raise RecipeError(f"{name} = {group!r} is no group of settings", f"write a table [{name}]")
    read = {name: _part(f"parts.{name}.", table) for name, table in parts.items()}
    return Reward(read, combine, from_dict(Gates, gates, "gates."))


def _part(where: str, table: Any) -> Weighted:
    if not isinstance(table, Mapping):
        raise RecipeError(f"{where[:-1]} = {table!r} is no part of a reward", f"write a table [{where[:-1]}]")
    kind = table.get("kind")
    if kind not in KINDS:
        said = "is missing" if kind is None else f"can't be {kind!r}"
        raise RecipeError(f"{where}kind {said}", f"one of: {', '.join(KINDS)}")
    settings = [one.name for one in fields(KINDS[kind])]  # pyright: ignore[reportArgumentType]
    for key in table:
        if key not in (known := [*COMMON, *settings]):
            raise RecipeError(f"no setting named '{where}{key}'", f"a {kind} has: {', '.join(known)}")
    own = {key: table[key] for key in settings if key in table}
    shape = from_dict(Shape, {key: table[key] for key in SHAPE_KEYS if key in table}, where)
    weight = from_dict(_Weight, {"weight": table.get("weight", 1.0)}, where).weight
    return Weighted(from_dict(KINDS[kind], own, where), shape, weight)
