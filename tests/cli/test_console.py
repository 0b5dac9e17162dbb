"""What the command line says and where: --quiet, --verbose and --log of every command, bars, Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from nucleate.cli import console
from nucleate.cli.progress import progress_bars
from tests.cli.words import run
from tests.data.crystal_makers import cif, random_structure, write_csv
from tests.models import tiny_model
from tests.test_house import COMMANDS


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_model(tmp_path_factory.mktemp("console") / "tiny"))


@pytest.fixture(autouse=True)
def heard():
    """Ctrl-C reaches child processes where a shell started the tests in the background and has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_takes_the_options_of_messages(words):
    known = {option for parameter in COMMANDS[words].params for option in parameter.opts}
    assert {"--quiet", "-q", "--verbose", "-v", "--log"} <= known


def test_data_to_stdout_and_messages_to_stderr_and_the_log(model, tmp_path, monkeypatch, capsys):
    words = [
        "predict",
        "NaCl",
        "-n",
        "2",
        "--formula-units",
        "1",
        "--model",
        model,
        "--out",
        tmp_path / "out",
    ]
    log = tmp_path / "logs" / "run.log"
    assert run(monkeypatch, *words, "--log", log) == 0
    said = capsys.readouterr()
    assert "NaCl" in said.out
    assert "written to" not in said.out
    assert "written to" in said.err
    assert "network evaluations" not in said.err
    lines = log.read_text().splitlines()
    assert f"nucleate predict NaCl -n 2 --formula-units 1 --model {model}" in lines[0]
    assert all(line[:2] == "20" and line[10] == "T" for line in lines)
    assert any("12 network evaluations" in line for line in lines)
    assert any("drawing: 2/2 in" in line for line in lines)
    assert run(monkeypatch, *words, "--log", log, "--seed", "9") == 2
    assert log.read_text().startswith("\n".join(lines))
    assert "error: " in log.read_text()
    assert "Traceback" in log.read_text()


def test_quiet_shows_only_errors_and_verbose_shows_more(model, tmp_path, monkeypatch, capsys):
    words = [
        "predict",
        "NaCl",
        "SrTiO3",
        "-n",
        "2",
        "--formula-units",
        "1",
        "--model",
        model,
        "--out",
        tmp_path / "out",
    ]
    assert run(monkeypatch, "--quiet", *words) == 0
    err = capsys.readouterr().err
    assert all(line.startswith("warning: ") for line in err.splitlines())
    assert run(monkeypatch, *words, "-q", "--seed", "9") == 2
    assert "error: " in capsys.readouterr().err
    assert run(monkeypatch, *words, "-v") == 0
    err = capsys.readouterr().err
    assert "model tiny" in err
    assert "nucleate 0" in err
    assert run(monkeypatch, *words) == 0
    assert "model tiny" not in capsys.readouterr().err


def test_impossible_options_of_messages_are_refused(model, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "models", "--quiet", "--verbose") == 2
    assert "--quiet and --verbose were both given" in capsys.readouterr().err
    assert run(monkeypatch, "models", "--log", tmp_path) == 2
    assert f"the log {tmp_path} can't be written" in capsys.readouterr().err


def test_without_a_terminal_no_bar_but_a_line_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr("nucleate.cli.progress.EVERY", 0.0)
    with progress_bars(scale=10) as progress:
        progress("nothing to do", 0, 0)
        for done in range(0, 41, 10):
            progress("drawing", done, 40)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "drawing: 0/4"
    assert lines[1].startswith("drawing: 1/4, ")
    assert len(lines) == 4
    assert not any("━" in line or "nothing" in line for line in lines)


def terminal(words, keys=None):
    """Standard error of a command that believes to be in a terminal, and its status."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    child = subprocess.Popen(
        [sys.executable, "-m", "nucleate.cli.main", *map(str, words)],
        stdout=subprocess.DEVNULL, stderr=theirs, env=environment,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return shown.decode(), child.wait()


def test_in_a_terminal_the_bar_moves_and_is_gone_at_the_end(model, tmp_path):
    words = ["predict", "NaCl", "-n", "3", "--formula-units", "1", "--steps", "400", "--model", model]
    shown, status = terminal([*words, "--out", tmp_path / "out"])
    assert status == 0
    assert "drawing" in shown
    assert "3/3" in shown or "2/3" in shown
    assert shown.rstrip().endswith(f"written to {tmp_path / 'out'}")
    again, status = terminal([*words, "--out", tmp_path / "out"])
    assert status == 0
    assert "drawing" not in again, "nothing is missing, so no bar that stays at 0"
    assert "━" not in terminal([*words, "--out", tmp_path / "new", "--quiet"])[0]


@pytest.mark.parametrize("command", ["predict NaCl --formula-units 1", "generate --species-fixed NaCl"])
def test_ctrl_c_says_that_the_same_command_resumes(command, model, tmp_path):
    if command.startswith("generate"):
        model = "kldm-mp20-dng"
    out = tmp_path / "out"
    words = [
        sys.executable, "-m", "nucleate.cli.main", *command.split(), "-n", "400", "--steps", "4000", "--model", model,
        "--out", str(out),
    ]  # fmt: skip
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while child.poll() is None and not (out / "job.json").exists():
        time.sleep(0.02)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.splitlines()[-1] == (
        f"stopped; finished work is kept in {out}; run the same command to resume"
    )
    assert "Traceback" not in said


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_an_import_in_worker_processes_however_often_it_is_pressed(times, tmp_path):
    source = write_csv(tmp_path / "a.csv", [{"material_id": "m", "cif": cif(random_structure(0))}] * 60_000)
    words = [
        "data",
        "import",
        "--train",
        source,
        "--out",
        tmp_path / "set",
        "--workers",
        2,
        "--log",
        tmp_path / "log",
    ]
    child = subprocess.Popen(
        [sys.executable, "-m", "nucleate.cli.main", *map(str, words)], stderr=subprocess.PIPE, text=True
    )
    while child.poll() is None and not (tmp_path / "log").exists():
        time.sleep(0.02)
    time.sleep(3)
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.splitlines()[-1] == "stopped before the end; run the same command to start again"
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "log"}


def test_a_table_is_never_cut_outside_a_terminal(capsys):
    console.print_table(("name", "file"), [("a" * 90, "b" * 90)])
    assert "a" * 90 in capsys.readouterr().out.splitlines()[1]
