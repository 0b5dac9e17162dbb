"""How fast the page of `nucleate show` answers over 100,000 crystals, for one person and for fifty at once.

    python benchmarks/page.py

Writes a data set of random crystals, serves it in a program of its own, and asks for pages of 50 rows with different
filters and orders, each new to the server. Writes benchmarks/results/page.json: seconds of one client, and of 50
clients that ask at once over connections that they keep; memory of the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2 as httpx
import numpy as np

from nucleate.data.table import CrystalTable
from nucleate.data.writing import write_dataset
from nucleate.elements import SYMBOLS

OUT = Path(__file__).parent / "results" / "page.json"
SORTS = ("band_gap", "-band_gap", "volume", "-density", "formula", "-name")


def data_set(folder: Path, rows: int, rng: np.random.Generator) -> None:
    """Random crystals of five atoms with a band gap and a space group."""
    table = CrystalTable(
        [f"made-{n}" for n in range(rows)],
        rng.integers(1, 90, 5 * rows),
        np.arange(rows + 1) * 5,
        rng.random((5 * rows, 3)),
        np.eye(3)[None] * rng.uniform(3, 6, (rows, 1, 1)),
        {"band_gap": rng.uniform(0, 5, rows), "spacegroup.number": rng.integers(1, 231, rows).astype(float)},
    )
    write_dataset({"train": table}, folder, {"source": {}, "licence": ""})


def questions(count: int, rng: np.random.Generator) -> list[str]:
    """Queries, each with an element, a range and an order."""
    found = []
    for _ in range(count):
        low = rng.uniform(0, 4)
        found.append(
            f"with={SYMBOLS[rng.integers(1, 90)]}&without={SYMBOLS[rng.integers(1, 90)]}"
            f"&where=band_gap:{low:.4f}..{low + 1:.4f}&sort={SORTS[rng.integers(len(SORTS))]}&size=50"
        )
    return found


def quantiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{q}_ms": round(1000 * float(np.quantile(seconds, q / 100)), 1) for q in (50, 95, 99)}


async def ask(client: httpx.AsyncClient, address: str, queries: list[str], seconds: list[float]) -> None:
    for query in queries:
        begun = time.perf_counter()
        answer = await client.get(f"{address}?{query}")
        seconds.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text


async def measure(address: str, clients: int, each: int, rng: np.random.Generator) -> list[float]:
    """Seconds of all requests of some clients that each ask one question after another."""
    seconds: list[float] = []
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:
        await asyncio.gather(*(ask(client, address, questions(each, rng), seconds) for _ in range(clients)))
    return seconds


def memory(process: int) -> dict[str, float]:
    """Resident memory of the server now and at its peak, MB (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
    return {
        name: round(int(found[key].split()[0]) / 1000, 1)
        for name, key in (("now_mb", "VmRSS"), ("peak_mb", "VmHWM"))
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--each", type=int, default=10, help="requests of each client")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        data_set(Path(folder) / "many", options.rows, rng)
        command = [sys.executable, "-m", "nucleate.cli.main", "show", folder, "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            page = server.stdout.readline().strip()
            key = httpx.get(f"{page}api/library", timeout=60).json()["entries"][0]["key"]
            address = f"{page}api/table/{key}"
            begun = time.perf_counter()
            httpx.get(address, timeout=120).raise_for_status()
            first = time.perf_counter() - begun
            one = asyncio.run(measure(address, 1, 100, rng))
            many = asyncio.run(measure(address, options.clients, options.each, rng))
            used = memory(server.pid)
        finally:
            server.terminate()
            server.wait()
    record = {
        "benchmark": "page",
        "command": shlex.join(["python", "benchmarks/page.py", *sys.argv[1:]]),
        "rows": options.rows,
        "seed": 0,
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
        },
        "first_page_s": round(first, 2),
        "one_client": {"requests": len(one), **quantiles(one)},
        "clients_at_once": {"clients": options.clients, "requests": len(many), **quantiles(many)},
        "server_memory": used,
    }
    OUT.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
