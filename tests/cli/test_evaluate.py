"""nucleate evaluate: results that can't be written are found before the long work."""

import pytest

from nucleate.cli import main as cli


@pytest.mark.parametrize("option", ["--json", "--table"])
@pytest.mark.parametrize("place", ["file/a.csv", "folder.csv"])
def test_a_result_that_cannot_be_written_is_one_line_and_a_hint(tmp_path, monkeypatch, capsys, option, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    words = ["evaluate", "csp", "nowhere", "--reference", "nowhere", option, str(tmp_path / place)]
    monkeypatch.setattr("sys.argv", ["nucleate", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert "can't be written" in lines[0]
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2
