"""nucleate evaluate: results that can't be written are found before the long work."""

import pytest

from tests.cli.words import assert_one_line, run


@pytest.mark.parametrize("option", ["--json", "--table"])
@pytest.mark.parametrize("place", ["file/a.csv", "folder.csv"])
def test_a_result_that_cannot_be_written_is_one_line_and_a_hint(tmp_path, monkeypatch, capsys, option, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    words = ["evaluate", "csp", "nowhere", "--reference", "nowhere", option, str(tmp_path / place)]
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, "can't be written")
