"""Identities of requests, jobs and results, from every field that differs from its default.

Noise, keys of caches and the folders of jobs hang on identities. A field that is added later, with a default, thus
changes none of them. In return the default of a field stays what it is for good: it stands for all that
was made before; and so does its name, and that of its class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from numbers import Integral, Real
from typing import Any

from nucleate.errors import NucleateError
from nucleate.settings import from_dict


def canonical(value: Any, always: str = "") -> str:
    """One line that describes a value: `Name(field=value, ...)` for a dataclass, without fields at their default.

    Args:
        value: dataclasses, numbers, words, None, and tuples, lists and mappings of them. Numbers are written as Python
            writes them, those of numpy too; 1 and 1.0, and 0.0 and -0.0, are told apart, as they always were.
        always: fields (set apart by spaces) that are written whatever they are: those of an identity that is older than
            this rule.

    Raises TypeError for anything else.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = always.split()
        shown = [one.name for one in fields(value) if one.name in kept or not _usual(value, one)]
        return f"{type(value).__name__}({', '.join(f'{name}={canonical(getattr(value, name))}' for name in shown)})"
    if value is None or isinstance(value, bool | str):
        return repr(value)
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(sorted(f"{canonical(key)}: {canonical(one)}" for key, one in value.items())) + "}"
        )
    if isinstance(value, Sequence):
        return f"({', '.join(map(canonical, value))}{',' * (len(value) == 1)})"
    raise TypeError(f"{type(value).__name__} has no identity")


def later(value: Any, known: str) -> str:
    """` field=value` for every field of a dataclass that has not its default, besides those that are `known` (names set
    apart by spaces): what an identity that was written by hand leaves to fields that are added later."""
    others = [one.name for one in fields(value) if one.name not in known.split() and not _usual(value, one)]
    return "".join(f" {name}={canonical(getattr(value, name))}" for name in others)


def canonical_of(kind: type, values: Mapping[str, Any]) -> str:
    """The `canonical` text of settings as a file holds them, where what is absent has its default.

    Values that such settings can't have are written as they stand.
    """
    try:
        return canonical(from_dict(kind, values))
    except NucleateError:
        return canonical(values)


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Keys, sorted, under which two records say different things; a key of None is as good as none."""
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def _usual(value: Any, field: Field) -> bool:
    """Whether a field of a dataclass has its default."""
    if field.default is not MISSING:
        return getattr(value, field.name) == field.default
    if field.default_factory is not MISSING:
        return getattr(value, field.name) == field.default_factory()
    return False
