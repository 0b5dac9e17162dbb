"""nucleate data: make, download, describe, export, filter, merge and sample data sets."""

from __future__ import annotations

from nucleate.cli.console import App
from nucleate.cli.data.importing import download, import_
from nucleate.cli.data.info import info

app = App(help="Make, download and describe data sets.", no_args_is_help=True)
app.command("import")(import_)
app.command("download")(download)
app.command("info")(info)


@app.callback()
def _group() -> None:
    """Make, download and describe data sets."""
