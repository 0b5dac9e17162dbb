"""Benchmark sets from their public repository: pooch fetches and checks, then the ordinary import runs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nucleate.data.dataset import sha256
from nucleate.data.importing import ImportSettings, import_splits
from nucleate.data.registry import BASE_URL, BENCHMARKS, Benchmark
from nucleate.data.writing import refuse_existing
from nucleate.errors import DataError
from nucleate.work import Work

TIMEOUT = 60
MIRROR = "try again later, or from a mirror with --base-url"


def find_benchmark(name: str) -> Benchmark:
    """The entry of the registry. Raises DataError for an unknown name."""
    if name not in BENCHMARKS:
        raise DataError(f"no benchmark '{name}'", f"known are {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def download(
    benchmark: Benchmark,
    out: Path,
    settings: ImportSettings,
    base_url: str = BASE_URL,
    work: Work = Work(),
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Fetch every split of a benchmark and import it into `out`. Returns what dataset.json says.

    The files themselves are not kept. `report` gets one line for each file that is fetched.

    Raises:
        DataError: a file can't be fetched, is cut short, or has another checksum; `out` is then untouched.
    """
    refuse_existing(out, settings.overwrite)
    urls = {split: f"{base_url.rstrip('/')}/{benchmark.name}/{split}.csv" for split in benchmark.sha256}
    with tempfile.TemporaryDirectory(prefix="nucleate-") as folder:
        files = {}
        for split, url in urls.items():
            report(f"fetching {url}")
            files[split] = fetch(url, benchmark.sha256[split], Path(folder) / f"{split}.csv")
            if benchmark.sha256[split] is None:
                report(
                    f"first download: recorded sha256 {sha256(files[split])} of {split}.csv (not verified)"
                )
        settings = replace(
            settings,
            licence=settings.licence or benchmark.licence,
            note=settings.note or benchmark.note,
            origin={
                "urls": urls,
                "verified": {name: bool(known) for name, known in benchmark.sha256.items()},
            },
        )
        return import_splits({name: [path] for name, path in files.items()}, out, settings, work)


def fetch(url: str, known: str | None, target: Path) -> Path:
    """Fetch one file, checked against its SHA-256 where known. Raises DataError and leaves nothing behind."""
    try:
        import pooch
        import requests
    except ModuleNotFoundError:
        raise DataError("downloading needs pooch", "pip install 'nucleate[download]'") from None

    pooch.get_logger().setLevel("ERROR")
    fetcher: Any = pooch.HTTPDownloader(timeout=TIMEOUT)
    known_hash = f"sha256:{known}" if known else None
    try:
        pooch.retrieve(url, known_hash, fname=target.name, path=target.parent, downloader=fetcher)
    except requests.HTTPError as error:
        raise DataError(f"the server refuses: {error}", MIRROR) from error
    except requests.Timeout as error:
        raise DataError(f"{url}: no answer for {TIMEOUT} seconds", MIRROR) from error
    except requests.RequestException as error:
        raise DataError(
            f"{url}: the connection failed or was cut ({type(error).__name__})", MIRROR
        ) from error
    except ValueError as error:
        hint = "the file was changed or damaged on its way; " + MIRROR
        raise DataError(f"{url}: its SHA-256 is not the expected {known}", hint) from error
    return target
