"""Output of the command line: data to stdout, messages to stderr and to the file of --log.

Errors and warnings are always said, messages and bars unless --quiet, details with --verbose; the log gets all of them.
"""

from __future__ import annotations

import functools
import inspect
import platform
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from nucleate import __version__
from nucleate.errors import NucleateError

PANEL = "Messages"
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.", rich_help_panel=PANEL)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more: versions, settings, times.", rich_help_panel=PANEL)
]
Log = Annotated[
    Path | None, typer.Option("--log", help="Write all messages to this file too.", rich_help_panel=PANEL)
]


@dataclass
class Voice:
    """How much this process prints, and its log; one for each run of the command line."""

    quiet: bool = False
    verbose: bool = False
    log: TextIO | None = None


_voice = Voice()


def speak(quiet: bool = False, verbose: bool = False, log: Path | None = None) -> None:
    """Apply the options for messages, of the program or of a command. Raises NucleateError."""
    _voice.quiet, _voice.verbose = _voice.quiet or quiet, _voice.verbose or verbose
    if _voice.quiet and _voice.verbose:
        raise NucleateError("--quiet and --verbose were both given", "give one of them")
    if verbose:
        print(_versions(), file=sys.stderr)
    if log is not None:
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            _voice.log = log.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise NucleateError(
                f"the log {log} can't be written ({error.strerror})",
                "name a file in a folder that you may write to",
            ) from None
        _record(f"{shlex.join(['nucleate', *sys.argv[1:]])}  ({_versions()})")


def _versions() -> str:
    return f"nucleate {__version__}, Python {platform.python_version()} on {platform.platform()}"


def hush() -> None:
    """Reset to the state at the start of the program."""
    if _voice.log is not None:
        _voice.log.close()
    _voice.quiet, _voice.verbose, _voice.log = False, False, None


def say(text: str) -> None:
    """One line to stderr, unless --quiet."""
    _write(text, not _voice.quiet)


def warn(text: str) -> None:
    """A warning to stderr, even with --quiet."""
    _write(f"warning: {text}", True)


def detail(text: str) -> None:
    """One line to stderr with --verbose."""
    _write(text, _voice.verbose)


def fail(error: NucleateError) -> None:
    """An error that the user can correct, and its hint."""
    _write(f"error: {error.message}", True)
    if error.hint:
        _write(f"hint: {error.hint}", True)


def note_traceback(text: str) -> None:
    """The traceback of an error, for --verbose and the log."""
    detail(text.rstrip())


def shows_bars() -> bool:
    """Whether to show a moving bar: stderr is a terminal, without --quiet."""
    import os

    return not _voice.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table to stdout, folded to the width of a terminal and never cut for a file or pipe."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


@contextmanager
def resumable(where: Path) -> Iterator[None]:
    """Ctrl-C in the block ends the program with status 130 and a message on how to resume."""
    try:
        yield
    except KeyboardInterrupt:
        _ignore_ctrl_c()
        say(f"stopped; finished work is kept in {where}; run the same command to resume")
        raise typer.Exit(130) from None


def _ignore_ctrl_c() -> None:
    """The program is ending: a second Ctrl-C would only cut its last message."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class App(typer.Typer):
    """A group of commands, each of which takes --quiet, --verbose and --log."""

    def command(self, *args: Any, **options: Any) -> Callable[[Callable], Callable]:
        register = super().command(*args, **options)

        def add(function: Callable) -> Callable:
            register(_with_options_of_messages(function))
            return function

        return add


def _with_options_of_messages(function: Callable) -> Callable:
    kinds = {"quiet": (Quiet, False), "verbose": (Verbose, False), "log": (Log, None)}

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        try:
            speak(*(given.pop(name) for name in kinds))
            return function(**given)
        except KeyboardInterrupt:
            _ignore_ctrl_c()
        # Resources held by the command are closed by now.
        say("stopped before the end; run the same command to start again")
        raise typer.Exit(130)

    signature = inspect.signature(function, eval_str=True)
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in kinds.items()
    ]
    signature = signature.replace(parameters=[*signature.parameters.values(), *more])
    # Typer reads either, depending on its version.
    command.__dict__["__signature__"] = signature
    command.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return command


def _write(text: str, aloud: bool) -> None:
    if aloud:
        print(text, file=sys.stderr)
    _record(text)


def _record(text: str) -> None:
    if _voice.log is not None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
        _voice.log.writelines(f"{stamp} {line}\n" for line in text.splitlines())
