"""A prediction job in a folder: what was asked (job.json) and every crystal as it comes (predictions*.extxyz).

The extended XYZ file is the ledger: a rerun reads it, drops a frame that a crash cut short, and draws what is missing.
Several processes may share one folder, each with its own shard of the requests and its own file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.extxyz import frame_text
from nucleate.errors import ModelError
from nucleate.files import parse_json, write_whole, writing
from nucleate.identity import canonical_of, differing
from nucleate.records.crystal_files import drop_cut_frame, read_headers
from nucleate.sampling.formula import conventional, formula_text, reduce_formula
from nucleate.sampling.generate import Generated
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings

SETTINGS = {"sampler": SamplerSettings}
"""What the settings in a record are, by their keys."""


@dataclass(frozen=True)
class Shard:
    """Every `count`-th request from `index` on."""

    index: int = 0
    count: int = 1

    def file(self, stem: str) -> str:
        return f"{stem}.extxyz" if self.count == 1 else f"{stem}.{self.index}-of-{self.count}.extxyz"


class Job:
    """The folder of one job, its files named after a stem: `predictions` or `generated`.

    Raises ModelError when it can't be made or already holds another job's crystals.
    """

    def __init__(
        self, folder: Path, asked: dict[str, Any], shard: Shard | None = None, stem: str = "predictions"
    ) -> None:
        self.folder, self.shard, self.stem = folder, shard or Shard(), stem
        self.path = folder / self.shard.file(stem)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"{folder} can't be made ({error.strerror})", "name another --out") from None
        self._claim(asked)
        if self.path.exists():
            drop_cut_frame(self.path)
        self.done = {header["key"] for path in self.files() for header, _ in read_headers(path)}

    def _claim(self, asked: dict[str, Any]) -> None:
        """Leave job.json behind as a whole, or compare with the one that is there."""
        record = self.folder / "job.json"
        asked = json.loads(json.dumps(asked))
        if not record.exists():
            write_whole(record, json.dumps(asked, indent=2) + "\n")
            return
        try:
            before = dict(parse_json(record.read_bytes()))
        except (ValueError, TypeError):
            raise ModelError(f"{record} is not readable", "delete it, or name another --out") from None
        changed = differing(_identity(before), _identity(asked))
        if changed:
            raise ModelError(
                f"{self.folder} holds crystals made with other {', '.join(changed)}",
                "name another --out, or repeat the first command to go on with it",
            )

    def mine(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard."""
        return list(requests[self.shard.index :: self.shard.count])

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard that no file of the folder holds yet."""
        return [request for request in self.mine(requests) if request.name_of_key not in self.done]

    def write(self, batch: Sequence[Generated], seed: int, model: str) -> None:
        """Append what is new of one batch; a crash loses at most this one."""
        new = [one for one in batch if one.request.name_of_key not in self.done]
        with writing(self.path), self.path.open("a") as file:
            file.write("".join(frame_text(*arrays(one), header(one, seed, model)) for one in new))
            file.flush()
        self.done |= {one.request.name_of_key for one in new}

    def files(self) -> list[Path]:
        """All files of crystals in the folder, those of other shards too."""
        return sorted(self.folder.glob(f"{self.stem}*.extxyz"))


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
