"""nucleate show: a local page over data sets, runs, predictions, generated crystals and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.errors import DataError


def show(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders with anything that nucleate wrote.")
    ],
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="On this machine; the first free one from 8417 on.")
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Let the page start predictions, written below the first DIR.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write a copy that opens without a server to this folder, and end.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Look at everything in some folders on a local page. Ctrl-C ends it."""
    from nucleate.cli.console import say
    from nucleate.web.library import Library
    from nucleate.web.serve import check_packages, serve

    library = Library(folders)
    entries = library.entries()
    if not entries and not run:
        named = ", ".join(map(str, folders))
        raise DataError(
            f"there is nothing of nucleate's in {named}",
            "give a data set, a run, or what predict, generate, relax or 'evaluate ... --json' wrote",
        )
    check_packages()
    if export is not None:
        from nucleate.web.export import export as write
        from nucleate.web.routes import Shown

        count = write(Shown(library), export, say)
        say(f"{count} answers copied")
        print(export / "index.html")
        return

    def tell(address: str) -> None:
        say(f"{len(entries)} things to see; Ctrl-C ends the page")
        print(address, flush=True)
        if browser:
            typer.launch(address)

    serve(library, port, run, tell)
