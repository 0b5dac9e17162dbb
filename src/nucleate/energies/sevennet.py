"""SevenNet (Park et al., J. Chem. Theory Comput. 20, 4857, 2024): four checkpoints in the wheel of the package sevenn,
so that it works offline.

They were fitted to MPtrj, as CHGNet was, but to raw energies: PBE, or PBE+U for oxides and fluorides of some metals,
without the corrections of the Materials Project (`nucleate.energies.corrections`).
"""

from __future__ import annotations

from nucleate.energies.ase_potential import AsePotential

SEVENNET_CUTOFF = 5.0
"""Å; the radius of its graph."""

SEVENNET_ELEMENTS = frozenset(range(1, 95)) - frozenset(range(84, 89))
"""The 89 elements of MPtrj: hydrogen to plutonium without Po, At, Rn, Fr, Ra."""

CHECKPOINTS = {
    "sevennet": ("7net-0", ""),
    "sevennet-0-22may2024": ("7net-0_22May2024", ""),
    "sevennet-l3i5": ("7net-l3i5", ""),
    "sevennet-mf-0": ("7net-mf-0", "PBE"),
    "sevennet-mf-ompa": ("7net-mf-ompa", "mpa"),
}
"""By the name a user gives: the checkpoint, and the functional or data set that one of several fidelities answers for.
The weights of the last, trained on Alexandria and OMat24 too, are fetched at first use; the others are in the wheel."""


def sevennet(name: str) -> AsePotential:
    """One of CHECKPOINTS, on the processor."""
    model, modal = CHECKPOINTS[name]
    options = (("model", model), ("device", "cpu"), *((("modal", modal),) if modal else ()))
    return AsePotential(
        name,
        "sevenn",
        "sevenn.calculator:SevenNetCalculator",
        options,
        SEVENNET_CUTOFF,
        SEVENNET_ELEMENTS,
        mp_raw=True,
        install="'nucleate[sevennet]'",
    )
