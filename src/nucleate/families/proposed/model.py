"""A flow whose base is another generator (FlowLLM: Sriram et al. 2024, arXiv 2410.23405).

Each crystal is paired with a proposal for its composition. The flow goes from the cell and coordinates of the proposal
to those of the crystal; the species stay. At t = 0 the coordinates are those of the proposal with a little noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal, Species
from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.conditions import told
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError, ModelError, StructureError
from nucleate.families.proposed.pairs import aligned, reduced
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.processes.base import Process
from nucleate.processes.interpolant import Interpolant
from nucleate.sampling.generator import Generator
from nucleate.sampling.rows import answered_rows


class Pairs(Feed):
    """A split with a proposal for each crystal, atoms in the same order."""

    def __init__(
        self, table: CrystalTable, proposals: CrystalTable, device: torch.device, columns: tuple[str, ...]
    ) -> None:
        super().__init__(table, device, columns)
        self.proposed = Feed(proposals, device)

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Tensor | None]:
        proposed = self.proposed.batch(indices, size)
        own = super().tensors(indices, size)
        return {**own, "proposed_frac": proposed.frac, "proposed_lattice": proposed.lattice}


class ProposedFlow(CrystalModel):
    """A model of given species whose coordinates and cells flow from proposals.

    Attributes:
        base: what proposes; a run and a loaded model set it.
        proposals: crystals that it has drawn before, which are taken first when training; None where there are none.
        jitter: standard deviation of the noise on the coordinates of a proposal, in fractions of the cell.
    """

    base: Generator | None = None
    proposals: Generator | None = None
    jitter: float = 0.0
    _proposals: Crystals | None = None

    def examples(self, table: CrystalTable, device: torch.device) -> Feed:
        """Crystals for which the base has a proposal, as far as it has one."""
        if self.base is None:
            raise ModelError("this model starts from another generator", "name it with --set base=NAME")
        rows, cells = [], []
        for row, cell in enumerate(self._proposed(table, self.base)):
            try:
                if cell is not None:
                    cells.append(aligned(reduced(cell), table.cell(row)))
                    rows.append(row)
            except StructureError:
                continue
        if not rows:
            raise DataError(
                f"{self.base.name} proposes nothing for these compositions", "name another generator"
            )
        chosen = told(table, self.described).select(rows)
        proposals = CrystalTable(
            chosen.ids, chosen.species, chosen.offsets, np.concatenate([cell.frac for cell in cells]),
            np.stack([cell.lattice for cell in cells]),
        )  # fmt: skip
        return Pairs(chosen, proposals, device, self.columns)

    def _proposed(self, table: CrystalTable, base: Generator) -> list[Cell | None]:
        """A proposal for each row, of those drawn before or by the base; None where there is none."""
        found: list[Cell | None] = [None] * len(table)
        for one in (self.proposals, base):
            rows = np.array([row for row, cell in enumerate(found) if cell is None], dtype=np.int64)
            if one is not None and len(rows):
                for row, cell in zip(rows.tolist(), answered_rows(one, table, rows), strict=True):
                    found[row] = cell
        return found

    def forward(
        self, *args: Any, proposed_frac: Tensor, proposed_lattice: Tensor, **rest: Any
    ) -> dict[str, PerCrystal]:
        """As of any crystal model, from these proposals."""
        with self.proposing(Crystals(rest["species"], proposed_frac, proposed_lattice, rest["mask"])):
            return super().forward(*args, **rest)

    @contextmanager
    def proposing(self, proposals: Crystals) -> Iterator[None]:
        """Paths begin at these crystals, in the order of the batch."""
        before, self._proposals = self._proposals, proposals
        try:
            yield
        finally:
            self._proposals = before

    def processes_for(self, species: Species | None) -> dict[str, Process]:
        own = super().processes_for(species)
        if self._proposals is None:
            return own
        return {name: self._from(name, process, self._proposals) for name, process in own.items()}

    def _from(self, name: str, process: Process, proposals: Crystals) -> Process:
        if not isinstance(process, Interpolant):
            return process
        channel, jitter = self.channel(name, proposals), self.jitter if name == "frac" else 0.0

        def base(mask: Mask, noise: Noise) -> Tensor:
            if not jitter:
                return channel
            moved = channel + jitter * noise.normal(*channel.shape[1:])
            return moved.remainder(1) * mask.unsqueeze(-1)

        other = copy(process)
        other.base = base
        return other
