"""Starting the server: a free port on loopback, a new token, and the address to open."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

from nucleate.errors import MissingPackageError, NucleateError
from nucleate.web.library import Library

HOST = "127.0.0.1"
PORT = 8417
TRIES = 20


def check_packages() -> None:
    """Raises MissingPackageError where the packages of the page are not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"the page needs the package {error.name}, which is not installed", "pip install 'nucleate[show]'"
        ) from None


def listen(port: int | None) -> socket.socket:
    """A socket on loopback at this port, or for None at the first free one from PORT on.

    Raises NucleateError where the port is in use or may not be used.
    """
    for number in range(PORT, PORT + TRIES) if port is None else (port,):
        # with the protocol named, asyncio sends small answers at once; else each waits 40 ms to be joined to more
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, number))
            one.listen(128)
        except OSError as error:
            one.close()
            if port is not None:
                reason = "is in use" if error.errno == 98 else f"can't be used ({error.strerror})"
                raise NucleateError(f"port {port} {reason}", "give another --port, or leave it out") from None
        else:
            return one
    raise NucleateError(f"ports {PORT} to {PORT + TRIES - 1} are all in use", "give another --port")


def serve(library: Library, port: int | None, runs: bool, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; `tell` gets the address once. Raises NucleateError where no port is free.

    runs: whether the page may start predictions; their results go below the first folder of the library.
    """
    check_packages()
    import uvicorn

    from nucleate.web.app import make_app
    from nucleate.web.guard import Guard
    from nucleate.web.listing import ENDING
    from nucleate.web.routes import Shown
    from nucleate.web.runner import Runner

    runner = Runner(library.roots[0]) if runs else None

    with listen(port) as one:
        number, token = one.getsockname()[1], secrets.token_urlsafe(18)
        hosts = (f"{HOST}:{number}", f"localhost:{number}")
        guard = Guard(make_app(Shown(library, runner=runner)), token, hosts)
        settings = uvicorn.Config(
            guard, log_level="error", access_log=False, server_header=False, timeout_keep_alive=30,
            timeout_graceful_shutdown=2, lifespan="off",
        )  # fmt: skip
        tell(f"http://{HOST}:{number}/{token}/")
        try:
            uvicorn.Server(settings).run(sockets=[one])
        finally:
            ENDING.set()
            if runner is not None:
                runner.stop()
