"""The application: routes, files of the front end, and errors as messages for the page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nucleate.errors import NucleateError
from nucleate.web import routes
from nucleate.web.assets import asset_bytes
from nucleate.web.routes import Shown

TYPES = {
    "html": "text/html",
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}


def make_app(shown: Shown) -> Starlette:
    """The application; what reaches it has passed `nucleate.web.guard`."""

    def answer(make: Callable[..., Any], with_body: bool) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            body = (await request.body(),) if with_body else ()
            found = await run_in_threadpool(make, shown, request, *body)
            if isinstance(found, Response):
                return found
            return JSONResponse(found, headers={"cache-control": "no-store"})

        return respond

    listed = [
        Route(f"/api/{path}", answer(make, method == "POST"), methods=[method])
        for method, table in (("GET", routes.GET), ("POST", routes.POST), ("DELETE", routes.DELETE))
        for path, make in table.items()
    ]
    handlers: dict[Any, Any] = {
        NucleateError: _refused, KeyError: _missing, IndexError: _missing, HTTPException: _http, OSError: _unreadable,
        sqlite3.Error: _unreadable, ClientDisconnect: _too_large,
    }  # fmt: skip
    app = Starlette(routes=[Route("/", asset), *listed, Route("/{name}", asset)], exception_handlers=handlers)
    # a redirection would name an address without the token
    app.router.redirect_slashes = False
    return app


def asset(request: Request) -> Response:
    """A file of the front end."""
    name = request.path_params.get("name", "index.html")
    found = asset_bytes(name)
    kind = TYPES.get(name.rpartition(".")[2])
    if found is None or kind is None:
        raise HTTPException(404, "nothing here")
    return Response(found, media_type=kind, headers={"cache-control": "no-cache"})


def _message(status: int, message: str, hint: str = "") -> JSONResponse:
    return JSONResponse({"error": message, "hint": hint}, status_code=status)


async def _refused(request: Request, error: Any) -> Response:
    return _message(400, error.message, error.hint)


async def _missing(request: Request, error: Any) -> Response:
    return _message(404, "there is no such thing any more", "go back to the library")


async def _unreadable(request: Request, error: Any) -> Response:
    return _message(
        404, f"the file can't be read ({getattr(error, 'strerror', None) or error})", "is it still there?"
    )


async def _too_large(request: Request, error: Any) -> Response:
    return _message(413, "the request was too large, or broke off")


async def _http(request: Request, error: Any) -> Response:
    return _message(error.status_code, str(error.detail))
