"""`nucleate discover`: from a plan of one page to a shortlist, in a folder with one ledger that can be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from nucleate.cli.console import App, print_table, resumable, say
from nucleate.cli.ingest import ingest

if TYPE_CHECKING:
    from nucleate.records.tallies import Tally

Folder = Annotated[Path, typer.Argument(help="Folder of 'nucleate discover PLAN --out FOLDER'.")]
SHOWN = 20


class DefaultCommand(TyperGroup):
    """A group whose first command is meant where none is named: `discover PLAN` is `discover run PLAN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = App(
    cls=DefaultCommand,
    help="Funnel: from candidates by way of stages to a shortlist. 'discover PLAN' is 'discover run PLAN'.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Funnel: from candidates by way of stages to a shortlist. 'discover PLAN' is 'discover run PLAN'."""


@app.command("run")
def run_plan(
    plan: Annotated[Path | None, typer.Argument(help="TOML file that says what is looked for.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the ledger and the results.")] = Path("discovered"),
    example: Annotated[
        bool, typer.Option("--example", help="Write a plan into the folder, unless one is there, and run it.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Worker processes; what the plan says.")
    ] = None,
) -> None:
    """Run a plan, or go on with it. Run the same command again to resume."""
    from dataclasses import replace

    from nucleate.cli.progress import progress_bars
    from nucleate.errors import DataError
    from nucleate.funnel.example import write_plan
    from nucleate.funnel.plan import read_plan
    from nucleate.funnel.run import run

    if (plan is None) != example:
        raise DataError(
            "no plan was given"
            if plan is None
            else f"{plan} was given, and --example brings a plan of its own",
            "name a TOML file, or run: nucleate discover --example --out FOLDER",
        )
    asked = read_plan(write_plan(out) if plan is None else plan)
    if workers is not None:
        asked = replace(asked, work=replace(asked.work, workers=workers))
    with resumable(out), progress_bars() as progress:
        reason = run(asked, out, progress=progress)
    _present(out)
    if reason:
        say(f"rounds are over: {reason}; the calls of the oracle: {out / 'asked.csv'}")


def _present(out: Path) -> None:
    """The numbers of a run that is over, and its files."""
    from nucleate.funnel.report import write_report
    from nucleate.funnel.rounds.tables import write_tables

    count = write_report(out)
    write_tables(out)
    _print_status(out)
    say(f"{count} came through all stages: {out / 'report.html'}, {out / 'shortlist.csv'}")
    say(f"why one was rejected: nucleate discover why {out} ID")


@app.command("status")
def status(folder: Folder) -> None:
    """How many came through each stage, with 95 % intervals, why the others did not, and what each round found."""
    _print_status(folder)


def _print_status(folder: Path) -> None:
    from nucleate.funnel.rounds.tables import OF_ROUNDS, round_rows
    from nucleate.records.ledger import Ledger
    from nucleate.records.tallies import tallies

    with Ledger.existing(folder) as ledger:
        found, rounds = tallies(ledger), round_rows(ledger)
    print_table(
        ("stage", "came", "passed", "yield (95 %)", "rejected", "failed", "waiting", "s each"),
        [_row(one) for one in found],
    )
    reasons = [(one.label, *reason) for one in found for reason in one.reasons]
    if reasons:
        print()
        print_table(
            ("stage", "outcome", "reason", "candidates", "such as"),
            [(label, outcome, reason, str(count), id) for label, outcome, reason, count, id in reasons],
        )
    if rounds:
        print()
        print_table(OF_ROUNDS, [tuple(_told(row[name]) for name in OF_ROUNDS) for row in rounds])


def _row(one: Tally) -> tuple[str, ...]:
    from nucleate.metrics.intervals import wilson

    share = wilson(one.passed, one.judged)
    text = "-" if share.value is None else f"{share.value:.1%} ({share.low:.1%}-{share.high:.1%})"
    each = f"{one.seconds / one.judged:.2g}" if one.judged else "-"
    counts = (one.rejected, one.failed, one.waiting)
    return (one.label, str(one.came), str(one.passed), text, *map(str, counts), each)


@app.command("why")
def why(folder: Folder, id: Annotated[str, typer.Argument(metavar="ID", help="Of a candidate.")]) -> None:
    """The way of one candidate: every verdict with its reason, numbers and cost."""
    from nucleate.discovery.candidates import formula_of
    from nucleate.records.ledger import Ledger
    from nucleate.records.tallies import found_of, history

    with Ledger.existing(folder) as ledger:
        number = ledger.number_of(id)
        events, found = history(ledger, number), found_of(ledger, [number])
    for one in found:
        print(f"{one.id}: {formula_of(one.cell)}, {len(one.cell.species)} atoms, {one.cell.volume:.2f} Å³")
    rows = []
    for event in events:
        told = [f"{name} = {_short(value)}" for name, value in event.values.items()]
        told += ["new cell"] if event.moved else []
        verdict = event.outcome + (f": {event.reason}" if event.reason else "")
        detail = "; ".join(part for part in (event.detail, *told, event.trace) if part)
        rows.append((event.label, verdict, detail, f"{event.seconds:.2g} s"))
    print_table(("stage", "verdict", "detail", "cost"), rows)


def _told(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


@app.command("retry")
def retry(
    folder: Folder,
    reason: Annotated[str, typer.Option(help="Class of the failures, as 'discover status' shows it.")],
) -> None:
    """Forget failures of one class, so that the next run tries those candidates again."""
    from nucleate.errors import DataError
    from nucleate.records.ledger import Ledger
    from nucleate.records.places import Places
    from nucleate.records.tallies import tallies

    with Ledger.existing(folder) as ledger:
        count = Places(ledger).retry(reason)
        known = {one[1] for tally in tallies(ledger) for one in tally.reasons if one[0] == "failed"}
    if not count:
        listed = ", ".join(sorted(known)) or "none: nothing has failed"
        raise DataError(f"no candidate of {folder} failed by '{reason}'", f"classes of failures: {listed}")
    say(f"{count} candidates wait again; go on with: nucleate discover PLAN --out {folder}")


app.command("ingest")(ingest)


@app.command("export")
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Table (.csv, .parquet) or crystals (.extxyz).")],
    stage: Annotated[str, typer.Option(help="Those that passed this stage; the last one by default.")] = "",
) -> None:
    """Candidates that came through, with all that is known of them, as a table or as crystals."""
    from nucleate.files import check_target
    from nucleate.funnel.export import export as write

    check_target(out)
    say(f"{write(folder, out, stage)} candidates written to {out}")
