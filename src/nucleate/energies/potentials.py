"""Interatomic potentials under one small interface; CHGNet is the one that works offline.

CHGNet (arXiv 2302.14231): weights in its wheel, fitted to the energies of the Materials Project after its
corrections (MP2020, Wang et al., Sci. Rep. 11, 15496, 2021). The others are ASE calculators of their own
packages, imported when they are asked for; most of them fetch weights at first use.

A potential is a frozen dataclass of names and numbers, so that it can be sent to a worker process; the
network is loaded there, once.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import MissingPackageError, NucleateError

CHGNET_MODELS = ("0.3.0", "0.2.0", "r2scan")
CHGNET_CUTOFF = 6.0
"""Å; the radius of CHGNet's atom graph."""

CHGNET_ELEMENTS = frozenset(range(1, 95)) - frozenset(range(84, 89))
"""The 89 elements of its training set MPtrj: hydrogen to plutonium without Po, At, Rn, Fr, Ra."""


class Potential(ABC):
    """Energies, forces and stresses of crystals.

    Attributes:
        name: what a user calls it.
        cutoff: Å within which every atom needs a neighbour, None where that is of no importance.
        mp_corrected: whether its energies are comparable to the corrected ones of the Materials Project.
    """

    name: str
    cutoff: float | None = None
    mp_corrected: bool = False

    @property
    @abstractmethod
    def identity(self) -> str:
        """Name and version of everything the energies depend on: the key of caches."""

    @property
    def supported(self) -> frozenset[int]:
        """Atomic numbers it knows."""
        return frozenset(range(1, 95))

    @abstractmethod
    def calculator(self) -> Any:
        """An ASE calculator, loaded once in each process.

        Raises MissingPackageError where the potential's package is not installed.
        """

    def energy(self, cell: Cell) -> float:
        """Total energy of one cell, eV."""
        atoms = cell.compact().to_atoms()
        atoms.calc = self.calculator()
        return float(atoms.get_potential_energy())


@dataclass(frozen=True)
class ChgnetPotential(Potential):
    """CHGNet, on the processor.

    Attributes:
        model: one of CHGNET_MODELS. "r2scan" is fitted to another functional and needs a hull of its own.
    """

    model: str = CHGNET_MODELS[0]
    name: str = "chgnet"
    cutoff: float | None = CHGNET_CUTOFF

    def __post_init__(self) -> None:
        if self.model not in CHGNET_MODELS:
            raise NucleateError(
                f"CHGNet has no model {self.model!r}", f"choose among {', '.join(CHGNET_MODELS)}"
            )

    @property
    def mp_corrected(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.model != "r2scan"

    @property
    def identity(self) -> str:
        return f"chgnet {self.model} (package {_installed('chgnet')})"

    @property
    def supported(self) -> frozenset[int]:
        return CHGNET_ELEMENTS

    def calculator(self) -> Any:
        return _chgnet(self.model)

    def energy(self, cell: Cell) -> float:
        model = self.calculator().model
        with quiet_single_thread():
            per_atom = model.predict_graph(model.graph_converter(cell.compact().to_structure()), task="e")[
                "e"
            ]
        return float(per_atom) * len(cell.species)


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
        return f"{self.name} ({self.package} {_installed(self.package)}; {options})"

    def calculator(self) -> Any:
        return _ase_calculator(self)


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


@contextlib.contextmanager
def quiet_single_thread() -> Iterator[None]:
    """One torch thread, and neither warnings nor prints of a potential's package, inside the block only."""
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)


@cache
def _chgnet(model: str) -> Any:
    try:
        from chgnet.model.dynamics import CHGNetCalculator
        from chgnet.model.model import CHGNet
    except ImportError:
        raise MissingPackageError(
            "the potential 'chgnet' needs the package chgnet, which is not installed",
            "pip install 'nucleate[relax]'",
        ) from None
    with quiet_single_thread():
        network = CHGNet.load(model_name=model, use_device="cpu", verbose=False)
        # "warn" would go on with an energy that CHGNet itself calls wrong
        return CHGNetCalculator(network, use_device="cpu", on_isolated_atoms="error")


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


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def isolated_atoms(cell: Cell, cutoff: float) -> int:
    """How many atoms have no neighbour, images of themselves included, within `cutoff` Å."""
    from pymatgen.core import Lattice

    cell = cell.compact()
    cart = cell.frac @ cell.lattice
    centres = Lattice(cell.lattice).get_points_in_sphere
    return sum(len(_distances(centres, cell.frac, centre, cutoff)) < 2 for centre in np.asarray(cart))


def _distances(points_in_sphere: Any, frac: np.ndarray, centre: np.ndarray, cutoff: float) -> np.ndarray:
    return np.asarray(points_in_sphere(frac, centre, cutoff, zip_results=False)[1])
