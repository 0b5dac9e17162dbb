"""What a request must be before anything looks at it, and the headers of every response.

The page is for the person who started it: a server on loopback, whose address holds a token. Other pages in the same
browser can send requests to it, so the name of the host is checked (a name that was made to point here is refused), and
so is the origin where a browser names one.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 5_000_000
"""Bytes."""
LONGEST_QUERY = 8_000
METHODS = ("GET", "HEAD", "POST", "DELETE")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Guard:
    """Passes on what asks for /TOKEN/... at this host, with the token taken off the path; refuses all else.

    Args:
        app: what answers.
        token: of the address.
        hosts: names with port that the server goes by.
    """

    def __init__(self, app: App, token: str, hosts: tuple[str, ...]) -> None:
        self.app, self.token, self.hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        status, message = self._refusal(scope)
        guarded = _with_headers(send)
        if status:
            await _refuse(guarded, status, message)
            return
        path = scope["path"][len(self.token) + 1 :]
        inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
        await self.app(inner, _limited(receive), guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        """Status and message for a request that goes no further; 0 for one that does."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        host = headers.get(b"host", b"").decode("latin-1").lower()
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        length = headers.get(b"content-length", b"0")
        if host not in self.hosts:
            return 421, "this server answers at its own address only"
        if origin and origin not in {f"http://{name}" for name in self.hosts}:
            return 403, "this page may not be asked from another one"
        if scope["method"] not in METHODS:
            return 405, "no such method"
        given, slash, _ = scope["path"].removeprefix("/").partition("/")
        if not slash or not hmac.compare_digest(given.encode(), self.token.encode()):
            return 404, "nothing here: the address that nucleate show printed holds a token"
        if len(scope["query_string"]) > LONGEST_QUERY:
            return 414, "the address is too long"
        if not length.isdigit() or int(length[:20]) > LARGEST_BODY:
            return 413, f"a request may hold {LARGEST_BODY // 1_000_000} MB"
        return 0, ""


def _with_headers(send: Send) -> Send:
    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return guarded


def _limited(receive: Receive) -> Receive:
    """As `receive`, which takes a body without a length to be over after LARGEST_BODY bytes."""
    read = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BODY:
            return {"type": "http.disconnect"}
        return message

    return limited


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"error": message, "hint": ""}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
