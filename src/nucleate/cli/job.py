"""What predict and generate share: a job in a folder that is drawn or resumed, under a progress bar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cli.console import detail, say, warn
from nucleate.cli.progress import progress_bars
from nucleate.errors import ModelError

if TYPE_CHECKING:
    from nucleate.predictor import Predictor
    from nucleate.sampling.job import Job, Shard
    from nucleate.sampling.request import Request

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
    """What is drawn and how.

    Attributes:
        predictor: what draws.
        requests: all of the job, those of other shards too.
        settings: of the generator; None where it has none.
        seed: of the crystals.
        with_path: write the trajectories too.
        edges: padded pairs of atoms in a batch; None for what suits the device.
        stem: what the files of crystals are called.
    """

    predictor: Predictor
    requests: list[Request]
    settings: Any
    seed: int
    with_path: bool
    edges: int | None
    stem: str = "predictions"

    def run(self, out: Path, shard: Shard) -> None:
        """Draw what is missing in the folder."""
        from nucleate.sampling.job import Job
        from nucleate.sampling.trajectory_file import has_trajectory

        generator = self.predictor.generator
        job = Job.of(out, generator, self.requests, self.settings, self.seed, shard, self.stem)
        self._describe()
        missing, mine = job.missing(self.requests), job.mine(self.requests)
        if len(missing) < len(mine):
            say(f"going on: {len(mine) - len(missing)} of {len(mine)} crystals are already in {out}")
        if self.with_path:
            undrawn = {request.key for request in missing}
            drawn = [request for request in mine if request.name_of_key not in job.failed]
            missing = [r for r in drawn if r.key in undrawn or not has_trajectory(out, r)]
        self._draw(job, missing)
        self._tell_failures(job)

    def _describe(self) -> None:
        model = self.predictor
        detail(f"model {model.name} (weights {model.checksum}) from {model.folder or 'another package'}")
        for line in (*model.generator.about(self.settings), f"seed {self.seed}"):
            detail(line)

    def _draw(self, job: Job, missing: list[Request]) -> None:
        from nucleate.sampling.trajectory_file import write_trajectories

        steps, done, written = self.predictor.generator.steps(self.settings), 0, 0
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
                written += len(batch)
                # A generator need not tell of its steps.
                advance(max(0, written * steps - done))

    def _tell_failures(self, job: Job) -> None:
        """Say which requests have no crystal. Raises ModelError where none of the whole job has one."""
        lost = [request for request in job.mine(self.requests) if request.name_of_key in job.failed]
        if not lost:
            return
        first = f"{len(lost)} of {len(self.requests)} requests have no answer; the first: "
        first += job.failed[lost[0].name_of_key]
        if len(lost) == len(self.requests):
            raise ModelError(first, f"ask for something else; {job.failures} lists them")
        tell = detail if self.predictor.generator.ranked else warn
        tell(f"{first}; {job.failures} lists them, and they are not asked for again")
