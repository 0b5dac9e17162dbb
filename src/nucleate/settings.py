"""Settings are frozen dataclasses: read and written as TOML, changed by `--set key=value`, limited to ranges."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from nucleate.errors import NucleateError, RecipeError

T = TypeVar("T")

MOST_SEED = 2**63 - 1
"""The largest seed: noise is a function of signed 64-bit integers."""
MOST_STEPS = 10**9
"""The largest number of steps, epochs and the like."""
MOST_SECONDS = 1e9
MOST_WORKERS = 256
"""The largest number of worker processes."""

OPEN = "open"

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


def open_groups(kind_of: Callable[[str], type | None]) -> Any:
    """A field for groups of settings whose names the dataclass does not list: a tuple of (name, settings).

    In files and in --set they appear beside the other settings. kind_of: the dataclass for a name, None if unknown.
    """
    return dataclasses.field(default=(), metadata={OPEN: kind_of})


def to_dict(settings: Any) -> dict[str, Any]:
    """Nested dictionary of a dataclass. Settings that are None are left out."""
    out = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if OPEN in field.metadata:
            out |= {name: to_dict(group) for name, group in value}
        elif dataclasses.is_dataclass(value):
            out[field.name] = to_dict(value)
        elif value is not None:
            out[field.name] = list(value) if isinstance(value, tuple) else value
    return out


def from_dict(kind: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """A dataclass from a nested dictionary. Raises RecipeError on unknown keys and wrong types.

    A class may choose one of its subclasses by the values: `kind.chosen(values, where)`.
    """
    choose = getattr(kind, "chosen", None)
    kind = choose(values, where) if choose else kind
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    names = [field.name for field in fields if OPEN not in field.metadata]
    more = next((field for field in fields if OPEN in field.metadata), None)
    known, groups = {}, {}
    for key, value in values.items():
        path = f"{where}{key}"
        if key in names:
            known[key] = _convert(hints[key], value, path)
        elif more is not None and (group := more.metadata[OPEN](key)) is not None:
            groups[key] = _convert(group, value, path)
        else:
            raise RecipeError(f"no setting named '{path}'", f"the settings here are: {', '.join(names)}")
    return kind(**known, **({more.name: tuple(groups.items())} if more is not None and groups else {}))


def within(
    settings: Any, least: float, most: float, names: str, group: str = "",
    error: type[NucleateError] = RecipeError,
) -> None:  # fmt: skip
    """Raise `error` if one of the settings named (separated by spaces) is not from `least` to `most`.

    None passes. Every number has both bounds: beyond them it has no meaning, or exceeds any machine.
    """
    for name in names.split():
        value = getattr(settings, name)
        if value is None or least <= value <= most:
            continue
        if value < least:
            raise error(f"{group}{name} = {value} is too small", f"give {group}{name} at least {least:.16g}")
        if value > most:
            raise error(f"{group}{name} = {value} is too large", f"give {group}{name} at most {most:.16g}")
        raise error(f"{group}{name} = {value} is not a number", f"give {group}{name} a finite number")


def check_limits(who: str, settings: Any, limits: Mapping[str, tuple[bool, str]]) -> None:
    """Raise RecipeError for the first setting outside its limits: name -> (whether it is within, what it must be)."""
    for name, (holds, needed) in limits.items():
        if not holds:
            raise RecipeError(
                f"{who} can't take {name} = {getattr(settings, name)}", f"{name} must be {needed}"
            )


def override(settings: T, assignments: list[str]) -> T:
    """Apply `a.b=value` texts, in order. Values are read as TOML, bare words as strings."""
    values = to_dict(settings)
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        if not sign or not key:
            raise RecipeError(
                f"'{assignment}' is not key=value", f"write for example --set {_example(values)}"
            )
        *parents, last = key.strip().split(".")
        level = values
        for parent in parents:
            if not isinstance(level.get(parent), dict):
                raise RecipeError(f"no group of settings named '{parent}' in '{key}'", _groups(level))
            level = level[parent]
        if isinstance(level.get(last), dict):
            raise RecipeError(f"'{key}' is a group of settings", f"set one of: {', '.join(level[last])}")
        level[last] = _parse(text.strip())
    return from_dict(type(settings), values)


def _groups(level: Mapping[str, Any]) -> str:
    groups = [key for key, value in level.items() if isinstance(value, dict)]
    return f"groups: {', '.join(groups)}" if groups else f"the settings here are: {', '.join(level)}"


def _example(values: Mapping[str, Any], where: str = "") -> str:
    """An assignment of the first number to its present value."""
    for key, value in values.items():
        found = _example(value, f"{where}{key}.") if isinstance(value, dict) else f"{where}{key}={value}"
        if (isinstance(value, dict) and found) or type(value) in (int, float):
            return found
    return ""


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _convert(hint: Any, value: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            raise RecipeError(
                f"{path} can't be {value!r}", f"one of: {', '.join(map(str, typing.get_args(hint)))}"
            )
        return value
    if origin in (typing.Union, types.UnionType):
        inner = [option for option in typing.get_args(hint) if option is not type(None)]
        return _convert(inner[0], value, path)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise RecipeError(f"{path} = {value!r} is not a list", f"write {path}=[...]")
        return tuple(_convert(typing.get_args(hint)[0], item, f"{path}[{i}]") for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise RecipeError(f"{path} = {value!r} is not a group of settings", f"write {path}.name = value")
        return from_dict(hint, value, f"{path}.")  # type: ignore[arg-type]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1e300 else math.inf
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{path} = {value} is not a number", f"give {path} a finite number")
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise RecipeError(
            f"{path} = {value!r} is not of type {hint.__name__}",
            f"give {path} {KINDS.get(hint, hint.__name__)}",
        )
    return value


def to_toml(values: Mapping[str, Any]) -> str:
    """TOML text of a nested dictionary of numbers, booleans, strings and lists of them."""
    lines: list[str] = []
    _write_table(values, "", lines)
    return "\n".join(lines) + "\n"


def _write_table(values: Mapping[str, Any], name: str, lines: list[str]) -> None:
    if name:
        lines += ["", f"[{name}]"]
    for key, value in values.items():
        if not isinstance(value, Mapping):
            lines.append(f"{key} = {_write(value)}")
    for key, value in values.items():
        if isinstance(value, Mapping):
            _write_table(value, f"{name}.{key}" if name else key, lines)


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # A JSON string is a TOML string, except for one control character that JSON does not escape.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_write, value)) + "]"
    return repr(value)
