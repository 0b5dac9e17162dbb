"""Methods by name: one file for each of ours, and those that other packages bring.

A package adds methods by an entry point of the group `nucleate.methods` that names a tuple of classes. Their settings
are settings of the sampler like all others: `[sampler]` of a recipe, `--set`.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.metadata import entry_points

from nucleate.errors import RecipeError
from nucleate.sampling.methods.base import Method
from nucleate.sampling.methods.em import EulerMaruyama
from nucleate.sampling.methods.heun import Heun
from nucleate.sampling.methods.multistep import Multistep
from nucleate.sampling.methods.ode import Flow
from nucleate.sampling.methods.pc import PredictorCorrector

BUILT_IN: dict[str, type[Method]] = {
    method.name: method for method in (EulerMaruyama, Flow, Heun, Multistep, PredictorCorrector)
}
ENTRY_POINTS = "nucleate.methods"


@cache
def methods() -> dict[str, type[Method]]:
    """All methods: ours, then those of other packages, without what can't be loaded, of which a warning tells."""
    found = dict(BUILT_IN)
    for point in entry_points(group=ENTRY_POINTS):
        try:
            theirs = {method.name: method for method in point.load()}
        except Exception as error:  # whatever another package's import raises
            warnings.warn(f"the methods of '{point.value}' can't be loaded ({error})", stacklevel=2)
            continue
        found |= {name: method for name, method in theirs.items() if name not in found}
    return found


def get_method(name: object, where: str = "") -> type[Method]:
    """A method by its name. Raises RecipeError for others; `where` is the group that the setting `method` stands in."""
    if isinstance(name, str) and name in BUILT_IN:
        return BUILT_IN[name]
    if not isinstance(name, str) or name not in methods():
        raise RecipeError(f"{where}method can't be {name!r}", f"one of: {', '.join(methods())}")
    return methods()[name]
