"""nucleate show: what it says of wrong folders, a used port and missing packages; that it starts and ends."""

import builtins
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

pytest.importorskip("uvicorn", reason="the page needs nucleate[show]")

from tests.cli.words import assert_one_line, run
from tests.web.folders import house


@pytest.mark.parametrize("name", ["none", "file", "empty"])
def test_folders_that_show_nothing(tmp_path, monkeypatch, capsys, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    assert run(monkeypatch, "show", tmp_path / name) == 2
    assert_one_line(capsys, name)


def test_a_port_in_use(tmp_path, monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(monkeypatch, "show", house(tmp_path), "--port", port, "--no-browser") == 2
    assert_one_line(capsys, f"port {port} is in use")


def test_packages_that_are_not_installed(tmp_path, monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *args, **more):
        if name == "uvicorn":
            raise ImportError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert run(monkeypatch, "show", house(tmp_path), "--no-browser") == 2
    assert_one_line(capsys, "uvicorn")


def test_it_tells_its_address_answers_and_ends(tmp_path):
    command = [sys.executable, "-m", "nucleate.cli.main", "show", str(house(tmp_path)), "--no-browser"]
    program = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUCLEATE_UNCHECKED": "1"},
    )
    try:
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", address)
        with urllib.request.urlopen(address, timeout=30) as page:
            assert page.status == 200
    finally:
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=30)
    assert program.returncode in (0, 130)
    assert "2 things to see" in said
    assert "Traceback" not in said
