"""`nucleate evaluate dng`: judge any set of generated crystals against a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import options
from nucleate.cli.progress import progress_bars
from nucleate.files import check_target


def dng(
    samples: Annotated[
        Path,
        typer.Argument(
            help="A run of nucleate; a folder, zip, tar or file of CIF, extxyz or POSCAR; pymatgen JSON; a data set."
        ),
    ],
    reference: Annotated[
        Path | None,
        typer.Option(help="Data set of real crystals; without it less is measured."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split whose distributions the samples should have: val.")
    ] = None,
    novel_against: Annotated[
        str | None, typer.Option(help="Split that novel structures must not be in: train.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="classic, mattergen or lemat.")] = "mattergen",
    relax: Annotated[
        str, typer.Option(help="Potential for relaxation and stability, or none to leave both out.")
    ] = "chgnet",
    hull: Annotated[
        str, typer.Option(help="Convex hull: the potential's name, dft, or a JSON file of entries.")
    ] = "",
    coverage: Annotated[
        bool, typer.Option(help="COV-R and COV-P (0.05 to 0.5 s for each structure).")
    ] = True,
    sample_split: Annotated[str, typer.Option(help="Split of SAMPLES, if that is a data set.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Judge this many of the samples, drawn at random.")
    ] = None,
    reference_limit: Annotated[
        int | None, typer.Option(min=1, help="Compare with this many crystals of --split, drawn at random.")
    ] = None,
    workers: options.Workers = 2,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for relaxing one structure.")] = 300.0,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder for all intermediate results. Default: .nucleate-cache beside SAMPLES, and .cache in the "
            "data set."
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write all numbers to this file; evaluate show prints them again.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write one row for each sample: .csv or .parquet.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Print all numbers, not only headline and funnel.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=options.MOST_SEED, help="Seed of subsets and bootstrap intervals.")
    ] = 0,
) -> None:
    """Validity, coverage, distributions, uniqueness, novelty and stability of generated crystals.

    Every number has its denominator and 95 % interval. Run the same command again to resume.
    """
    from nucleate.cli.console import resumable, say
    from nucleate.data.dataset import Dataset
    from nucleate.energies.hull_choice import HullChoice
    from nucleate.energies.potentials import potential_named
    from nucleate.metrics.dng.context import FINGERPRINTS
    from nucleate.metrics.dng.evaluate import DngSettings, cache_folder, check, evaluate, real_cache
    from nucleate.metrics.dng.samples import read_samples
    from nucleate.metrics.dng.settings import NO_RELAXATION
    from nucleate.records.tables import check_ending
    from nucleate.report.dng_text import summary
    from nucleate.report.files import save_dng
    from nucleate.work import Work

    if reference is None:
        given = {"--split": split, "--novel-against": novel_against, "--reference-limit": reference_limit}
        options.refuse_unread("without --reference", given)
    settings = DngSettings(
        protocol=protocol,
        split=split or "val",
        novel_against=novel_against or "train",
        relax=relax,
        hull=HullChoice(hull)
        if relax == NO_RELAXATION
        else HullChoice.read(hull, potential_named(relax).name),
        coverage=coverage,
        reference_limit=reference_limit,
        timeout=timeout,
        seed=seed,
    )
    if table:
        check_ending(table)
    dataset = None if reference is None else Dataset.open(reference)
    check(dataset, settings)
    for path in (json, table, html):
        check_target(path)
    found = read_samples(samples, sample_split, limit, seed)
    folder = cache or cache_folder(samples)
    shared = None if cache or dataset is None else real_cache(dataset)
    say(f"{len(found)} samples, {sum(map(bool, found.problems))} unreadable; intermediate results: {folder}")
    if shared is not None and coverage and reference_limit is None and not (shared / FINGERPRINTS).exists():
        say(
            f"coverage needs fingerprints of all crystals of '{settings.split}' (about 0.2 s each), once for this data "
            "set: --reference-limit 500 compares with fewer, --no-coverage leaves coverage out"
        )
    with resumable(folder), progress_bars() as progress:
        report = evaluate(found, dataset, settings, Work.local(workers, progress, folder), shared)
    save_dng(report, json, table, html)
    typer.echo(summary(report, full))
