"""Interatomic potentials by the name a user gives: CHGNet and SevenNet, which work offline, and others.

The others are ASE calculators of their packages, imported when they are asked for; most fetch weights at first use.
"""

from __future__ import annotations

from nucleate.energies.ase_potential import AsePotential
from nucleate.energies.chgnet import ChgnetPotential
from nucleate.energies.potential import Potential
from nucleate.energies.sevennet import CHECKPOINTS, sevennet
from nucleate.errors import NucleateError

__all__ = ["REGISTRY", "AsePotential", "potential_named"]

REGISTRY: dict[str, Potential] = {
    "chgnet": ChgnetPotential(),
    "chgnet-r2scan": ChgnetPotential("r2scan", "chgnet-r2scan"),
    **{name: sevennet(name) for name in CHECKPOINTS},
    "mace": AsePotential(
        "mace",
        "mace-torch",
        "mace.calculators:mace_mp",
        (("model", "medium-mpa-0"), ("device", "cpu"), ("default_dtype", "float64")),
        mp_raw=True,
    ),
    "mattersim": AsePotential(
        "mattersim",
        "mattersim",
        "mattersim.forcefield:MatterSimCalculator",
        (("device", "cpu"),),
        mp_raw=True,
    ),
    "orb": AsePotential(
        "orb",
        "orb-models",
        "nucleate.energies.orb:calculator",
        (("model", "orb_v3_conservative_inf_mpa"), ("device", "cpu"), ("precision", "float32-highest")),
        mp_raw=True,
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
