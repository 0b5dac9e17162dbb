"""What each address answers: a function of what is shown and the request, for each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.web import (
    answers,
    candidates,
    comparing,
    details,
    distributions,
    downloads,
    funnels,
    library,
    live,
    phases,
    placed,
    relatives,
    reports,
    trajectories,
    uploads,
)
from nucleate.web.library import Entry, Library, reading
from nucleate.web.listing import Listing
from nucleate.web.listings import Listings
from nucleate.web.query import Orders, parse
from nucleate.web.runner import Runner, Wish


@dataclass(frozen=True)
class Shown:
    """What one server shows.

    Attributes:
        library: the things.
        listings, orders: read and sorted before.
        runner: what starts predictions; None where the page may only look.
    """

    library: Library
    listings: Listings = field(default_factory=Listings)
    orders: Orders = field(default_factory=Orders)
    runner: Runner | None = None

    def entry(self, request: Request, kind: str = "") -> Entry:
        """Of the key in the path. Raises KeyError where there is none of this kind."""
        entry = self.library[request.path_params["key"]]
        if kind and entry.kind != kind:
            raise KeyError(entry.key)
        return entry

    def listing(self, request: Request) -> Listing:
        """Of the key in the path. Raises KeyError, or DataError where it has no crystals."""
        return self.listings.of(self.entry(request))

    def may_run(self) -> Runner:
        """Raises HTTPException where the page may only look."""
        if self.runner is None:
            raise HTTPException(403, "this page can only be looked at: start it with nucleate show --run")
        return self.runner


Answer = Callable[[Shown, Request], Any]


def about(shown: Shown, request: Request) -> Any:
    return answers.about(shown.runner is not None)


def things(shown: Shown, request: Request) -> Any:
    return answers.library_of(shown.library)


def table(shown: Shown, request: Request) -> Any:
    return answers.table_of(shown.listing(request), shown.orders, request.query_params.multi_items())


def crystal(shown: Shown, request: Request) -> Any:
    found = details.details(shown.listing(request), request.path_params["row"])
    return {"entry": answers.entry_of(shown.entry(request)), **found}


def file(shown: Shown, request: Request) -> Response:
    listing, row, kind = shown.listing(request), request.path_params["row"], request.path_params["kind"]
    text = downloads.text_of(listing, row, kind)
    ending = downloads.FORMATS.get(kind, ".extxyz")
    return attachment(text.encode(), f"{downloads.file_name(listing, row)}{ending}", "text/plain")


def selection(shown: Shown, request: Request) -> Response:
    listing, kind = shown.listing(request), request.path_params["kind"]
    rows = shown.orders.of(listing, parse(request.query_params.multi_items())).tolist()
    if kind == "chemiscope":
        content = downloads.chemiscope(listing, rows, shown.entry(request).name)
        return attachment(json.dumps(content).encode(), "crystals-chemiscope.json", "application/json")
    return attachment(downloads.packed(listing, rows, kind), f"crystals-{kind}.zip", "application/zip")


def run(shown: Shown, request: Request) -> Any:
    entry = shown.entry(request, library.RUN)
    with reading(entry):
        return live.run_of(entry.path)


def run_events(shown: Shown, request: Request) -> Response:
    text = request.query_params.get("lines", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise DataError("lines is no whole number", "write for example 0")
    events = live.events(shown.entry(request, library.RUN).path, int(text))
    return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-store"})


def report(shown: Shown, request: Request) -> Any:
    entry = shown.entry(request, library.REPORT)
    with reading(entry):
        return reports.report_of(entry.path)


def trajectory(shown: Shown, request: Request) -> Any:
    entry = shown.entry(request, library.TRAJECTORIES)
    with reading(entry):
        return trajectories.trajectory(entry.path, request.path_params["number"])


def compare(shown: Shown, request: Request) -> Any:
    wanted = request.query_params.getlist("c")
    if not 1 <= len(wanted) <= comparing.MOST:
        raise DataError(f"{len(wanted)} crystals can't be compared", f"give from 1 to {comparing.MOST}")
    found = [_compared(shown, text) for text in wanted]
    cells = [None if one["undrawn"] else cell for one, cell in found]
    return {"crystals": [one for one, _ in found], "distances": comparing.distances(cells)}


def _compared(shown: Shown, text: str) -> tuple[dict[str, Any], Cell | None]:
    """A crystal KEY:ROW, or a relative of it KEY:ROW:WHAT."""
    key, row, what = (*text.split(":", 2), "")[:3] if ":" in text else ("", "", "")
    if not (row.isascii() and row.isdecimal() and len(row) < 10) or what not in ("", *relatives.RELATIONS):
        raise DataError(f"'{text[:40]}' names no crystal", "pin crystals in a table")
    entry = shown.library[key]
    about = {
        "entry": answers.entry_of(entry),
        "relation": relatives.RELATIONS.get(what, ""),
        "origin": entry.name,
    }
    if what:
        one = relatives.relative(shown.library, shown.listings, entry, int(row), what)
        return {**about, **details.alone(one.name, one.cell), "row": int(row), "origin": one.origin}, one.cell
    listing = shown.listings.of(entry)
    return {**about, **details.details(listing, int(row))}, listing.cell(int(row))


def distribution(shown: Shown, request: Request) -> Any:
    listing = shown.listing(request)
    reference = shown.listings.of(shown.library[request.query_params.get("reference", "")])
    given = [pair for pair in request.query_params.multi_items() if pair[0] != "reference"]
    return {
        "comparisons": distributions.distributions(listing, shown.orders.of(listing, parse(given)), reference)
    }


def phase_diagram(shown: Shown, request: Request) -> Any:
    entry, listing = shown.entry(request), shown.listing(request)
    system = request.query_params.get("system", "")
    if entry.kind in candidates.KINDS:
        if not system:
            return {"systems": placed.placed_systems(entry, listing)}
        return placed.placed_diagram(entry, listing, system, shown.library.roots)
    return phases.phase_diagram(listing, system) if system else {"systems": phases.systems(listing.holds)}


def funnel(shown: Shown, request: Request) -> Any:
    entry = shown.entry(request, library.LEDGER)
    with reading(entry):
        return funnels.funnel_of(entry.path)


def way(shown: Shown, request: Request) -> Any:
    name = request.query_params.get("name", "")
    return funnels.way_of(shown.entry(request, library.LEDGER).path, name)


def start(shown: Shown, request: Request, body: bytes) -> Any:
    return shown.may_run().start(Wish.of(_object(body)))


def stop(shown: Shown, request: Request) -> Any:
    return shown.may_run().stop()


def state(shown: Shown, request: Request) -> Any:
    return shown.may_run().state()


def upload(shown: Shown, request: Request, body: bytes) -> Any:
    return {"crystals": uploads.read_upload(request.query_params.get("name", ""), body)}


def attachment(data: bytes, name: str, kind: str) -> Response:
    """A file to take away."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return Response(data, media_type=kind, headers={"content-disposition": f'attachment; filename="{plain}"'})


def _object(body: bytes) -> dict[str, Any]:
    """Raises DataError for what is no JSON object."""
    from nucleate.files import parse_json

    try:
        found = parse_json(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DataError("the request holds no JSON object", "use the page to send it")
    return found


GET: dict[str, Answer] = {
    "about": about,
    "library": things,
    "table/{key}": table,
    "crystal/{key}/{row:int}": crystal,
    "file/{key}/{row:int}/{kind}": file,
    "zip/{key}/{kind}": selection,
    "run/{key}": run,
    "events/{key}": run_events,
    "report/{key}": report,
    "trajectory/{key}/{number:int}": trajectory,
    "compare": compare,
    "distributions/{key}": distribution,
    "phases/{key}": phase_diagram,
    "funnel/{key}": funnel,
    "way/{key}": way,
    "task": state,
}
DELETE: dict[str, Answer] = {"task": stop}
POST: dict[str, Callable[[Shown, Request, bytes], Any]] = {"task": start, "upload": upload}
