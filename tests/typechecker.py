"""Types of the whole package are checked while it is tested, and shapes where a function speaks of arrays.

jaxtyping's import hook puts its own wrapper around every function, at 7 µs a call or more, so that names of
dimensions agree within the call. Where no hint is of an array there is nothing to agree: there beartype alone checks
the same hints, ten times faster. Hints that can't be read yet are left to jaxtyping. No function of the package
asks `isinstance(x, Float[...])` in its body, which would need the wrapper too.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from functools import partial
from types import FunctionType
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

# As PEP 484 has it, an int may stand for a float. Both wrappers raise the same error.
typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))
with_shapes = jaxtyping.jaxtyped


def install() -> None:
    """Check everything of the package that is imported from now on."""
    jaxtyping.install_import_hook("nucleate", "tests.typechecker.typechecked")
    jaxtyping.jaxtyped = checked  # the name that the hook writes above functions and classes


def checked(thing: Any = None, *, typechecker: Any) -> Any:
    """What the hook puts on a function or a class: the wrapper of jaxtyping, or beartype where that is enough."""
    if thing is None:
        return partial(checked, typechecker=typechecker)
    if isinstance(thing, FunctionType) and not needs_shapes(thing):
        return typechecked(thing)
    if inspect.isclass(thing) and dataclasses.is_dataclass(thing):
        init = vars(thing).get("__init__")
        if isinstance(init, FunctionType) and not needs_shapes(init):
            thing.__init__ = typechecked(init)
            return thing
    return with_shapes(thing, typechecker=typechecker)


def needs_shapes(function: FunctionType) -> bool:
    """Whether a hint of a function is of an array, or can't be read."""
    try:
        hints = [
            eval(hint, function.__globals__) if isinstance(hint, str) else hint
            for hint in function.__annotations__.values()
        ]
    except (NameError, AttributeError, TypeError):
        return True
    return any(map(of_array, hints))


def of_array(hint: Any) -> bool:
    """Whether a hint is an array type of jaxtyping or has one within; also where a part of it can't be read."""
    if isinstance(hint, list | tuple):
        return any(map(of_array, hint))
    if isinstance(hint, str | typing.ForwardRef | typing.TypeVar):
        return True
    if typing.get_origin(hint) is typing.Literal:
        return False
    if inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(of_array, typing.get_args(hint)))
