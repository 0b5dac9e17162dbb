"""A copy of the page on disk that opens without a server: its answers lie beside it as scripts.

A browser reads no data from the file system, but it loads scripts: each answer is one that puts itself into
`nucleateSite.answers` under the address that the page would have asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nucleate.errors import NucleateError
from nucleate.files import writing
from nucleate.web import answers, details, funnels, library, live, reports, trajectories
from nucleate.web.assets import asset_bytes
from nucleate.web.library import Entry
from nucleate.web.routes import Shown

ROWS = 2000
"""Rows of one table that are copied."""
DETAILED = 300
"""Of these, crystals that are copied with all details."""
FILES = ("app.js", "app.css", "icon.svg", "3Dmol-min.js", "3Dmol.LICENSE.txt")
SITE = "window.nucleateSite = { answers: {} };\n"


def export(shown: Shown, folder: Path, tell: Callable[[str], None]) -> int:
    """Write the copy; `tell` gets a line for each thing that is left out or cut. Returns the number of answers.

    Raises NucleateError where the folder holds something else, or can't be written.
    """
    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not (folder / "site.js").is_file())
    ):
        raise NucleateError(f"{folder} exists and is no copy of the page", "name another folder for --export")
    with writing(folder):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        page = (asset_bytes("index.html") or b"").decode()
        (folder / "index.html").write_text(
            page.replace("<script", '<script src="site.js" defer></script>\n<script', 1)
        )
        for name in FILES:
            (folder / name).write_bytes(asset_bytes(name) or b"")
        (folder / "site.js").write_text(SITE)
        count = 0
        for address, answer in answers_of(shown, tell):
            _write(folder / "data", address, answer)
            count += 1
    return count


def _write(folder: Path, address: str, answer: Any) -> None:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    # these two end a line of JavaScript, not of JSON
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    path = folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', address)}.js"
    path.write_text(f"nucleateSite.answers[{json.dumps(address)}] = {text};\n", encoding="utf-8")


def answers_of(shown: Shown, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    """Every answer with its address."""
    yield "about", answers.about(False)
    kept = []
    for entry in shown.library.entries():
        try:
            yield from _of_entry(shown, entry, tell)
        except (NucleateError, OSError) as error:
            tell(f"{entry.name} is left out: {str(error).splitlines()[0]}")
        else:
            kept.append(answers.entry_of(entry))
    yield "library", {"entries": kept}


def _of_entry(shown: Shown, entry: Entry, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    path, kind = entry.path, entry.kind
    if kind == library.RUN:
        yield f"run/{entry.key}", live.run_of(path)
    elif kind == library.TRAJECTORIES:
        for number in range(len(trajectories.files_of(path))):
            yield f"trajectory/{entry.key}/{number}", trajectories.trajectory(path, number)
    elif kind == library.LEDGER:
        yield f"funnel/{entry.key}", funnels.funnel_of(path)
    numbers = reports.report_of(path) if kind == library.REPORT else None
    if numbers is not None:
        yield f"report/{entry.key}", numbers
    if entry.kind in library.CRYSTALS and (numbers is None or numbers["kind"] == "dng"):
        yield from _of_crystals(shown, entry, tell)


def _of_crystals(shown: Shown, entry: Entry, tell: Callable[[str], None]) -> Iterator[tuple[str, Any]]:
    listing = shown.listings.of(entry)
    yield f"table/{entry.key}", answers.table_of(listing, shown.orders, [("size", "500")], ROWS)
    if len(listing) > DETAILED:
        tell(
            f"of {entry.name}, {min(len(listing), ROWS)} rows of {len(listing)} are copied, {DETAILED} with details"
        )
    for row in range(min(len(listing), DETAILED)):
        found = details.details(listing, row)
        yield f"crystal/{entry.key}/{row}", {"entry": answers.entry_of(entry), **found}
