"""Potentials of other packages, as ASE calculators: imported when they are asked for, loaded once in each process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from nucleate.energies.potential import Potential, installed, quiet_single_thread
from nucleate.errors import MissingPackageError, NucleateError

ELEMENTS = frozenset(range(1, 95))


@dataclass(frozen=True)
class AsePotential(Potential):
    """The ASE calculator of another package.

    Attributes:
        name: what a user calls it.
        package: as the package index calls it.
        call: "module:function" that gives a calculator.
        options: arguments of the function.
        cutoff: Å; None for no condition on neighbours.
        elements: atomic numbers that it supports.
        mp_raw: whether its energies are those of the Materials Project before corrections.
        install: what a user types to get the package; "" for its name.
    """

    name: str
    package: str
    call: str
    options: tuple[tuple[str, Any], ...] = ()
    cutoff: float | None = None
    elements: frozenset[int] = ELEMENTS
    mp_raw: bool = False
    install: str = ""

    @property
    def identity(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options)
        return f"{self.name} ({self.package} {installed(self.package)}; {options})"

    @property
    def supported(self) -> frozenset[int]:
        return self.elements

    def calculator(self) -> Any:
        found = _calculator(self)
        # State left by a crystal that failed must not reach the next one.
        found.reset()
        return found


@cache
def _calculator(potential: AsePotential) -> Any:
    module, function = potential.call.split(":")
    try:
        # some packages warn and print while they are imported
        with quiet_single_thread():
            return getattr(import_module(module), function)(**dict(potential.options))
    except ImportError:
        raise MissingPackageError(
            f"the potential {potential.name!r} needs the package {potential.package}, which is not installed",
            f"pip install {potential.install or potential.package}, or choose --potential chgnet",
        ) from None
    except OSError as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NucleateError(
            f"the weights of the potential {potential.name!r} can't be loaded ({first})",
            "they are fetched at first use: try again with the network, or choose chgnet or sevennet",
        ) from None
