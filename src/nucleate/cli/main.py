"""nucleate: the command line, a thin layer over the library. User errors become one line and a hint."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from nucleate import __version__
from nucleate.cli import (
    benchmark,
    convert,
    data,
    discover,
    draw,
    evaluate,
    generate,
    latent,
    models,
    predict,
    property,
    prototypes,
    relax,
    show,
    substitute,
    train,
    tune,
)
from nucleate.cli.console import App, Log, Quiet, Verbose, fail, hush, note_traceback, speak
from nucleate.cli.waiting import wait_briefly
from nucleate.errors import NucleateError
from nucleate.files import FREE_SPACE, FULL

app = App(
    name="nucleate",
    help="From noise to crystals: train, sample and judge generative models of crystal structures.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(convert.app, name="convert")
app.add_typer(discover.app, name="discover")
app.add_typer(prototypes.app, name="prototypes")
app.add_typer(latent.app, name="latent")
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("predict")(predict.predict)
app.command("generate")(generate.generate)
app.command("substitute")(substitute.substitute)
app.command("relax")(relax.relax)
app.command("property")(property.predict_property)
app.command("models")(models.models)
app.command("draw")(draw.draw)
app.command("show")(show.show)


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(__version__)
        raise typer.Exit
    return False


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log: Log = None,
) -> None:
    """Options of every command."""
    speak(quiet, verbose, log)


def main() -> None:
    """Run the command line; exit status 2 and two lines for a user error."""
    wait_briefly()
    try:
        app()
    except NucleateError as error:
        note_traceback(traceback.format_exc())
        fail(error)
        sys.exit(2)
    except (OSError, MemoryError, RecursionError) as error:
        note_traceback(traceback.format_exc())
        fail(_of_machine(error))
        sys.exit(2)
    finally:
        hush()


def _of_machine(error: OSError | MemoryError | RecursionError) -> NucleateError:
    """The message for an error that no part of the program expected: the last resort before a traceback."""
    if isinstance(error, MemoryError):
        return NucleateError(
            "there is not enough memory", "ask for less at once, for example with a lower --edges"
        )
    if isinstance(error, RecursionError):
        return NucleateError(
            "something is nested too deeply to be read", "check the files that the command reads"
        )
    named = f"{error.filename}: " if error.filename else ""
    hint = FREE_SPACE if error.errno in FULL else "check that the file can be read, or its folder written to"
    return NucleateError(f"{named}{error.strerror or error}", hint)


if __name__ == "__main__":
    main()
