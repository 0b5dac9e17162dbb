"""A prediction job: its requests, and what its folder holds of each crystal that was drawn.

What makes two jobs the same is asked with the defaults of settings that a record was made before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.extxyz import frame_text
from nucleate.identity import canonical_of
from nucleate.records.job_folder import JobFolder, Shard
from nucleate.sampling.formula import conventional, formula_text, reduce_formula
from nucleate.sampling.generate import Generated
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings

SETTINGS = {"sampler": SamplerSettings}
"""What the settings in a record are, by their keys."""

__all__ = ["Job", "Shard", "arrays", "header"]


class Job(JobFolder):
    """The folder of one job of requests; see `nucleate.records.job_folder`."""

    def __init__(
        self, folder: Path, asked: dict[str, Any], shard: Shard | None = None, stem: str = "predictions"
    ) -> None:
        super().__init__(folder, asked, shard, stem, _identity)

    def mine(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard."""
        return self.shard.of(requests)

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard that no file of the folder holds yet."""
        return [request for request in self.mine(requests) if request.name_of_key not in self.done]

    def write(self, batch: Sequence[Generated], seed: int, model: str) -> None:
        """Append what is new of one batch; a crash loses at most this one."""
        self.append(
            [(one.request.name_of_key, frame_text(*arrays(one), header(one, seed, model))) for one in batch]
        )


def _identity(record: dict[str, Any]) -> dict[str, Any]:
    """A record of a job with the identities of its settings in their place: older ones lack fields of today."""
    settings = {
        key: canonical_of(kind, record[key])
        for key, kind in SETTINGS.items()
        if isinstance(record.get(key), dict)
    }
    return record | settings


def arrays(one: Generated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Species [atoms], fractional coordinates [atoms, 3] and cell [3, 3] of one crystal, float64."""
    crystal = one.crystal
    return crystal.species[0].numpy(), crystal.frac[0].double().numpy(), crystal.lattice[0].double().numpy()


def header(one: Generated, seed: int, model: str) -> dict[str, object]:
    """What every file says about a predicted crystal."""
    request = one.request
    invented = 0 in request.species
    counts = conventional(one.crystal.species[0].tolist()) if invented else Counter(request.species)
    return {
        "crystal": request.crystal,
        "material_id": request.material_id,
        "sample": request.sample,
        "formula": formula_text(reduce_formula(counts)[0]),
        "cell": formula_text(counts) if request.crystal is None else None,
        "seed": seed,
        "nfe": one.nfe,
        "model": model,
        "key": request.name_of_key,
    }
