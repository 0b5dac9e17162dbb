"""nucleate data: make, download, describe, export, filter, merge and sample data sets."""

from __future__ import annotations

from nucleate.cli.console import App
from nucleate.cli.data.derived import filter_, merge, sample
from nucleate.cli.data.export import export
from nucleate.cli.data.importing import download, import_
from nucleate.cli.data.info import info

app = App(help="Make, download, describe, export and choose from data sets.", no_args_is_help=True)
app.command("import")(import_)
app.command("download")(download)
app.command("info")(info)
app.command("export")(export)
app.command("filter")(filter_)
app.command("merge")(merge)
app.command("sample")(sample)


@app.callback()
def _group() -> None:
    """Make, download, describe, export and choose from data sets."""
