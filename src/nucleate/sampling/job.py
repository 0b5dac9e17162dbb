"""A job of requests: what makes it the same job, and what its folder holds of each answer.

What makes two jobs the same is asked with the defaults of settings that a record was made before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.extxyz import frame_text
from nucleate.elements import SYMBOLS
from nucleate.identity import canonical_of
from nucleate.records.job_folder import JobFolder, Shard
from nucleate.sampling.formula import conventional, formula_text, reduce_formula
from nucleate.sampling.generator import Answer, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import to_dict

__all__ = ["Job", "Shard", "arrays", "header", "record_of"]


def record_of(
    generator: Generator, requests: Sequence[Request], settings: Any, seed: int
) -> dict[str, object]:
    """What makes two jobs the same, for job.json.

    `weights` is the generator's identity and `sampler` its settings, null where there are none: the names are those of
    the first generators, which were diffusion models.
    """
    identities = "\n".join(sorted(request.identity for request in requests))
    return {
        "model": generator.name,
        "weights": generator.identity_with(settings),
        "seed": seed,
        "sampler": None if settings is None else to_dict(settings),
        "crystals": {
            "count": len(requests),
            "digest": hashlib.sha256(identities.encode()).hexdigest()[:16],
        },
    }


class Job(JobFolder):
    """The folder of one job of requests; see `nucleate.records.job_folder`.

    together: all samples of one thing belong to one shard.

    settings: class of the generator's settings, to which an older record may lack fields; None where there are none.
    """

    together: bool = False

    def __init__(
        self, folder: Path, asked: dict[str, Any], shard: Shard | None = None, stem: str = "predictions",
        settings: type | None = SamplerSettings,
    ) -> None:  # fmt: skip
        super().__init__(folder, asked, shard, stem, partial(_identity, settings))

    @classmethod
    def of(
        cls, folder: Path, generator: Generator, requests: Sequence[Request], settings: Any, seed: int,
        shard: Shard | None = None, stem: str = "predictions",
    ) -> Job:  # fmt: skip
        """The job in which this generator draws these requests; `requests` are those of all shards.

        Raises ModelError for a request of a kind that the generator can't answer, before the folder is taken.
        """
        generator.check(requests)
        asked = record_of(generator, requests, settings, seed)
        job = cls(folder, asked, shard, stem, generator.settings_kind)
        job.together = generator.ranked
        return job

    def mine(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard."""
        if not self.together:
            return self.shard.of(requests)
        names = {request.name: None for request in requests}
        mine = set(self.shard.of(list(names)))
        return [request for request in requests if request.name in mine]

    def missing(self, requests: Sequence[Request]) -> list[Request]:
        """The requests of this shard that no file of the folder holds an answer to yet."""
        return [request for request in self.mine(requests) if request.name_of_key not in self.answered]

    def draw(
        self, generator: Generator, requests: Sequence[Request], settings: Any, seed: int,
        options: DrawOptions = DrawOptions(),
    ) -> None:  # fmt: skip
        """Have what is missing of the requests drawn, and write each batch as it comes."""
        for batch in generator.draw(self.missing(requests), settings, seed, options):
            self.write(batch, seed, generator.name)

    def write(self, batch: Sequence[Answer], seed: int, model: str) -> None:
        """Append what is new of one batch; a crash loses at most this one."""
        drawn = [one for one in batch if isinstance(one, Generated)]
        self.append(
            [(one.request.name_of_key, frame_text(*arrays(one), header(one, seed, model))) for one in drawn]
        )
        self.append_failures([_failure(one, seed, model) for one in batch if isinstance(one, Failure)])


def _identity(kind: type | None, record: dict[str, Any]) -> dict[str, Any]:
    """A record of a job with the identity of its settings in their place: older ones lack fields of today."""
    if kind is None or not isinstance(record.get("sampler"), dict):
        return record
    return record | {"sampler": canonical_of(kind, record["sampler"])}


def arrays(one: Generated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Species [atoms], fractional coordinates [atoms, 3] and cell [3, 3] of one crystal, float64."""
    crystal = one.crystal
    return crystal.species[0].numpy(), crystal.frac[0].double().numpy(), crystal.lattice[0].double().numpy()


def header(one: Generated, seed: int, model: str) -> dict[str, object]:
    """What every file says about a crystal: what was asked for, how it was made, at what cost and from what."""
    request = one.request
    invented = 0 in request.species
    counts = conventional(one.crystal.species[0].tolist()) if invented else Counter(request.species)
    if request.units != ():
        cell = Counter(one.crystal.species[0].tolist())
        counts = Counter({number: cell[number] for number in counts})
    return {
        "crystal": request.crystal,
        "material_id": request.material_id,
        "sample": request.sample,
        "formula": formula_text(reduce_formula(counts)[0]),
        "cell": formula_text(counts) if request.crystal is None else None,
        "seed": seed,
        "nfe": one.cost.nfe,
        "model": model,
        "key": request.name_of_key,
        **_asked(request),
        **one.cost.counts,
        "seconds": None if one.cost.seconds is None else round(one.cost.seconds, 4),
        **{name: _one_line(value) for name, value in one.origin.items()},
    }


def _asked(request: Request) -> dict[str, object]:
    """The targets of a request, their guidance, its elements, and what predictors pull towards."""
    targets = {f"target_{name}": _text(value) for name, value in request.condition}
    guided = {
        f"guidance_{name}": f"{weight:g}@{low:g}-{high:g}" for name, weight, low, high in request.guidance
    }
    system = {"elements": _text(request.required)} if request.required else {}
    limited = {"allowed": _text(request.allowed)} if request.allowed and not request.required else {}
    pulls = {f"towards_{one.name}": one.text.partition("=")[2] for one in request.pulls}
    return {**targets, **guided, **system, **limited, **pulls}


def _text(value: float | tuple[int, ...]) -> object:
    return ",".join(SYMBOLS[number] for number in value) if isinstance(value, tuple) else value


def _failure(one: Failure, seed: int, model: str) -> dict[str, Any]:
    """What a job's file of failures says about a request."""
    request = one.request
    return {
        "key": request.name_of_key,
        "name": request.name,
        "sample": request.sample,
        "crystal": request.crystal,
        "seed": seed,
        "model": model,
        "reason": one.reason,
    }


def _one_line(value: str | int | float) -> str | int | float:
    """Text without line breaks and double quotes, which a header can't hold."""
    return " ".join(value.replace('"', "'").split()) if isinstance(value, str) else value
