"""CHGNet (arXiv 2302.14231): weights in its wheel, fitted to the energies of the Materials Project after its
corrections (MP2020, Wang et al., Sci. Rep. 11, 15496, 2021), so that it works offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from nucleate.cell import Cell
from nucleate.energies.potential import Evaluation, Potential, installed, quiet_single_thread
from nucleate.errors import MissingPackageError, NucleateError

CHGNET_MODELS = ("0.3.0", "0.2.0", "r2scan")
CHGNET_CUTOFF = 6.0
"""Å; the radius of CHGNet's atom graph."""

CHGNET_ELEMENTS = frozenset(range(1, 95)) - frozenset(range(84, 89))
"""The 89 elements of its training set MPtrj: hydrogen to plutonium without Po, At, Rn, Fr, Ra."""

BATCH = 16
"""Cells in one call of the network."""


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
        return f"chgnet {self.model} (package {installed('chgnet')})"

    @property
    def supported(self) -> frozenset[int]:
        return CHGNET_ELEMENTS

    def calculator(self) -> Any:
        return _chgnet(self.model)

    def evaluate(self, cells: Sequence[Cell]) -> list[Evaluation]:
        model = self.calculator().model
        found: list[Evaluation] = []
        for start in range(0, len(cells), BATCH):
            with quiet_single_thread():
                found += _evaluated(model, cells[start : start + BATCH])
        return found

    def energy(self, cell: Cell) -> float:
        model = self.calculator().model
        with quiet_single_thread():
            per_atom = model.predict_graph(model.graph_converter(cell.compact().to_structure()), task="e")[
                "e"
            ]
        return float(per_atom) * len(cell.species)


def _evaluated(model: Any, cells: Sequence[Cell]) -> list[Evaluation]:
    """One batch. `CHGNet.forward` asks for forces and stresses in two passes that could themselves be differentiated;
    one pass that can't takes two thirds of the time and gives the same numbers."""
    import torch
    from chgnet.model.model import BatchedGraph

    if model.training:
        model.eval()
    graphs = [model.graph_converter(cell.compact().to_structure()) for cell in cells]
    batch = BatchedGraph.from_graphs(
        graphs, model.bond_basis_expansion, model.angle_basis_expansion, compute_stress=True
    )
    said = model._compute(batch)["e"]
    # an energy per atom where the model is intensive, as the published ones are
    times = torch.tensor([len(cell.species) if model.is_intensive else 1 for cell in cells])
    slopes = torch.autograd.grad((said * times).sum(), [*batch.atom_positions, *batch.strains])
    if model.composition_model is not None:
        said = said + model.composition_model(graphs)
    energies = (said.detach() * times).double().tolist()
    return [
        Evaluation(energy, -slope.double().numpy(), strained.double().numpy() / cell.volume)
        for energy, slope, strained, cell in zip(
            energies, slopes[: len(cells)], slopes[len(cells) :], cells, strict=True
        )
    ]


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
        # "warn" would continue with an energy that CHGNet itself calls wrong
        return CHGNetCalculator(network, use_device="cpu", on_isolated_atoms="error")
