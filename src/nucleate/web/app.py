"""The server's routes: each takes a request apart, asks for an answer, and turns errors into messages for the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nucleate.errors import NucleateError
from nucleate.web import answers, details, downloads
from nucleate.web.library import Library
from nucleate.web.listing import Listing
from nucleate.web.query import Orders, parse
from nucleate.web.readers import Listings

TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}
VIEWER = ("3Dmol-min.js", "3Dmol.LICENSE.txt")
"""Files that the page shares with reports."""


@dataclass(frozen=True)
class Shown:
    """What one server shows.

    Attributes:
        library: the things.
        listings, orders: read and sorted before.
        runs: whether the page may start predictions.
    """

    library: Library
    listings: Listings = field(default_factory=Listings)
    orders: Orders = field(default_factory=Orders)
    runs: bool = False

    def listing(self, request: Request) -> Listing:
        """Of the key in the path. Raises KeyError, or DataError where it has no crystals."""
        return self.listings.of(self.library[request.path_params["key"]])


def make_app(shown: Shown) -> Starlette:
    """The application; what reaches it has passed `nucleate.web.guard`."""

    def answer(make: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            found = await run_in_threadpool(make, request)
            return (
                found
                if isinstance(found, Response)
                else JSONResponse(found, headers={"cache-control": "no-store"})
            )

        return respond

    def pairs(request: Request) -> list[tuple[str, str]]:
        return list(request.query_params.multi_items())

    def table(request: Request) -> Any:
        return answers.table_of(shown.listing(request), shown.orders, pairs(request))

    def crystal(request: Request) -> Any:
        entry = shown.library[request.path_params["key"]]
        found = details.details(shown.listing(request), request.path_params["row"])
        return {"entry": answers.entry_of(entry), **found}

    def file(request: Request) -> Response:
        listing, row, kind = shown.listing(request), request.path_params["row"], request.path_params["kind"]
        text = downloads.text_of(listing, row, kind)
        ending = downloads.FORMATS.get(kind, ".extxyz")
        return _attachment(text.encode(), f"{downloads.file_name(listing, row)}{ending}", "text/plain")

    def selection(request: Request) -> Response:
        listing = shown.listing(request)
        rows = shown.orders.of(listing, parse(pairs(request))).tolist()
        kind = request.path_params["kind"]
        return _attachment(downloads.packed(listing, rows, kind), f"crystals-{kind}.zip", "application/zip")

    routes = [
        Route("/", asset),
        Route("/api/about", answer(lambda request: answers.about(shown.runs))),
        Route("/api/library", answer(lambda request: answers.library_of(shown.library))),
        Route("/api/table/{key}", answer(table)),
        Route("/api/crystal/{key}/{row:int}", answer(crystal)),
        Route("/api/file/{key}/{row:int}/{kind}", answer(file)),
        Route("/api/zip/{key}/{kind}", answer(selection)),
        Route("/{name}", asset),
    ]
    handlers: dict[Any, Any] = {
        NucleateError: _refused, KeyError: _missing, IndexError: _missing, HTTPException: _http, OSError: _unreadable
    }  # fmt: skip
    return Starlette(routes=routes, exception_handlers=handlers)


def asset(request: Request) -> Response:
    """A file of the front end. Only names that are in its folder are known."""
    name = request.path_params.get("name", "index.html")
    folder = files("nucleate.report.html" if name in VIEWER else "nucleate.web.static")
    known = VIEWER if name in VIEWER else {one.name for one in folder.iterdir()}
    kind = TYPES.get(name.rpartition(".")[2])
    if name not in known or kind is None:
        raise HTTPException(404, "nothing here")
    text = folder.joinpath(name).read_bytes()
    return Response(text, media_type=kind, headers={"cache-control": "no-cache"})


def _attachment(data: bytes, name: str, kind: str) -> Response:
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return Response(data, media_type=kind, headers={"content-disposition": f'attachment; filename="{plain}"'})


def _message(status: int, message: str, hint: str = "") -> JSONResponse:
    return JSONResponse({"error": message, "hint": hint}, status_code=status)


async def _refused(request: Request, error: Any) -> Response:
    return _message(400, error.message, error.hint)


async def _missing(request: Request, error: Any) -> Response:
    return _message(404, "there is no such thing any more", "go back to the library")


async def _unreadable(request: Request, error: Any) -> Response:
    return _message(
        404, f"the file can't be read ({error.strerror or 'unknown reason'})", "is it still there?"
    )


async def _http(request: Request, error: Any) -> Response:
    return _message(error.status_code, str(error.detail))
