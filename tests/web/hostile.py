"""Hostile requests and files, drawn from a seed: paths, keys, queries, headers, bodies, uploads and folders."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SPELLS = (
    "../", "..%2f", "%2e%2e/", "....//", "\\..\\", "%00", "\x00", "%0d%0aX: 1", "<script>alert(1)</script>",
    "'; DROP TABLE a; --", "${7*7}", "{{7*7}}", "/etc/passwd", "file:///etc/passwd", "//evil.test/",
    "http://evil.test", "\u202e", "é" * 50, "😀",
    "%ff%fe", "-1", "0", "1e309", "nan", "inf", "99999999999999999999", "0x10", "true", "null", "[]", "A" * 3000,
    " ", "",
)  # fmt: skip
PARTS = ("table", "crystal", "file", "zip", "run", "events", "report", "trajectory", "distributions", "phases",
         "funnel", "way", "about", "library", "compare", "task", "upload", "none")  # fmt: skip
NAMES = (
    "text",
    "with",
    "without",
    "only",
    "group",
    "where",
    "sort",
    "page",
    "size",
    "c",
    "reference",
    "system",
    "name",
    "lines",
    "x",
)
KINDS = ("cif", "poscar", "json", "extxyz", "chemiscope", "exe")
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE")


ODD_HEADERS = (
    {"range": "bytes=0-"}, {"content-type": "text/xml"}, {"x-forwarded-host": "evil.test"}, {"origin": "null"},
    {"content-length": "-1"}, {"content-length": "x"}, {"content-length": "9" * 30}, {"accept-encoding": "gzip;q=x"},
    {"host": "evil.test"},
)  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """One request: path and query behind the token, method, headers, body."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def requests(count: int, keys: list[str], seed: int = 0) -> Iterator[Ask]:
    """Requests each of which has something wrong with it, or asks for something that is there in a strange way."""
    draw = random.Random(seed)
    for _ in range(count):
        part = draw.choice(PARTS)
        key = draw.choice([*keys, *SPELLS])
        tail = draw.choice(
            ["", f"/{draw.choice(SPELLS)}", f"/{draw.randint(-3, 12)}", f"/{draw.choice(KINDS)}"]
        )
        path = draw.choice(
            [
                f"api/{part}/{key}{tail}",
                f"api/{part}/{key}/0/{draw.choice(KINDS)}",
                draw.choice(SPELLS),
                f"api/{part}",
            ]
        )
        query = [(draw.choice(NAMES), _value(draw)) for _ in range(draw.randint(0, 5))]
        headers = draw.choice([{}, {}, *ODD_HEADERS])
        yield Ask(
            draw.choice(METHODS), path, query, headers, draw.choice([b"", b"{", b"\xff" * 50, b"[" * 5000])
        )


def _value(draw: random.Random) -> str:
    spell = draw.choice(SPELLS)
    return draw.choice(
        [
            spell,
            f"{spell}:1..2",
            f"volume:{spell}..{spell}",
            f"Sr,{spell}",
            f"{spell}-O",
            f"name:{spell}",
            f"-{spell}",
        ]
    )


def broken_files(folder: Path, count: int, seed: int = 0) -> None:
    """Folders like nucleate's, each with a file that is cut, changed, empty, binary, huge in words or a link out."""
    draw = random.Random(seed)
    good = sorted(
        path for path in folder.rglob("*") if path.suffix in (".json", ".extxyz", ".parquet", ".jsonl")
    )
    for number in range(count):
        source = draw.choice(good)
        place = folder / f"broken-{number}"
        place.mkdir()
        for path in source.parent.iterdir():
            if path.is_file():
                (place / path.name).write_bytes(path.read_bytes())
        victim = place / source.name
        data = bytearray(victim.read_bytes())
        way = draw.randrange(7)
        if way == 0:
            data = data[: draw.randrange(len(data) + 1)]
        elif way == 1:
            for _ in range(30):
                data[draw.randrange(len(data))] = draw.randrange(256)
        elif way == 2:
            data = bytearray(b"")
        elif way == 3:
            data = bytearray(b"[" * 200_000)
        elif way == 4:
            data = bytearray(b"9999999999\n" + bytes(data))
        elif way == 5:
            data = bytearray(draw.randbytes(2000))
        victim.write_bytes(bytes(data))
        if way == 6:
            victim.unlink()
            victim.symlink_to("/etc/passwd")
