"""Methods by name: one file for each of ours, and those that other packages bring.

A package adds methods by an entry point of the group `nucleate.methods` that names a tuple of classes. Their settings
are settings of the sampler like all others: `[sampler]` of a recipe, `--set`.
"""

from __future__ import annotations

from functools import cache

from nucleate.errors import RecipeError
from nucleate.plugins import with_plugins
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
    return with_plugins(BUILT_IN, ENTRY_POINTS, "methods")


def get_method(name: object, where: str = "") -> type[Method]:
    """A method by its name. Raises RecipeError for others; `where` is the group that the setting `method` stands in."""
    if isinstance(name, str) and name in BUILT_IN:
        return BUILT_IN[name]
    if not isinstance(name, str) or name not in methods():
        raise RecipeError(f"{where}method can't be {name!r}", f"one of: {', '.join(methods())}")
    return methods()[name]
