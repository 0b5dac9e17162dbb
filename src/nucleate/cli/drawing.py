"""What predict and generate share: a job in a folder that is drawn, or gone on with, under a progress bar."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.cli.console import detail, say
from nucleate.cli.progress import progress_bars
from nucleate.errors import ModelError

if TYPE_CHECKING:
    from nucleate.predictor import Predictor
    from nucleate.sampling.job import Job, Shard
    from nucleate.sampling.request import Request
    from nucleate.sampling.settings import SamplerSettings

KINDS = ("cif", "extxyz", "poscar", "json")


def formats(text: str) -> list[str]:
    """The names in --format."""
    kinds = [kind.strip() for kind in text.split(",") if kind.strip()]
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ModelError(f"no format '{', '.join(unknown) or text}'", f"formats: {', '.join(KINDS)}")
    return kinds


def shard_of(text: str) -> Shard:
    """The part of an array job in --shard."""
    from nucleate.sampling.job import Shard

    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise ModelError(
            f"--shard {text} is not I/N with I below N", "for example --shard 0/4, 1/4, 2/4 and 3/4"
        )
    return Shard(int(index), int(count))


@dataclass(frozen=True)
class Drawing:
    """What is drawn and how."""

    predictor: Predictor
    requests: list[Request]
    settings: SamplerSettings
    seed: int
    with_path: bool
    edges: int | None
    stem: str = "predictions"

    @property
    def asked(self) -> dict[str, object]:
        """What makes two jobs the same, for job.json."""
        from nucleate.settings import to_dict

        identities = "\n".join(sorted(request.identity for request in self.requests))
        return {
            "model": self.predictor.name,
            "weights": self.predictor.checksum,
            "seed": self.seed,
            "sampler": to_dict(self.settings),
            "crystals": {
                "count": len(self.requests),
                "digest": hashlib.sha256(identities.encode()).hexdigest()[:16],
            },
        }

    def run(self, out: Path, shard: Shard) -> None:
        """Draw what is missing in the folder."""
        from nucleate.sampling.job import Job
        from nucleate.sampling.trajectory_file import has_trajectory

        job = Job(out, self.asked, shard, self.stem)
        self._describe()
        missing, mine = job.missing(self.requests), job.mine(self.requests)
        if len(missing) < len(mine):
            say(f"going on: {len(mine) - len(missing)} of {len(mine)} crystals are already in {out}")
        if self.with_path:
            undrawn = {request.key for request in missing}
            missing = [r for r in mine if r.key in undrawn or not has_trajectory(out, r)]
        self._draw(job, missing)

    def _describe(self) -> None:
        import torch

        model, settings = self.predictor, self.settings
        device = next(model.model.parameters()).device
        detail(f"model {model.name} (weights {model.checksum}) from {model.folder}")
        detail(f"on {device}, {torch.get_num_threads()} CPU threads; torch {torch.__version__}")
        detail(f"seed {self.seed}, {settings.evaluations} network evaluations for each crystal: {settings}")

    def _draw(self, job: Job, missing: list[Request]) -> None:
        from nucleate.sampling.trajectory_file import write_trajectories

        steps, done = self.settings.steps, 0
        with progress_bars(scale=steps) as progress:
            progress("drawing", 0, len(missing) * steps)

            def advance(crystals: int) -> None:
                nonlocal done
                done += crystals
                progress("drawing", done, len(missing) * steps)

            batches = self.predictor.draw(
                missing, self.settings, self.seed, with_path=self.with_path, edges=self.edges,
                on_step=advance,
            )  # fmt: skip
            for batch in batches:
                if self.with_path:
                    write_trajectories(job.folder, batch, self.seed, self.predictor.name)
                job.write(batch, self.seed, self.predictor.name)
