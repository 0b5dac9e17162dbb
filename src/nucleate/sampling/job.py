"""A prediction job in a folder: what was asked (job.json) and every crystal as it comes (predictions*.extxyz).

The extended XYZ file is the ledger: a rerun reads it, drops a frame that a crash cut short, and draws what is missing.
Several processes may share one folder, each with its own shard of the requests and its own file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.extxyz import drop_cut_frame, frame_text
from nucleate.errors import ModelError
from nucleate.sampling.generate import Generated
from nucleate.sampling.request import Request


@dataclass(frozen=True)
class Shard:
    """Every `count`-th request from `index` on."""

    index: int = 0
    count: int = 1

    @property
    def file(self) -> str:
        return "predictions.extxyz" if self.count == 1 else f"predictions.{self.index}-of-{self.count}.extxyz"


class Job:
    """The folder of one job. Raises ModelError when it already holds another job's predictions."""

    def __init__(self, folder: Path, asked: dict[str, Any], shard: Shard | None = None) -> None:
        self.folder, self.shard = folder, shard or Shard()
        self.path = folder / self.shard.file
        folder.mkdir(parents=True, exist_ok=True)
        self._claim(asked)
        self.done = {header["key"] for header in drop_cut_frame(self.path)} if self.path.exists() else set()

    def _claim(self, asked: dict[str, Any]) -> None:
        asked = json.loads(json.dumps(asked))
        record = self.folder / "job.json"
        if not record.exists():
            record.write_text(json.dumps(asked, indent=2) + "\n")
            return
        before = json.loads(record.read_text())
        changed = sorted(key for key in asked.keys() | before.keys() if asked.get(key) != before.get(key))
        if changed:
            raise ModelError(
                f"{self.folder} holds predictions made with another {', '.join(changed)}",
                "name another --out, or repeat the first command to go on with it",
            )

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard that are not on disk yet."""
        mine = requests[self.shard.index :: self.shard.count]
        return [request for request in mine if f"{request.key:016x}" not in self.done]

    def write(self, batch: Sequence[Generated], seed: int, model: str) -> None:
        """Append one batch; a crash loses at most this one."""
        with self.path.open("a") as file:
            file.write("".join(frame_text(*arrays(one), header(one, seed, model)) for one in batch))
            file.flush()

    def files(self) -> Iterator[Path]:
        """All prediction files of the folder, those of other shards too."""
        yield from sorted(self.folder.glob("predictions*.extxyz"))


def arrays(one: Generated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Species [atoms], fractional coordinates [atoms, 3] and cell [3, 3] of one crystal, float64."""
    crystal = one.crystal
    return crystal.species[0].numpy(), crystal.frac[0].double().numpy(), crystal.lattice[0].double().numpy()


def header(one: Generated, seed: int, model: str) -> dict[str, object]:
    """What every file says about a predicted crystal."""
    request = one.request
    return {
        "crystal": request.crystal,
        "material_id": request.material_id,
        "sample": request.sample,
        "formula": request.formula,
        "cell": request.name if request.crystal is None else None,
        "seed": seed,
        "nfe": one.nfe,
        "model": model,
        "key": f"{request.key:016x}",
    }
