"""Where the benchmark sets of the field are downloaded: every URL and checksum is in this file.

The files are those of the public repository of DiffCSP (Jiao et al. 2023, arXiv:2309.04475), which carries
the splits of CDVAE (Xie et al. 2022, arXiv:2110.06197). A checksum of None has not been verified by us: the
SHA-256 found at the download is printed and kept in dataset.json, to compare later downloads with.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE_URL = "https://raw.githubusercontent.com/jiaor17/DiffCSP/main/data"


@dataclass(frozen=True)
class Benchmark:
    """One set: files `{base_url}/{name}/{split}.csv` with their SHA-256, None where not verified yet."""

    name: str
    sha256: dict[str, str | None]
    licence: str
    note: str


def _unverified() -> dict[str, str | None]:
    return {"train": None, "val": None, "test": None}


BENCHMARKS: dict[str, Benchmark] = {
    one.name: one
    for one in (
        Benchmark(
            "mp_20",
            _unverified(),
            "CC BY 4.0",
            "Materials Project, up to 20 atoms, in the CDVAE splits (Xie et al. 2022)",
        ),
        Benchmark(
            "perov_5",
            _unverified(),
            "MIT",
            "Perovskites of Castelli et al. 2012, 5 atoms, in the CDVAE splits (Xie et al. 2022)",
        ),
        Benchmark(
            "carbon_24",
            _unverified(),
            "MIT",
            "Carbon of Pickard 2020 (AIRSS), up to 24 atoms, in the CDVAE splits (Xie et al. 2022)",
        ),
        Benchmark(
            "mpts_52",
            _unverified(),
            "CC BY 4.0",
            "Materials Project split by time, up to 52 atoms (Baird et al. 2024)",
        ),
    )
}
