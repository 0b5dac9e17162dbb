"""Networks by name: those of this package, and those that other packages bring.

A package adds one by an entry point of the group `nucleate.networks`: the name of the network, and its class, a
`Denoiser`. The package is imported when its network is requested.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from nucleate.errors import RecipeError
from nucleate.networks.base import Denoiser
from nucleate.networks.cspnet import CSPNet
from nucleate.networks.torus_transformer import TorusTransformer

BUILT_IN: Mapping[str, type[Denoiser]] = {"cspnet": CSPNet, "torus-transformer": TorusTransformer}
ENTRY_POINTS = "nucleate.networks"


def network_names() -> list[str]:
    """All names that `get_network` knows: ours, then those of other packages."""
    return [*BUILT_IN, *(name for name in _theirs() if name not in BUILT_IN)]


def get_network(name: str) -> type[Denoiser]:
    """The class of a network. Raises RecipeError for an unknown name, and for an entry point that is no network."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name not in _theirs():
        raise RecipeError(
            f"network can't be '{name}'",
            f"one of: {', '.join(network_names())}; install the package of any other network",
        )
    return _loaded(_theirs()[name])


def table_of(name: str) -> str:
    """Name of a network's settings in recipe.toml and in --set: that of the network with `_` for each `-`."""
    return name.replace("-", "_")


def settings_of(table: str) -> type | None:
    """The settings dataclass of the network whose table has this name; None if there is no such network."""
    name = next((name for name in network_names() if table_of(name) == table), None)
    return None if name is None else get_network(name).settings


@cache
def _theirs() -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS)):
        points.setdefault(point.name, point)
    return points


@cache
def _loaded(point: EntryPoint) -> type[Denoiser]:
    try:
        found = point.load()
    except Exception as error:  # whatever another package's import raises
        raise RecipeError(
            f"the network '{point.name}' can't be loaded from '{point.value}' ({error})",
            "repair that package, or use another network",
        ) from error
    if not (isinstance(found, type) and issubclass(found, Denoiser)):
        problem = "is not a subclass of nucleate.networks.base.Denoiser"
    elif not dataclasses.is_dataclass(getattr(found, "settings", None)):
        problem = "has no settings dataclass as its class attribute 'settings'"
    else:
        return found
    raise RecipeError(
        f"the network '{point.name}' from '{point.value}' {problem}",
        "docs/guides/add-a-network.md says what a network needs",
    )
