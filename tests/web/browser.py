"""A server in a thread and Debian's or any other Chromium over it, for the tests in a real browser."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TOKEN = "a-token-for-tests"
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def chromium() -> str | None:
    """Where a Chromium is; NUCLEATE_TEST_CHROMIUM names another one."""
    given = os.environ.get("NUCLEATE_TEST_CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def served(folders: list[Path], runs: bool = False) -> Iterator[str]:
    """The address of a page over some folders, served as `nucleate show` does."""
    import uvicorn

    from nucleate.web.app import make_app
    from nucleate.web.guard import Guard
    from nucleate.web.library import Library
    from nucleate.web.routes import Shown
    from nucleate.web.runner import Runner
    from nucleate.web.serve import HOST, listen

    library = Library(folders)
    runner = Runner(library.roots[0]) if runs else None
    with listen(0) as one:
        name = f"{HOST}:{one.getsockname()[1]}"
        app = Guard(make_app(Shown(library, runner=runner)), TOKEN, (name,))
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [one]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://{name}/{TOKEN}/"
        finally:
            server.should_exit = True
            thread.join(10)
            if runner is not None:
                runner.stop()
