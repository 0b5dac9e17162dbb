"""Interatomic potentials by the name a user gives: CHGNet, which works offline, and ASE calculators of other packages.

The others are imported when they are asked for; most of them fetch weights at first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from nucleate.energies.chgnet import ChgnetPotential
from nucleate.energies.potential import Potential, installed, quiet_single_thread
from nucleate.errors import MissingPackageError, NucleateError


@dataclass(frozen=True)
class AsePotential(Potential):
    """The ASE calculator of another package.

    Attributes:
        name: what a user calls it.
        package: as the package index calls it.
        call: "module:function" that gives a calculator.
        options: arguments of the function.
    """

    name: str
    package: str
    call: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def identity(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options)
        return f"{self.name} ({self.package} {installed(self.package)}; {options})"

    def calculator(self) -> Any:
        found = _ase_calculator(self)
        # State left by a crystal that failed must not reach the next one.
        found.reset()
        return found


REGISTRY: dict[str, Potential] = {
    "chgnet": ChgnetPotential(),
    "chgnet-r2scan": ChgnetPotential("r2scan", "chgnet-r2scan"),
    "mace": AsePotential(
        "mace",
        "mace-torch",
        "mace.calculators:mace_mp",
        (("model", "medium-mpa-0"), ("device", "cpu"), ("default_dtype", "float64")),
    ),
    "mattersim": AsePotential(
        "mattersim", "mattersim", "mattersim.forcefield:MatterSimCalculator", (("device", "cpu"),)
    ),
    "sevennet": AsePotential(
        "sevennet", "sevenn", "sevenn.calculator:SevenNetCalculator", (("model", "7net-0"), ("device", "cpu"))
    ),
    "emt": AsePotential("emt", "ase", "ase.calculators.emt:EMT"),
}
"""By the name a user gives. "emt" is ASE's toy potential of a few metals: for tests only."""


def potential_named(name: str) -> Potential:
    """A potential of the registry. Raises NucleateError for an unknown name."""
    try:
        return REGISTRY[name]
    except KeyError:
        raise NucleateError(
            f"no potential is called {name!r}", f"choose among {', '.join(REGISTRY)}"
        ) from None


@cache
def _ase_calculator(potential: AsePotential) -> Any:
    module, function = potential.call.split(":")
    try:
        make = getattr(import_module(module), function)
    except ImportError:
        raise MissingPackageError(
            f"the potential {potential.name!r} needs the package {potential.package}, which is not installed",
            f"pip install {potential.package}, or choose --potential chgnet",
        ) from None
    with quiet_single_thread():
        return make(**dict(potential.options))
